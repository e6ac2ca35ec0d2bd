/* gather_test.c - gather as a call, as a future and over an array: section 5 of docs/CONFORMANCE.md. G19 is in
 * cross_pool_test.c. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static char a_value, b_value, c_value;

static void promises(exec_future *f[], size_t n)
{
        for (size_t i = 0; i < n; i++)
                f[i] = exec_promise_new(NULL);
}

static void expect_slot(const struct exec_outcome *o, int state, int err, const void *value)
{
        EXPECT_EQ(o->state, state);
        EXPECT_EQ(o->err, err);
        if (state == EXEC_DONE)
                EXPECT_PTR(o->value, value);
}

static void count(exec_future *f, void *arg)
{
        (void)f;
        atom_add((_Atomic(int) *)arg, 1, ACQ_REL);
}

static void test_G1_no_children(struct fixture *fx)
{
        exec_future *g;

        (void)fx;
        EXPECT_EQ(exec_gather(NULL, 0, NULL, 0), 0);
        EXPECT_EQ(exec_gather(NULL, 0, NULL, EXEC_COLLECT), 0);
        EXPECT_EQ(exec_gather_call(task_value, NULL, 0, 0, NULL, 0, 0), 0);
        g = exec_gather_future(NULL, 0, 0);
        EXPECT(exec_future_done(g));
        EXPECT_EQ(exec_await(g, NULL), 0);
        EXPECT_EQ(exec_cancel(g, NULL), 0);
        exec_future_unref(g);
}

/* A task that gathers, so that the caller can look on. */
struct gathering {
        exec_future **f;
        size_t n;
        struct exec_outcome *out;
        unsigned flags;
        _Atomic(int) begun;
};

static int gather_task(void *arg, void **value)
{
        struct gathering *g = arg;

        *value = g->out;
        atom_store(&g->begun, 1, RELEASE);
        return exec_gather(g->f, g->n, g->out, g->flags);
}

static void in_order(struct fixture *fx, unsigned flags)
{
        exec_future *f[3], *task, *g;
        struct exec_outcome out[3], *list = NULL;
        struct gathering call = {f, 3, out, flags, 0};
        _Atomic(int) callbacks = 0;

        promises(f, 3);
        g = exec_gather_future(f, 3, flags);
        EXPECT_EQ(exec_future_add_callback(g, count, &callbacks), 0);
        task = exec_create_task(gather_task, &call);
        fixture_wait(&call.begun, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_promise_set(f[1], &b_value), 0);
        EXPECT_EQ(exec_promise_set(f[0], &a_value), 0);
        fixture_settle(fx->pool);
        EXPECT_PENDING(g);
        EXPECT_PENDING(task);
        EXPECT_EQ(exec_promise_set(f[2], &c_value), 0);
        EXPECT_EQ(exec_await(task, NULL), 0);
        EXPECT_EQ(exec_await(g, (void **)&list), 0);
        for (int i = 0; list && i < 2; i++, list = out) {
                expect_slot(&list[0], EXEC_DONE, 0, &a_value);
                expect_slot(&list[1], EXEC_DONE, 0, &b_value);
                expect_slot(&list[2], EXEC_DONE, 0, &c_value);
        }
        fixture_wait(&callbacks, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(atom_load(&callbacks, ACQUIRE), 1);
        exec_future_unref(task);
        exec_future_unref(g);
        exec_future_unref_all(f, 3);
}

static void test_G2_results_in_argument_order(struct fixture *fx)
{
        in_order(fx, 0);
}

static void test_G3_collect_without_errors(struct fixture *fx)
{
        in_order(fx, EXEC_COLLECT);
}

static void test_G2_tasks(struct fixture *fx)
{
        enum { MAX = 2000 };
        size_t n = test_scale(MAX);
        exec_future **f = calloc(n, sizeof(exec_future *));
        struct exec_outcome *out = calloc(n, sizeof *out);

        (void)fx;
        for (unsigned flags = 0; flags <= EXEC_COLLECT; flags++) {
                for (size_t i = 0; i < n; i++)
                        f[i] = exec_create_task(task_value, VAL(i));
                EXPECT_EQ(exec_gather(f, n, out, flags), 0);
                for (size_t i = 0; i < n; i++)
                        expect_slot(&out[i], EXEC_DONE, 0, VAL(i));
                exec_future_unref_all(f, n);
        }
        free(f);
        free(out);
}

static void test_G5_collect_errors(struct fixture *fx)
{
        exec_future *f[4], *g, *task;
        struct exec_outcome out[4], *list = NULL;
        struct gathering call = {f, 4, out, EXEC_COLLECT, 0};

        promises(f, 4);
        g = exec_gather_future(f, 4, EXEC_COLLECT);
        task = exec_create_task(gather_task, &call);
        fixture_wait(&call.begun, 1);
        EXPECT_EQ(exec_promise_set(f[1], &b_value), 0);
        EXPECT_EQ(exec_promise_fail(f[2], -EIO), 0);
        EXPECT_EQ(exec_promise_set(f[0], &a_value), 0);
        fixture_settle(fx->pool);
        EXPECT_PENDING(g);
        EXPECT_PENDING(task);
        EXPECT_EQ(exec_promise_fail(f[3], -ENOENT), 0);
        EXPECT_EQ(exec_await(task, NULL), 0);
        EXPECT_EQ(exec_await(g, (void **)&list), 0);
        for (int i = 0; list && i < 2; i++, list = out) {
                expect_slot(&list[0], EXEC_DONE, 0, &a_value);
                expect_slot(&list[1], EXEC_DONE, 0, &b_value);
                expect_slot(&list[2], EXEC_FAILED, -EIO, NULL);
                expect_slot(&list[3], EXEC_FAILED, -ENOENT, NULL);
        }
        exec_future_unref(task);
        exec_future_unref(g);
        exec_future_unref_all(f, 4);
}

/* The child is cancelled by somebody else: the gather has failed with that error, and is itself not cancelled. */
static void test_G6_child_cancelled_by_somebody_else(struct fixture *fx)
{
        exec_future *f[5], *g, *task;
        struct exec_outcome out[5];
        struct gathering call = {f, 5, out, 0, 0};

        promises(f, 5);
        g = exec_gather_future(f, 5, 0);
        task = exec_create_task(gather_task, &call);
        fixture_wait(&call.begun, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(f[1], "by somebody else"), 1);
        EXPECT_EQ(exec_await(g, NULL), -ECANCELED);
        EXPECT_FAILED(g, -ECANCELED);
        EXPECT_EQ(exec_await(task, NULL), -ECANCELED);
        expect_slot(&out[1], EXEC_CANCELLED, -ECANCELED, NULL);
        EXPECT_EQ(exec_cancelling(task), 0);
        for (int i = 0; i < 5; i++)
                if (i != 1) {
                        EXPECT_PENDING(f[i]);
                        EXPECT_EQ(out[i].state, EXEC_PENDING);
                }
        for (int i = 0; i < 5; i++)
                exec_cancel(f[i], NULL);
        exec_future_unref(task);
        exec_future_unref(g);
        exec_future_unref_all(f, 5);
}

static void test_G6_child_cancelled_by_somebody_else_rest_too(struct fixture *fx)
{
        exec_future *f[3], *g;

        (void)fx;
        promises(f, 3);
        g = exec_gather_future(f, 3, EXEC_CANCEL_REST);
        EXPECT_EQ(exec_cancel(f[1], NULL), 1);
        EXPECT_EQ(exec_await(g, NULL), -ECANCELED);
        EXPECT_FAILED(g, -ECANCELED);
        for (int i = 0; i < 3; i++) {
                fixture_wait_done(f[i]);
                EXPECT_CANCELLED(f[i]);
        }
        exec_future_unref(g);
        exec_future_unref_all(f, 3);
}

static void test_G7_collect_errors_and_cancellations(struct fixture *fx)
{
        exec_future *f[6], *task, *g;
        struct exec_outcome out[6], *list = NULL;
        struct gathering call = {f, 6, out, EXEC_COLLECT, 0};

        (void)fx;
        promises(f, 6);
        g = exec_gather_future(f, 6, EXEC_COLLECT);
        task = exec_create_task(gather_task, &call);
        fixture_wait(&call.begun, 1);
        EXPECT_EQ(exec_promise_set(f[0], &a_value), 0);
        EXPECT_EQ(exec_promise_fail(f[1], -EIO), 0);
        EXPECT_EQ(exec_cancel(f[2], NULL), 1);
        EXPECT_EQ(exec_promise_set(f[3], &b_value), 0);
        EXPECT_EQ(exec_cancel(f[4], NULL), 1);
        EXPECT_PENDING(g);
        EXPECT_EQ(exec_promise_fail(f[5], -ENOENT), 0);
        EXPECT_EQ(exec_await(task, NULL), 0);
        EXPECT_EQ(exec_await(g, (void **)&list), 0);
        EXPECT(list != NULL);
        for (int i = 0; list && i < 2; i++, list = out) {
                expect_slot(&list[0], EXEC_DONE, 0, &a_value);
                expect_slot(&list[1], EXEC_FAILED, -EIO, NULL);
                expect_slot(&list[2], EXEC_CANCELLED, -ECANCELED, NULL);
                expect_slot(&list[3], EXEC_DONE, 0, &b_value);
                expect_slot(&list[4], EXEC_CANCELLED, -ECANCELED, NULL);
                expect_slot(&list[5], EXEC_FAILED, -ENOENT, NULL);
        }
        exec_future_unref(task);
        exec_future_unref(g);
        exec_future_unref_all(f, 6);
}

/* Two tasks, each awaiting a promise, both of which have begun. */
static void two_awaiters(struct fixture *fx, struct awaiter a[2], exec_future *children[2])
{
        for (int i = 0; i < 2; i++) {
                a[i] = (struct awaiter){exec_promise_new(NULL), 0};
                children[i] = exec_create_task(task_await_noted, &a[i]);
        }
        for (int i = 0; i < 2; i++)
                fixture_wait(&a[i].begun, 1);
        fixture_settle(fx->pool);
}

static void test_G9_cancelled_from_outside(struct fixture *fx)
{
        exec_future *children[2], *g, *outer;
        struct awaiter inner[2], of_g;

        two_awaiters(fx, inner, children);
        g = exec_gather_future(children, 2, 0);
        of_g = (struct awaiter){g, 0};
        outer = exec_create_task(task_await_noted, &of_g);
        fixture_wait(&of_g.begun, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(outer, NULL), 1);
        EXPECT_EQ(exec_await(outer, NULL), -ECANCELED);
        EXPECT_CANCELLED(outer);
        EXPECT_CANCELLED(g);
        for (int i = 0; i < 2; i++) {
                EXPECT_CANCELLED(children[i]);
                EXPECT_CANCELLED(inner[i].f);
                exec_future_unref(inner[i].f);
        }
        EXPECT_EQ(exec_cancel(g, NULL), 0);
        exec_future_unref(outer);
        exec_future_unref(g);
        exec_future_unref_all(children, 2);
}

/* The cancellation is passed on, and the call returns when all have ended. */
static int gather_and_look(void *arg, void **value)
{
        struct gathering *g = arg;
        int rc = gather_task(arg, value);

        for (size_t i = 0; i < g->n; i++) {
                EXPECT_CANCELLED(g->f[i]);
                expect_slot(&g->out[i], EXEC_CANCELLED, -ECANCELED, NULL);
        }
        return rc;
}

static void cancelled_in_the_call(struct fixture *fx, unsigned flags)
{
        exec_future *children[2], *outer;
        struct exec_outcome out[2];
        struct gathering call = {children, 2, out, flags, 0};
        struct awaiter inner[2];

        two_awaiters(fx, inner, children);
        outer = exec_create_task(gather_and_look, &call);
        fixture_wait(&call.begun, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(outer, "stop all"), 1);
        EXPECT_EQ(exec_await(outer, NULL), -ECANCELED);
        EXPECT_CANCELLED(outer);
        for (int i = 0; i < 2; i++) {
                EXPECT_CANCELLED(children[i]);
                EXPECT_CANCELLED(inner[i].f);
                exec_future_unref(inner[i].f);
        }
        exec_future_unref(outer);
        exec_future_unref_all(children, 2);
}

static void test_G9_cancelled_in_the_call(struct fixture *fx)
{
        cancelled_in_the_call(fx, 0);
        cancelled_in_the_call(fx, EXEC_CANCEL_REST);
}

static int gather_again_and_again(void *arg, void **value)
{
        _Atomic(int) *rounds = arg;

        *value = NULL;
        for (;;) {
                exec_future *f[2] = {exec_create_task(task_sleep, NS(EXEC_MS(2))), exec_sleep_future(EXEC_MS(1))};
                int rc = exec_gather(f, 2, NULL, EXEC_COLLECT | EXEC_UNREF);

                if (rc)
                        return rc;
                atom_add(rounds, 1, ACQ_REL);
        }
}

/* To collect errors is not to swallow the cancellation of the gather itself. */
static void test_G10_collect_lets_cancellation_out(struct fixture *fx)
{
        static const char why[] = "enough rounds";
        _Atomic(int) rounds = 0;
        exec_future *f;

        cancelled_in_the_call(fx, EXEC_COLLECT);
        f = exec_create_task(gather_again_and_again, &rounds);
        fixture_wait(&rounds, 3);
        EXPECT_EQ(exec_cancel(f, why), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        EXPECT_PTR(exec_cancel_reason(f), why);
        exec_future_unref(f);
}

struct window {
        exec_future *_Atomic g, *_Atomic child;
        _Atomic(int) answer, n;
};

static void cancel_gather(exec_future *f, void *arg)
{
        struct window *w = arg;

        (void)f;
        atom_store(&w->answer, exec_cancel(atom_load(&w->g, ACQUIRE), NULL), RELAXED);
        atom_add(&w->n, 1, ACQ_REL);
}

/* The only child is done, and its first callback runs: told or not, the gather succeeds. */
static void test_G11_child_done_gather_not_told(struct fixture *fx)
{
        exec_future *child = exec_promise_new(NULL), *g;
        struct window w = {NULL, NULL, 1, 0};
        struct exec_outcome *list = NULL;

        (void)fx;
        EXPECT_EQ(exec_future_add_callback(child, cancel_gather, &w), 0);
        g = exec_gather_future(&child, 1, 0);
        atom_store(&w.g, g, RELEASE);
        EXPECT_EQ(exec_promise_set(child, &a_value), 0);
        fixture_wait(&w.n, 1);
        EXPECT_EQ(atom_load(&w.answer, RELAXED), 0);
        EXPECT_EQ(exec_await(g, (void **)&list), 0);
        if (list)
                expect_slot(&list[0], EXEC_DONE, 0, &a_value);
        exec_future_unref(g);
        exec_future_unref(child);
}

static void set_child(void *arg)
{
        struct window *w = arg;

        atom_store(&w->answer, exec_promise_set(atom_load(&w->child, ACQUIRE), &a_value), RELEASE);
}

/* Cancel of the gather against the success of its last child: one of them is first, and both agree who. */
static void race_with_last_child(unsigned flags)
{
        size_t rounds = test_rounds(1000), n_cancelled = 0;
        uint64_t random = 88172645463325252u;
        struct window w = {NULL, NULL, 0, 0};
        struct rival r;

        rival_start(&r, set_child, &w);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f[3], *g;
                struct exec_outcome *list = NULL;
                int cancelled, rc;

                promises(f, 3);
                EXPECT_EQ(exec_promise_set(f[0], NULL), 0);
                g = exec_gather_future(f, 3, flags);
                EXPECT_EQ(exec_promise_set(f[1], NULL), 0);
                atom_store(&w.child, f[2], RELEASE);
                rival_release(&r);
                fixture_stagger(&random);
                cancelled = exec_cancel(g, NULL);
                rival_wait(&r);
                n_cancelled += cancelled == 1;
                rc = exec_await(g, (void **)&list);
                if (cancelled) {
                        EXPECT_EQ(rc, -ECANCELED);
                        EXPECT_CANCELLED(g);
                        EXPECT_CANCELLED(f[2]);
                        EXPECT_EQ(atom_load(&w.answer, ACQUIRE), -EALREADY);
                } else {
                        EXPECT_EQ(rc, 0);
                        EXPECT_EQ(atom_load(&w.answer, ACQUIRE), 0);
                        if (list)
                                expect_slot(&list[2], EXEC_DONE, 0, &a_value);
                }
                exec_future_unref(g);
                exec_future_unref_all(f, 3);
        }
        rival_stop(&r);
        fixture_both_orders(rounds, n_cancelled);
}

static void test_G11_cancel_races_the_last_child(struct fixture *fx)
{
        (void)fx;
        race_with_last_child(0);
        race_with_last_child(EXEC_COLLECT);
}

static void test_G13_cancel_after_failure(struct fixture *fx)
{
        exec_future *f[3], *g;

        (void)fx;
        promises(f, 3);
        g = exec_gather_future(f, 3, 0);
        EXPECT_EQ(exec_promise_fail(f[1], -EIO), 0);
        EXPECT_EQ(exec_await(g, NULL), -EIO);
        EXPECT_FAILED(g, -EIO);
        EXPECT_EQ(exec_cancel(g, NULL), 0);
        EXPECT_PENDING(f[0]);
        EXPECT_PENDING(f[2]);
        EXPECT_EQ(exec_promise_set(f[0], NULL), 0);
        EXPECT_EQ(exec_promise_set(f[2], NULL), 0);
        EXPECT_FAILED(g, -EIO);
        exec_future_unref(g);
        exec_future_unref_all(f, 3);
}

/* More than are looked at one by one. */
static void twenty_done_before(struct fixture *fx)
{
        enum { N = 20 };
        exec_future *f[N], *g;
        struct exec_outcome out[N], *list = NULL;
        uint64_t suspends;

        promises(f, N);
        for (int i = 0; i < N; i++)
                exec_promise_set(f[i], VAL(i));
        suspends = fixture_stats(fx->pool).n_suspends;
        g = exec_gather_future(f, N, 0);
        EXPECT(exec_future_done(g));
        EXPECT_EQ(exec_gather(f, N, out, EXEC_COLLECT), 0);
        memset(out, 0, sizeof out);
        EXPECT_EQ(exec_gather(f, N, out, 0), 0);
        EXPECT_EQ(exec_await(g, (void **)&list), 0);
        EXPECT_EQ(fixture_stats(fx->pool).n_suspends, suspends);
        for (int i = 0; list && i < N; i++) {
                expect_slot(&out[i], EXEC_DONE, 0, VAL(i));
                expect_slot(&list[i], EXEC_DONE, 0, VAL(i));
        }
        exec_future_unref(g);
        exec_future_unref_all(f, N);
}

static void test_G14_all_done_before(struct fixture *fx)
{
        exec_future *f[3], *g;
        struct exec_outcome out[3];
        uint64_t suspends;

        promises(f, 3);
        exec_promise_set(f[0], &a_value);
        exec_promise_set(f[1], &b_value);
        exec_promise_set(f[2], &c_value);
        suspends = fixture_stats(fx->pool).n_suspends;
        g = exec_gather_future(f, 3, 0);
        EXPECT(exec_future_done(g));
        EXPECT_EQ(exec_gather(f, 3, out, 0), 0);
        EXPECT_EQ(exec_gather(f, 3, out, EXEC_COLLECT), 0);
        EXPECT_EQ(exec_await(g, NULL), 0);
        EXPECT_EQ(fixture_stats(fx->pool).n_suspends, suspends);
        expect_slot(&out[0], EXEC_DONE, 0, &a_value);
        expect_slot(&out[1], EXEC_DONE, 0, &b_value);
        expect_slot(&out[2], EXEC_DONE, 0, &c_value);
        exec_future_unref(g);
        exec_future_unref_all(f, 3);
        twenty_done_before(fx);
}

static void test_G15_error_among_the_done(struct fixture *fx)
{
        exec_future *f[4], *g;
        struct exec_outcome out[4];

        (void)fx;
        promises(f, 4);
        EXPECT_EQ(exec_promise_set(f[0], &a_value), 0);
        EXPECT_EQ(exec_promise_fail(f[2], -EIO), 0);
        g = exec_gather_future(f, 4, 0);
        EXPECT_FAILED(g, -EIO);
        EXPECT_EQ(exec_gather(f, 4, out, 0), -EIO);
        expect_slot(&out[0], EXEC_DONE, 0, &a_value);
        EXPECT_EQ(out[1].state, EXEC_PENDING);
        expect_slot(&out[2], EXEC_FAILED, -EIO, NULL);
        EXPECT_EQ(out[3].state, EXEC_PENDING);
        EXPECT_PENDING(f[1]);
        EXPECT_PENDING(f[3]);
        /* Slots not finished are not written later. */
        EXPECT_EQ(exec_promise_set(f[1], &b_value), 0);
        EXPECT_EQ(exec_promise_set(f[3], &b_value), 0);
        EXPECT_EQ(out[1].state, EXEC_PENDING);
        EXPECT_EQ(out[3].state, EXEC_PENDING);
        exec_future_unref(g);
        exec_future_unref_all(f, 4);
}

static void on_unhandled(exec_future *f, const struct exec_outcome *outcome, void *ctx)
{
        (void)f, (void)outcome;
        atom_add((_Atomic(int) *)ctx, 1, ACQ_REL);
}

struct two_failures {
        exec_future *_Atomic f;
};

static void fail_one(void *arg)
{
        struct two_failures *t = arg;

        exec_promise_fail(atom_load(&t->f, ACQUIRE), -ENOENT);
}

static int fail_at_once(void *arg, void **value)
{
        (void)arg, (void)value;
        return -EIO;
}

/* Two children fail at once: one error wins, the other counts as seen, the callback runs once. */
static void test_G21_two_children_fail_at_once(struct fixture *fx)
{
        size_t rounds = test_rounds(1000), n_mine = 0;
        uint64_t random = 521288629;
        _Atomic(int) unhandled = 0;
        struct two_failures t = {NULL};
        struct rival r;

        (void)fx;
        exec_set_unhandled(on_unhandled, &unhandled);
        rival_start(&r, fail_one, &t);
        for (size_t i = 0; i < rounds; i++) {
                _Atomic(int) callbacks = 0;
                exec_future *f[2], *g;
                int rc;

                promises(f, 2);
                g = exec_gather_future(f, 2, 0);
                EXPECT_EQ(exec_future_add_callback(g, count, &callbacks), 0);
                atom_store(&t.f, f[0], RELEASE);
                rival_release(&r);
                fixture_stagger(&random);
                EXPECT_EQ(exec_promise_fail(f[1], -EIO), 0);
                rc = exec_await(g, NULL);
                n_mine += rc == -EIO;
                EXPECT(rc == -EIO || rc == -ENOENT);
                EXPECT_FAILED(g, rc);
                rival_wait(&r);
                exec_future_unref_all(f, 2);
                exec_future_unref(g);
                EXPECT_EQ(atom_load(&callbacks, ACQUIRE), 1);
        }
        rival_stop(&r);
        fixture_both_orders(rounds, n_mine);
        EXPECT_EQ(atom_load(&unhandled, ACQUIRE), 0);
        exec_set_unhandled(NULL, NULL);
}

static int fail_after_yield(void *arg, void **value)
{
        (void)value;
        exec_yield();
        return (int)(intptr_t)arg;
}

static void test_G21_tasks_fail_at_once(struct fixture *fx)
{
        size_t rounds = test_rounds(300);
        _Atomic(int) unhandled = 0;

        fixture_settle(fx->pool);
        exec_set_unhandled(on_unhandled, &unhandled);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f[4];
                int rc;

                for (int k = 0; k < 4; k++)
                        f[k] = exec_create_task(fail_after_yield, ERR(-10 - k));
                rc = exec_gather(f, 4, NULL, i % 2 ? EXEC_UNREF : EXEC_UNREF | EXEC_CANCEL_REST);
                EXPECT(rc <= -10 && rc >= -13);
        }
        fixture_settle(fx->pool);
        EXPECT_EQ(atom_load(&unhandled, ACQUIRE), 0);
        exec_set_unhandled(NULL, NULL);
}

struct outer_race {
        exec_future *_Atomic outer;
        _Atomic(int) answer;
};

static void cancel_outer(void *arg)
{
        struct outer_race *o = arg;

        atom_store(&o->answer, exec_cancel(atom_load(&o->outer, ACQUIRE), NULL), RELEASE);
}

/* The task that gathers is cancelled while its last child succeeds: all or nothing, and values go exactly once. */
static void test_G22_cancel_races_success(struct fixture *fx)
{
        size_t rounds = test_rounds(500), n_cancelled = 0;
        uint64_t random = 123456789;
        struct outer_race o = {NULL, 0};
        struct rival r;

        (void)fx;
        rival_start(&r, cancel_outer, &o);
        for (size_t i = 0; i < rounds; i++) {
                _Atomic(int) drops[2] = {0, 0};
                exec_future *f[2] = {exec_promise_new(drop_bump), exec_promise_new(drop_bump)}, *outer;
                struct exec_outcome out[2] = {{-1, 0, NULL}, {-1, 0, NULL}};
                struct gathering call = {f, 2, out, i % 2 ? EXEC_COLLECT : 0, 0};
                int rc, set[2];

                outer = exec_create_task(gather_task, &call);
                atom_store(&o.outer, outer, RELEASE);
                set[0] = exec_promise_set(f[0], &drops[0]);
                if (i % 3)
                        fixture_wait(&call.begun, 1);
                rival_release(&r);
                fixture_stagger(&random);
                set[1] = exec_promise_set(f[1], &drops[1]);
                rc = exec_await(outer, NULL);
                rival_wait(&r);
                n_cancelled += rc == -ECANCELED;
                EXPECT_EQ(rc, atom_load(&o.answer, ACQUIRE) ? -ECANCELED : 0);
                EXPECT_EQ(set[0], 0);
                for (int k = 0; k < 2; k++) {
                        if (!rc)
                                expect_slot(&out[k], EXEC_DONE, 0, &drops[k]);
                        if (set[k] == 0)
                                EXPECT_DONE(f[k], &drops[k]);
                        else
                                EXPECT_CANCELLED(f[k]);
                }
                exec_future_unref(outer);
                exec_future_unref_all(f, 2);
                for (int k = 0; k < 2; k++)
                        EXPECT_EQ(atom_load(&drops[k], ACQUIRE), set[k] == 0);
        }
        rival_stop(&r);
        fixture_both_orders(rounds, n_cancelled);
}

static void test_fails_fast_others_go_on(struct fixture *fx)
{
        exec_future *f[3];
        struct exec_outcome out[3];
        void *value = NULL;

        (void)fx;
        f[0] = exec_create_task(task_sleep, NS(EXEC_MS(30)));
        f[1] = exec_create_task(task_fail, ERR(-EIO));
        f[2] = exec_promise_new(NULL);
        EXPECT_EQ(exec_gather(f, 3, out, 0), -EIO);
        expect_slot(&out[1], EXEC_FAILED, -EIO, NULL);
        EXPECT_EQ(out[2].state, EXEC_PENDING);
        EXPECT_PENDING(f[2]);
        EXPECT_EQ(exec_await(f[0], &value), 0);
        EXPECT_PTR(value, NS(EXEC_MS(30)));
        exec_cancel(f[2], NULL);
        exec_future_unref_all(f, 3);
}

static void test_cancel_rest(struct fixture *fx)
{
        exec_future *f[4];
        struct exec_outcome out[4];

        (void)fx;
        f[0] = exec_create_task(task_forever, NULL);
        f[1] = exec_promise_new(NULL);
        f[2] = exec_create_task(task_fail, ERR(-EIO));
        f[3] = exec_sleep_future(EXEC_SEC(1000));
        EXPECT_EQ(exec_gather(f, 4, out, EXEC_CANCEL_REST), -EIO);
        expect_slot(&out[2], EXEC_FAILED, -EIO, NULL);
        for (int i = 0; i < 4; i++)
                if (i != 2)
                        EXPECT_EQ(exec_await(f[i], NULL), -ECANCELED);
        exec_future_unref_all(f, 4);
}

static int stubborn(void *arg, void **value)
{
        struct awaiter *a = arg;

        atom_store(&a->begun, 1, RELEASE);
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        atom_store(&a->begun, 2, RELEASE);
        return exec_await(a->f, value); /* it was asked, and takes its time */
}

/* The others are asked, and not waited for. */
static void test_cancel_rest_does_not_wait(struct fixture *fx)
{
        for (int as_future = 0; as_future < 2; as_future++) {
                struct awaiter a = {exec_promise_new(NULL), 0};
                exec_future *f[2] = {exec_create_task(stubborn, &a), NULL}, *g;
                struct exec_outcome out[2];

                fixture_wait(&a.begun, 1);
                fixture_settle(fx->pool);
                f[1] = exec_create_task(task_fail, ERR(-EIO));
                if (as_future) {
                        g = exec_gather_future(f, 2, EXEC_CANCEL_REST);
                        EXPECT_EQ(exec_await(g, NULL), -EIO);
                        exec_future_unref(g);
                } else {
                        EXPECT_EQ(exec_gather(f, 2, out, EXEC_CANCEL_REST), -EIO);
                        EXPECT_EQ(out[0].state, EXEC_PENDING);
                }
                fixture_wait(&a.begun, 2);
                EXPECT_PENDING(f[0]);
                EXPECT_EQ(exec_promise_set(a.f, &a_value), 0);
                EXPECT_EQ(exec_await(f[0], NULL), 0);
                exec_future_unref_all(f, 2);
                exec_future_unref(a.f);
        }
}

/* An error of the call itself is no child's failure: nobody is cancelled for it, least of all the caller. */
static void test_cancel_rest_after_a_mistake(struct fixture *fx)
{
        exec_future *f[3], *g = NULL;
        struct exec_outcome out[3];
        _Atomic(int) callbacks = 0;

        promises(f, 2);
        f[2] = NULL;
        EXPECT_EQ(exec_gather(f, 3, out, EXEC_CANCEL_REST), -EINVAL);
        if (fx->in_task) {
                f[2] = exec_current_task();
                EXPECT_EQ(exec_gather(f, 3, out, EXEC_CANCEL_REST), -EDEADLK);
                EXPECT_EQ(exec_cancelling(f[2]), 0);
                EXPECT_EQ(exec_yield(), 0);
        }
        EXPECT_PENDING(f[0]);
        EXPECT_PENDING(f[1]);
        /* No memory for the link to one that has a waiter already. */
        EXPECT_EQ(exec_future_add_callback(f[1], count, &callbacks), 0);
        fixture_settle(fx->pool); /* the fault is for this thread's calls */
        for (uint64_t n = 1; n < 20; n++) {
                if (!fixture_fault_arm(FAIL_ALLOC, n, false))
                        break;
                g = exec_gather_future(f, 2, EXEC_CANCEL_REST);
                if (!fixture_fault_disarm())
                        break;
                EXPECT_FAILED(g, -ENOMEM);
                EXPECT_PENDING(f[0]);
                EXPECT_PENDING(f[1]);
                exec_future_unref(g);
                g = NULL;
        }
        EXPECT_EQ(exec_promise_set(f[0], NULL), 0);
        EXPECT_EQ(exec_promise_set(f[1], NULL), 0);
        if (g)
                EXPECT_EQ(exec_await(g, NULL), 0);
        exec_future_unref(g);
        exec_future_unref_all(f, 2);
        EXPECT_EQ(atom_load(&callbacks, ACQUIRE), 1);
}

/* Flags that are unknown, or mean nothing together: refused, and nothing is looked at. */
static void test_wrong_flags(struct fixture *fx)
{
        static const unsigned wrong[] = {EXEC_COLLECT | EXEC_CANCEL_REST, 1u << 3, 1u << 31, ~0u};
        int arg = 0;

        (void)fx;
        for (size_t i = 0; i < N_OF(wrong); i++) {
                bool unref = wrong[i] & EXEC_UNREF;
                _Atomic(int) drops = 0;
                exec_future *f[2] = {exec_promise_new(drop_bump), exec_promise_new(NULL)}, *g;
                struct exec_outcome out[2] = {{77, 77, &arg}, {77, 77, &arg}};

                EXPECT_EQ(exec_promise_set(f[0], &drops), 0);
                for (int as_future = 0; as_future < 2; as_future++) {
                        if (unref) { /* each call takes a reference over */
                                exec_future_ref(f[0]);
                                exec_future_ref(f[1]);
                        }
                        if (as_future) {
                                g = exec_gather_future(f, 2, wrong[i]);
                                EXPECT_FAILED(g, -EINVAL);
                                exec_future_unref(g);
                        } else {
                                EXPECT_EQ(exec_gather(f, 2, out, wrong[i]), -EINVAL);
                        }
                }
                for (int k = 0; k < 2; k++) {
                        EXPECT_EQ(out[k].state, EXEC_PENDING);
                        EXPECT_EQ(out[k].err, 0);
                        EXPECT_PTR(out[k].value, NULL);
                }
                EXPECT_PENDING(f[1]);
                EXPECT_EQ(atom_load(&drops, ACQUIRE), 0);
                EXPECT_EQ(exec_gather(f, 2, NULL, wrong[i] | EXEC_UNREF), -EINVAL);
                EXPECT_EQ(atom_load(&drops, ACQUIRE), 1);
                out[0].state = 77;
                EXPECT_EQ(exec_gather_call(fail_at_once, &arg, 1, 0, out, 0, wrong[i]), -EINVAL);
                EXPECT_EQ(out[0].state, EXEC_PENDING);
        }
        /* What a gather over an array cannot mean. */
        EXPECT_EQ(exec_gather_call(fail_at_once, &arg, 1, 0, NULL, 0, EXEC_CANCEL_REST), -EINVAL);
        EXPECT_EQ(exec_gather_call(fail_at_once, &arg, 1, 0, NULL, 0, EXEC_UNREF), -EINVAL);
}

/* Its value is an array of the library's, which goes with it. */
static void test_take_of_a_gather(struct fixture *fx)
{
        exec_future *f[2], *g;
        void *value = &a_value;

        (void)fx;
        promises(f, 2);
        g = exec_gather_future(f, 2, 0);
        EXPECT_EQ(exec_take(g, &value), -EINVAL);
        EXPECT_EQ(exec_promise_set(f[0], NULL), 0);
        EXPECT_EQ(exec_promise_set(f[1], NULL), 0);
        EXPECT_EQ(exec_await(g, NULL), 0);
        EXPECT_EQ(exec_take(g, &value), -EINVAL);
        EXPECT_PTR(value, &a_value);
        exec_future_unref(g);
        exec_future_unref_all(f, 2);
}

static void test_same_future_more_than_once(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_value, &a_value), *late = exec_promise_new(NULL);
        exec_future *many[6] = {f, late, f, late, f, late}, *g = exec_gather_future(many, 6, 0);
        struct exec_outcome out[6], *list = NULL;

        fixture_settle(fx->pool);
        EXPECT_PENDING(g);
        EXPECT_EQ(exec_promise_set(late, &b_value), 0);
        EXPECT_EQ(exec_gather(many, 6, out, 0), 0);
        EXPECT_EQ(exec_await(g, (void **)&list), 0);
        for (int i = 0; list && i < 6; i++) {
                expect_slot(&out[i], EXEC_DONE, 0, i % 2 ? &b_value : &a_value);
                expect_slot(&list[i], EXEC_DONE, 0, i % 2 ? &b_value : &a_value);
        }
        exec_future_unref(g);
        exec_future_unref(f);
        exec_future_unref(late);
}

static void test_gather_of_gathers(struct fixture *fx)
{
        exec_future *g[3], *all;
        struct exec_outcome *lists = NULL;

        (void)fx;
        for (int i = 0; i < 3; i++) {
                exec_future *f[3];

                for (int k = 0; k < 3; k++)
                        f[k] = exec_create_task(task_value, VAL(10 * i + k));
                g[i] = exec_gather_future(f, 3, EXEC_UNREF);
        }
        all = exec_gather_future(g, 3, EXEC_UNREF);
        EXPECT_EQ(exec_await(all, (void **)&lists), 0);
        for (int i = 0; lists && i < 3; i++) {
                struct exec_outcome *list = lists[i].value;

                for (int k = 0; list && k < 3; k++)
                        expect_slot(&list[k], EXEC_DONE, 0, VAL(10 * i + k));
        }
        exec_future_unref(all);
}

/* Deep, because cancelling it must not recurse. */
static void test_cancel_deeply_nested_gathers(struct fixture *fx)
{
        enum { DEPTH = 20000 };
        size_t depth = test_scale(DEPTH);
        exec_future *bottom = exec_promise_new(NULL), *top = exec_future_ref(bottom);

        (void)fx;
        for (size_t i = 0; i < depth; i++)
                top = exec_gather_future(&top, 1, EXEC_UNREF);
        if (!EXPECT_EQ(exec_cancel(top, NULL), 1))
                exec_promise_set(bottom, NULL); /* rather a failure than a wait for ever */
        EXPECT_EQ(exec_await(top, NULL), -ECANCELED);
        EXPECT_CANCELLED(bottom);
        exec_future_unref(top);
        exec_future_unref(bottom);
}

static void test_complete_deeply_nested_gathers(struct fixture *fx)
{
        enum { DEPTH = 20000 };
        size_t depth = test_scale(DEPTH);
        exec_future *bottom = exec_promise_new(NULL), *top = exec_future_ref(bottom);

        (void)fx;
        for (size_t i = 0; i < depth; i++)
                top = exec_gather_future(&top, 1, EXEC_UNREF);
        EXPECT_PENDING(top);
        EXPECT_EQ(exec_promise_set(bottom, NULL), 0);
        EXPECT_EQ(exec_await(top, NULL), 0);
        exec_future_unref(top);
        exec_future_unref(bottom);
}

static void test_gather_future_dropped_before_its_children_end(struct fixture *fx)
{
        exec_future *f[3];

        (void)fx;
        for (int i = 0; i < 3; i++)
                f[i] = exec_create_task(task_sleep, NS(EXEC_MS(5 * i)));
        exec_future_unref(exec_gather_future(f, 3, 0));
        for (int i = 0; i < 3; i++)
                EXPECT_EQ(exec_await(f[i], NULL), 0); /* they go on */
        exec_future_unref_all(f, 3);
        exec_future_unref(
                exec_gather_future((exec_future *[]){exec_create_task(task_sleep, NS(EXEC_MS(5)))}, 1, EXEC_UNREF));
}

struct call {
        _Atomic(int) *running, *most, *runs;
        int fail_at, index;
};

static int limited(void *arg, void **value)
{
        struct call *c = arg;
        int running = atom_add(c->running, 1, ACQ_REL) + 1, most = atom_load(c->most, ACQUIRE);
        int rc;

        while (running > most && !atom_cas(c->most, &most, running, ACQ_REL))
                ;
        atom_add(c->runs, 1, ACQ_REL);
        rc = c->index % 3 ? exec_yield() : exec_sleep(EXEC_US(200));
        *value = VAL(c->index * 2);
        atom_sub(c->running, 1, ACQ_REL);
        return c->index == c->fail_at ? -EIO : rc;
}

static int limited_call(size_t n, size_t limit, int fail_at, struct exec_outcome *out, int *runs, int *most)
{
        _Atomic(int) running = 0, high = 0, ran = 0;
        struct call *c = calloc(n, sizeof *c);
        int rc;

        for (size_t i = 0; i < n; i++)
                c[i] = (struct call){&running, &high, &ran, fail_at, (int)i};
        rc = exec_gather_call(limited, c, n, sizeof *c, out, limit, 0);
        EXPECT_EQ(atom_load(&running, ACQUIRE), 0); /* those running have ended on return */
        *runs = atom_load(&ran, ACQUIRE);
        *most = atom_load(&high, ACQUIRE);
        free(c);
        return rc;
}

static void test_gather_call(struct fixture *fx)
{
        enum { N = 100 };
        struct exec_outcome out[N];
        int runs, most;

        (void)fx;
        for (size_t limit = 0; limit <= 8; limit += 4) {
                EXPECT_EQ(limited_call(N, limit, -1, out, &runs, &most), 0);
                EXPECT_EQ(runs, N);
                EXPECT(!limit || most <= (int)limit);
                for (int i = 0; i < N; i++)
                        expect_slot(&out[i], EXEC_DONE, 0, VAL(2 * i));
        }
        EXPECT_EQ(limited_call(N, 1, -1, NULL, &runs, &most), 0);
        EXPECT_EQ(most, 1);
        EXPECT_EQ(runs, N);
}

static void test_gather_call_stops_at_the_first_error(struct fixture *fx)
{
        enum { N = 200 };
        struct exec_outcome out[N];
        int runs, most, pending = 0;

        (void)fx;
        EXPECT_EQ(limited_call(N, 4, 10, out, &runs, &most), -EIO);
        EXPECT(runs >= 11 - 3 && runs < N); /* three before it may have been queued still */
        expect_slot(&out[10], EXEC_FAILED, -EIO, NULL);
        for (int i = 0; i < N; i++)
                pending += out[i].state == EXEC_PENDING;
        /* At most those that were queued when the error came were cancelled without having run. */
        EXPECT(N - pending >= runs && N - pending <= runs + 4);
}

static int fail_odd(void *arg, void **value)
{
        int i = *(int *)arg;

        *value = VAL(i);
        return i % 2 ? -1000 - i : 0;
}

static void test_gather_call_collects(struct fixture *fx)
{
        int args[20];
        struct exec_outcome out[20];

        (void)fx;
        for (int i = 0; i < 20; i++)
                args[i] = i;
        EXPECT_EQ(exec_gather_call(fail_odd, args, 20, sizeof args[0], out, 3, EXEC_COLLECT), 0);
        for (int i = 0; i < 20; i++) {
                if (i % 2)
                        expect_slot(&out[i], EXEC_FAILED, -1000 - i, NULL);
                else
                        expect_slot(&out[i], EXEC_DONE, 0, VAL(i));
        }
}

/* No memory at any point: a call that was made has its outcome in its slot, and its value. */
static void test_gather_call_without_memory(struct fixture *fx)
{
        enum { N = 6 };
        int args[N] = {0, 2, 4, 6, 8, 10};
        uint64_t fired = 1;

        for (uint64_t at = 1; fired && at < 50; at++) {
                struct exec_outcome out[N];
                uint64_t made = 0;
                int rc, n_told = 0;

                fixture_settle(fx->pool);
                made = fixture_stats(fx->pool).n_created;
                if (!fixture_fault_arm(FAIL_ALLOC, at, false))
                        return;
                rc = exec_gather_call(fail_odd, args, N, sizeof args[0], out, 2, EXEC_COLLECT);
                fired = fixture_fault_disarm();
                made = fixture_stats(fx->pool).n_created - made;
                EXPECT(rc == 0 || (fired && rc == -ENOMEM));
                for (int i = 0; i < N; i++) {
                        n_told += out[i].state != EXEC_PENDING;
                        if (out[i].state == EXEC_DONE)
                                EXPECT_PTR(out[i].value, VAL(args[i]));
                }
                EXPECT(n_told >= (int)made);
                EXPECT(rc || n_told == N);
        }
        EXPECT(!fired);
}

/* Plain threads and tasks wait for the same children. */
static void *gather_on_thread(void *arg)
{
        struct gathering *g = arg;

        return VAL(exec_gather(g->f, g->n, g->out, g->flags) == 0);
}

static void test_several_gathers_of_the_same_children(struct fixture *fx)
{
        enum { N = 10 };
        exec_future *f[N], *task[3];
        struct exec_outcome out[5][N];
        struct gathering g[5];
        pthread_t thread[2];
        void *ok;

        promises(f, N);
        for (int i = 0; i < 5; i++)
                g[i] = (struct gathering){f, N, out[i], 0, 0};
        for (int i = 0; i < 3; i++)
                task[i] = exec_create_task(gather_task, &g[i]);
        for (int i = 0; i < 2; i++)
                pthread_create(&thread[i], NULL, gather_on_thread, &g[3 + i]);
        fixture_settle(fx->pool);
        for (int i = 0; i < N; i++)
                EXPECT_EQ(exec_promise_set(f[i], VAL(i)), 0);
        for (int i = 0; i < 3; i++)
                EXPECT_EQ(exec_await(task[i], NULL), 0);
        for (int i = 0; i < 2; i++) {
                pthread_join(thread[i], &ok);
                EXPECT_PTR(ok, 1);
        }
        for (int k = 0; k < 5; k++)
                for (int i = 0; i < N; i++)
                        expect_slot(&out[k][i], EXEC_DONE, 0, VAL(i));
        exec_future_unref_all(task, 3);
        exec_future_unref_all(f, N);
}

static const struct fixture_case cases[] = {
        CASE(test_G1_no_children),
        CASE(test_G2_results_in_argument_order),
        CASE(test_G2_tasks),
        CASE(test_G3_collect_without_errors),
        CASE(test_G5_collect_errors),
        CASE(test_G6_child_cancelled_by_somebody_else),
        CASE(test_G6_child_cancelled_by_somebody_else_rest_too),
        CASE(test_G7_collect_errors_and_cancellations),
        CASE(test_G9_cancelled_from_outside),
        CASE(test_G9_cancelled_in_the_call),
        CASE(test_G10_collect_lets_cancellation_out),
        CASE(test_G11_child_done_gather_not_told),
        CASE(test_G11_cancel_races_the_last_child),
        CASE(test_G13_cancel_after_failure),
        CASE(test_G14_all_done_before),
        CASE(test_G15_error_among_the_done),
        CASE(test_G21_two_children_fail_at_once),
        CASE(test_G21_tasks_fail_at_once),
        CASE(test_G22_cancel_races_success),
        CASE(test_fails_fast_others_go_on),
        CASE(test_cancel_rest),
        CASE(test_cancel_rest_does_not_wait),
        CASE(test_cancel_rest_after_a_mistake),
        CASE(test_wrong_flags),
        CASE(test_take_of_a_gather),
        CASE(test_same_future_more_than_once),
        CASE(test_gather_of_gathers),
        CASE(test_cancel_deeply_nested_gathers),
        CASE(test_complete_deeply_nested_gathers),
        CASE(test_gather_future_dropped_before_its_children_end),
        CASE(test_gather_call),
        CASE(test_gather_call_stops_at_the_first_error),
        CASE(test_gather_call_collects),
        CASE(test_gather_call_without_memory),
        CASE(test_several_gathers_of_the_same_children),
};

FIXTURE_MAIN("gather", cases)
