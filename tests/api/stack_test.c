/* stack_test.c - the stacks of tasks: how much of them was used, and what happens to one that uses too much. */
#include "fixture.h"

#include <alloca.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB ((size_t)1 << 10)

static exec_pool *pool_of(unsigned n_workers, unsigned flags)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = n_workers;
        o.flags = flags;
        if (exec_pool_new(&pool, &o) == -ENOTSUP)
                return NULL;
        EXPECT(pool != NULL);
        return pool;
}

/* ---- how much was used ---- */

/* Uses (size_t)@arg bytes of stack at least, and not much more. */
static int use_stack(void *arg, void **value)
{
        size_t bytes = (size_t)arg;
        char *room = alloca(bytes);

        memset(room, 1, bytes);
        *value = VAL(((volatile char *)room)[bytes / 2]);
        return 0;
}

static _Atomic(int) n_waiting;

static int use_stack_and_wait(void *arg, void **value)
{
        use_stack(arg, value);
        atom_add(&n_waiting, 1, ACQ_REL);
        return exec_sleep_until(EXEC_FOREVER);
}

static exec_future *create(exec_pool *pool, exec_task_fn fn, size_t bytes, size_t stack_bytes, const char *name)
{
        struct exec_task_options o;

        exec_task_options_init(&o, sizeof o);
        o.pool = pool;
        o.stack_bytes = stack_bytes;
        o.name = name;
        return exec_create_task_with(fn, VAL(bytes), &o);
}

static void run_one(exec_pool *pool, exec_task_fn fn, size_t bytes, size_t stack_bytes)
{
        exec_future *f = create(pool, fn, bytes, stack_bytes, NULL);

        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
}

static size_t peak(exec_pool *pool)
{
        size_t bytes = fixture_stats(pool).stack_peak_bytes;

        EXPECT_EQ(bytes % (size_t)sysconf(_SC_PAGESIZE), 0);
        return bytes;
}

/* Of tasks that have ended. Stacks that are never used again are looked at when they are given back, soon after. */
static void expect_peak(exec_pool *pool, size_t least, size_t most)
{
        int64_t end = exec_now() + EXEC_SEC(20);

        while (test_is_precise() && peak(pool) < least && exec_now() < end)
                exec_sleep(EXEC_MS(1));
        EXPECT(peak(pool) >= least);
        EXPECT(peak(pool) <= most);
}

/* Of tasks that did nothing. */
static const size_t SMALL_BYTES = (TEST_ASAN || TEST_TSAN ? 32 : 16) * KIB;

static void test_a_deep_task_shows(struct fixture *fx)
{
        (void)fx;
        for (unsigned n = 1; n <= 4; n *= 2) {
                exec_pool *pool = pool_of(n, 0);

                for (int i = 0; i < 50; i++)
                        run_one(pool, task_value, 0, 0);
                expect_peak(pool, KIB, SMALL_BYTES);
                run_one(pool, use_stack, 40 * KIB, 0);
                expect_peak(pool, 40 * KIB, 64 * KIB);
                EXPECT_EQ(exec_pool_free(pool), 0);
        }
}

static void test_a_deep_task_shows_on_every_rung(struct fixture *fx)
{
        static const unsigned guards[] = {EXEC_POOL_GUARD_MADVISE, EXEC_POOL_GUARD_MPROTECT, EXEC_POOL_GUARD_CANARY};

        (void)fx;
        for (size_t i = 0; i < N_OF(guards); i++) {
                exec_pool *pool = pool_of(2, guards[i]);

                if (!pool)
                        continue;
                run_one(pool, task_value, 0, 0);
                expect_peak(pool, KIB, SMALL_BYTES);
                run_one(pool, use_stack, 40 * KIB, 0);
                expect_peak(pool, 40 * KIB, 64 * KIB);
                EXPECT_EQ(exec_pool_free(pool), 0);
        }
}

static void test_a_suspended_task_shows(struct fixture *fx)
{
        exec_pool *pool = pool_of(2, 0);
        exec_future *f;

        (void)fx;
        atom_store(&n_waiting, 0, RELEASE);
        f = create_in(pool, use_stack_and_wait, VAL(40 * KIB));
        fixture_wait(&n_waiting, 1);
        EXPECT(test_is_precise() || peak(pool) >= 40 * KIB);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        expect_peak(pool, 40 * KIB, 64 * KIB);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_a_stack_of_its_own_shows(struct fixture *fx)
{
        exec_pool *pool = pool_of(2, 0);

        (void)fx;
        run_one(pool, use_stack, 600 * KIB, 700 * KIB);
        expect_peak(pool, 600 * KIB, 1024 * KIB);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static uint64_t n_stacks(exec_pool *pool)
{
        return fixture_stats(pool).n_stacks;
}

/* The stacks are given back after a burst; what they told is kept. (A region of many goes as a whole, so one that a worker
 * happens to use may keep all of them, without their memory: no count tells that they were given back.) */
static void test_it_outlasts_the_burst(struct fixture *fx)
{
        exec_pool *pool = pool_of(2, 0);
        exec_future *f[400];
        size_t n = test_live(N_OF(f));
        int64_t end;

        (void)fx;
        atom_store(&n_waiting, 0, RELEASE);
        for (size_t i = 0; i < n; i++)
                f[i] = create_in(pool, use_stack_and_wait, VAL(i == 77 ? 40 * KIB : KIB));
        fixture_wait(&n_waiting, (int)n);
        EXPECT(n_stacks(pool) >= n);
        for (size_t i = 0; i < n; i++)
                exec_cancel(f[i], NULL);
        exec_gather(f, n, NULL, EXEC_UNREF);
        end = exec_now() + EXEC_SEC(2);
        while (n_stacks(pool) >= n && exec_now() < end)
                exec_sleep(EXEC_MS(50));
        expect_peak(pool, 40 * KIB, 64 * KIB);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

/* ---- too much ---- */

struct hungry {
        unsigned flags;     /* of the pool */
        size_t stack_bytes; /* of the task */
        size_t bytes;       /* what it uses; ends within the guard */
};

static int use_stack_and_yield(void *arg, void **value)
{
        use_stack(arg, value);
        return exec_yield();
}

static void overrun(const struct hungry *h)
{
        exec_pool *pool = pool_of(2, h->flags);
        exec_future *f;

        if (!pool)
                _exit(0);
        f = create(pool, use_stack_and_yield, h->bytes, h->stack_bytes, "hungry");
        exec_await(f, NULL);
        _exit(1);
}

/* In a process of its own, where a sanitizer does not get the signal. Returns the signal, or minus the exit status. */
static int signal_of_overrun(const struct hungry *h, char *text, size_t size)
{
        struct rlimit none = {0, 0};
        int ends[2], status = 0;
        size_t used = 0;
        ssize_t n;

        if (pipe(ends))
                return -2;
        pid_t pid = fork();
        if (pid == 0) {
                setrlimit(RLIMIT_CORE, &none);
                signal(SIGSEGV, SIG_DFL);
                signal(SIGABRT, SIG_DFL);
                dup2(ends[1], STDERR_FILENO);
                alarm(30);
                overrun(h);
        }
        close(ends[1]);
        while (used + 1 < size && (n = read(ends[0], text + used, size - 1 - used)) > 0)
                used += (size_t)n;
        text[used] = '\0';
        close(ends[0]);
        EXPECT_EQ(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

/* On the pool's stacks of 64 KiB, which have room for children below it, and on one of its own. */
static void expect_end(unsigned flags, int signal, const char *message)
{
        const struct hungry hungry[] = {{flags, 0, 300 * KIB}, {flags, 500 * KIB, 540 * KIB}};
        const char *everywhere = getenv("EXEC_TEST_POOL_FLAGS");

        if (everywhere && strstr(everywhere, "guard-canary")) /* of two rungs asked for it is the one */
                signal = SIGABRT;
        for (size_t i = 0; i < N_OF(hungry); i++) {
                char text[2048];
                if (test_is_precise())
                        continue; /* where every byte has an owner, the overrun itself is reported as a race */
                int end = signal_of_overrun(&hungry[i], text, sizeof text);

                if (end == 0 && flags == EXEC_POOL_GUARD_MADVISE)
                        continue; /* the kernel lacks it */
                if (!EXPECT_EQ(end, signal) || !EXPECT(strstr(text, message) != NULL))
                        fprintf(stderr, "%s\n", text);
        }
}

static void test_an_overrun_of_guarded_stacks_names_the_task(struct fixture *fx)
{
        (void)fx;
        expect_end(0, SIGSEGV, "stack overflow in task hungry");
        expect_end(EXEC_POOL_GUARD_MADVISE, SIGSEGV, "stack overflow in task hungry");
        expect_end(EXEC_POOL_GUARD_MPROTECT, SIGSEGV, "stack overflow in task hungry");
}

static void test_an_overrun_without_the_handler_says_nothing(struct fixture *fx)
{
        (void)fx;
        expect_end(EXEC_POOL_GUARD_MPROTECT | EXEC_POOL_NO_OVERFLOW_HANDLER, SIGSEGV, "");
}

static void test_an_overrun_of_a_canary_ends_the_program(struct fixture *fx)
{
        (void)fx;
        expect_end(EXEC_POOL_GUARD_CANARY, SIGABRT, "stack overflow in task hungry");
}

static int yield_in_a_frame(void *arg, void **value)
{
        char frame[256];

        (void)arg, (void)value;
        memset(frame, 1, sizeof frame);
        return exec_yield() + frame[exec_pool_worker() % 2] - 1;
}

static size_t virtual_bytes(void)
{
        unsigned long pages = 0;
        FILE *f = fopen("/proc/self/statm", "r");

        EXPECT(f && fscanf(f, "%lu", &pages) == 1);
        if (f)
                fclose(f);
        return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void make_and_free_stacks(int rounds)
{
        for (int i = 0; i < rounds; i++) {
                exec_pool *pool;
                exec_future *f;

                if (!EXPECT_EQ(exec_pool_new(&pool, NULL), 0))
                        return;
                f = create_in(pool, yield_in_a_frame, NULL);
                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
                EXPECT_EQ(exec_pool_free(pool), 0);
        }
}

/* Nor does anything that AddressSanitizer keeps beside each stack stay behind. */
static void test_freed_stacks_are_gone(struct fixture *fx)
{
        const int rounds = TEST_ASAN ? 200 : 20;
        size_t before;

        (void)fx;
        make_and_free_stacks(20);
        before = virtual_bytes();
        make_and_free_stacks(rounds);
        EXPECT(virtual_bytes() < before + ((size_t)100 << 20)); /* its fake stacks are of 700 KiB and more */
}

static const struct fixture_case cases[] = {
        CASE_BARE(test_a_deep_task_shows),
        CASE_BARE(test_a_deep_task_shows_on_every_rung),
        CASE_BARE(test_a_suspended_task_shows),
        CASE_BARE(test_a_stack_of_its_own_shows),
        CASE_BARE(test_it_outlasts_the_burst),
        CASE_BARE(test_freed_stacks_are_gone),
        CASE_BARE(test_an_overrun_of_guarded_stacks_names_the_task),
        CASE_BARE(test_an_overrun_without_the_handler_says_nothing),
        CASE_BARE(test_an_overrun_of_a_canary_ends_the_program),
};

FIXTURE_MAIN("stack", cases)
