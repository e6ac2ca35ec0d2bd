/* misuse_test.c - wrong arguments, wrong places, wrong order: an error code, never a crash; only a reference given back
 * once too often ends the process, with a message. */
#include "fixture.h"

#include <string.h>

static char forty_two;

static void test_null_future(struct fixture *fx)
{
        struct exec_outcome o = {77, 77, &o};
        char name[8];
        void *value;

        (void)fx;
        EXPECT_EQ(exec_await(NULL, &value), -EINVAL);
        EXPECT_EQ(exec_await_until(NULL, 0, &value), -EINVAL);
        EXPECT(!exec_future_done(NULL));
        EXPECT_EQ(exec_future_outcome(NULL, &o), -EINVAL);
        EXPECT_EQ(o.state, EXEC_PENDING);
        EXPECT_EQ(exec_take(NULL, &value), -EINVAL);
        EXPECT_PTR(exec_future_error_message(NULL, NULL, NULL), NULL);
        EXPECT_EQ(exec_cancel(NULL, NULL), -EINVAL);
        EXPECT_PTR(exec_cancel_reason(NULL), NULL);
        EXPECT_EQ(exec_future_remove_callback(NULL, NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_promise_set(NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_promise_fail(NULL, -EIO), -EINVAL);
        EXPECT_EQ(exec_task_name(NULL, name, sizeof name), -EINVAL);
        EXPECT_EQ(exec_cancelling(NULL), -EINVAL);
        EXPECT_PTR(exec_future_ref(NULL), NULL);
        exec_future_unref(NULL);
        exec_future_unref_all(NULL, 0);
        exec_future_unref_all((exec_future *[]){NULL, NULL}, 2);
}

static void some_callback(exec_future *f, void *arg)
{
        (void)f, (void)arg;
}

static void test_null_elsewhere(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL);

        (void)fx;
        EXPECT_EQ(exec_future_add_callback(NULL, some_callback, NULL), -EINVAL);
        EXPECT_EQ(exec_future_add_callback(f, NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_future_outcome(f, NULL), -EINVAL);
        EXPECT_EQ(exec_promise_set(f, &forty_two), 0);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_new(NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_pool_shutdown(NULL, EXEC_DRAIN, 0), -EINVAL);
        EXPECT_EQ(exec_pool_request_stop(NULL), -EINVAL);
        EXPECT_EQ(exec_pool_n_workers(NULL), 0);
}

static void test_gather_arguments(struct fixture *fx)
{
        exec_future *f[3] = {exec_promise_new(NULL), NULL, exec_promise_new(NULL)}, *g;
        struct exec_outcome out[3];

        (void)fx;
        memset(out, 0x77, sizeof out);
        EXPECT_EQ(exec_gather(NULL, 3, out, 0), -EINVAL);
        for (int i = 0; i < 3; i++) {
                EXPECT_EQ(out[i].state, EXEC_PENDING);
                EXPECT_PTR(out[i].value, NULL);
        }
        EXPECT_EQ(exec_gather(f, 3, out, 0), -EINVAL);
        EXPECT_EQ(exec_gather(f, 3, out, EXEC_COLLECT), -EINVAL);
        g = exec_gather_future(f, 3, 0);
        EXPECT_FAILED(g, -EINVAL);
        exec_future_unref(g);
        g = exec_gather_future(NULL, 3, 0);
        EXPECT_FAILED(g, -EINVAL);
        exec_future_unref(g);
        EXPECT_EQ(exec_gather_call(NULL, out, 3, sizeof out[0], NULL, 0, 0), -EINVAL);
        EXPECT_PENDING(f[0]);
        EXPECT_PENDING(f[2]);
        /* The references go in every case. */
        EXPECT_EQ(exec_gather(f, 3, out, EXEC_UNREF), -EINVAL);
}

/* n * size overflows: refused before anything is read. */
static void test_huge_counts(struct fixture *fx)
{
        exec_future *f[1] = {exec_promise_new(NULL)}, *g;
        static const size_t huge[] = {SIZE_MAX, SIZE_MAX / sizeof(void *), SIZE_MAX / sizeof(struct exec_outcome) + 2};

        (void)fx;
        g = exec_gather_future(NULL, SIZE_MAX, 0);
        EXPECT_FAILED(g, -EINVAL);
        exec_future_unref(g);
        EXPECT_EQ(exec_gather(NULL, SIZE_MAX, NULL, 0), -EINVAL);
        EXPECT_PTR(exec_as_completed(NULL, SIZE_MAX), NULL);
        for (size_t i = 0; i < N_OF(huge); i++) {
                struct exec_task_options o;
                exec_future *task;

                exec_task_options_init(&o, sizeof o);
                o.arg_size = huge[i];
                task = exec_create_task_with(task_value, f, &o);
                EXPECT_EQ(exec_await(task, NULL), -ENOMEM);
                exec_future_unref(task);
        }
        exec_future_unref(f[0]);
}

static void test_huge_stack(struct fixture *fx)
{
        static const size_t huge[] = {SIZE_MAX, SIZE_MAX / 2, (size_t)1 << 62, (size_t)1 << 50};

        (void)fx;
        for (size_t i = 0; i < N_OF(huge); i++) {
                _Atomic(int) drops = 0;
                struct exec_task_options o;
                exec_future *f;
                int rc;

                exec_task_options_init(&o, sizeof o);
                o.stack_bytes = huge[i];
                o.drop_arg = drop_bump;
                f = exec_create_task_with(task_value, &drops, &o);
                rc = exec_await(f, NULL);
                EXPECT(rc == -ENOMEM || rc == -EINVAL);
                exec_future_unref(f);
                fixture_wait(&drops, 1);
        }
}

static void test_pool_options(struct fixture *fx)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        (void)fx;
        exec_pool_options_init(&o, sizeof o);
        EXPECT_EQ(o.size, sizeof o);
        o.size = 0;
        EXPECT_EQ(exec_pool_new(&pool, &o), -EINVAL);
        exec_pool_options_init(&o, sizeof o);
        o.stack_bytes = 1024; /* less than the least */
        EXPECT_EQ(exec_pool_new(&pool, &o), -EINVAL);
        exec_pool_options_init(&o, sizeof o);
        o.stack_bytes = SIZE_MAX;
        EXPECT(exec_pool_new(&pool, &o) < 0);
        exec_pool_options_init(&o, sizeof o);
        o.flags = 1u << 31;
        EXPECT_EQ(exec_pool_new(&pool, &o), -EINVAL);
        EXPECT_PTR(pool, NULL);
        /* A shorter one of an earlier version: what it lacks is the default. */
        exec_pool_options_init(&o, offsetof(struct exec_pool_options, stack_bytes));
        o.stack_bytes = SIZE_MAX;
        o.n_workers = 1;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        EXPECT_EQ(exec_pool_n_workers(pool), 1);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_task_options(struct fixture *fx)
{
        struct exec_task_options o;
        exec_future *f;

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        EXPECT_EQ(o.size, sizeof o);
        o.size = 0;
        f = exec_create_task_with(task_value, NULL, &o);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        exec_future_unref(f);
        exec_task_options_init(&o, sizeof o);
        o.flags = 1u << 31;
        f = exec_create_task_with(task_value, NULL, &o);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        exec_future_unref(f);
        exec_task_options_init(&o, offsetof(struct exec_task_options, stack_bytes));
        o.stack_bytes = SIZE_MAX;
        f = exec_create_task_with(task_value, &forty_two, &o);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        exec_task_options_init(&o, sizeof o);
        o.arg_size = 8;
        f = exec_create_task_with(task_value, NULL, &o); /* nothing to copy from */
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        exec_future_unref(f);
        f = exec_create_task_with(task_value, &forty_two, NULL);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
}

static void test_kinds_mixed_up(struct fixture *fx)
{
        exec_future *task = exec_create_task(task_forever, NULL), *sleep = exec_sleep_future(EXEC_SEC(1000));
        exec_future *gather = exec_gather_future(&sleep, 1, 0), *promise = exec_promise_new(NULL);
        char name[16];

        (void)fx;
        EXPECT_EQ(exec_promise_set(task, NULL), -EINVAL);
        EXPECT_EQ(exec_promise_set(sleep, NULL), -EINVAL);
        EXPECT_EQ(exec_promise_set(gather, NULL), -EINVAL);
        EXPECT_EQ(exec_promise_fail(gather, -EIO), -EINVAL);
        EXPECT_EQ(exec_task_name(promise, name, sizeof name), -EINVAL);
        EXPECT_EQ(exec_task_name(gather, name, sizeof name), -EINVAL);
        EXPECT_EQ(exec_uncancel(promise), -EINVAL);
        EXPECT_EQ(exec_cancel(task, NULL), 1);
        EXPECT_EQ(exec_cancel(gather, NULL), 1);
        EXPECT_EQ(exec_await(task, NULL), -ECANCELED);
        EXPECT_EQ(exec_await(gather, NULL), -ECANCELED);
        EXPECT_CANCELLED(sleep);
        exec_future_unref(task);
        exec_future_unref(sleep);
        exec_future_unref(gather);
        exec_future_unref(promise);
}

static int await_myself(void *arg, void **value)
{
        exec_future *me = exec_current_task(), *other = exec_promise_new(NULL), *f[2] = {other, me};

        *value = arg;
        EXPECT_EQ(exec_await(me, NULL), -EDEADLK);
        EXPECT_EQ(exec_await_until(me, exec_now() + EXEC_MS(1), NULL), -EDEADLK);
        EXPECT_EQ(exec_gather(f, 2, NULL, 0), -EDEADLK);
        EXPECT_EQ(exec_gather(f, 2, NULL, EXEC_COLLECT), -EDEADLK);
        EXPECT_PENDING(other);
        exec_future_unref(other);
        return 0;
}

static void test_await_myself(struct fixture *fx)
{
        exec_future *f = exec_create_task(await_myself, &forty_two);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, &forty_two);
        exec_future_unref(f);
}

struct refused {
        exec_future *pending;
        exec_completion *c;
        _Atomic(int) n;
        int rc[8];
};

static void try_to_wait(exec_future *f, void *arg)
{
        struct refused *r = arg;

        (void)f;
        r->rc[0] = exec_await(r->pending, NULL);
        r->rc[1] = exec_await_until(r->pending, exec_now() + EXEC_MS(1), NULL);
        r->rc[2] = exec_sleep(EXEC_MS(1));
        r->rc[3] = exec_sleep_until(exec_now() + EXEC_MS(1));
        r->rc[4] = exec_yield();
        r->rc[5] = exec_gather(&r->pending, 1, NULL, 0);
        r->rc[6] = exec_completion_next(r->c, EXEC_FOREVER, NULL, NULL);
        r->rc[7] = exec_gather_call(task_forever, r, 1, 0, NULL, 0, 0);
        atom_add(&r->n, 1, ACQ_REL);
}

static void test_wait_in_a_done_callback(struct fixture *fx)
{
        struct refused r = {exec_promise_new(NULL), NULL, 0, {0}};
        exec_future *f[2] = {exec_promise_new(NULL), exec_create_task(task_sleep, NS(EXEC_MS(5)))};

        (void)fx;
        r.c = exec_as_completed(&r.pending, 1);
        for (int i = 0; i < 2; i++) {
                EXPECT_EQ(exec_future_add_callback(f[i], try_to_wait, &r), 0);
                if (i == 0)
                        EXPECT_EQ(exec_promise_set(f[0], NULL), 0);
                fixture_wait(&r.n, i + 1);
                for (size_t k = 0; k < N_OF(r.rc); k++)
                        EXPECT_EQ(r.rc[k], -EPERM);
        }
        EXPECT_PENDING(r.pending);
        EXPECT_EQ(exec_completion_pending(r.c), 1);
        exec_completion_free(r.c);
        exec_future_unref(r.pending);
        exec_future_unref_all(f, 2);
}

/* Also when the callback runs at once because the future is done. */
static void test_wait_in_a_callback_run_at_once(struct fixture *fx)
{
        struct refused r = {exec_promise_new(NULL), NULL, 0, {0}};
        exec_future *f = exec_promise_new(NULL);

        (void)fx;
        r.c = exec_as_completed(&r.pending, 1);
        EXPECT_EQ(exec_promise_set(f, NULL), 0);
        EXPECT_EQ(exec_future_add_callback(f, try_to_wait, &r), 0);
        EXPECT_EQ(atom_load(&r.n, ACQUIRE), 1);
        for (size_t k = 0; k < N_OF(r.rc); k++)
                EXPECT_EQ(r.rc[k], -EPERM);
        EXPECT_EQ(exec_yield(), 0); /* and here it is allowed again */
        exec_completion_free(r.c);
        exec_future_unref(r.pending);
        exec_future_unref(f);
}

static int end_pools(void *arg, void **value)
{
        exec_pool *other = arg;

        *value = NULL;
        EXPECT_EQ(exec_pool_free(exec_pool_current()), -EDEADLK);
        EXPECT_EQ(exec_pool_free(other), -EDEADLK); /* of any pool */
        EXPECT_EQ(exec_pool_shutdown(exec_pool_current(), EXEC_DRAIN, EXEC_FOREVER), -EDEADLK);
        EXPECT_EQ(exec_pool_shutdown(other, EXEC_CANCEL, 0), -EDEADLK);
        return exec_yield();
}

static void test_end_a_pool_in_a_task(struct fixture *fx)
{
        exec_pool *other = NULL;
        exec_future *f;

        (void)fx;
        EXPECT_EQ(exec_pool_new(&other, NULL), 0);
        f = exec_create_task(end_pools, other);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        f = create_in(other, task_value, &forty_two); /* it is still there */
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(other), 0);
}

static void test_task_calls_outside_a_task(struct fixture *fx)
{
        (void)fx;
        EXPECT_PTR(exec_current_task(), NULL);
        EXPECT_EQ(exec_uncancel(NULL), -EPERM);
        EXPECT(!exec_cancel_requested());
        EXPECT_EQ(exec_fail(-EIO, "outside"), -EIO);
        EXPECT_EQ(exec_fail(0, "outside"), -EINVAL);
        EXPECT_EQ(exec_fail(7, "outside"), -EINVAL);
        EXPECT_EQ(exec_pool_worker(), -1);
}

static int fail_at_length(void *arg, void **value)
{
        char text[5000];

        (void)arg, (void)value;
        memset(text, 'm', sizeof text);
        text[sizeof text - 1] = 0;
        exec_fail(-EAGAIN, "first");
        return exec_fail(-EIO, "%s", text);
}

static void test_long_message(struct fixture *fx)
{
        exec_future *f = exec_create_task(fail_at_length, NULL);
        const char *message, *file = NULL;
        int line = 0;

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), -EIO);
        message = exec_future_error_message(f, &file, &line);
        EXPECT(message && strlen(message) > 100 && message[0] == 'm');
        EXPECT(file && line > 0);
        exec_future_unref(f);
}

static int fail_then_succeed(void *arg, void **value)
{
        exec_fail(-EIO, "not in the end");
        *value = arg;
        return 0;
}

static void test_message_of_a_success(struct fixture *fx)
{
        exec_future *f = exec_create_task(fail_then_succeed, &forty_two);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, &forty_two);
        exec_future_unref(f);
}

/* Detectable for what tasks made, whose memory stays; what plain threads made is the allocator's again. */
static int unref_promise_twice(void *arg, void **value)
{
        exec_future *f = exec_promise_new(NULL);

        (void)arg;
        *value = NULL;
        exec_promise_set(f, NULL);
        exec_future_unref(f);
        exec_future_unref(f);
        return 0;
}

static void test_one_unref_too_many(struct fixture *fx)
{
        (void)fx;
        exec_run(unref_promise_twice, NULL, NULL);
}

static int unref_task_twice(void *arg, void **value)
{
        exec_future *f = exec_create_task(task_value, arg);

        *value = NULL;
        exec_await(f, NULL);
        exec_future_unref(f);
        exec_future_unref(f);
        return 0;
}

static void test_one_unref_too_many_of_a_task(struct fixture *fx)
{
        (void)fx;
        exec_run(unref_task_twice, NULL, NULL);
}

/* The futures that have already failed may be referenced and unreferenced at will. */
static void test_failed_from_the_start(struct fixture *fx)
{
        exec_future *f[2] = {exec_create_task(NULL, NULL), exec_create_task(NULL, NULL)};
        struct exec_outcome out[2];

        (void)fx;
        for (int i = 0; i < 10; i++)
                exec_future_unref(exec_future_ref(f[0]));
        EXPECT_EQ(exec_gather(f, 2, out, EXEC_COLLECT), 0);
        EXPECT_EQ(out[0].err, -EINVAL);
        EXPECT_EQ(out[1].err, -EINVAL);
        EXPECT_EQ(exec_gather(f, 2, out, 0), -EINVAL);
        EXPECT_EQ(exec_take(f[0], NULL), -EINVAL);
        EXPECT_EQ(exec_cancel(f[0], "x"), 0);
        EXPECT_PTR(exec_cancel_reason(f[0]), NULL);
        EXPECT(exec_promise_set(f[0], NULL) < 0);
        exec_future_unref_all(f, 2);
}

static int log_nothing;

static void no_log(int level, const char *message, void *ctx)
{
        (void)level, (void)message;
        ++*(int *)ctx;
}

static void *never_called(size_t bytes, void *ctx)
{
        (void)bytes, (void)ctx;
        return NULL;
}

static void never_freed(void *ptr, size_t bytes, void *ctx)
{
        (void)ptr, (void)bytes, (void)ctx;
}

static void test_allocator_changed_too_late(struct fixture *fx)
{
        struct exec_allocator a = {never_called, never_freed, NULL}, half = {never_called, NULL, NULL};
        exec_future *f = exec_create_task(task_forever, NULL);

        (void)fx;
        exec_set_log(no_log, &log_nothing);
        EXPECT_EQ(exec_set_allocator(&half), -EINVAL);
        EXPECT_EQ(exec_set_allocator(&a), -EALREADY);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        exec_future_unref(f);
        exec_set_log(NULL, NULL);
}

static const struct fixture_case cases[] = {
        CASE(test_null_future),
        CASE(test_null_elsewhere),
        CASE(test_gather_arguments),
        CASE(test_huge_counts),
        CASE(test_huge_stack),
        CASE_BARE(test_pool_options),
        CASE(test_task_options),
        CASE(test_kinds_mixed_up),
        CASE(test_await_myself),
        CASE(test_wait_in_a_done_callback),
        CASE(test_wait_in_a_callback_run_at_once),
        CASE_THREAD(test_end_a_pool_in_a_task),
        CASE_THREAD(test_task_calls_outside_a_task),
        CASE(test_long_message),
        CASE(test_message_of_a_success),
        CASE_DIES(test_one_unref_too_many),
        CASE_DIES(test_one_unref_too_many_of_a_task),
        CASE(test_failed_from_the_start),
        CASE(test_allocator_changed_too_late),
};

FIXTURE_MAIN("misuse", cases)
