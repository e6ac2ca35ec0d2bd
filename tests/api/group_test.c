/* group_test.c - task groups: section 11 of docs/CONFORMANCE.md. What a full group does, wrong calls and missing memory are
 * in group_limit_test.c. */
#include "fixture.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Begin a group with the defaults; a case goes no further without it. */
static exec_group *begin(void)
{
        exec_group *g = NULL;

        EXPECT_EQ(exec_group_begin(&g, NULL), 0);
        return g;
}

/* A case that needs to be a task of its own, also where the fixture calls it on a thread. */
static void run(exec_task_fn fn, void *arg, int expected)
{
        exec_future *f = exec_create_task(fn, arg);

        EXPECT_EQ(exec_await(f, NULL), expected);
        exec_future_unref(f);
}

/* Cells go back in batches, and a child's after the group has let it go. */
static void expect_futures(exec_pool *pool, uint64_t at_most)
{
        int64_t end = exec_now() + EXEC_SEC(30);

        while (fixture_stats(pool).n_futures > at_most && exec_now() < end)
                exec_sleep(EXEC_US(100));
        EXPECT(fixture_stats(pool).n_futures <= at_most);
}

static int first_error(const exec_group *g)
{
        const struct exec_group_error *e = exec_group_error(g, 0);

        return e ? e->err : 0;
}

/* ---- children that note what they see ---- */

struct seen {
        _Atomic(int) begun, cancelled, sum;
        exec_group *group;
        exec_future *promise;
};

/* Sleeps until it is cancelled. */
static int sleeper(void *arg, void **value)
{
        struct seen *s = arg;
        int err;

        *value = NULL;
        atom_add(&s->begun, 1, ACQ_REL);
        err = exec_sleep_until(EXEC_FOREVER);
        if (err == -ECANCELED)
                atom_add(&s->cancelled, 1, ACQ_REL);
        return err;
}

static void start_sleepers(struct seen *s, int n)
{
        for (int i = 0; i < n; i++)
                EXPECT_EQ(exec_group_start(s->group, sleeper, s), 0);
}

/* Fails once the promise is set. */
static int fail_when_told(void *arg, void **value)
{
        struct seen *s = arg;
        int err;

        *value = NULL;
        atom_add(&s->begun, 1, ACQ_REL);
        err = exec_await(s->promise, NULL);
        return err ? err : -EIO;
}

/* Cancelled, it fails. */
static int fail_when_cancelled(void *arg, void **value)
{
        struct seen *s = arg;

        *value = NULL;
        atom_add(&s->begun, 1, ACQ_REL);
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        return -EIO;
}

/* ---- the cases ---- */

static void test_P1_two_children(struct fixture *fx)
{
        exec_group *g = begin();
        exec_future *a = exec_group_create_task(g, task_value, VAL(1));
        exec_future *b = exec_group_create_task(g, task_sleep, NS(EXEC_MS(5)));

        (void)fx;
        EXPECT_EQ(exec_group_end(g, 0), 0);
        EXPECT_EQ(exec_group_pending(g), 0);
        EXPECT_EQ(exec_group_n_errors(g), 0);
        EXPECT(!exec_group_error(g, 0));
        EXPECT_DONE(a, VAL(1));
        EXPECT_DONE(b, NS(EXEC_MS(5)));
        exec_group_free(g);
        EXPECT_DONE(a, VAL(1)); /* the handle outlives the group */
        exec_future_unref(a);
        exec_future_unref(b);
}

static void test_P1_no_children(struct fixture *fx)
{
        exec_group *g = begin();

        (void)fx;
        EXPECT_EQ(exec_group_end(g, 0), 0);
        exec_group_free(g);
        exec_group_free(NULL);
}

static void test_P1_many_children(struct fixture *fx)
{
        int n = (int)test_scale(20000);
        _Atomic(int) runs = 0;
        exec_group *g = begin();

        (void)fx;
        for (int i = 0; i < n; i++)
                EXPECT_EQ(exec_group_start(g, task_bump, &runs), 0);
        EXPECT_EQ(exec_group_end(g, 0), 0);
        EXPECT_EQ(atom_load(&runs, RELAXED), n); /* the end alone orders it: no acquire here */
        exec_group_free(g);
}

/* What the children wrote is visible after the end, without any atomic. */
static int write_plain(void *arg, void **value)
{
        *(int *)arg = 42;
        *value = NULL;
        return 0;
}

static void test_P1_visible_after_the_end(struct fixture *fx)
{
        int cells[50] = {0};
        exec_group *g = begin();

        (void)fx;
        for (size_t i = 0; i < N_OF(cells); i++)
                exec_group_start(g, write_plain, &cells[i]);
        EXPECT_EQ(exec_group_end(g, 0), 0);
        for (size_t i = 0; i < N_OF(cells); i++)
                EXPECT_EQ(cells[i], 42);
        exec_group_free(g);
}

static void test_P2_added_while_others_run(struct fixture *fx)
{
        struct seen s = {.group = begin()};
        _Atomic(int) runs = 0;
        exec_future *f[3];

        for (int i = 0; i < 3; i++) {
                f[i] = exec_group_create_task(s.group, sleeper, &s);
                fixture_wait(&s.begun, i + 1);
                EXPECT_EQ(exec_group_start(s.group, task_bump, &runs), 0);
        }
        EXPECT(exec_group_pending(s.group) >= 3);
        for (int i = 0; i < 3; i++)
                EXPECT_EQ(exec_cancel(f[i], NULL), 1);
        EXPECT_EQ(exec_group_end(s.group, 0), 0);
        EXPECT_EQ(atom_load(&runs, ACQUIRE), 3);
        EXPECT_EQ(atom_load(&s.cancelled, ACQUIRE), 3);
        exec_group_free(s.group);
        exec_future_unref_all(f, 3);
        (void)fx;
}

static void test_P3_one_child_cancelled(struct fixture *fx)
{
        struct seen s = {.group = begin()};
        exec_future *f = exec_group_create_task(s.group, sleeper, &s);
        exec_future *other = exec_group_create_task(s.group, task_sleep, NS(EXEC_MS(20)));

        (void)fx;
        fixture_wait(&s.begun, 1);
        EXPECT_EQ(exec_cancel(f, "not this one"), 1);
        EXPECT_EQ(exec_group_end(s.group, 0), 0);
        EXPECT_CANCELLED(f);
        EXPECT_DONE(other, NS(EXEC_MS(20)));
        exec_group_free(s.group);
        exec_future_unref(f);
        exec_future_unref(other);
}

static int fail_with(void *arg, void **value)
{
        exec_future *promise = ((void **)arg)[0];
        int err = exec_await(promise, NULL);

        *value = NULL;
        return err ? err : exec_fail((int)(intptr_t)((void **)arg)[1], "child %d", (int)(intptr_t)((void **)arg)[1]);
}

static void test_P5_three_fail_at_once(struct fixture *fx)
{
        struct seen s = {.group = begin()};
        exec_future *promise = exec_promise_new(NULL);
        void *args[3][2] = {{promise, VAL(-EIO)}, {promise, VAL(-ENOENT)}, {promise, VAL(-EBADF)}};
        int sum = 0, err;

        (void)fx;
        start_sleepers(&s, 1);
        fixture_wait(&s.begun, 1);
        for (int i = 0; i < 3; i++)
                EXPECT_EQ(exec_group_start(s.group, fail_with, args[i]), 0);
        EXPECT_EQ(exec_promise_set(promise, NULL), 0);
        err = exec_group_end(s.group, 0);
        EXPECT(err == -EIO || err == -ENOENT || err == -EBADF);
        EXPECT_EQ(err, first_error(s.group));
        EXPECT(exec_group_n_errors(s.group) >= 1 && exec_group_n_errors(s.group) <= 3);
        for (size_t i = exec_group_n_errors(s.group); i-- > 0;) {
                const struct exec_group_error *e = exec_group_error(s.group, i);
                char text[32];

                snprintf(text, sizeof text, "child %d", e->err);
                EXPECT(e->message && !strcmp(e->message, text));
                EXPECT(e->file && strstr(e->file, "group_test.c") && e->line > 0);
                EXPECT(e->task && !e->name);
                EXPECT(!(sum & (1 << -e->err))); /* each once */
                sum |= 1 << -e->err;
        }
        EXPECT(!exec_group_error(s.group, exec_group_n_errors(s.group)));
        EXPECT_EQ(atom_load(&s.cancelled, ACQUIRE), 1);
        exec_group_free(s.group);
        exec_future_unref(promise);
        if (exec_current_task())
                EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
}

/* Every child fails, each when it is cancelled: all errors are there, in the order of their coming. */
static void test_P5_every_error_is_kept(struct fixture *fx)
{
        int n = (int)test_live(1000);
        struct seen s = {.group = begin()};

        (void)fx;
        for (int i = 0; i < n; i++)
                EXPECT_EQ(exec_group_start(s.group, fail_when_cancelled, &s), 0);
        fixture_wait(&s.begun, n);
        EXPECT_EQ(exec_group_end(s.group, -EBADF), -EIO);
        EXPECT_EQ(exec_group_n_errors(s.group), n + 1);
        for (int i = 0; i < n; i++)
                EXPECT_EQ(exec_group_error(s.group, (size_t)i)->err, -EIO);
        EXPECT_EQ(exec_group_error(s.group, (size_t)n)->err, -EBADF); /* the body's own is the last */
        EXPECT(!exec_group_error(s.group, (size_t)n)->task);
        exec_group_free(s.group);
}

static const char why[] = "enough";

static int end_with_sleepers(void *arg, void **value)
{
        struct seen *s = arg;
        int err;

        *value = NULL;
        s->group = begin();
        start_sleepers(s, 5);
        err = exec_group_end(s->group, 0);
        EXPECT_EQ(exec_group_n_errors(s->group), 0);
        exec_group_free(s->group);
        return err;
}

static void test_P6_parent_cancelled_at_the_end(struct fixture *fx)
{
        struct seen s = {.group = NULL};
        exec_future *f = exec_create_task(end_with_sleepers, &s);

        (void)fx;
        fixture_wait(&s.begun, 5);
        EXPECT_EQ(exec_cancel(f, why), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        EXPECT_PTR(exec_cancel_reason(f), why);
        EXPECT_EQ(exec_cancelling(f), 1);
        EXPECT_EQ(atom_load(&s.cancelled, ACQUIRE), 5);
        exec_future_unref(f);
}

static int sleep_in_body(void *arg, void **value)
{
        struct seen *s = arg;
        int err;

        *value = NULL;
        s->group = begin();
        start_sleepers(s, 5);
        atom_add(&s->begun, 1, ACQ_REL);
        err = exec_sleep_until(EXEC_FOREVER);
        if (err == -ECANCELED)
                atom_add(&s->cancelled, 10, ACQ_REL);
        EXPECT_EQ(exec_group_pending(s->group), 5); /* nobody has cancelled those yet */
        err = exec_group_end(s->group, err);
        exec_group_free(s->group);
        return err;
}

static void test_P7_parent_cancelled_in_the_body(struct fixture *fx)
{
        struct seen s = {.group = NULL};
        exec_future *f = exec_create_task(sleep_in_body, &s);

        (void)fx;
        fixture_wait(&s.begun, 6);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_EQ(atom_load(&s.cancelled, ACQUIRE), 15);
        exec_future_unref(f);
}

static void test_P9_body_fails(struct fixture *fx)
{
        struct seen s = {.group = begin()};

        (void)fx;
        start_sleepers(&s, 3);
        fixture_wait(&s.begun, 3);
        EXPECT_EQ(exec_group_end(s.group, -EPROTO), -EPROTO);
        EXPECT_EQ(atom_load(&s.cancelled, ACQUIRE), 3);
        EXPECT_EQ(exec_group_n_errors(s.group), 1);
        EXPECT_EQ(first_error(s.group), -EPROTO);
        EXPECT(!exec_group_error(s.group, 0)->task && !exec_group_error(s.group, 0)->message);
        exec_group_free(s.group);

        s.group = begin();
        EXPECT_EQ(exec_group_end(s.group, 7), -EINVAL); /* no error is positive */
        exec_group_free(s.group);
}

static int nested(void *arg, void **value)
{
        struct seen *s = arg, inner = {.group = NULL};
        exec_group *outer = begin();
        int err;

        *value = NULL;
        s->group = outer;
        start_sleepers(s, 2);
        inner.group = begin();
        start_sleepers(&inner, 2);
        fixture_wait(&inner.begun, 2);
        fixture_wait(&s->begun, 2);
        atom_add(&s->begun, 1, ACQ_REL);
        err = exec_group_end(inner.group, 0);
        EXPECT_EQ(err, -ECANCELED);
        EXPECT_EQ(atom_load(&inner.cancelled, ACQUIRE), 2);
        exec_group_free(inner.group);
        err = exec_group_end(outer, err);
        EXPECT_EQ(atom_load(&s->cancelled, ACQUIRE), 2);
        exec_group_free(outer);
        return err;
}

static void test_P10_nested_cancelled(struct fixture *fx)
{
        struct seen s = {.group = NULL};
        exec_future *f = exec_create_task(nested, &s);

        (void)fx;
        fixture_wait(&s.begun, 3);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
}

static int outer_child_fails(void *arg, void **value)
{
        struct seen outer = {.group = begin()}, inner = {.group = NULL};
        int err;

        (void)arg;
        *value = NULL;
        outer.promise = exec_promise_new(NULL);
        EXPECT_EQ(exec_group_start(outer.group, fail_when_told, &outer), 0);
        inner.group = begin();
        start_sleepers(&inner, 2);
        fixture_wait(&inner.begun, 2);
        EXPECT_EQ(exec_promise_set(outer.promise, NULL), 0);
        err = exec_group_end(inner.group, 0);
        EXPECT_EQ(err, -ECANCELED);
        EXPECT_EQ(atom_load(&inner.cancelled, ACQUIRE), 2);
        EXPECT_EQ(exec_group_n_errors(inner.group), 0);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        exec_group_free(inner.group);
        EXPECT_EQ(exec_group_end(outer.group, err), -EIO);
        EXPECT_EQ(exec_group_n_errors(outer.group), 1);
        exec_group_free(outer.group);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        exec_future_unref(outer.promise);
        return exec_sleep(1);
}

static void test_P11_outer_child_fails_while_inner_waits(struct fixture *fx)
{
        (void)fx;
        run(outer_child_fails, NULL, 0);
}

static int cancelled_and_failing(void *arg, void **value)
{
        struct seen *s = arg;
        int err;

        *value = NULL;
        s->group = begin();
        EXPECT_EQ(exec_group_start(s->group, fail_when_cancelled, s), 0);
        err = exec_group_end(s->group, 0);
        EXPECT_EQ(err, -EIO); /* the child's error goes before */
        EXPECT_EQ(exec_group_n_errors(s->group), 1);
        exec_group_free(s->group);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        EXPECT_EQ(exec_sleep(EXEC_SEC(1000)), -ECANCELED); /* and the cancellation is not lost */
        EXPECT_EQ(exec_sleep(1), 0);                       /* nor told twice */
        return err;
}

static void test_P13_child_fails_while_the_parent_is_cancelled(struct fixture *fx)
{
        struct seen s = {.group = NULL};
        exec_future *f = exec_create_task(cancelled_and_failing, &s);

        (void)fx;
        fixture_wait(&s.begun, 1);
        EXPECT_EQ(exec_cancel(f, why), 1);
        EXPECT_EQ(exec_await(f, NULL), -EIO);
        EXPECT_EQ(exec_cancelling(f), 1);
        exec_future_unref(f);
}

static int own_error(void *arg, void **value)
{
        struct seen *s = arg;
        int err;

        *value = NULL;
        s->group = begin();
        start_sleepers(s, 1);
        fixture_wait(&s->begun, 1);
        atom_add(&s->begun, 1, ACQ_REL);
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        err = exec_group_end(s->group, -EPROTO);
        EXPECT_EQ(exec_group_n_errors(s->group), 1);
        EXPECT_EQ(first_error(s->group), -EPROTO);
        exec_group_free(s->group);
        return err;
}

static void test_P14_body_turns_cancellation_into_an_error(struct fixture *fx)
{
        struct seen s = {.group = NULL};
        exec_future *f = exec_create_task(own_error, &s);

        (void)fx;
        fixture_wait(&s.begun, 2);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -EPROTO);
        EXPECT_FAILED(f, -EPROTO);
        exec_future_unref(f);
}

static void test_P15_child_and_body_fail(struct fixture *fx)
{
        struct seen s = {.group = begin()};

        (void)fx;
        EXPECT_EQ(exec_group_start(s.group, fail_when_cancelled, &s), 0);
        fixture_wait(&s.begun, 1);
        EXPECT_EQ(exec_group_end(s.group, -EPROTO), -EIO);
        EXPECT_EQ(exec_group_n_errors(s.group), 2);
        EXPECT_EQ(exec_group_error(s.group, 0)->err, -EIO);
        EXPECT_EQ(exec_group_error(s.group, 1)->err, -EPROTO);
        exec_group_free(s.group);
}

struct spawn {
        exec_group *group;
        intptr_t depth;
        _Atomic(int) *runs;
};

static int spawn_more(void *arg, void **value)
{
        struct spawn *s = arg, next = {s->group, s->depth - 1, s->runs};
        struct exec_task_options o;

        *value = NULL;
        atom_add(s->runs, 1, ACQ_REL);
        exec_task_options_init(&o, sizeof o);
        o.arg_size = sizeof next;
        for (int i = 0; s->depth && i < 5; i++)
                EXPECT_EQ(exec_group_start_with(s->group, spawn_more, &next, &o), 0);
        return 0;
}

static void test_P17_children_spawn(struct fixture *fx)
{
        _Atomic(int) runs = 0;
        struct spawn s = {begin(), TEST_TSAN ? 3 : 5, &runs};

        (void)fx;
        EXPECT_EQ(exec_group_start(s.group, spawn_more, &s), 0);
        EXPECT_EQ(exec_group_end(s.group, 0), 0);
        EXPECT_EQ(atom_load(&runs, ACQUIRE), TEST_TSAN ? 156 : 3906);
        exec_group_free(s.group);
}

static int spawn_for_ever(void *arg, void **value)
{
        struct seen *s = arg;
        int err = 0;

        *value = NULL;
        atom_add(&s->begun, 1, ACQ_REL);
        for (int i = 0; !err && i < 2; i++) {
                err = exec_yield();
                if (!err)
                        err = exec_group_start(s->group, spawn_for_ever, s);
        }
        EXPECT(!err || err == -ECANCELED || err == -EALREADY);
        if (err == -EALREADY)
                atom_add(&s->sum, 1, ACQ_REL);
        return err == -EALREADY ? 0 : err;
}

static void test_P18_spawning_stops(struct fixture *fx)
{
        size_t rounds = test_rounds(50);

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                struct seen s = {.group = begin(), .promise = exec_promise_new(NULL)};

                fixture_go_on(i);
                EXPECT_EQ(exec_group_start(s.group, fail_when_told, &s), 0);
                EXPECT_EQ(exec_group_start(s.group, spawn_for_ever, &s), 0);
                fixture_wait(&s.begun, 20);
                exec_promise_set(s.promise, NULL);
                EXPECT_EQ(exec_group_end(s.group, 0), -EIO);
                EXPECT_EQ(exec_group_n_errors(s.group), 1);
                exec_group_free(s.group);
                exec_future_unref(s.promise);
        }
}

/* A child that is cancelled creates another one: refused, the argument dropped. */
struct late {
        exec_group *group;
        _Atomic(int) begun, drops, runs;
};

static int create_late(void *arg, void **value)
{
        struct late *l = arg;
        struct exec_task_options o;
        exec_future *f;

        *value = NULL;
        atom_store(&l->begun, 1, RELEASE);
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        exec_task_options_init(&o, sizeof o);
        o.drop_arg = drop_bump;
        f = exec_group_create_task_with(l->group, task_bump, &l->drops, &o);
        EXPECT_FAILED(f, -EALREADY);
        exec_future_unref(f);
        EXPECT_EQ(exec_group_start_with(l->group, task_bump, &l->drops, &o), -EALREADY);
        EXPECT_FAILED(exec_group_create_task(l->group, task_bump, &l->drops), -EALREADY);
        return -ECANCELED;
}

static void test_P19_create_in_a_failing_group(struct fixture *fx)
{
        struct late l = {.group = begin()};

        (void)fx;
        EXPECT_EQ(exec_group_start(l.group, create_late, &l), 0);
        fixture_wait(&l.begun, 1);
        EXPECT_EQ(exec_group_end(l.group, -EPROTO), -EPROTO);
        EXPECT_EQ(atom_load(&l.drops, ACQUIRE), 2);
        EXPECT_EQ(exec_group_n_errors(l.group), 1); /* a refusal is no error of the group */
        exec_group_free(l.group);
}

static void test_P21_used_after_the_end(struct fixture *fx)
{
        exec_group *g = begin();
        exec_future *f;

        (void)fx;
        EXPECT_EQ(exec_group_end(g, 0), 0);
        EXPECT_EQ(exec_group_end(g, 0), -EALREADY);
        EXPECT_EQ(exec_group_end(g, -EIO), -EALREADY);
        f = exec_group_create_task(g, task_value, NULL);
        EXPECT_FAILED(f, -EALREADY);
        exec_future_unref(f);
        EXPECT_EQ(exec_group_start(g, task_value, NULL), -EALREADY);
        EXPECT_EQ(exec_group_cancel(g), 0);
        EXPECT_EQ(exec_group_n_errors(g), 0);
        exec_group_free(g);
}

/* On a plain thread: a child's error is told at the end, and blocks nobody before. */
static void test_P22_on_a_plain_thread(struct fixture *fx)
{
        struct seen s = {.group = begin()};

        (void)fx;
        start_sleepers(&s, 3);
        fixture_wait(&s.begun, 3);
        EXPECT_EQ(exec_group_start(s.group, task_fail, ERR(-EIO)), 0);
        fixture_wait(&s.cancelled, 3);
        EXPECT_EQ(exec_group_end(s.group, 0), -EIO);
        exec_group_free(s.group);
}

/* Fails while the body waits in each way; then the next waits work, and nothing is counted. */
static int fails_in_the_body(void *arg, void **value)
{
        struct seen s = {.group = begin(), .promise = exec_promise_new(NULL)};
        exec_future *never = exec_promise_new(NULL);
        int err = 0;

        *value = NULL;
        EXPECT_EQ(exec_group_start(s.group, task_fail, ERR(-EIO)), 0);
        switch ((intptr_t)arg) {
        case 0:
                err = exec_sleep_until(EXEC_FOREVER);
                break;
        case 1:
                err = exec_await(never, NULL);
                break;
        case 2:
                err = exec_gather(&never, 1, NULL, 0);
                break;
        case 3:
                while (!err)
                        err = exec_yield();
                break;
        case 4:
                while (!exec_cancel_requested()) /* and goes to the end without a wait */
                        fixture_spin(EXEC_US(10));
                break;
        }
        EXPECT_EQ(err, (intptr_t)arg == 4 ? 0 : -ECANCELED);
        EXPECT_EQ(exec_group_end(s.group, err), -EIO);
        EXPECT_EQ(exec_group_n_errors(s.group), 1);
        exec_group_free(s.group);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        EXPECT(!exec_cancel_requested());
        exec_future_unref(never);
        exec_future_unref(s.promise);
        return exec_sleep(EXEC_US(10));
}

static void test_P23_nothing_leaks_out(struct fixture *fx)
{
        for (intptr_t i = 0; i < 5; i++)
                if (i != 4 || fx->n_workers > 1)
                        run(fails_in_the_body, VAL(i), 0);
}

/* The body does not look at all: the group's request is withdrawn before anything sees it. */
static int fails_unnoticed(void *arg, void **value)
{
        exec_group *g = begin();

        (void)arg;
        *value = NULL;
        for (int i = 0; i < 20; i++)
                EXPECT(exec_group_start(g, task_fail, ERR(-EIO)) <= 0);
        EXPECT_EQ(exec_group_end(g, 0), -EIO);
        EXPECT(exec_group_n_errors(g) >= 1 && exec_group_n_errors(g) <= 20);
        exec_group_free(g);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        return exec_sleep(1);
}

static void test_P23_race(struct fixture *fx)
{
        size_t rounds = test_rounds(1000);

        (void)fx;
        for (size_t i = 0; i < rounds && !fixture_failed(); i++)
                run(fails_unnoticed, NULL, 0);
}

static int both_fail(void *arg, void **value)
{
        struct seen outer = {.group = begin()}, inner = {.group = NULL};
        int err;

        (void)arg;
        *value = NULL;
        outer.promise = exec_promise_new(NULL);
        EXPECT_EQ(exec_group_start(outer.group, fail_when_told, &outer), 0);
        inner.group = begin();
        EXPECT_EQ(exec_group_start(inner.group, fail_when_cancelled, &inner), 0);
        fixture_wait(&inner.begun, 1);
        exec_promise_set(outer.promise, NULL);
        err = exec_sleep_until(EXEC_FOREVER);
        EXPECT_EQ(err, -ECANCELED);
        EXPECT_EQ(exec_group_end(inner.group, err), -EIO);
        EXPECT_EQ(exec_group_n_errors(inner.group), 1);
        exec_group_free(inner.group);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        err = exec_sleep(EXEC_SEC(1000)); /* told once more: the outer group's is not undone */
        EXPECT_EQ(err, -ECANCELED);
        EXPECT_EQ(exec_group_end(outer.group, err), -EIO);
        EXPECT_EQ(exec_group_n_errors(outer.group), 1);
        exec_group_free(outer.group);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        exec_future_unref(outer.promise);
        return exec_sleep(1);
}

static void test_P24_nested_both_fail(struct fixture *fx)
{
        (void)fx;
        run(both_fail, NULL, 0);
}

/* A child fails and somebody cancels the parent, in whatever order. */
struct both {
        struct seen s;
        exec_future *_Atomic task;
        _Atomic(int) in_body, accepted;
};

static int error_and_cancel(void *arg, void **value)
{
        struct both *b = arg;
        int err, n, count;

        *value = NULL;
        b->s.group = begin();
        EXPECT_EQ(exec_group_start(b->s.group, fail_when_told, &b->s), 0);
        fixture_wait(&b->s.begun, 1);
        atom_store(&b->in_body, 1, RELEASE);
        err = exec_sleep_until(EXEC_FOREVER); /* ended by whoever comes first */
        EXPECT_EQ(err, -ECANCELED);
        err = exec_group_end(b->s.group, err);
        n = (int)exec_group_n_errors(b->s.group);
        exec_group_free(b->s.group);
        count = exec_cancelling(exec_current_task());
        EXPECT(count <= 1);
        EXPECT(err == (n ? -EIO : -ECANCELED));
        while (!atom_load(&b->accepted, ACQUIRE)) /* of a plain thread; a wait here would be told of the request */
                sched_yield();
        EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        if (n) {
                atom_add(&b->s.sum, 1, ACQ_REL);
                EXPECT_EQ(exec_sleep(EXEC_SEC(1000)), -ECANCELED);
        }
        EXPECT_EQ(exec_sleep(1), 0);
        return -ECANCELED;
}

static void cancel_parent(void *arg)
{
        struct both *b = arg;

        EXPECT_EQ(exec_cancel(atom_load(&b->task, ACQUIRE), why), 1);
        atom_store(&b->accepted, 1, RELEASE);
}

static void test_P25_error_and_cancel(struct fixture *fx)
{
        size_t rounds = test_rounds(1000), n_errors = 0;
        uint64_t random = 88172645463325252ULL;
        struct rival r;
        struct both b;

        (void)fx;
        rival_start(&r, cancel_parent, &b);
        for (size_t i = 0; i < rounds && !fixture_failed(); i++) {
                exec_future *f;

                memset(&b, 0, sizeof b);
                b.s.promise = exec_promise_new(NULL);
                f = exec_create_task(error_and_cancel, &b);
                atom_store(&b.task, f, RELEASE);
                fixture_wait(&b.in_body, 1);
                if (i % 8 == 1) { /* both orders, whatever the machine does */
                        exec_promise_set(b.s.promise, NULL);
                        fixture_spin(EXEC_US(100));
                }
                rival_release(&r);
                while (i % 8 == 0 &&
                       !exec_future_done(b.s.promise)) /* cancelled at last with the child that awaits it */
                        exec_yield();
                fixture_spin((int64_t)(test_random(&random) % 40000));
                exec_promise_set(b.s.promise, NULL);
                EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
                EXPECT_CANCELLED(f);
                EXPECT_EQ(exec_cancelling(f), 1);
                EXPECT_PTR(exec_cancel_reason(f), why);
                rival_wait(&r);
                n_errors += (size_t)atom_load(&b.s.sum, ACQUIRE);
                exec_future_unref(f);
                exec_future_unref(b.s.promise);
        }
        rival_stop(&r);
        EXPECT(n_errors > 0 && n_errors < rounds);
}

/* What cannot be created fails the group; its creator is cancelled at its next wait, not in the call. */
static int creating_fails(void *arg, void **value)
{
        struct seen s = {.group = begin()};
        exec_future *f;
        int err;

        (void)arg;
        *value = NULL;
        start_sleepers(&s, 1);
        fixture_wait(&s.begun, 1);
        EXPECT(!exec_cancel_requested());
        f = exec_group_create_task(s.group, NULL, NULL);
        EXPECT_FAILED(f, -EINVAL);
        exec_future_unref(f);
        EXPECT(exec_cancel_requested());
        err = exec_sleep(EXEC_SEC(1000));
        EXPECT_EQ(err, -ECANCELED);
        EXPECT_EQ(exec_group_end(s.group, err), -EINVAL);
        EXPECT_EQ(exec_group_n_errors(s.group), 1);
        EXPECT_EQ(atom_load(&s.cancelled, ACQUIRE), 1);
        exec_group_free(s.group);
        return exec_sleep(1);
}

static void test_P26_creating_fails(struct fixture *fx)
{
        (void)fx;
        run(creating_fails, NULL, 0);
}

static int clean_up_fails(void *arg, void **value)
{
        exec_group *g = begin();

        (void)arg;
        *value = NULL;
        EXPECT_EQ(exec_group_start(g, task_fail, ERR(-EIO)), 0);
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        EXPECT_EQ(exec_group_end(g, -EPROTO), -EIO);
        EXPECT_EQ(exec_group_n_errors(g), 2);
        EXPECT_EQ(exec_group_error(g, 1)->err, -EPROTO);
        exec_group_free(g);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        return exec_sleep(1);
}

static void test_P27_clean_up_fails_too(struct fixture *fx)
{
        (void)fx;
        run(clean_up_fails, NULL, 0);
}

static void test_P29_nothing_is_kept(struct fixture *fx)
{
        uint64_t before = fixture_stats(fx->pool).n_futures;
        exec_group *g = begin();
        exec_future *f = exec_group_create_task(g, task_fail, ERR(-EIO));

        EXPECT_EQ(exec_group_end(g, 0), -EIO);
        EXPECT_PTR(exec_group_error(g, 0)->task, f);
        exec_group_free(g);
        EXPECT_FAILED(f, -EIO); /* the handle outlives the group */
        exec_future_unref(f);
        expect_futures(fx->pool, before);
}

static int named(void *arg, void **value)
{
        char name[64];

        *value = NULL;
        EXPECT(exec_task_name(exec_current_task(), name, sizeof name) > 0);
        EXPECT(!strcmp(name, arg));
        return exec_fail(-EIO, "of %s", name);
}

static void test_P30_names(struct fixture *fx)
{
        exec_group *g = begin();
        const struct exec_group_error *e;
        struct exec_task_options o;
        char text[] = "fetcher";

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.name = text;
        EXPECT_EQ(exec_group_start_with(g, named, text, &o), 0);
        EXPECT_EQ(exec_group_end(g, 0), -EIO);
        e = exec_group_error(g, 0);
        EXPECT(e && e->name && !strcmp(e->name, "fetcher") && !strcmp(e->message, "of fetcher"));
        exec_group_free(g);
}

static int see_and_set(void *key, void **value)
{
        *value = exec_local_get(key);
        return exec_local_set(key, VAL(7));
}

/* Children begin with what their creator has then; what they set is theirs. */
static int locals_in_a_group(void *key, void **value)
{
        exec_group *g = begin();
        exec_future *f[2];

        (void)value;
        for (int i = 0; i < 2; i++) {
                EXPECT_EQ(exec_local_set(key, VAL(i + 1)), 0);
                f[i] = exec_group_create_task(g, see_and_set, key);
        }
        EXPECT_EQ(exec_group_end(g, 0), 0);
        for (int i = 0; i < 2; i++) {
                EXPECT_DONE(f[i], VAL(i + 1));
                exec_future_unref(f[i]);
        }
        EXPECT_PTR(exec_local_get(key), VAL(2));
        exec_group_free(g);
        return 0;
}

static void test_P30_locals(struct fixture *fx)
{
        exec_local *key = NULL;
        exec_future *f;

        (void)fx;
        EXPECT_EQ(exec_local_new(&key, NULL), 0);
        f = exec_create_task(locals_in_a_group, key);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        exec_local_free(key);
}

/* ---- P31: cancel() ---- */

static int cancel_from_the_body(void *arg, void **value)
{
        struct seen s = {.group = begin()};
        int err = 0;

        *value = NULL;
        start_sleepers(&s, 3);
        fixture_wait(&s.begun, 3);
        EXPECT_EQ(exec_group_cancel(s.group), 1);
        EXPECT_EQ(exec_group_cancel(s.group), 0);
        EXPECT_EQ(exec_group_start(s.group, task_value, NULL), -EALREADY);
        if (arg) {
                err = exec_sleep(EXEC_SEC(1000));
                EXPECT_EQ(err, -ECANCELED);
        }
        EXPECT_EQ(exec_group_end(s.group, err), 0);
        EXPECT_EQ(exec_group_n_errors(s.group), 0);
        EXPECT_EQ(atom_load(&s.cancelled, ACQUIRE), 3);
        exec_group_free(s.group);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        return exec_sleep(1);
}

static void test_P31_cancel_from_the_body(struct fixture *fx)
{
        (void)fx;
        run(cancel_from_the_body, NULL, 0);
        run(cancel_from_the_body, VAL(1), 0);
}

static int cancel_group(void *arg, void **value)
{
        struct seen *s = arg;

        *value = NULL;
        fixture_wait(&s->begun, 3);
        EXPECT_EQ(exec_group_cancel(s->group), 1);
        EXPECT_EQ(exec_sleep(EXEC_SEC(1000)), -ECANCELED);
        return -ECANCELED;
}

static void test_P31_cancel_from_a_child(struct fixture *fx)
{
        struct seen s = {.group = begin()};

        (void)fx;
        start_sleepers(&s, 3);
        EXPECT_EQ(exec_group_start(s.group, cancel_group, &s), 0);
        EXPECT_EQ(exec_group_end(s.group, 0), 0);
        EXPECT_EQ(exec_group_n_errors(s.group), 0);
        EXPECT_EQ(atom_load(&s.cancelled, ACQUIRE), 3);
        exec_group_free(s.group);
}

static int cancelled_then_fails(void *arg, void **value)
{
        struct seen s = {.group = begin()};

        (void)arg;
        *value = NULL;
        EXPECT_EQ(exec_group_start(s.group, fail_when_cancelled, &s), 0);
        fixture_wait(&s.begun, 1);
        EXPECT_EQ(exec_group_cancel(s.group), 1);
        EXPECT_EQ(exec_group_end(s.group, -EPROTO), -EIO);
        EXPECT_EQ(exec_group_n_errors(s.group), 2);
        exec_group_free(s.group);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        return exec_sleep(1);
}

static void test_P31_errors_still_surface(struct fixture *fx)
{
        (void)fx;
        run(cancelled_then_fails, NULL, 0);
}

/* Cancelled by itself, and its parent by somebody else: that is not lost. */
static int cancelled_twice(void *arg, void **value)
{
        struct seen *s = arg;
        int err;

        *value = NULL;
        s->group = begin();
        start_sleepers(s, 1);
        fixture_wait(&s->begun, 1);
        EXPECT_EQ(exec_group_cancel(s->group), 1);
        EXPECT_EQ(exec_cancel(exec_current_task(), why), 1);
        err = exec_sleep(EXEC_SEC(1000));
        EXPECT_EQ(err, -ECANCELED);
        err = exec_group_end(s->group, err);
        exec_group_free(s->group);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        return err;
}

static void test_P31_and_the_parent_by_somebody_else(struct fixture *fx)
{
        struct seen s = {.group = NULL};

        (void)fx;
        run(cancelled_twice, &s, -ECANCELED);
}

struct cancel_race {
        exec_group *_Atomic group;
        _Atomic(int) answer;
};

static void cancel_it(void *arg)
{
        struct cancel_race *c = arg;

        atom_store(&c->answer, exec_group_cancel(atom_load(&c->group, ACQUIRE)), RELEASE);
}

static int body_of_race(void *arg, void **value)
{
        struct cancel_race *c = arg;
        exec_group *g = atom_load(&c->group, ACQUIRE);
        int err;

        (void)g;
        *value = NULL;
        g = begin();
        atom_store(&c->group, g, RELEASE);
        err = exec_group_start(g, task_value, NULL);
        if (!err)
                err = exec_group_start(g, task_sleep, NS(EXEC_US(20)));
        if (!err)
                err = exec_yield();
        EXPECT(!err || err == -ECANCELED || err == -EALREADY);
        EXPECT_EQ(exec_group_end(g, err == -EALREADY ? 0 : err), 0);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        return exec_sleep(1);
}

static void test_P31_cancel_races_the_end(struct fixture *fx)
{
        size_t rounds = test_rounds(1000);
        uint64_t random = 362436069;
        struct cancel_race c;
        struct rival r;

        rival_start(&r, cancel_it, &c);
        for (size_t i = 0; i < rounds && !fixture_failed(); i++) {
                exec_future *f;

                if (i % 5000 == 0)
                        fixture_watch(fx->pool, "test_P31_cancel_races_the_end");
                atom_store(&c.group, NULL, RELAXED);
                f = exec_create_task(body_of_race, &c);
                while (!atom_load(&c.group, ACQUIRE))
                        exec_yield();
                fixture_spin((int64_t)(test_random(&random) % 20000));
                rival_release(&r);
                EXPECT_EQ(exec_await(f, NULL), 0);
                rival_wait(&r);
                exec_group_free(atom_load(&c.group, ACQUIRE));
                exec_future_unref(f);
        }
        rival_stop(&r);
}

/* ---- T17, depth, length ---- */

static int fan_out(void *arg, void **value)
{
        intptr_t depth = (intptr_t)arg;
        exec_group *g;
        int err;

        *value = NULL;
        if (!depth)
                return 0;
        g = begin();
        for (int i = 0; i < 5; i++)
                EXPECT_EQ(exec_group_start(g, fan_out, VAL(depth - 1)), 0);
        err = exec_group_end(g, 0);
        exec_group_free(g);
        return err;
}

static void test_T17_recursive_groups(struct fixture *fx)
{
        uint64_t before = fixture_stats(fx->pool).n_created;
        intptr_t depth = TEST_TSAN ? 3 : 4;

        run(fan_out, VAL(depth), 0);
        EXPECT_EQ(fixture_stats(fx->pool).n_created - before, depth == 4 ? 781 : 156);
}

struct level {
        intptr_t depth;
        _Atomic(int) *bottom;
        bool fail;
};

static int go_down(void *arg, void **value)
{
        struct level *l = arg, next = {l->depth - 1, l->bottom, l->fail};
        exec_group *g;
        int err;

        *value = NULL;
        if (!l->depth) {
                atom_store(l->bottom, 1, RELEASE);
                return l->fail ? -EIO : exec_sleep_until(EXEC_FOREVER);
        }
        g = begin();
        EXPECT_EQ(exec_group_start(g, go_down, &next), 0);
        err = exec_group_end(g, 0);
        exec_group_free(g);
        return err;
}

static void test_a_thousand_groups_deep(struct fixture *fx)
{
        _Atomic(int) bottom = 0;
        struct level l = {TEST_TSAN ? 100 : 1500, &bottom, false};
        exec_future *f = exec_create_task(go_down, &l);
        exec_group *g;

        (void)fx;
        fixture_wait(&bottom, 1);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        exec_future_unref(f);

        g = begin();
        atom_store(&bottom, 0, RELAXED);
        EXPECT_EQ(exec_group_start(g, go_down, &l), 0);
        fixture_wait(&bottom, 1);
        EXPECT_EQ(exec_group_cancel(g), 1);
        EXPECT_EQ(exec_group_end(g, 0), 0);
        exec_group_free(g);

        l.fail = true;
        run(go_down, &l, -EIO);
}

static void test_long_lived_group_does_not_grow(struct fixture *fx)
{
        int n = (int)test_scale(50000);
        _Atomic(int) runs = 0;
        uint64_t before = fixture_stats(fx->pool).n_futures;
        exec_group *g = begin();

        for (int i = 1; i <= n; i++) {
                EXPECT_EQ(exec_group_start(g, task_bump, &runs), 0);
                if (i % 100)
                        continue;
                fixture_wait(&runs, i);
                while (exec_group_pending(g))
                        exec_yield();
                if (i % 1000 == 0)
                        expect_futures(fx->pool, before + 100);
        }
        EXPECT_EQ(exec_group_end(g, 0), 0);
        exec_group_free(g);
}

static const struct fixture_case cases[] = {
        CASE(test_P1_two_children),
        CASE(test_P1_no_children),
        CASE(test_P1_many_children),
        CASE(test_P1_visible_after_the_end),
        CASE(test_P2_added_while_others_run),
        CASE(test_P3_one_child_cancelled),
        CASE(test_P5_three_fail_at_once),
        CASE(test_P5_every_error_is_kept),
        CASE(test_P6_parent_cancelled_at_the_end),
        CASE(test_P7_parent_cancelled_in_the_body),
        CASE(test_P9_body_fails),
        CASE(test_P10_nested_cancelled),
        CASE(test_P11_outer_child_fails_while_inner_waits),
        CASE(test_P13_child_fails_while_the_parent_is_cancelled),
        CASE(test_P14_body_turns_cancellation_into_an_error),
        CASE(test_P15_child_and_body_fail),
        CASE(test_P17_children_spawn),
        CASE(test_P18_spawning_stops),
        CASE(test_P19_create_in_a_failing_group),
        CASE(test_P21_used_after_the_end),
        CASE_THREAD(test_P22_on_a_plain_thread),
        CASE(test_P23_nothing_leaks_out),
        CASE(test_P23_race),
        CASE(test_P24_nested_both_fail),
        CASE(test_P25_error_and_cancel),
        CASE(test_P26_creating_fails),
        CASE(test_P27_clean_up_fails_too),
        CASE(test_P29_nothing_is_kept),
        CASE(test_P30_names),
        CASE(test_P30_locals),
        CASE(test_P31_cancel_from_the_body),
        CASE(test_P31_cancel_from_a_child),
        CASE(test_P31_errors_still_surface),
        CASE(test_P31_and_the_parent_by_somebody_else),
        CASE(test_P31_cancel_races_the_end),
        CASE(test_T17_recursive_groups),
        CASE(test_a_thousand_groups_deep),
        CASE(test_long_lived_group_does_not_grow),
};

FIXTURE_MAIN("group", cases)
