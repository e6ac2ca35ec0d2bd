/* hook_test.c - the program's functions that run outside its tasks: start hooks, drop functions, the hook for errors
 * that nobody looked at. None may wait, on whatever stack and thread it runs; all else is allowed. Done callbacks are in
 * callback_test.c. */
#include "fixture.h"

static char forty_two;

/* What a function may not do, tried where it runs. */
struct tried {
        _Atomic(int) runs, allowed, in_task;
};

static int my_thread(void *arg, void **value)
{
        (void)arg;
        *value = (void *)(uintptr_t)pthread_self();
        return 0;
}

/* A child created last and not begun: an await might run it on this very stack, and on a worker it would. */
static bool runs_a_child_here(void)
{
        exec_future *child = exec_create_task(my_thread, NULL);
        void *thread = NULL;
        bool here = exec_await(child, &thread) == 0 && thread == (void *)(uintptr_t)pthread_self();

        exec_future_unref(child);
        return here;
}

static void try_to_wait(struct tried *t)
{
        exec_future *pending = exec_promise_new(NULL);
        exec_completion *c = exec_as_completed(&pending, 1);
        struct exec_outcome out = {-1, 0, NULL};

        if (runs_a_child_here())
                atom_add(&t->allowed, 1, RELAXED);
        if (exec_await(pending, NULL) != -EPERM)
                atom_add(&t->allowed, 1, RELAXED);
        if (exec_await_until(pending, exec_now() + EXEC_MS(1), NULL) != -EPERM)
                atom_add(&t->allowed, 1, RELAXED);
        if (exec_sleep(EXEC_US(1)) != -EPERM || exec_sleep_until(exec_now() + EXEC_US(1)) != -EPERM)
                atom_add(&t->allowed, 1, RELAXED);
        if (exec_yield() != -EPERM)
                atom_add(&t->allowed, 1, RELAXED);
        if (exec_gather(&pending, 1, &out, 0) != -EPERM || out.state != EXEC_PENDING)
                atom_add(&t->allowed, 1, RELAXED);
        if (exec_pool_current() && exec_gather_call(task_value, NULL, 3, 0, NULL, 0, 0) != -EPERM)
                atom_add(&t->allowed, 1, RELAXED);
        if (exec_completion_next(c, EXEC_FOREVER, NULL, NULL) != -EPERM)
                atom_add(&t->allowed, 1, RELAXED);
        if (exec_run(task_value, NULL, NULL) != -EPERM)
                atom_add(&t->allowed, 1, RELAXED);
        if (exec_current_task() || exec_cancel_requested() || exec_uncancel(NULL) != -EPERM)
                atom_add(&t->in_task, 1, RELAXED);
        exec_completion_free(c);
        exec_future_unref(pending);
        atom_add(&t->runs, 1, ACQ_REL);
}

static void expect_tried(struct tried *t, int runs)
{
        fixture_wait(&t->runs, runs);
        EXPECT_EQ(atom_load(&t->runs, ACQUIRE), runs);
        EXPECT_EQ(atom_load(&t->allowed, RELAXED), 0);
        EXPECT_EQ(atom_load(&t->in_task, RELAXED), 0);
}

static exec_pool *pool_of(unsigned n_workers, unsigned flags, int (*hook)(unsigned worker, void *ctx), void *ctx)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = n_workers;
        o.flags = flags;
        o.start_hook = hook;
        o.start_ctx = ctx;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        return pool;
}

static int hook_that_waits(unsigned worker, void *ctx)
{
        (void)worker;
        try_to_wait(ctx);
        return 0;
}

static void test_wait_in_a_start_hook(struct fixture *fx)
{
        (void)fx;
        for (unsigned n = 1; n <= 4; n *= 2) {
                struct tried t = {0, 0, 0};
                exec_pool *pool = pool_of(n, 0, hook_that_waits, &t);
                exec_future *f = create_in(pool, task_value, &forty_two);

                EXPECT_EQ(exec_await(f, NULL), 0); /* the workers are none the worse for it */
                exec_future_unref(f);
                expect_tried(&t, (int)n);
                EXPECT_EQ(exec_pool_free(pool), 0);
        }
}

struct made {
        exec_future *_Atomic task, *_Atomic sleep;
        _Atomic(int) n;
};

static int hook_that_creates(unsigned worker, void *ctx)
{
        struct made *m = ctx;

        if (worker)
                return 0;
        atom_store(&m->task, exec_create_task(task_value, &forty_two), RELEASE);
        atom_store(&m->sleep, exec_sleep_future(EXEC_MS(2)), RELEASE);
        atom_add(&m->n, 1, ACQ_REL);
        return 0;
}

static void test_create_in_a_start_hook(struct fixture *fx)
{
        struct made m = {NULL, NULL, 0};
        exec_pool *pool = pool_of(2, 0, hook_that_creates, &m);
        exec_future *f[2];

        (void)fx;
        fixture_wait(&m.n, 1);
        f[0] = atom_load(&m.task, ACQUIRE);
        f[1] = atom_load(&m.sleep, ACQUIRE);
        EXPECT_EQ(exec_gather(f, 2, NULL, 0), 0);
        EXPECT_DONE(f[0], &forty_two);
        exec_future_unref_all(f, 2);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

/* ---- drops ---- */

static void drop_that_waits(void *ptr)
{
        try_to_wait(ptr);
}

static exec_future *create_dropped(exec_task_fn fn, struct tried *t)
{
        struct exec_task_options o;

        exec_task_options_init(&o, sizeof o);
        o.drop_arg = o.drop_value = drop_that_waits;
        return exec_create_task_with(fn, t, &o);
}

static int yield_with_value(void *arg, void **value)
{
        *value = arg;
        return exec_yield();
}

static int fail_with_value(void *arg, void **value)
{
        *value = arg;
        return -EIO;
}

/* Of a task, of one that fails, of one that is detached, of a promise, of one that was never created. */
static void test_wait_in_a_drop(struct fixture *fx)
{
        struct tried t = {0, 0, 0};
        exec_future *f = create_dropped(yield_with_value, &t);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        expect_tried(&t, 2);
        f = create_dropped(fail_with_value, &t);
        EXPECT_EQ(exec_await(f, NULL), -EIO);
        expect_tried(&t, 4);
        exec_future_unref(f);
        exec_future_unref(create_dropped(yield_with_value, &t));
        expect_tried(&t, 6);
        f = exec_promise_new(drop_that_waits);
        EXPECT_EQ(exec_promise_set(f, &t), 0);
        exec_future_unref(f);
        expect_tried(&t, 7);
        f = create_dropped(NULL, &t);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        expect_tried(&t, 8);
        EXPECT_EQ(exec_yield(), 0); /* and here it is allowed again */
        EXPECT_EQ(exec_current_task() != NULL, fx->in_task);
}

static void unref_one(exec_future *f, void *arg)
{
        (void)f;
        exec_future_unref(arg);
}

static void set_one(void *ptr)
{
        exec_promise_set(ptr, NULL);
}

static void try_in_callback(exec_future *f, void *arg)
{
        (void)f;
        try_to_wait(arg);
}

/* A drop inside a callback, and a callback inside a drop: when the inner one is over, the outer one still may not. */
static void test_drop_and_callback_in_each_other(struct fixture *fx)
{
        struct tried t = {0, 0, 0};
        exec_future *f = exec_promise_new(NULL), *held = exec_promise_new(drop_that_waits);

        EXPECT_EQ(exec_promise_set(held, &t), 0);
        EXPECT_EQ(exec_future_add_callback(f, unref_one, held), 0);
        EXPECT_EQ(exec_future_add_callback(f, try_in_callback, &t), 0);
        EXPECT_EQ(exec_promise_set(f, NULL), 0);
        expect_tried(&t, 2);
        exec_future_unref(f);

        f = exec_promise_new(NULL);
        held = exec_promise_new(set_one);
        EXPECT_EQ(exec_promise_set(held, f), 0);
        EXPECT_EQ(exec_future_add_callback(f, try_in_callback, &t), 0);
        exec_future_unref(held);
        expect_tried(&t, 3);
        exec_future_unref(f);
        EXPECT_EQ(exec_yield(), 0);
        EXPECT_EQ(exec_current_task() != NULL, fx->in_task);
}

static void set_and_try(void *ptr)
{
        struct {
                exec_future *f;
                struct tried *t;
        } *both = ptr;

        exec_promise_set(both->f, NULL); /* its callback begins and ends within this drop */
        try_to_wait(both->t);
}

static void test_drop_goes_on_after_a_callback(struct fixture *fx)
{
        struct tried t = {0, 0, 0};
        struct {
                exec_future *f;
                struct tried *t;
        } both = {exec_promise_new(NULL), &t};
        exec_future *held = exec_promise_new(set_and_try);

        (void)fx;
        EXPECT_EQ(exec_future_add_callback(both.f, try_in_callback, &t), 0);
        EXPECT_EQ(exec_promise_set(held, &both), 0);
        exec_future_unref(held);
        expect_tried(&t, 2);
        exec_future_unref(both.f);
}

/* Cancelled before it started: the drop runs where the request does, which for a child that is being awaited is the
 * midst of its awaiter's suspension. */
static int cancel_myself_and_await(void *arg, void **value)
{
        exec_future *child;

        child = create_dropped(task_value, arg);
        *value = NULL;
        /* Another one on top, or it would be run on this stack. */
        exec_future_unref(exec_create_task(task_value, NULL));
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        (void)exec_await(child, NULL);
        exec_future_unref(child);
        (void)exec_yield(); /* takes the request where the child was done already */
        return 0;
}

static void test_wait_in_a_drop_during_a_cancel(struct fixture *fx)
{
        static struct tried t; /* a drop may still come after the last that is waited for */

        (void)fx;
        atom_store(&t.runs, 0, RELEASE);
        for (int i = 0; i < 20; i++) {
                exec_future *f = exec_create_task(cancel_myself_and_await, &t);

                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
        }
        fixture_wait(&t.runs, 20);
        EXPECT(atom_load(&t.runs, ACQUIRE) <= 40); /* and the value, where the child ran after all */
        EXPECT_EQ(atom_load(&t.allowed, RELAXED), 0);
        EXPECT_EQ(atom_load(&t.in_task, RELAXED), 0);
}

static void drop_that_sleeps(void *ptr)
{
        exec_future_unref(exec_sleep_future(EXEC_US(1)));
        atom_add((_Atomic(int) *)ptr, 1, ACQ_REL);
}

static int cancel_myself_and_await_until(void *arg, void **value)
{
        struct exec_task_options o;
        exec_future *child;

        exec_task_options_init(&o, sizeof o);
        o.drop_arg = drop_that_sleeps;
        child = exec_create_task_with(task_value, arg, &o);
        *value = NULL;
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        (void)exec_await_until(child, exec_now() + EXEC_SEC(1000), NULL);
        exec_future_unref(child);
        (void)exec_yield(); /* takes the request where the child was done already */
        return 0;
}

/* A drop may arm a timer, also in the midst of a suspension that arms one. */
static void test_sleep_in_a_drop_during_a_cancel(struct fixture *fx)
{
        _Atomic(int) drops = 0;

        (void)fx;
        for (int i = 1; i <= 20; i++) {
                exec_future *f = exec_create_task(cancel_myself_and_await_until, &drops);

                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
                fixture_wait(&drops, i);
        }
}

/* Where every wait changes the worker, one wait that slipped through shows: cells go to the wrong worker's slab. */
static int many_drops(void *arg, void **value)
{
        exec_future *f[16];

        *value = NULL;
        for (int round = 0; round < 10; round++) {
                int rc;

                for (size_t i = 0; i < N_OF(f); i++)
                        f[i] = i % 4 == 3 ? exec_promise_new(drop_that_waits) : create_dropped(yield_with_value, arg);
                for (size_t i = 3; i < N_OF(f); i += 4)
                        exec_promise_set(f[i], arg);
                rc = exec_gather(f, N_OF(f), NULL, 0);
                exec_future_unref_all(f, N_OF(f)); /* the values, one after the other, within one call */
                if (rc)
                        return rc;
        }
        return 0;
}

static void test_drops_that_wait_while_tasks_migrate(struct fixture *fx)
{
        enum { N = 4 };
        struct tried t = {0, 0, 0};
        exec_pool *pool = pool_of(4, EXEC_POOL_FORCE_MIGRATE, NULL, NULL);
        exec_future *f[N];

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = create_in(pool, many_drops, &t);
        EXPECT_EQ(exec_gather(f, N, NULL, EXEC_UNREF), 0);
        expect_tried(&t, N * 10 * (12 * 2 + 4));
        EXPECT_EQ(exec_pool_free(pool), 0);
}

/* ---- the hook for errors that nobody looked at ---- */

static void unhandled_that_waits(exec_future *f, const struct exec_outcome *outcome, void *ctx)
{
        (void)f, (void)outcome;
        try_to_wait(ctx);
}

static void test_wait_in_the_unhandled_hook(struct fixture *fx)
{
        struct tried t = {0, 0, 0};
        exec_future *f = exec_promise_new(NULL);

        (void)fx;
        exec_set_unhandled(unhandled_that_waits, &t);
        EXPECT_EQ(exec_promise_fail(f, -EIO), 0);
        exec_future_unref(f);
        expect_tried(&t, 1);
        exec_future_unref(exec_create_task(task_fail, ERR(-EIO)));
        expect_tried(&t, 2);
        EXPECT_EQ(exec_yield(), 0);
        exec_set_unhandled(NULL, NULL);
}

static const struct fixture_case cases[] = {
        CASE_BARE(test_wait_in_a_start_hook),
        CASE_BARE(test_create_in_a_start_hook),
        CASE(test_wait_in_a_drop),
        CASE(test_drop_and_callback_in_each_other),
        CASE(test_drop_goes_on_after_a_callback),
        CASE(test_wait_in_a_drop_during_a_cancel),
        CASE(test_sleep_in_a_drop_during_a_cancel),
        CASE_BARE(test_drops_that_wait_while_tasks_migrate),
        CASE(test_wait_in_the_unhandled_hook),
};

FIXTURE_MAIN("hook", cases)
