/* inherit_test.c - EXEC_INHERIT_DEADLINE: a child's body is in a scope with the deadline that its creator had. */
#include "fixture.h"

#define LONG EXEC_SEC(1000)

static struct exec_task_options inheriting(void)
{
        struct exec_task_options o;

        exec_task_options_init(&o, sizeof o);
        o.flags = EXEC_INHERIT_DEADLINE;
        return o;
}

/* Run a body in a task: scopes are tasks'. */
static void run(exec_task_fn fn, void *arg)
{
        exec_future *f = exec_create_task(fn, arg);

        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
}

/* A child made in a scope of @ns, which has ended again before the child's time is over. */
static exec_future *child_of_scope(exec_task_fn fn, void *arg, int64_t ns)
{
        struct exec_task_options o = inheriting();
        struct exec_timeout scope = {{0}};
        exec_future *f;

        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + ns), 0);
        f = exec_create_task_with(fn, arg, &o);
        exec_timeout_end(&scope, 0); /* in time or not: no matter here */
        return f;
}

static int cut_off(void *arg, void **value)
{
        exec_future *f = child_of_scope(task_forever, NULL, EXEC_MS(5)), *plain = exec_create_task(task_forever, NULL);

        (void)arg, (void)value;
        fixture_wait_done(f);
        EXPECT_FAILED(f, -ETIMEDOUT);
        EXPECT_PENDING(plain); /* without the flag nothing is inherited */
        exec_cancel(plain, NULL);
        EXPECT_EQ(exec_await(plain, NULL), -ECANCELED);
        exec_future_unref(f);
        exec_future_unref(plain);
        return 0;
}

static void test_cut_off(struct fixture *fx)
{
        (void)fx;
        run(cut_off, NULL);
}

static int look(void *deadline, void **value)
{
        *value = deadline;
        *(int64_t *)deadline = exec_current_deadline();
        return 0;
}

static int sees_deadline(void *arg, void **value)
{
        struct exec_task_options o = inheriting();
        struct exec_timeout outer = {{0}}, inner = {{0}};
        int64_t early = exec_now() + LONG, seen = 0;
        exec_future *f;

        (void)arg, (void)value;
        f = exec_create_task_with(look, &seen, &o);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        EXPECT_EQ(seen, EXEC_FOREVER);
        EXPECT_EQ(exec_timeout_begin(&outer, early), 0);
        EXPECT_EQ(exec_timeout_begin(&inner, early + LONG), 0);
        f = exec_create_task_with(look, &seen, &o);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, &seen);
        exec_future_unref(f);
        EXPECT_EQ(seen, early); /* the earliest */
        f = exec_create_task(look, &seen);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        EXPECT_EQ(seen, EXEC_FOREVER);
        EXPECT_EQ(exec_timeout_end(&inner, 0), 0);
        EXPECT_EQ(exec_timeout_end(&outer, 0), 0);
        return 0;
}

static void test_earliest_deadline(struct fixture *fx)
{
        (void)fx;
        run(sees_deadline, NULL);
}

static int grandchild(void *arg, void **value)
{
        struct exec_task_options o = inheriting();
        intptr_t depth = (intptr_t)arg;
        exec_future *f;
        int rc = 0;

        (void)value;
        if (!depth)
                return exec_sleep_until(EXEC_FOREVER);
        f = exec_create_task_with(grandchild, VAL(depth - 1), &o);
        while (!exec_future_done(f)) /* not awaited: nothing is passed on to it */
                rc = exec_sleep(EXEC_US(100)) ? -ECANCELED : rc;
        EXPECT_FAILED(f, -ETIMEDOUT);
        exec_future_unref(f);
        return rc ? rc : exec_sleep_until(EXEC_FOREVER);
}

static int generations(void *arg, void **value)
{
        exec_future *f = child_of_scope(grandchild, VAL(3), EXEC_MS(5));
        int rc = 0;

        (void)arg, (void)value;
        while (!exec_future_done(f) && !rc)
                rc = exec_sleep(EXEC_MS(1));
        EXPECT_FAILED(f, -ETIMEDOUT);
        exec_future_unref(f);
        return rc;
}

/* The child's own deadline is what its children inherit. */
static void test_generations(struct fixture *fx)
{
        (void)fx;
        run(generations, NULL);
}

static int own_error(void *arg, void **value)
{
        (void)arg, (void)value;
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        return -EIO;
}

static int own_value(void *arg, void **value)
{
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        EXPECT_EQ(exec_sleep(EXEC_US(100)), 0);
        *value = arg;
        return 0;
}

static int ends_by_itself(void *arg, void **value)
{
        exec_future *failed = child_of_scope(own_error, NULL, EXEC_MS(3)),
                    *done = child_of_scope(own_value, &done, EXEC_MS(3)),
                    *in_time = child_of_scope(task_value, &done, LONG);

        (void)arg, (void)value;
        fixture_wait_done(failed);
        EXPECT_FAILED(failed, -EIO);
        fixture_wait_done(done);
        EXPECT_DONE(done, &done);
        fixture_wait_done(in_time);
        EXPECT_DONE(in_time, &done);
        exec_future_unref(failed);
        exec_future_unref(done);
        exec_future_unref(in_time);
        return 0;
}

static void test_own_end(struct fixture *fx)
{
        (void)fx;
        run(ends_by_itself, NULL);
}

static int cancelled_by_somebody(void *arg, void **value)
{
        exec_future *f = child_of_scope(task_forever, NULL, LONG);

        (void)arg, (void)value;
        exec_yield();
        exec_cancel(f, "enough");
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
        return 0;
}

static void test_cancelled_by_somebody(struct fixture *fx)
{
        (void)fx;
        run(cancelled_by_somebody, NULL);
}

struct late {
        int rc;
        _Atomic(int) ran;
};

static int note_wait(void *arg, void **value)
{
        struct late *l = arg;

        (void)value;
        atom_store(&l->ran, 1, RELEASE);
        l->rc = exec_sleep(EXEC_US(10));
        return l->rc;
}

/* On the only worker, which its creator keeps until the deadline has passed: the body begins, and its first wait is cut off. */
static void test_begins_late(struct fixture *fx)
{
        struct late l = {0, 0};
        exec_future *f = child_of_scope(note_wait, &l, EXEC_MS(5));

        (void)fx;
        fixture_spin(EXEC_MS(6));
        fixture_wait_done(f);
        EXPECT_FAILED(f, -ETIMEDOUT);
        EXPECT_EQ(atom_load(&l.ran, ACQUIRE), 1);
        EXPECT_EQ(l.rc, -ECANCELED);
        exec_future_unref(f);
}

/* Made in the clean-up of a scope that has expired: its time is over too. */
static int made_late(void *arg, void **value)
{
        struct exec_task_options o = inheriting();
        struct exec_timeout scope = {{0}};
        struct late l = {0, 0};
        exec_future *f;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(1)), 0);
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        EXPECT_EQ(exec_current_deadline(), EXEC_FOREVER);
        f = exec_create_task_with(note_wait, &l, &o);
        fixture_wait_done(f);
        EXPECT_EQ(exec_timeout_end(&scope, -ECANCELED), -ETIMEDOUT);
        EXPECT_FAILED(f, -ETIMEDOUT);
        EXPECT_EQ(l.rc, -ECANCELED);
        exec_future_unref(f);
        return 0;
}

static void test_made_late(struct fixture *fx)
{
        (void)fx;
        run(made_late, NULL);
}

static int in_a_group(void *arg, void **value)
{
        struct exec_task_options o = inheriting();
        struct exec_timeout scope = {{0}};
        exec_group *g;

        (void)arg, (void)value;
        EXPECT_EQ(exec_group_begin(&g, NULL), 0);
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(50)), 0);
        EXPECT_EQ(exec_group_start_with(g, task_forever, NULL, &o), 0);
        EXPECT_EQ(exec_group_start(g, task_forever, NULL), 0);
        exec_timeout_end(&scope, 0);
        EXPECT_EQ(exec_group_end(g, 0), -ETIMEDOUT);
        exec_group_free(g);
        return 0;
}

static void test_in_a_group(struct fixture *fx)
{
        (void)fx;
        run(in_a_group, NULL);
}

static int in_another_pool(void *arg, void **value)
{
        struct exec_task_options o = inheriting();
        struct exec_timeout scope = {{0}};
        int64_t deadline = exec_now() + LONG, seen = 0;
        exec_future *f;

        (void)value;
        o.pool = arg;
        EXPECT_EQ(exec_timeout_begin(&scope, deadline), 0);
        f = exec_create_task_with(look, &seen, &o);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(seen, deadline);
        exec_future_unref(f);
        EXPECT_EQ(exec_timeout_end(&scope, 0), 0);
        return 0;
}

static void test_in_another_pool(struct fixture *fx)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        (void)fx;
        exec_pool_options_init(&o, sizeof o);
        o.n_workers = 1;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        run(in_another_pool, pool);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_from_a_plain_thread(struct fixture *fx)
{
        struct exec_task_options o = inheriting();
        int64_t seen = 0;
        exec_future *f = exec_create_task_with(look, &seen, &o);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(seen, EXEC_FOREVER);
        exec_future_unref(f);
        o.flags |= 1u << 20;
        f = exec_create_task_with(look, &seen, &o);
        EXPECT_FAILED(f, -EINVAL);
        exec_future_unref(f);
}

static const struct fixture_case cases[] = {
        CASE(test_cut_off),
        CASE(test_earliest_deadline),
        CASE(test_generations),
        CASE(test_own_end),
        CASE(test_cancelled_by_somebody),
        CASE_ONE(test_begins_late),
        CASE(test_made_late),
        CASE(test_in_a_group),
        CASE_THREAD(test_in_another_pool),
        CASE_THREAD(test_from_a_plain_thread),
};

FIXTURE_MAIN("inherit", cases)
