/* debug.c - a pool in debug mode: tasks know where they were created and asked to end, and the log is told of one that keeps
 * its worker for long. EXEC_DEBUG=1 in the environment does the same for every pool of a program. */
#include <executor/executor.h>
#include <stdio.h>
#include <string.h>

static int waits(void *arg, void **value)
{
        (void)arg, (void)value;
        return exec_sleep_until(EXEC_FOREVER);
}

static int computes(void *arg, void **value)
{
        int64_t end = exec_now() + EXEC_MS(50);

        (void)arg, (void)value;
        while (exec_now() < end)
                ;
        return 0;
}

static int program(void *arg, void **value)
{
        exec_future *f[2] = {exec_create_task(waits, NULL), exec_create_task(computes, NULL)};
        int err = exec_await(f[1], NULL);

        (void)arg, (void)value;
        exec_cancel(f[0], NULL);
        exec_await(f[0], NULL);
        printf("created at %s, asked to end at %s\n", exec_task_place(f[0]), exec_cancel_place(f[0]));
        if (!strstr(exec_task_place(f[0]), "debug.c:") || !strstr(exec_cancel_place(f[0]), "debug.c:"))
                err = -EPROTO;
        exec_future_unref_all(f, 2);
        return err;
}

static void to_stdout(int level, const char *message, void *ctx)
{
        (void)level, (void)ctx;
        printf("log: %s\n", message);
}

int main(void)
{
        struct exec_pool_options options;

        exec_set_log(to_stdout, NULL);
        exec_pool_options_init(&options, sizeof options);
        options.flags = EXEC_POOL_DEBUG;
        options.slow_ns = EXEC_MS(20);
        return exec_run_with(&options, program, NULL, NULL) == 0 ? 0 : 1;
}
