/* sleep_test.c - sleeping and giving way: section 12 of docs/CONFORMANCE.md. */
#include "fixture.h"

#include <stdlib.h>

static char forty_two;

static int sleep_then_value(void *arg, void **value)
{
        int rc = exec_sleep((intptr_t)arg);

        *value = &forty_two;
        return rc;
}

static void test_L1_value_after_a_sleep(struct fixture *fx)
{
        int64_t start = exec_now();
        exec_future *f = exec_create_task(sleep_then_value, NS(EXEC_MS(20)));
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &forty_two);
        EXPECT(exec_now() - start >= EXEC_MS(20));
        exec_future_unref(f);
}

static void test_L1_sleep(struct fixture *fx)
{
        int64_t start = exec_now();

        (void)fx;
        EXPECT_EQ(exec_sleep(EXEC_MS(15)), 0);
        EXPECT(exec_now() - start >= EXEC_MS(15));
        start = exec_now();
        EXPECT_EQ(exec_sleep_until(start + EXEC_MS(15)), 0);
        EXPECT(exec_now() - start >= EXEC_MS(15));
        EXPECT_EQ(exec_sleep_until(start), 0);
        EXPECT_EQ(exec_sleep_until(0), 0);
        EXPECT_EQ(exec_sleep_until(INT64_MIN), 0);
}

static void test_L1_sleep_future(struct fixture *fx)
{
        int64_t start = exec_now();
        exec_future *f = exec_sleep_future(EXEC_MS(15)), *until = exec_sleep_future_until(start + EXEC_MS(25));
        void *value = &forty_two;

        (void)fx;
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, NULL);
        EXPECT(exec_now() - start >= EXEC_MS(15));
        EXPECT_EQ(exec_await(until, NULL), 0);
        EXPECT(exec_now() - start >= EXEC_MS(25));
        EXPECT_DONE(until, NULL);
        exec_future_unref(f);
        exec_future_unref(until);
        f = exec_sleep_future_until(start); /* in the past */
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
}

static void test_L1_many_at_once(struct fixture *fx)
{
        enum { MAX = 3000 };
        size_t n_futures = test_scale(MAX), n_tasks = test_live(1000);
        size_t n = n_futures + n_tasks;
        exec_future **f = calloc(n, sizeof(exec_future *));
        int64_t start = exec_now();

        (void)fx;
        for (size_t i = 0; i < n; i++) {
                int64_t ns = EXEC_MS(10) + (int64_t)(i * 2654435761u % EXEC_MS(20));

                f[i] = i < n_futures ? exec_sleep_future(ns) : exec_create_task(task_sleep, NS(ns));
        }
        EXPECT_EQ(exec_gather(f, n, NULL, 0), 0);
        EXPECT(exec_now() - start >= EXEC_MS(29));
        EXPECT_EQ(fixture_stats(fx->pool).n_timers, 0);
        exec_future_unref_all(f, n);
        free(f);
}

/* Those that end earlier come first; with several workers, each with timers of its own, only nobody comes too early. */
static void test_L1_in_the_order_of_their_ends(struct fixture *fx)
{
        enum { N = 5 };
        int64_t start = exec_now();
        exec_future *f[N];
        exec_completion *c;
        void *tag = NULL;

        for (int i = 0; i < N; i++)
                f[i] = exec_sleep_future_until(start + EXEC_MS(20 + 10 * (N - i)));
        c = exec_as_completed(f, N);
        for (int i = 0; i < N; i++) {
                EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, &tag), 1);
                EXPECT(exec_now() >= start + EXEC_MS(20 + 10 * (N - (intptr_t)tag)));
                if (fx->n_workers == 1)
                        EXPECT_PTR(tag, N - 1 - i);
        }
        exec_completion_free(c);
        exec_future_unref_all(f, N);
}

static void test_L2_queued_work_runs_first(struct fixture *fx)
{
        static const int64_t zero[] = {0, -1};
        _Atomic(int) runs = 0;
        exec_future *f[3];

        for (int i = 0; i < 3; i++)
                f[i] = exec_create_task(task_bump, &runs);
        EXPECT_EQ(exec_sleep(zero[0]), 0);
        if (fx->n_workers == 1)
                EXPECT_EQ(atom_load(&runs, ACQUIRE), 3);
        for (int i = 0; i < 3; i++)
                EXPECT_EQ(exec_await(f[i], NULL), 0);
        exec_future_unref_all(f, 3);
}

struct turns {
        _Atomic(int) mine, *other;
        int n, worst;
};

static int take_turns(void *arg, void **value)
{
        struct turns *t = arg;

        *value = NULL;
        for (int i = 0; i < t->n; i++) {
                int lead = atom_add(&t->mine, 1, ACQ_REL) + 1 - atom_load(t->other, ACQUIRE);

                if (lead > t->worst)
                        t->worst = lead;
                if (exec_sleep(0))
                        return -EINVAL;
        }
        return 0;
}

/* Two that give way to each other alternate. */
static void test_L2_yields_exactly_once(struct fixture *fx)
{
        struct turns a = {0, NULL, 100, 0}, b = {0, &a.mine, 100, 0};
        exec_future *f[2];

        (void)fx;
        a.other = &b.mine;
        f[0] = exec_create_task(take_turns, &a);
        f[1] = exec_create_task(take_turns, &b);
        EXPECT_EQ(exec_gather(f, 2, NULL, EXEC_UNREF), 0);
        EXPECT(a.worst <= 2);
        EXPECT(b.worst <= 2);
}

static void test_L3_negative_is_like_zero(struct fixture *fx)
{
        static const int64_t odd[] = {-1, -EXEC_SEC(1000), INT64_MIN};
        int64_t start = exec_now();

        (void)fx;
        for (size_t i = 0; i < N_OF(odd); i++) {
                exec_future *f = exec_sleep_future(odd[i]);

                EXPECT_EQ(exec_sleep(odd[i]), 0);
                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
        }
        EXPECT(exec_now() - start < EXEC_SEC(60));
}

static void test_L5_cancelled_while_sleeping(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_sleep, NS(EXEC_SEC(5000))),
                    *stackless = exec_sleep_future(EXEC_SEC(5000));
        int64_t start = exec_now();

        EXPECT_EQ(exec_sleep(EXEC_MS(30)), 0);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_cancel(stackless, NULL), 1);
        EXPECT_CANCELLED(stackless); /* at once */
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT(exec_now() - start < EXEC_SEC(60));
        EXPECT_EQ(fixture_stats(fx->pool).n_timers, 0);
        exec_future_unref(f);
        exec_future_unref(stackless);
}

static void test_very_long_sleeps(struct fixture *fx)
{
        exec_future *f[5];

        f[0] = exec_create_task(task_sleep, NS(INT64_MAX));
        f[1] = exec_create_task(task_forever, NULL);
        f[2] = exec_sleep_future(INT64_MAX);
        f[3] = exec_sleep_future_until(EXEC_FOREVER);
        f[4] = exec_sleep_future(INT64_MAX - 1); /* its end would overflow */
        fixture_settle(fx->pool);
        for (int i = 0; i < 5; i++)
                EXPECT_PENDING(f[i]);
        for (int i = 0; i < 5; i++)
                EXPECT_EQ(exec_cancel(f[i], NULL), 1);
        for (int i = 0; i < 5; i++)
                EXPECT_EQ(exec_await(f[i], NULL), -ECANCELED);
        exec_future_unref_all(f, 5);
}

static void test_sleep_future_dropped(struct fixture *fx)
{
        (void)fx;
        for (int i = 0; i < 20; i++)
                exec_future_unref(exec_sleep_future(EXEC_MS(i)));
}

/* The earliest timer wakes an idle pool although a later one was armed before. */
static void test_earlier_timer_armed_later(struct fixture *fx)
{
        exec_future *late = exec_sleep_future(EXEC_SEC(1000)), *f;
        int64_t start;

        fixture_settle(fx->pool);
        start = exec_now();
        f = exec_sleep_future(EXEC_MS(10));
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT(exec_now() - start < EXEC_SEC(30));
        exec_cancel(late, NULL);
        exec_future_unref(f);
        exec_future_unref(late);
}

/* A busy pool looks at its timers. */
static int spin_and_look(void *arg, void **value)
{
        int64_t end = exec_now() + EXEC_SEC(60);

        *value = NULL;
        while (!exec_future_done(arg)) {
                if (exec_now() > end)
                        return -ETIMEDOUT;
                exec_yield();
        }
        return 0;
}

static void test_timer_of_a_busy_pool(struct fixture *fx)
{
        exec_future *sleep = exec_sleep_future(EXEC_MS(5)), *f[8];

        for (unsigned i = 0; i < fx->n_workers; i++)
                f[i] = exec_create_task(spin_and_look, sleep);
        EXPECT_EQ(exec_gather(f, fx->n_workers, NULL, EXEC_UNREF), 0);
        exec_future_unref(sleep);
}

/* Many that are due at once are told one after the other: a sleep between two batches of them takes longer than they. */
static void test_dense_timers_keep_a_worker_awake(struct fixture *fx)
{
        enum { N = 50000, MAX_PARKS = 64 };
        exec_future **f = calloc(N, sizeof(*f));
        int64_t end = exec_now() + EXEC_MS(100);
        uint64_t n_parks;

        EXPECT(f != NULL);
        if (!f)
                return;
        for (int i = 0; i < N; i++)
                f[i] = exec_sleep_future_until(end);
        n_parks = fixture_stats(fx->pool).n_parks;
        EXPECT_EQ(exec_gather(f, N, NULL, EXEC_UNREF), 0);
        n_parks = fixture_stats(fx->pool).n_parks - n_parks;
        EXPECT(n_parks <= MAX_PARKS);
        free(f);
}

static const struct fixture_case cases[] = {
        CASE(test_L1_value_after_a_sleep),
        CASE(test_L1_sleep),
        CASE(test_L1_sleep_future),
        CASE(test_L1_many_at_once),
        CASE(test_L1_in_the_order_of_their_ends),
        CASE_TASK(test_L2_queued_work_runs_first),
        CASE_ONE(test_L2_yields_exactly_once),
        CASE(test_L3_negative_is_like_zero),
        CASE(test_L5_cancelled_while_sleeping),
        CASE(test_very_long_sleeps),
        CASE(test_sleep_future_dropped),
        CASE(test_earlier_timer_armed_later),
        CASE(test_timer_of_a_busy_pool),
        CASE(test_dense_timers_keep_a_worker_awake),
};

FIXTURE_MAIN("sleep", cases)
