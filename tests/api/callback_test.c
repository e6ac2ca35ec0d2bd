/* callback_test.c - done callbacks: section 2 of docs/CONFORMANCE.md. */
#include "fixture.h"

static char forty_two;

/* What one callback saw. */
struct seen {
        _Atomic(int) runs;
        _Atomic(int) rc, state, err;
        _Atomic(intptr_t) value;
        _Atomic(uintptr_t) thread;
};

static void look(exec_future *f, void *arg)
{
        struct seen *s = arg;
        struct exec_outcome o = {-1, 1, NULL};

        atom_store(&s->rc, exec_future_outcome(f, &o), RELAXED);
        atom_store(&s->state, o.state, RELAXED);
        atom_store(&s->err, o.err, RELAXED);
        atom_store(&s->value, (intptr_t)o.value, RELAXED);
        atom_store(&s->thread, (uintptr_t)pthread_self(), RELAXED);
        atom_add(&s->runs, 1, ACQ_REL);
}

static void expect_seen(struct seen *s, int state, int err, const void *value)
{
        EXPECT_EQ(atom_load(&s->runs, ACQUIRE), 1);
        EXPECT_EQ(atom_load(&s->rc, RELAXED), 0);
        EXPECT_EQ(atom_load(&s->state, RELAXED), state);
        EXPECT_EQ(atom_load(&s->err, RELAXED), err);
        if (state == EXEC_DONE)
                EXPECT_PTR(atom_load(&s->value, RELAXED), (intptr_t)value);
}

static void count(exec_future *f, void *arg)
{
        (void)f;
        atom_add((_Atomic(int) *)arg, 1, ACQ_REL);
}

static void test_C1_added_before_the_end(struct fixture *fx)
{
        struct seen done = {0}, failed = {0}, cancelled = {0};
        exec_future *f[3];

        (void)fx;
        for (int i = 0; i < 3; i++)
                f[i] = exec_promise_new(NULL);
        EXPECT_EQ(exec_future_add_callback(f[0], look, &done), 0);
        EXPECT_EQ(exec_future_add_callback(f[1], look, &failed), 0);
        EXPECT_EQ(exec_future_add_callback(f[2], look, &cancelled), 0);
        EXPECT_EQ(atom_load(&done.runs, ACQUIRE), 0);
        /* On this thread, and before it goes on. */
        EXPECT_EQ(exec_promise_set(f[0], &forty_two), 0);
        expect_seen(&done, EXEC_DONE, 0, &forty_two);
        EXPECT(atom_load(&done.thread, RELAXED) == (uintptr_t)pthread_self());
        EXPECT_EQ(exec_promise_fail(f[1], -EIO), 0);
        expect_seen(&failed, EXEC_FAILED, -EIO, NULL);
        EXPECT_EQ(exec_cancel(f[2], NULL), 1);
        expect_seen(&cancelled, EXEC_CANCELLED, -ECANCELED, NULL);
        exec_future_unref_all(f, 3);
}

static void test_C1_of_tasks(struct fixture *fx)
{
        struct seen s[3] = {0};
        exec_future *gate = exec_promise_new(NULL), *f[3];

        (void)fx;
        f[0] = exec_create_task(task_await, gate);
        f[1] = exec_create_task(task_fail, ERR(-EIO));
        f[2] = exec_create_task(task_forever, NULL);
        for (int i = 0; i < 3; i++)
                EXPECT_EQ(exec_future_add_callback(f[i], look, &s[i]), 0);
        EXPECT_EQ(exec_promise_set(gate, &forty_two), 0);
        exec_cancel(f[2], NULL);
        for (int i = 0; i < 3; i++)
                fixture_wait(&s[i].runs, 1);
        expect_seen(&s[0], EXEC_DONE, 0, &forty_two);
        expect_seen(&s[1], EXEC_FAILED, -EIO, NULL);
        expect_seen(&s[2], EXEC_CANCELLED, -ECANCELED, NULL);
        exec_future_unref_all(f, 3);
        exec_future_unref(gate);
}

static void test_C1_of_sleeps_and_gathers(struct fixture *fx)
{
        struct seen sleep = {0}, gather = {0};
        exec_future *f[2];

        (void)fx;
        f[0] = exec_sleep_future(EXEC_MS(10));
        f[1] = exec_gather_future(f, 1, 0);
        EXPECT_EQ(exec_future_add_callback(f[0], look, &sleep), 0);
        EXPECT_EQ(exec_future_add_callback(f[1], look, &gather), 0);
        fixture_wait(&sleep.runs, 1);
        fixture_wait(&gather.runs, 1);
        expect_seen(&sleep, EXEC_DONE, 0, NULL);
        EXPECT_EQ(atom_load(&gather.state, RELAXED), EXEC_DONE);
        EXPECT_EQ(exec_await(f[1], NULL), 0);
        exec_future_unref_all(f, 2);
}

static void test_C2_added_after_the_end(struct fixture *fx)
{
        struct seen done = {0}, failed = {0}, cancelled = {0}, task = {0};
        exec_future *f[4];

        (void)fx;
        for (int i = 0; i < 3; i++)
                f[i] = exec_promise_new(NULL);
        f[3] = exec_create_task(task_value, &forty_two);
        EXPECT_EQ(exec_promise_set(f[0], &forty_two), 0);
        EXPECT_EQ(exec_promise_fail(f[1], -EIO), 0);
        EXPECT_EQ(exec_cancel(f[2], NULL), 1);
        EXPECT_EQ(exec_await(f[3], NULL), 0);
        /* At once, on this thread. */
        EXPECT_EQ(exec_future_add_callback(f[0], look, &done), 0);
        EXPECT(atom_load(&done.thread, RELAXED) == (uintptr_t)pthread_self());
        EXPECT_EQ(exec_future_add_callback(f[1], look, &failed), 0);
        EXPECT_EQ(exec_future_add_callback(f[2], look, &cancelled), 0);
        EXPECT_EQ(exec_future_add_callback(f[3], look, &task), 0);
        expect_seen(&done, EXEC_DONE, 0, &forty_two);
        expect_seen(&failed, EXEC_FAILED, -EIO, NULL);
        expect_seen(&cancelled, EXEC_CANCELLED, -ECANCELED, NULL);
        expect_seen(&task, EXEC_DONE, 0, &forty_two);
        exec_future_unref_all(f, 4);
}

/* C3: a callback of ours cannot fail, but it can misbehave: the next one runs all the same. */
static void wait_in_callback(exec_future *f, void *arg)
{
        exec_future *pending = exec_promise_new(NULL);
        _Atomic(int) *refused = arg;

        (void)f;
        if (exec_await(pending, NULL) == -EPERM && exec_sleep(EXEC_MS(1)) == -EPERM && exec_yield() == -EPERM)
                atom_add(refused, 1, ACQ_REL);
        exec_cancel(pending, NULL);
        exec_future_unref(pending);
}

static void test_C3_first_callback_misbehaves(struct fixture *fx)
{
        _Atomic(int) refused = 0, second = 0;
        exec_future *f = exec_promise_new(NULL);

        (void)fx;
        EXPECT_EQ(exec_future_add_callback(f, wait_in_callback, &refused), 0);
        EXPECT_EQ(exec_future_add_callback(f, count, &second), 0);
        EXPECT_EQ(exec_promise_set(f, NULL), 0);
        EXPECT_EQ(atom_load(&refused, ACQUIRE), 1);
        EXPECT_EQ(atom_load(&second, ACQUIRE), 1);
        exec_future_unref(f);
}

static void test_C3_on_a_task(struct fixture *fx)
{
        _Atomic(int) refused = 0, second = 0;
        exec_future *gate = exec_promise_new(NULL), *f = exec_create_task(task_await, gate);

        (void)fx;
        EXPECT_EQ(exec_future_add_callback(f, wait_in_callback, &refused), 0);
        EXPECT_EQ(exec_future_add_callback(f, count, &second), 0);
        EXPECT_EQ(exec_promise_set(gate, NULL), 0);
        EXPECT_EQ(exec_await(f, NULL), 0);
        fixture_wait(&second, 1);
        fixture_wait(&refused, 1);
        exec_future_unref(f);
        exec_future_unref(gate);
}

static void test_C5_remove(struct fixture *fx)
{
        _Atomic(int) six = 0, other = 0;
        exec_future *f = exec_promise_new(NULL);

        (void)fx;
        EXPECT_EQ(exec_future_remove_callback(f, count, &six), 0);
        for (int i = 0; i < 6; i++)
                EXPECT_EQ(exec_future_add_callback(f, count, &six), 0);
        EXPECT_EQ(exec_future_add_callback(f, count, &other), 0);
        EXPECT_EQ(exec_future_remove_callback(f, look, &six), 0); /* another function */
        EXPECT_EQ(exec_future_remove_callback(f, count, &six), 6);
        EXPECT_EQ(exec_future_remove_callback(f, count, &six), 0);
        EXPECT_EQ(exec_promise_set(f, NULL), 0);
        EXPECT_EQ(atom_load(&six, ACQUIRE), 0);
        EXPECT_EQ(atom_load(&other, ACQUIRE), 1);
        EXPECT_EQ(exec_future_remove_callback(f, count, &other), 0); /* it has run */
        exec_future_unref(f);
}

enum { N_CALLBACKS = 64 };

struct crowd {
        _Atomic(int) ran[N_CALLBACKS];
        int removed[N_CALLBACKS]; /* by the callback that removes */
        exec_future *_Atomic f;
        _Atomic(int) n_removed;
};

static void crowd_remove(exec_future *f, void *arg)
{
        struct crowd *c = arg;

        for (int i = 0; i < N_CALLBACKS; i++)
                c->removed[i] = exec_future_remove_callback(f, count, &c->ran[i]);
}

static void test_C6_removed_while_they_fire(struct fixture *fx)
{
        struct crowd c = {0};
        exec_future *f = exec_promise_new(NULL);
        int n_ran = 0, n_removed = 0;

        (void)fx;
        for (int i = 0; i < N_CALLBACKS; i++) {
                if (i == N_CALLBACKS / 2)
                        EXPECT_EQ(exec_future_add_callback(f, crowd_remove, &c), 0);
                EXPECT_EQ(exec_future_add_callback(f, count, &c.ran[i]), 0);
        }
        EXPECT_EQ(exec_promise_set(f, NULL), 0);
        for (int i = 0; i < N_CALLBACKS; i++) {
                n_ran += atom_load(&c.ran[i], ACQUIRE);
                n_removed += c.removed[i];
                EXPECT_EQ(atom_load(&c.ran[i], ACQUIRE) + c.removed[i], 1);
        }
        EXPECT_EQ(n_ran + n_removed, N_CALLBACKS);
        EXPECT(n_removed >= N_CALLBACKS / 2 - 1); /* whatever the order, one half comes after the one that removes */
        exec_future_unref(f);
}

static void crowd_remove_from_outside(void *arg)
{
        struct crowd *c = arg;
        int n = 0;

        for (int i = 0; i < N_CALLBACKS; i++)
                n += exec_future_remove_callback(atom_load(&c->f, ACQUIRE), count, &c->ran[0]);
        atom_store(&c->n_removed, n, RELEASE);
}

static void test_C6_removal_races_firing(struct fixture *fx)
{
        size_t rounds = test_rounds(1000);
        struct crowd c = {0};
        struct rival r;

        (void)fx;
        rival_start(&r, crowd_remove_from_outside, &c);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f = exec_promise_new(NULL);

                atom_store(&c.ran[0], 0, RELAXED);
                atom_store(&c.f, f, RELEASE);
                for (int k = 0; k < N_CALLBACKS; k++)
                        EXPECT_EQ(exec_future_add_callback(f, count, &c.ran[0]), 0);
                rival_release(&r);
                EXPECT_EQ(exec_promise_set(f, NULL), 0);
                rival_wait(&r);
                EXPECT_EQ(atom_load(&c.ran[0], ACQUIRE) + atom_load(&c.n_removed, ACQUIRE), N_CALLBACKS);
                exec_future_unref(f);
        }
        rival_stop(&r);
}

static void add_from_outside(void *arg)
{
        struct crowd *c = arg;

        for (int i = 0; i < 8; i++)
                EXPECT_EQ(exec_future_add_callback(atom_load(&c->f, ACQUIRE), count, &c->ran[0]), 0);
}

static void test_C2_adding_races_the_end(struct fixture *fx)
{
        size_t rounds = test_rounds(1000);
        struct crowd c = {0};
        struct rival r;

        (void)fx;
        rival_start(&r, add_from_outside, &c);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f = exec_promise_new(NULL);

                atom_store(&c.ran[0], 0, RELAXED);
                atom_store(&c.f, f, RELEASE);
                rival_release(&r);
                EXPECT_EQ(exec_promise_set(f, NULL), 0);
                rival_wait(&r);
                EXPECT_EQ(atom_load(&c.ran[0], ACQUIRE), 8);
                exec_future_unref(f);
        }
        rival_stop(&r);
}

struct chain {
        exec_future *next;
        _Atomic(int) depth, deepest, n;
};

static void set_next(exec_future *f, void *arg)
{
        struct chain *c = arg;
        int depth = atom_add(&c->depth, 1, ACQ_REL) + 1;

        (void)f;
        if (depth > atom_load(&c->deepest, RELAXED))
                atom_store(&c->deepest, depth, RELAXED);
        if (c->next)
                EXPECT_EQ(exec_promise_set(c->next, NULL), 0);
        atom_sub(&c->depth, 1, ACQ_REL);
        atom_add(&c->n, 1, ACQ_REL);
}

static void set_following(exec_future *f, void *arg)
{
        struct chain *c = arg;

        c->next = NULL;
        set_next(f, c);
}

static void test_callbacks_never_nest(struct fixture *fx)
{
        exec_future *first = exec_promise_new(NULL), *second = exec_promise_new(NULL);
        struct chain c = {second, 0, 0, 0};

        (void)fx;
        EXPECT_EQ(exec_future_add_callback(first, set_next, &c), 0);
        EXPECT_EQ(exec_future_add_callback(second, set_following, &c), 0);
        EXPECT_EQ(exec_promise_set(first, NULL), 0);
        EXPECT_EQ(atom_load(&c.n, ACQUIRE), 2);
        EXPECT_EQ(atom_load(&c.deepest, RELAXED), 1);
        exec_future_unref(first);
        exec_future_unref(second);
}

struct relay {
        exec_future *f, *_Atomic made;
        _Atomic(int) n;
};

/* A callback may create and cancel, and give up a reference on its own future. */
static void busy_callback(exec_future *f, void *arg)
{
        struct relay *r = arg;

        atom_store(&r->made, exec_create_task(task_value, &forty_two), RELEASE);
        EXPECT_EQ(exec_cancel(f, NULL), 0);
        exec_future_unref(f);
        atom_add(&r->n, 1, ACQ_REL);
}

static void who_am_i(exec_future *f, void *arg)
{
        struct seen *s = arg;

        (void)f;
        atom_store(&s->value, (intptr_t)exec_current_task(), RELAXED);
        atom_store(&s->rc, exec_uncancel(NULL), RELAXED);
        atom_store(&s->state, exec_cancel_requested(), RELAXED);
        atom_store(&s->err, exec_fail(-EIO, "not the task's message"), RELAXED);
        atom_add(&s->runs, 1, ACQ_REL);
}

static int finish_one_while_cancelled(void *arg, void **value)
{
        exec_future *me = exec_current_task();

        (void)value;
        EXPECT_EQ(exec_cancel(me, NULL), 1);
        EXPECT_EQ(exec_promise_set(arg, NULL), 0);
        EXPECT_PTR(exec_current_task(), me);
        EXPECT(exec_cancel_requested());
        EXPECT_EQ(exec_cancelling(me), 1);
        EXPECT_EQ(exec_uncancel(NULL), 0);
        return -EAGAIN;
}

/* A callback is none of the task that happened to finish the future. */
static void test_no_current_task_in_a_callback(struct fixture *fx)
{
        struct seen s = {0};
        exec_future *f = exec_promise_new(NULL), *task;

        (void)fx;
        EXPECT_EQ(exec_future_add_callback(f, who_am_i, &s), 0);
        task = exec_create_task(finish_one_while_cancelled, f);
        EXPECT_EQ(exec_await(task, NULL), -EAGAIN);
        EXPECT_PTR(exec_future_error_message(task, NULL, NULL), NULL);
        EXPECT_EQ(atom_load(&s.runs, ACQUIRE), 1);
        EXPECT_EQ(atom_load(&s.value, RELAXED), 0);
        EXPECT_EQ(atom_load(&s.rc, RELAXED), -EPERM);
        EXPECT_EQ(atom_load(&s.state, RELAXED), false);
        EXPECT_EQ(atom_load(&s.err, RELAXED), -EIO);
        exec_future_unref(task);
        exec_future_unref(f);
}

static void test_callback_may_use_the_library(struct fixture *fx)
{
        struct relay r = {exec_promise_new(NULL), NULL, 0};
        exec_future *made;
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_future_add_callback(r.f, busy_callback, &r), 0);
        exec_future_ref(r.f);
        EXPECT_EQ(exec_promise_set(r.f, NULL), 0);
        exec_future_unref(r.f);
        if (!fixture_wait(&r.n, 1))
                return;
        made = atom_load(&r.made, ACQUIRE);
        EXPECT_EQ(exec_await(made, &value), 0);
        EXPECT_PTR(value, &forty_two);
        exec_future_unref(made);
}

static void test_pending_callbacks_are_forgotten_with_the_future(struct fixture *fx)
{
        _Atomic(int) runs = 0;
        exec_future *f = exec_promise_new(NULL);

        (void)fx;
        for (int i = 0; i < 10; i++)
                EXPECT_EQ(exec_future_add_callback(f, count, &runs), 0);
        exec_future_unref(f);
        EXPECT_EQ(atom_load(&runs, ACQUIRE), 0);
}

static void test_callback_of_a_detached_task(struct fixture *fx)
{
        _Atomic(int) runs = 0;
        exec_future *f = exec_create_task(task_sleep, NS(EXEC_MS(5)));

        (void)fx;
        EXPECT_EQ(exec_future_add_callback(f, count, &runs), 0);
        exec_future_unref(f);
        fixture_wait(&runs, 1);
}

static const struct fixture_case cases[] = {
        CASE(test_C1_added_before_the_end),
        CASE(test_C1_of_tasks),
        CASE(test_C1_of_sleeps_and_gathers),
        CASE(test_C2_added_after_the_end),
        CASE(test_C2_adding_races_the_end),
        CASE(test_C3_first_callback_misbehaves),
        CASE(test_C3_on_a_task),
        CASE(test_C5_remove),
        CASE(test_C6_removed_while_they_fire),
        CASE(test_C6_removal_races_firing),
        CASE(test_callbacks_never_nest),
        CASE(test_no_current_task_in_a_callback),
        CASE(test_callback_may_use_the_library),
        CASE(test_pending_callbacks_are_forgotten_with_the_future),
        CASE(test_callback_of_a_detached_task),
};

FIXTURE_MAIN("callback", cases)
