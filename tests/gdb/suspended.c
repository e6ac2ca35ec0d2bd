/* A program to be looked at with gdb: tasks in every state, then stand_still(). See run. */
#include <executor/executor.h>

#include <stdio.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline))

static exec_future *promise;
static int n_waiting; /* one worker: no two tasks run at once */

/* The breakpoint. */
NOINLINE static void stand_still(void)
{
        __asm__ volatile("" ::: "memory");
}

NOINLINE static int third_level(int marker)
{
        volatile int local = marker + 1;

        n_waiting++;
        int r = exec_await(promise, NULL);
        return r + local - local;
}

NOINLINE static int second_level(int marker)
{
        int r = third_level(marker * 10);

        __asm__ volatile("" ::: "memory");
        return r;
}

static int deep(void *arg, void **value)
{
        (void)value;
        int r = second_level(*(int *)arg);
        __asm__ volatile("" ::: "memory");
        return r;
}

static int waits_for(void *f, void **value)
{
        n_waiting++;
        return exec_await(f, value);
}

static int sleeps(void *arg, void **value)
{
        (void)arg;
        (void)value;
        n_waiting++;
        return exec_sleep_until(EXEC_FOREVER);
}

static int never_run_yet(void *arg, void **value)
{
        (void)arg;
        (void)value;
        return 0;
}

static exec_future *named(const char *name, exec_task_fn fn, void *arg)
{
        struct exec_task_options options;

        exec_task_options_init(&options, sizeof options);
        options.name = name;
        return exec_create_task_with(fn, arg, &options);
}

static int program(void *arg, void **value)
{
        int marker = 7;

        (void)arg;
        (void)value;
        promise = exec_promise_new(NULL);
        exec_future *f[3];
        f[0] = named("deep-one", deep, &marker);
        f[1] = named("follower", waits_for, f[0]);
        f[2] = named("sleeper", sleeps, NULL);
        while (n_waiting < 3)
                exec_yield();
        exec_future *queued = named("newcomer", never_run_yet, NULL);
        stand_still();
        exec_cancel(f[2], "the end");
        exec_promise_set(promise, NULL);
        for (int i = 0; i < 3; i++) {
                exec_await(f[i], NULL);
                exec_future_unref(f[i]);
        }
        exec_await(queued, NULL);
        exec_future_unref(queued);
        exec_future_unref(promise);
        return 0;
}

int main(void)
{
        struct exec_pool_options options;

        exec_pool_options_init(&options, sizeof options);
        options.n_workers = 1;
        options.name = "looked-at";
        return exec_run_with(&options, program, NULL, NULL) ? EXIT_FAILURE : EXIT_SUCCESS;
}
