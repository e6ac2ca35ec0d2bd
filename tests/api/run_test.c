/* run_test.c - exec_run() as asyncio.run(): R1 to R15 of docs/CONFORMANCE.md; SIGINT with real signals. */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer ends the child of a fork() that starts threads; AddressSanitizer's allocator may be locked in it. */
#define CHILD_IS_WHOLE (!TEST_TSAN && !TEST_ASAN)

static int forty_two = 42;

static struct exec_pool_options options_of(unsigned n_workers, unsigned flags)
{
        struct exec_pool_options o;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = n_workers;
        o.flags = flags;
        return o;
}

/* ---- R1 to R5: without signals ---- */

static int sleep_then_value(void *arg, void **value)
{
        *value = arg;
        return exec_sleep(EXEC_US(200));
}

static int message_then_fail(void *arg, void **value)
{
        (void)arg, (void)value;
        return exec_fail(-EIO, "no more");
}

static void test_R1_value_or_error(struct fixture *fx)
{
        struct exec_pool_options o = options_of(fx->n_workers, 0);
        void *value = NULL;

        EXPECT_EQ(exec_run_with(&o, sleep_then_value, &forty_two, &value), 0);
        EXPECT_PTR(value, &forty_two);
        EXPECT_EQ(exec_run_with(&o, sleep_then_value, &forty_two, NULL), 0);
        value = NULL;
        EXPECT_EQ(exec_run_with(&o, message_then_fail, NULL, &value), -EIO);
        EXPECT(!value);
        EXPECT_EQ(exec_run_with(&o, NULL, NULL, &value), -EINVAL);
}

/* asyncio refuses a run inside a task; here the task is suspended meanwhile. */
static int run_deeper(void *arg, void **value)
{
        struct exec_pool_options o = options_of(1, 0);
        intptr_t depth = (intptr_t)arg;

        if (!depth) {
                *value = &forty_two;
                return 0;
        }
        return exec_run_with(&o, run_deeper, VAL(depth - 1), value);
}

static void test_R2_inside_a_task(struct fixture *fx)
{
        exec_future *f = exec_create_task(run_deeper, VAL(3)), *other = exec_create_task(task_value, &forty_two);
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_await(other, NULL), 0);
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &forty_two);
        exec_future_unref(f);
        exec_future_unref(other);
}

struct left {
        _Atomic(int) begun, cleaned;
        int err; /* what the clean-up returns */
};

static int left_behind(void *arg, void **value)
{
        struct left *l = arg;
        int rc;

        (void)value;
        atom_add(&l->begun, 1, ACQ_REL);
        rc = exec_sleep_until(EXEC_FOREVER);
        exec_sleep(EXEC_MS(1)); /* a request is delivered once: the clean-up may wait */
        atom_add(&l->cleaned, 1, ACQ_REL);
        return l->err ? l->err : rc;
}

static int main_leaves(void *arg, void **value)
{
        struct left *l = arg;

        for (int i = 0; i < 3; i++)
                exec_future_unref(exec_create_task(left_behind, l));
        fixture_wait(&l->begun, 3);
        *value = &forty_two;
        return 0;
}

static void test_R3_what_main_left_is_cancelled_and_awaited(struct fixture *fx)
{
        struct exec_pool_options o = options_of(fx->n_workers, 0);
        struct left l = {0, 0, 0};
        void *value = NULL;

        EXPECT_EQ(exec_run_with(&o, main_leaves, &l, &value), 0);
        EXPECT_PTR(value, &forty_two);
        EXPECT_EQ(atom_load(&l.cleaned, ACQUIRE), 3);
}

static int main_leaves_and_fails(void *arg, void **value)
{
        main_leaves(arg, value);
        return -EIO;
}

static _Atomic(int) n_unhandled;

static void count_unhandled(exec_future *f, const struct exec_outcome *outcome, void *ctx)
{
        (void)f, (void)ctx;
        EXPECT_EQ(outcome->err, -EPROTO);
        atom_add(&n_unhandled, 1, ACQ_REL);
}

static void test_R5_main_fails_and_what_it_left_too(struct fixture *fx)
{
        struct exec_pool_options o = options_of(fx->n_workers, 0);
        struct left l = {0, 0, -EPROTO};

        atom_store(&n_unhandled, 0, RELEASE);
        exec_set_unhandled(count_unhandled, NULL);
        EXPECT_EQ(exec_run_with(&o, main_leaves_and_fails, &l, NULL), -EIO);
        EXPECT_EQ(atom_load(&l.cleaned, ACQUIRE), 3);
        EXPECT_EQ(atom_load(&n_unhandled, ACQUIRE), 3);
        exec_set_unhandled(NULL, NULL);
}

/* What the thread has set is there in every run; what a main task sets is gone with it. */
static int look_and_set(void *arg, void **value)
{
        *value = exec_local_get(arg);
        return exec_local_set(arg, VAL(7));
}

static void test_R6_locals_from_run_to_run(struct fixture *fx)
{
        struct exec_pool_options o = options_of(fx->n_workers, 0);
        exec_local *key = NULL;
        void *value = NULL;

        EXPECT_EQ(exec_local_new(&key, NULL), 0);
        EXPECT_EQ(exec_local_set(key, VAL(5)), 0);
        for (int i = 0; i < 2; i++) {
                EXPECT_EQ(exec_run_with(&o, look_and_set, key, &value), 0);
                EXPECT_PTR(value, VAL(5));
        }
        EXPECT_PTR(exec_local_get(key), VAL(5));
        EXPECT_EQ(exec_local_set(key, NULL), 0);
        exec_local_free(key);
}

/* ---- SIGINT ---- */

static bool is_default(void)
{
        struct sigaction now;

        return !sigaction(SIGINT, NULL, &now) && now.sa_handler == SIG_DFL;
}

/* A plain thread that sends the signal as soon as main has begun. */
struct sender {
        _Atomic(int) begun;
        pthread_t thread;
};

static void *send_sigint(void *arg)
{
        struct sender *s = arg;
        sigset_t set;

        sigemptyset(&set); /* a thread that a task starts has a worker's mask */
        sigaddset(&set, SIGINT);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        fixture_wait(&s->begun, 1);
        raise(SIGINT); /* ThreadSanitizer runs the handler at once only in the thread that sends it */
        return NULL;
}

static int run_with_sigint(unsigned n_workers, exec_task_fn fn, struct sender *s, void **value)
{
        struct exec_pool_options o = options_of(n_workers, EXEC_POOL_SIGINT);
        int rc;

        EXPECT(is_default());
        EXPECT_EQ(pthread_create(&s->thread, NULL, send_sigint, s), 0);
        rc = exec_run_with(&o, fn, s, value);
        pthread_join(s->thread, NULL);
        EXPECT(is_default());
        return rc;
}

static int begin(void *arg)
{
        struct sender *s = arg;

        atom_store(&s->begun, 1, RELEASE);
        return 0;
}

static int main_yields(void *arg, void **value)
{
        int rc = begin(arg);

        (void)value;
        while (!rc)
                rc = exec_yield();
        EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        EXPECT(!strcmp(exec_cancel_reason(exec_current_task()), "SIGINT"));
        return rc;
}

static void test_R9_main_yields(struct fixture *fx)
{
        struct sender s = {0, 0};

        EXPECT_EQ(run_with_sigint(fx->n_workers, main_yields, &s, NULL), -EINTR);
}

static int main_waits(void *arg, void **value)
{
        exec_future *f = exec_promise_new(NULL);
        int rc;

        begin(arg);
        rc = exec_await(f, value);
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
        return rc;
}

static void test_R9_main_waits(struct fixture *fx)
{
        struct sender s = {0, 0};

        EXPECT_EQ(run_with_sigint(fx->n_workers, main_waits, &s, NULL), -EINTR);
}

/* Every worker computes, so no handler that wants a worker's turn would do. */
static int compute(void *arg, void **value)
{
        (void)arg, (void)value;
        while (!exec_cancel_requested())
                ;
        return -ECANCELED;
}

static int main_computes(void *arg, void **value)
{
        begin(arg);
        return compute(NULL, value);
}

static void test_R9_main_computes(struct fixture *fx)
{
        struct sender s = {0, 0};

        EXPECT_EQ(run_with_sigint(fx->n_workers, main_computes, &s, NULL), -EINTR);
}

/* What main left behind is cancelled after it, and main's children by main's own wait. */
static int main_with_children(void *arg, void **value)
{
        exec_future *f[5];
        int rc;

        (void)value;
        for (int i = 0; i < 5; i++)
                f[i] = exec_create_task(task_forever, NULL);
        begin(arg);
        rc = exec_gather(f, 5, NULL, 0);
        for (int i = 0; i < 5; i++)
                EXPECT_CANCELLED(f[i]);
        exec_future_unref_all(f, 5);
        return rc;
}

static void test_R9_main_gathers(struct fixture *fx)
{
        struct sender s = {0, 0};

        EXPECT_EQ(run_with_sigint(fx->n_workers, main_with_children, &s, NULL), -EINTR);
}

static int main_swallows(void *arg, void **value)
{
        begin(arg);
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        EXPECT_EQ(exec_sleep(EXEC_MS(1)), 0);
        EXPECT(is_default()); /* one signal is caught, and no more */
        *value = &forty_two;
        return 0;
}

static void test_R9_main_swallows_it(struct fixture *fx)
{
        struct sender s = {0, 0};
        void *value = NULL;

        EXPECT_EQ(run_with_sigint(fx->n_workers, main_swallows, &s, &value), 0);
        EXPECT_PTR(value, &forty_two);
}

static int main_cleans_up(void *arg, void **value)
{
        (void)value;
        begin(arg);
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        return -EIO;
}

static void test_R9_the_clean_up_fails(struct fixture *fx)
{
        struct sender s = {0, 0};

        EXPECT_EQ(run_with_sigint(fx->n_workers, main_cleans_up, &s, NULL), -EIO);
}

static void test_R9_again_and_again(struct fixture *fx)
{
        for (size_t i = 0; i < test_rounds(20); i++) {
                struct sender s = {0, 0};

                EXPECT_EQ(run_with_sigint(fx->n_workers, i % 2 ? main_waits : main_computes, &s, NULL), -EINTR);
        }
}

static int run_in_a_task(void *arg, void **value)
{
        struct exec_pool_options o = options_of(1, EXEC_POOL_SIGINT);

        return exec_run_with(&o, main_waits, arg, value);
}

static void test_R9_run_inside_a_task(struct fixture *fx)
{
        struct sender s = {0, 0};
        exec_future *f = exec_create_task(run_in_a_task, &s);

        (void)fx;
        EXPECT_EQ(pthread_create(&s.thread, NULL, send_sigint, &s), 0);
        EXPECT_EQ(exec_await(f, NULL), -EINTR);
        pthread_join(s.thread, NULL);
        EXPECT(is_default());
        exec_future_unref(f);
}

static int sleep_a_little(void *arg, void **value)
{
        (void)arg, (void)value;
        return exec_sleep(EXEC_US(100));
}

static void test_R9_no_signal(struct fixture *fx)
{
        struct exec_pool_options o = options_of(fx->n_workers, EXEC_POOL_SIGINT);

        for (int i = 0; i < 10; i++) {
                EXPECT_EQ(exec_run_with(&o, sleep_a_little, NULL, NULL), 0);
                EXPECT(is_default());
        }
        EXPECT_EQ(exec_run_with(&o, message_then_fail, NULL, NULL), -EIO);
        EXPECT_EQ(exec_run_with(&o, NULL, NULL, NULL), -EINVAL);
        EXPECT(is_default());
}

static void test_R9_flag_of_a_pool(struct fixture *fx)
{
        struct exec_pool_options o = options_of(1, EXEC_POOL_SIGINT);
        exec_pool *pool = NULL;

        (void)fx;
        EXPECT_EQ(exec_pool_new(&pool, &o), -EINVAL);
        EXPECT(!pool);
}

/* ---- children that a signal may end ---- */

#if CHILD_IS_WHOLE
/* What @fn(@arg) returns as an exit status, or minus the signal that ended it. */
static int in_child(int (*fn)(void *arg), void *arg)
{
        int status = 0;
        pid_t pid = fork();

        EXPECT(pid >= 0);
        if (!pid) {
                struct rlimit none = {0, 0};

                setrlimit(RLIMIT_CORE, &none);
                alarm(60);
                _exit(fn(arg));
        }
        EXPECT_EQ(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int main_resists(void *arg, void **value)
{
        begin(arg);
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        kill(getpid(), SIGINT); /* while it cleans up */
        exec_sleep_until(EXEC_FOREVER);
        *value = arg;
        return 0;
}

static int second_signal(void *arg)
{
        struct sender s = {0, 0};

        run_with_sigint((unsigned)(uintptr_t)arg, main_resists, &s, NULL);
        return 99;
}

static void test_R10_second_signal(struct fixture *fx)
{
        (void)fx;
        for (unsigned n = 1; n <= 8; n *= 2)
                EXPECT_EQ(in_child(second_signal, VAL(n)), -SIGINT);
}

struct late {
        struct sender sender;
        int64_t after_ns; /* main ends so long after it has begun */
};

static int main_ends(void *arg, void **value)
{
        struct late *l = arg;

        (void)value;
        begin(&l->sender);
        fixture_spin(l->after_ns);
        return 0;
}

enum { SAID_EINTR = 10, SAID_OTHER = 11 };

static int signal_at_the_end(void *arg)
{
        struct late l = {{0, 0}, (intptr_t)arg};

        int rc = run_with_sigint(1, main_ends, &l.sender, NULL);

        return rc == -EINTR ? SAID_EINTR : SAID_OTHER - rc;
}

/* It cancels main, or ends the process as if it had come after: it is never lost. */
static void test_R9_signal_races_the_end(struct fixture *fx)
{
        int n_eintr = 0, n_killed = 0;

        (void)fx;
        for (size_t i = 0; i < test_rounds(100); i++) {
                int end = in_child(signal_at_the_end, NS(EXEC_US(4) * (int64_t)(i % 50)));

                if (!EXPECT(end == SAID_EINTR || end == -SIGINT))
                        printf("run: SIGINT at the end: %d\n", end);
                n_eintr += end == SAID_EINTR;
                n_killed += end == -SIGINT;
        }
        printf("run: SIGINT at the end: %d before it, %d after it\n", n_eintr, n_killed);
}

static int fork_in_main(void *arg, void **value)
{
        int status = 0;
        pid_t pid = fork();

        (void)arg, (void)value;
        if (!pid) {
                alarm(60);
                kill(getpid(), SIGINT); /* the parent's handler is not the child's */
                _exit(99);
        }
        EXPECT_EQ(waitpid(pid, &status, 0), pid);
        EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
        return 0;
}

/* On a thread of the program's own: a worker has the signal blocked, and its child too. */
static void *fork_on_a_thread(void *arg)
{
        fixture_wait(arg, 1);
        fork_in_main(NULL, NULL);
        atom_store((_Atomic(int) *)arg, 2, RELEASE);
        return NULL;
}

static int main_lets_fork(void *arg, void **value)
{
        (void)value;
        atom_store((_Atomic(int) *)arg, 1, RELEASE);
        fixture_wait(arg, 2);
        return 0;
}

static void test_R9_not_in_the_child_of_a_fork(struct fixture *fx)
{
        struct exec_pool_options o = options_of(2, EXEC_POOL_SIGINT);
        _Atomic(int) step = 0;
        pthread_t thread;

        (void)fx;
        EXPECT_EQ(pthread_create(&thread, NULL, fork_on_a_thread, (void *)&step), 0);
        EXPECT_EQ(exec_run_with(&o, main_lets_fork, (void *)&step, NULL), 0);
        pthread_join(thread, NULL);
}
#endif

/* ---- R11, R13 ---- */

static int cancel_me(void *arg, void **value)
{
        (void)value;
        return exec_cancel(arg, "by a task") == 1 ? 0 : -EINVAL;
}

static int main_cancelled_before(void *arg, void **value)
{
        exec_future *f = exec_create_task(cancel_me, exec_current_task());
        int rc = exec_sleep_until(EXEC_FOREVER);

        (void)value;
        EXPECT_EQ(rc, -ECANCELED);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        begin(arg);
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED); /* the signal */
        return rc;
}

static void test_R11_cancelled_before(struct fixture *fx)
{
        struct sender s = {0, 0};

        EXPECT_EQ(run_with_sigint(fx->n_workers, main_cancelled_before, &s, NULL), -ECANCELED);
}

static _Atomic(int) n_own;

static void own_handler(int number)
{
        (void)number;
        atom_add(&n_own, 1, RELAXED);
}

static int main_raises_elsewhere(void *arg, void **value)
{
        struct sender *s = arg;

        begin(s);
        for (int i = 0; i < 20 && !atom_load(&n_own, ACQUIRE); i++)
                if (exec_sleep(EXEC_MS(5)))
                        return -ECANCELED;
        *value = &forty_two;
        return 0;
}

static void test_R13_a_handler_of_its_own(struct fixture *fx)
{
        struct exec_pool_options o = options_of(fx->n_workers, EXEC_POOL_SIGINT);
        void (*const handlers[])(int) = {own_handler, SIG_IGN};

        for (size_t i = 0; i < N_OF(handlers); i++) {
                struct sigaction mine = {.sa_handler = handlers[i]}, old, now;
                struct sender s = {0, 0};
                void *value = NULL;

                atom_store(&n_own, 0, RELEASE);
                EXPECT_EQ(sigaction(SIGINT, &mine, &old), 0);
                EXPECT_EQ(pthread_create(&s.thread, NULL, send_sigint, &s), 0);
                EXPECT_EQ(exec_run_with(&o, main_raises_elsewhere, &s, &value), 0);
                EXPECT_PTR(value, &forty_two);
                pthread_join(s.thread, NULL);
                EXPECT_EQ(atom_load(&n_own, ACQUIRE), i == 0);
                EXPECT_EQ(sigaction(SIGINT, &old, &now), 0);
                EXPECT(now.sa_handler == handlers[i]);
        }
}

static int main_runs_another(void *arg, void **value)
{
        struct exec_pool_options o = options_of(1, EXEC_POOL_SIGINT);
        struct sigaction before, after;

        EXPECT(!sigaction(SIGINT, NULL, &before));
        EXPECT_EQ(exec_run_with(&o, sleep_a_little, NULL, NULL), 0); /* without: the signal is this main's */
        EXPECT(!sigaction(SIGINT, NULL, &after));
        EXPECT(before.sa_handler == after.sa_handler && after.sa_handler != SIG_DFL);
        return main_waits(arg, value);
}

static void test_R13_one_at_a_time(struct fixture *fx)
{
        struct sender s = {0, 0};

        EXPECT_EQ(run_with_sigint(fx->n_workers, main_runs_another, &s, NULL), -EINTR);
}

/* What a handler of the program's leaves behind that was for one signal. */
static void own_action(int number, siginfo_t *info, void *context)
{
        (void)info, (void)context;
        own_handler(number);
}

static void test_R13_a_handler_that_is_gone(struct fixture *fx)
{
        struct sigaction once = {.sa_sigaction = own_action, .sa_flags = SA_SIGINFO | SA_RESETHAND};
        struct sender s = {0, 0};

        EXPECT_EQ(sigaction(SIGINT, &once, NULL), 0);
        EXPECT_EQ(raise(SIGINT), 0);
        EXPECT_EQ(run_with_sigint(fx->n_workers, main_waits, &s, NULL), -EINTR);
}

/* The program's own handler, put there meanwhile, stays. */
static int main_sets_a_handler(void *arg, void **value)
{
        struct sigaction mine = {.sa_handler = own_handler};

        (void)arg, (void)value;
        return sigaction(SIGINT, &mine, NULL);
}

static void test_R13_a_handler_set_meanwhile_stays(struct fixture *fx)
{
        struct exec_pool_options o = options_of(fx->n_workers, EXEC_POOL_SIGINT);
        struct sigaction def = {.sa_handler = SIG_DFL}, now;

        EXPECT_EQ(exec_run_with(&o, main_sets_a_handler, NULL, NULL), 0);
        EXPECT_EQ(sigaction(SIGINT, &def, &now), 0);
        EXPECT(now.sa_handler == own_handler);
}

/* ---- R15 ---- */

static int look_at_pool(void *arg, void **value)
{
        unsigned n = exec_pool_n_workers(exec_pool_current());

        (void)arg;
        *value = VAL(n);
        return 0;
}

static void test_R15_options(struct fixture *fx)
{
        struct exec_pool_options o = options_of(3, 0);
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_run_with(&o, look_at_pool, NULL, &value), 0);
        EXPECT_PTR(value, VAL(3));
        o.flags = EXEC_POOL_SIGINT;
        EXPECT_EQ(exec_run_with(&o, look_at_pool, NULL, &value), 0);
        EXPECT_PTR(value, VAL(3));
        EXPECT_EQ(o.flags, EXEC_POOL_SIGINT);
        o.flags |= 1u << 30;
        EXPECT_EQ(exec_run_with(&o, look_at_pool, NULL, &value), -EINVAL);
        o.size = 1;
        EXPECT_EQ(exec_run_with(&o, look_at_pool, NULL, &value), -EINVAL);
}

static const struct fixture_case cases[] = {
        CASE_THREAD(test_R1_value_or_error),
        CASE(test_R2_inside_a_task),
        CASE_THREAD(test_R3_what_main_left_is_cancelled_and_awaited),
        CASE_THREAD(test_R5_main_fails_and_what_it_left_too),
        CASE_THREAD(test_R6_locals_from_run_to_run),
        CASE_THREAD(test_R9_main_yields),
        CASE_THREAD(test_R9_main_waits),
        CASE_THREAD(test_R9_main_computes),
        CASE_THREAD(test_R9_main_gathers),
        CASE_THREAD(test_R9_main_swallows_it),
        CASE_THREAD(test_R9_the_clean_up_fails),
        CASE_THREAD(test_R9_again_and_again),
        CASE(test_R9_run_inside_a_task),
        CASE_THREAD(test_R9_no_signal),
        CASE_BARE(test_R9_flag_of_a_pool),
#if CHILD_IS_WHOLE
        CASE_BARE(test_R9_signal_races_the_end),
        CASE_BARE(test_R9_not_in_the_child_of_a_fork),
        CASE_BARE(test_R10_second_signal),
#endif
        CASE_THREAD(test_R11_cancelled_before),
        CASE_THREAD(test_R13_a_handler_of_its_own),
        CASE_THREAD(test_R13_one_at_a_time),
        CASE_THREAD(test_R13_a_handler_that_is_gone),
        CASE_THREAD(test_R13_a_handler_set_meanwhile_stays),
        CASE_BARE(test_R15_options),
};

FIXTURE_MAIN("run", cases)
