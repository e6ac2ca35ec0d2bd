/* errno_test.c - the C library's errno is as it was after every call, in tasks and in plain threads. */
#include "fixture.h"

/* Evaluate @call, which must leave errno alone. */
#define KEEPS_ERRNO(call)                                                                                              \
        do {                                                                                                           \
                errno = 1234;                                                                                          \
                call;                                                                                                  \
                fixture_expect_eq(errno, 1234, __FILE__, __LINE__, "errno after " #call);                              \
                errno = 0;                                                                                             \
        } while (0)

static char forty_two;

static void test_errno_waits(struct fixture *fx)
{
        exec_future *never = exec_promise_new(NULL), *f = exec_create_task(task_value, NULL), *seen = NULL;
        exec_completion *queue = exec_as_completed(&never, 1);
        int r = 1;

        (void)fx;
        KEEPS_ERRNO(r = exec_sleep(EXEC_MS(1)));
        EXPECT_EQ(r, 0);
        KEEPS_ERRNO(r = exec_sleep(0));
        KEEPS_ERRNO(r = exec_sleep_until(exec_now() + EXEC_MS(1)));
        KEEPS_ERRNO(r = exec_sleep_until(0));
        KEEPS_ERRNO(r = exec_yield());
        KEEPS_ERRNO(r = exec_await_until(never, exec_now() + EXEC_MS(1), NULL));
        EXPECT_EQ(r, -ETIMEDOUT);
        KEEPS_ERRNO(r = exec_await_until(never, 0, NULL));
        EXPECT_EQ(r, -ETIMEDOUT);
        KEEPS_ERRNO(r = exec_completion_next(queue, exec_now() + EXEC_MS(1), &seen, NULL));
        EXPECT_EQ(r, -ETIMEDOUT);
        KEEPS_ERRNO(r = exec_await(f, NULL));
        EXPECT_EQ(r, 0);
        KEEPS_ERRNO(r = exec_promise_set(never, NULL));
        KEEPS_ERRNO(exec_completion_free(queue));
        KEEPS_ERRNO(exec_future_unref(f));
        exec_future_unref(never);
}

static void test_errno_many_tasks(struct fixture *fx)
{
        enum { N = 3000 };
        static exec_future *f[N];
        size_t n = test_scale(N);

        (void)fx;
        for (size_t i = 0; i < n; i++)
                KEEPS_ERRNO(f[i] = exec_create_task(i % 7 ? task_value : task_sleep, NS(1000)));
        KEEPS_ERRNO(EXPECT_EQ(exec_gather(f, n, NULL, EXEC_UNREF), 0));
}

static int sleeps_in_pool(void *arg, void **value)
{
        *value = arg;
        return exec_sleep(EXEC_MS(1));
}

static void change_errno(int level, const char *message, void *ctx)
{
        (void)level, (void)message, (void)ctx;
        errno = 77;
}

static void test_errno_pools(struct fixture *fx)
{
        static const unsigned guards[] = {0, EXEC_POOL_GUARD_MADVISE, EXEC_POOL_GUARD_MPROTECT, EXEC_POOL_GUARD_CANARY,
                                          EXEC_POOL_NO_MEMBARRIER};
        void *value = NULL;
        int r = 1;

        (void)fx;
        for (size_t i = 0; i < N_OF(guards); i++) {
                struct exec_pool_options o;
                exec_pool *pool = NULL;
                exec_future *f;

                exec_pool_options_init(&o, sizeof o);
                o.n_workers = (unsigned)i;
                o.flags = guards[i];
                KEEPS_ERRNO(r = exec_pool_new(&pool, &o));
                if (r == -ENOTSUP && guards[i] == EXEC_POOL_GUARD_MADVISE)
                        continue;
                EXPECT_EQ(r, 0);
                KEEPS_ERRNO(f = create_in(pool, task_forever, NULL));
                KEEPS_ERRNO(r = exec_pool_dump(pool, 1000000));
                EXPECT_EQ(r, -EBADF);
                exec_set_log(change_errno, NULL);
                KEEPS_ERRNO(r = exec_pool_shutdown(pool, EXEC_DRAIN, exec_now() + EXEC_MS(1)));
                exec_set_log(NULL, NULL);
                EXPECT_EQ(r, -ETIMEDOUT);
                KEEPS_ERRNO(r = exec_pool_request_stop(pool));
                EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
                KEEPS_ERRNO(exec_future_unref(f));
                KEEPS_ERRNO(r = exec_pool_free(pool));
                EXPECT_EQ(r, 0);
        }
        KEEPS_ERRNO(r = exec_run(sleeps_in_pool, &forty_two, &value));
        EXPECT_EQ(r, 0);
        EXPECT_PTR(value, &forty_two);
}

static void test_errno_failing_memory(struct fixture *fx)
{
        static const int huge = 1 << 30;
        struct exec_task_options o;
        exec_future *f = NULL;

        exec_task_options_init(&o, sizeof o);
        o.pool = fx->pool;
        o.arg_size = SIZE_MAX / 4;
        KEEPS_ERRNO(f = exec_create_task_with(task_value, &huge, &o));
        EXPECT_EQ(exec_await(f, NULL), -ENOMEM);
        exec_future_unref(f);
}

static const struct fixture_case cases[] = {
        CASE(test_errno_waits),
        CASE(test_errno_many_tasks),
        CASE_THREAD(test_errno_pools),
        CASE(test_errno_failing_memory),
};

FIXTURE_MAIN("errno", cases)
