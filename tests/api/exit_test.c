/* exit_test.c - EXEC_POOL_DRAIN_AT_EXIT: exit() lets a pool's tasks end first: U18, U19 of docs/CONFORMANCE.md. Each case is a
 * process of its own, which must end with 0; a handler that runs after the library's looks at what was done. */
#include "fixture.h"

#include <stdlib.h>
#include <unistd.h>

enum { N = 50 };

static _Atomic(int) n_done;
static int n_expected;
static exec_pool *pools[2]; /* of static storage, so that nothing of them counts as leaked */

static void expect_all_done(void)
{
        if (atom_load(&n_done, ACQUIRE) != n_expected)
                _exit(3);
}

/* Exit handlers run in the order opposite to that of their registration. */
static void expect_at_exit(int n)
{
        n_expected = n;
        EXPECT_EQ(atexit(expect_all_done), 0);
}

static exec_pool *pool_of(unsigned n_workers, unsigned flags)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = n_workers;
        o.flags = flags;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        return pool;
}

static int sleep_then_count(void *arg, void **value)
{
        int rc = exec_sleep(EXEC_MS(20));

        (void)arg, (void)value;
        atom_add(&n_done, 1, ACQ_REL);
        return rc;
}

static void leave_tasks(exec_pool *pool)
{
        for (int i = 0; i < N; i++)
                exec_future_unref(create_in(pool, sleep_then_count, NULL));
}

static void test_U18_exit_waits(struct fixture *fx)
{
        (void)fx;
        expect_at_exit(N);
        leave_tasks(pools[0] = pool_of(2, EXEC_POOL_DRAIN_AT_EXIT));
}

/* The default: exit() waits for nothing. */
static void test_U18_exit_does_not_wait(struct fixture *fx)
{
        (void)fx;
        expect_at_exit(0);
        for (int i = 0; i < N; i++)
                exec_future_unref(create_in(pools[0] ? pools[0] : (pools[0] = pool_of(2, 0)), task_forever, NULL));
}

static int create_more(void *arg, void **value)
{
        intptr_t depth = (intptr_t)arg;
        int rc = exec_sleep(EXEC_MS(1));

        (void)value;
        if (depth)
                exec_future_unref(exec_create_task(create_more, VAL(depth - 1)));
        atom_add(&n_done, 1, ACQ_REL);
        return rc;
}

static void test_U18_tasks_create_tasks(struct fixture *fx)
{
        (void)fx;
        expect_at_exit(11);
        pools[0] = pool_of(1, EXEC_POOL_DRAIN_AT_EXIT);
        exec_future_unref(create_in(pools[0], create_more, VAL(10)));
}

static int await_then_count(void *f, void **value)
{
        int rc = exec_await(f, value);

        exec_future_unref(f);
        atom_add(&n_done, 1, ACQ_REL);
        return rc;
}

/* The tasks of one pool await those of the other, in either order of making. */
static void two_pools(int first)
{
        expect_at_exit(2 * N);
        pools[0] = pool_of(2, EXEC_POOL_DRAIN_AT_EXIT);
        pools[1] = pool_of(2, EXEC_POOL_DRAIN_AT_EXIT);
        for (int i = 0; i < N; i++)
                exec_future_unref(
                        create_in(pools[first], await_then_count, create_in(pools[!first], sleep_then_count, NULL)));
}

static void test_U18_two_pools(struct fixture *fx)
{
        (void)fx;
        two_pools(0);
}

static void test_U18_two_pools_the_other_way(struct fixture *fx)
{
        (void)fx;
        two_pools(1);
}

static void test_U18_freed_before(struct fixture *fx)
{
        (void)fx;
        pools[0] = pool_of(2, EXEC_POOL_DRAIN_AT_EXIT);
        pools[1] = pool_of(1, EXEC_POOL_DRAIN_AT_EXIT);
        for (int i = 0; i < 2; i++)
                EXPECT_EQ(exec_pool_free(pools[i]), 0);
}

static int exit_here(void *arg, void **value)
{
        (void)arg, (void)value;
        exit(0);
}

/* In a task it cannot wait for the pool that the task belongs to. */
static void test_U18_exit_in_a_task(struct fixture *fx)
{
        exec_future *f;

        (void)fx;
        pools[0] = pool_of(2, EXEC_POOL_DRAIN_AT_EXIT);
        exec_future_unref(create_in(pools[0], task_forever, NULL));
        f = create_in(pools[0], exit_here, NULL);
        exec_await(f, NULL);
        _exit(4);
}

static void submit_late(void)
{
        exec_future *f = create_in(pools[0], task_value, NULL);

        if (exec_await(f, NULL) != -ESHUTDOWN)
                _exit(5);
        exec_future_unref(f);
        if (exec_pool_free(pools[0])) /* allowed, as after any shutdown */
                _exit(6);
}

static void test_U19_submit_behind_it(struct fixture *fx)
{
        (void)fx;
        EXPECT_EQ(atexit(submit_late), 0);
        expect_at_exit(N);
        leave_tasks(pools[0] = pool_of(2, EXEC_POOL_DRAIN_AT_EXIT));
}

static void *free_it(void *pool)
{
        exec_pool_free(pool);
        return NULL;
}

/* Another thread frees the pool while exit() drains it, or before, or after. */
static void free_races_exit(int64_t delay_ns)
{
        pthread_t thread;

        pools[0] = pool_of(2, EXEC_POOL_DRAIN_AT_EXIT);
        leave_tasks(pools[0]);
        EXPECT_EQ(pthread_create(&thread, NULL, free_it, pools[0]), 0);
        EXPECT_EQ(pthread_detach(thread), 0);
        fixture_spin(delay_ns);
}

static void test_U18_free_races_exit_at_once(struct fixture *fx)
{
        (void)fx;
        free_races_exit(0);
}

static void test_U18_free_races_exit_a_little_later(struct fixture *fx)
{
        (void)fx;
        free_races_exit(EXEC_US(100));
}

static void test_U18_free_races_exit_later(struct fixture *fx)
{
        (void)fx;
        free_races_exit(EXEC_MS(1));
}

static const struct fixture_case cases[] = {
        CASE_CHILD(test_U18_exit_waits),
        CASE_CHILD(test_U18_exit_does_not_wait),
        CASE_CHILD(test_U18_tasks_create_tasks),
        CASE_CHILD(test_U18_two_pools),
        CASE_CHILD(test_U18_two_pools_the_other_way),
        CASE_CHILD(test_U18_freed_before),
        CASE_CHILD(test_U18_exit_in_a_task),
        CASE_CHILD(test_U19_submit_behind_it),
        CASE_CHILD(test_U18_free_races_exit_at_once),
        CASE_CHILD(test_U18_free_races_exit_a_little_later),
        CASE_CHILD(test_U18_free_races_exit_later),
};

FIXTURE_MAIN("exit", cases)
