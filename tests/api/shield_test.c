/* shield_test.c - exec_shield: section 10 of docs/CONFORMANCE.md, with G17 and G18. */
#include "fixture.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static char a_value;

static void test_H1_ends_as_the_inner_one(struct fixture *fx)
{
        static const char why[] = "enough";
        exec_future *f[3] = {exec_promise_new(NULL), exec_promise_new(NULL), exec_promise_new(NULL)}, *s[3];
        void *value = NULL;

        (void)fx;
        for (int i = 0; i < 3; i++) {
                s[i] = exec_shield(f[i]);
                EXPECT(s[i] != f[i]);
                EXPECT_PENDING(s[i]);
        }
        EXPECT_EQ(exec_promise_set(f[0], &a_value), 0);
        EXPECT_EQ(exec_promise_fail(f[1], -EIO), 0);
        EXPECT_EQ(exec_cancel(f[2], why), 1);
        EXPECT_EQ(exec_await(s[0], &value), 0);
        EXPECT_PTR(value, &a_value);
        EXPECT_DONE(s[0], &a_value);
        EXPECT_EQ(exec_await(s[1], NULL), -EIO);
        EXPECT_FAILED(s[1], -EIO);
        EXPECT_EQ(exec_await(s[2], NULL), -ECANCELED);
        EXPECT_CANCELLED(s[2]);
        EXPECT_PTR(exec_cancel_reason(s[2]), why);
        for (int i = 0; i < 3; i++)
                EXPECT_EQ(exec_cancel(s[i], NULL), 0);
        exec_future_unref_all(s, 3);
        exec_future_unref_all(f, 3);
}

static int fail_with_message(void *arg, void **value)
{
        (void)value;
        exec_await(arg, NULL);
        return exec_fail(-EIO, "it broke");
}

/* The shield keeps its inner one: the value lives, the message can be read, the value is taken once and dropped once. */
static void test_H1_value_and_message_are_borrowed(struct fixture *fx)
{
        _Atomic(int) drops = 0, kept = 0;
        exec_future *f[2] = {exec_promise_new(drop_bump), exec_promise_new(drop_bump)}, *s[2], *twin, *p, *t, *st;
        const char *message;
        void *value = NULL;

        (void)fx;
        s[0] = exec_shield(f[0]);
        s[1] = exec_shield(f[1]);
        twin = exec_shield(f[1]);
        EXPECT_EQ(exec_take(s[0], &value), -EINPROGRESS);
        EXPECT_EQ(exec_promise_set(f[0], (void *)&drops), 0);
        EXPECT_EQ(exec_promise_set(f[1], (void *)&kept), 0);
        exec_future_unref_all(f, 2);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 0);
        EXPECT_EQ(exec_await(s[0], &value), 0);
        EXPECT_PTR(value, &drops);
        EXPECT_EQ(exec_take(s[1], &value), 0);
        EXPECT_PTR(value, &kept);
        EXPECT_EQ(exec_take(s[1], &value), -EALREADY);
        EXPECT_EQ(exec_take(twin, &value), -EALREADY);
        exec_future_unref_all(s, 2);
        exec_future_unref(twin);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 1);
        EXPECT_EQ(atom_load(&kept, ACQUIRE), 0);

        p = exec_promise_new(NULL);
        t = exec_create_task(fail_with_message, p);
        st = exec_shield(t);
        exec_future_unref(t);
        EXPECT_EQ(exec_promise_set(p, NULL), 0);
        EXPECT_EQ(exec_await(st, NULL), -EIO);
        message = exec_future_error_message(st, NULL, NULL);
        EXPECT(message && strcmp(message, "it broke") == 0);
        EXPECT_EQ(exec_take(st, NULL), -EIO);
        exec_future_unref(st);
        exec_future_unref(p);
}

static void test_H1_of_every_kind(struct fixture *fx)
{
        exec_future *p = exec_promise_new(NULL), *f[4], *s[4];

        (void)fx;
        f[0] = exec_create_task(task_await, p);
        f[1] = exec_sleep_future(EXEC_MS(2));
        f[2] = exec_gather_future(f, 2, 0);
        f[3] = exec_shield(f[2]);
        for (int i = 0; i < 4; i++)
                s[i] = exec_shield(f[i]);
        EXPECT_EQ(exec_promise_set(p, &a_value), 0);
        EXPECT_EQ(exec_gather(s, 4, NULL, 0), 0);
        EXPECT_DONE(s[0], &a_value);
        EXPECT_EQ(exec_take(s[2], NULL), -EINVAL); /* of a gather */
        EXPECT_EQ(exec_promise_set(s[1], NULL), -EINVAL);
        EXPECT_EQ(exec_promise_fail(s[1], -EIO), -EINVAL);
        EXPECT_EQ(exec_cancelling(s[0]), -EINVAL);
        exec_future_unref_all(s, 4);
        exec_future_unref_all(f, 4);
        exec_future_unref(p);
}

static void test_H2_cancelled(struct fixture *fx)
{
        static const char why[] = "not needed";
        exec_future *f = exec_create_task(task_sleep, NS(EXEC_SEC(1000))), *s = exec_shield(f), *other = exec_shield(f);

        (void)fx;
        EXPECT_EQ(exec_cancel(s, why), 1);
        EXPECT_CANCELLED(s);
        EXPECT_PTR(exec_cancel_reason(s), why);
        EXPECT_EQ(exec_cancel(s, NULL), 0);
        EXPECT_PENDING(f);
        EXPECT_EQ(exec_cancelling(f), 0);
        EXPECT_PENDING(other);
        EXPECT_EQ(exec_cancel(f, why), 1);
        EXPECT_EQ(exec_await(other, NULL), -ECANCELED);
        EXPECT_PTR(exec_cancel_reason(other), why);
        exec_future_unref(s);
        exec_future_unref(other);
        exec_future_unref(f);
}

/* Nothing stays behind in a future that goes on: neither cancelled shields nor forgotten ones, in any order. */
static void test_H2_nothing_stays_behind(struct fixture *fx)
{
        size_t n = test_scale(2000);
        exec_future *f = exec_promise_new(NULL), **s = malloc(n * sizeof *s);
        uint64_t before = fixture_stats(fx->pool).n_futures;

        for (size_t i = 0; i < n; i++)
                s[i] = exec_shield(f);
        for (size_t i = 0; i < n; i += 2)
                if (i % 3)
                        EXPECT_EQ(exec_cancel(s[i], NULL), 1);
        for (size_t i = n; i-- > 0;)
                exec_future_unref(s[i]);
        EXPECT_EQ(fixture_stats(fx->pool).n_futures, before);
        EXPECT_EQ(exec_promise_set(f, &a_value), 0);
        exec_future_unref(f);
        free(s);
}

static void note_unhandled(exec_future *f, const struct exec_outcome *outcome, void *ctx)
{
        (void)f;
        EXPECT_EQ(outcome->err, -EIO);
        atom_add((_Atomic(int) *)ctx, 1, RELAXED);
}

static void test_H3_cancelled_then_the_inner_one_succeeds(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL), *s = exec_shield(f);
        _Atomic(int) n = 0;

        (void)fx;
        exec_set_unhandled(note_unhandled, (void *)&n);
        EXPECT_EQ(exec_cancel(s, NULL), 1);
        EXPECT_EQ(exec_promise_set(f, &a_value), 0);
        EXPECT_DONE(f, &a_value);
        EXPECT_CANCELLED(s);
        exec_future_unref(f);
        exec_future_unref(s);
        EXPECT_EQ(atom_load(&n, ACQUIRE), 0);
        exec_set_unhandled(NULL, NULL);
}

/* Two shields, @n_cancelled of them cancelled before it fails; @seen: one who looks at it, if any. */
static void fail_behind_two(int n_cancelled, int seen, int expected)
{
        exec_future *f = exec_promise_new(NULL), *s[3] = {exec_shield(f), exec_shield(f), f};
        _Atomic(int) n = 0;

        exec_set_unhandled(note_unhandled, (void *)&n);
        for (int i = 0; i < n_cancelled; i++)
                EXPECT_EQ(exec_cancel(s[i], NULL), 1);
        EXPECT_EQ(exec_promise_fail(f, -EIO), 0);
        if (seen >= 0)
                EXPECT_EQ(exec_await(s[seen], NULL), -EIO);
        for (int i = 0; i < 3; i++) {
                EXPECT_EQ(atom_load(&n, ACQUIRE), 0);
                exec_future_unref(s[(i + 2) % 3]); /* the inner one first */
        }
        EXPECT_EQ(atom_load(&n, ACQUIRE), expected);
        exec_set_unhandled(NULL, NULL);
}

static void test_H5_reported_once(struct fixture *fx)
{
        (void)fx;
        fail_behind_two(2, -1, 1);
        fail_behind_two(1, -1, 1);
        fail_behind_two(0, -1, 1);
        fail_behind_two(0, 0, 0);
        fail_behind_two(0, 1, 0);
        fail_behind_two(1, 1, 0);
        fail_behind_two(2, 2, 0);
}

static void test_H6_done_before(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_value, &a_value), *s, *null = exec_shield(NULL), *again;

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        s = exec_shield(f);
        EXPECT_PTR(s, f);
        exec_future_unref(f);
        EXPECT_DONE(s, &a_value); /* it has a reference of its own */
        exec_future_unref(s);
        EXPECT_FAILED(null, -EINVAL);
        again = exec_shield(null);
        EXPECT_PTR(again, null);
        exec_future_unref(again);
        exec_future_unref(null);
}

static int await_behind_shield(void *arg, void **value)
{
        struct awaiter *a = arg;
        exec_future *s = exec_shield(a->f);
        int rc;

        atom_store(&a->begun, 1, RELEASE);
        rc = exec_await(s, value);
        exec_future_unref(s);
        return rc;
}

static void test_H7_a_task_awaits_it(struct fixture *fx)
{
        exec_future *p = exec_promise_new(NULL), *f = exec_create_task(task_await, p), *t;
        struct awaiter a = {f, 0};

        t = exec_create_task(await_behind_shield, &a);
        fixture_wait(&a.begun, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(t, NULL), 1);
        EXPECT_EQ(exec_await(t, NULL), -ECANCELED);
        EXPECT_CANCELLED(t);
        EXPECT_PENDING(f);
        EXPECT_EQ(exec_promise_set(p, &a_value), 0);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, &a_value);
        exec_future_unref(t);
        exec_future_unref(f);
        exec_future_unref(p);
}

static void test_G17_shield_of_a_gather(struct fixture *fx)
{
        exec_future *c[2] = {exec_promise_new(NULL), exec_promise_new(NULL)}, *g = exec_gather_future(c, 2, 0);
        exec_future *s = exec_shield(g), *other = exec_shield(g);
        struct exec_outcome out;

        (void)fx;
        EXPECT_EQ(exec_cancel(s, NULL), 1);
        EXPECT_CANCELLED(s);
        EXPECT_PENDING(g);
        EXPECT_EQ(exec_promise_set(c[0], VAL(1)), 0);
        EXPECT_EQ(exec_promise_set(c[1], VAL(2)), 0);
        EXPECT_EQ(exec_await(g, NULL), 0);
        EXPECT_EQ(exec_await(other, NULL), 0);
        for (int i = 0; i < 2; i++) {
                EXPECT_EQ(exec_future_outcome(i ? other : g, &out), 0);
                EXPECT_PTR(((struct exec_outcome *)out.value)[0].value, 1);
                EXPECT_PTR(((struct exec_outcome *)out.value)[1].value, 2);
        }
        exec_future_unref(s);
        exec_future_unref(g);
        exec_future_unref(other);
        exec_future_unref_all(c, 2);
}

static void test_G18_gather_of_shields(struct fixture *fx)
{
        exec_future *c[2] = {exec_promise_new(NULL), exec_create_task(task_sleep, NS(EXEC_SEC(1000)))};
        exec_future *s[2] = {exec_shield(c[0]), exec_shield(c[1])}, *g = exec_gather_future(s, 2, 0);

        (void)fx;
        EXPECT_EQ(exec_cancel(g, NULL), 1);
        EXPECT_EQ(exec_await(g, NULL), -ECANCELED);
        EXPECT_CANCELLED(g);
        EXPECT_CANCELLED(s[0]);
        EXPECT_CANCELLED(s[1]);
        EXPECT_PENDING(c[0]);
        EXPECT_EQ(exec_cancelling(c[1]), 0);
        EXPECT_EQ(exec_cancel(c[1], NULL), 1);
        EXPECT_EQ(exec_await(c[1], NULL), -ECANCELED);
        exec_future_unref(g);
        exec_future_unref_all(s, 2);
        exec_future_unref_all(c, 2);
}

static _Atomic(int) n_called;

static void note_called(exec_future *f, void *arg)
{
        EXPECT_DONE(f, arg);
        atom_add(&n_called, 1, RELAXED);
}

/* A callback keeps a shield that nobody else refers to. */
static void test_callback_on_a_forgotten_one(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL), *s = exec_shield(f);

        (void)fx;
        atom_store(&n_called, 0, RELAXED);
        EXPECT_EQ(exec_future_add_callback(s, note_called, &a_value), 0);
        exec_future_unref(s);
        EXPECT_EQ(exec_promise_set(f, &a_value), 0);
        EXPECT_EQ(atom_load(&n_called, ACQUIRE), 1);
        exec_future_unref(f);
}

/* A callback of a shield sees everyone told who waited for the inner one: so it may take a queue apart. */
static void free_queue(exec_future *f, void *arg)
{
        exec_completion *c = *(exec_completion **)arg;

        (void)f;
        exec_completion_free(c);
}

static void test_callback_after_the_inner_ones_waiters(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL), *s;
        exec_completion *c[2];

        (void)fx;
        c[0] = exec_as_completed(&f, 1);
        s = exec_shield(f);
        c[1] = exec_as_completed(&f, 1);
        EXPECT_EQ(exec_future_add_callback(s, free_queue, &c[0]), 0);
        EXPECT_EQ(exec_future_add_callback(s, free_queue, &c[1]), 0);
        EXPECT_EQ(exec_promise_set(f, &a_value), 0);
        exec_future_unref(s);
        exec_future_unref(f);
}

/* Shields of shields, and gathers between: neither telling nor freeing recurses. */
static void test_deep(struct fixture *fx)
{
        size_t n = test_scale(100000);
        exec_future *f = exec_promise_new(NULL), *s = exec_future_ref(f);
        void *value = NULL;

        (void)fx;
        for (size_t i = 0; i < n; i++) {
                exec_future *outer = i % 10 ? exec_shield(s) : exec_gather_future(&s, 1, EXEC_COLLECT);

                exec_future_unref(s);
                s = outer;
        }
        EXPECT_EQ(exec_promise_set(f, &a_value), 0);
        EXPECT_EQ(exec_await(s, &value), 0);
        EXPECT(value != NULL);
        exec_future_unref(s);
        exec_future_unref(f);
}

/* The same, given up before the end. */
static void test_deep_forgotten(struct fixture *fx)
{
        size_t n = test_scale(100000);
        exec_future *f = exec_promise_new(NULL), *s = exec_future_ref(f);

        (void)fx;
        for (size_t i = 0; i < n; i++) {
                exec_future *outer = exec_shield(s);

                exec_future_unref(s);
                s = outer;
        }
        exec_future_unref(s);
        EXPECT_EQ(exec_promise_set(f, &a_value), 0);
        exec_future_unref(f);
}

struct race {
        exec_future *f, *s;
        int what;
        int64_t delay_ns;
        _Atomic(int) answer;
};

static void act(void *arg)
{
        struct race *r = arg;

        fixture_spin(r->delay_ns);
        switch (r->what) {
        case 0:
                atom_store(&r->answer, exec_cancel(r->s, NULL), RELEASE);
                break;
        case 1:
                exec_future_unref(r->s);
                break;
        case 2:
                exec_cancel(r->s, NULL);
                exec_future_unref(r->s);
                break;
        }
}

/* The inner one ends, and the shield is cancelled or given up, by one or two, at about the same time. */
static void test_races(struct fixture *fx)
{
        size_t rounds = test_rounds(1500), n_mirrored = 0, n_cancelled = 0;
        uint64_t random = 362436069;
        struct race c;
        struct rival r;

        (void)fx;
        rival_start(&r, act, &c);
        for (size_t i = 0; i < rounds; i++) {
                _Atomic(int) drops = 0;

                c.f = exec_promise_new(drop_bump);
                c.s = exec_shield(c.f);
                c.what = (int)(i % 3);
                c.delay_ns = (int64_t)(test_random(&random) % 3000);
                if (i % 2 && c.what == 0)
                        exec_future_ref(c.s);
                rival_release(&r);
                fixture_spin((int64_t)(test_random(&random) % 3000));
                if (test_random(&random) % 8 == 0) /* both orders, also with one CPU for both */
                        sched_yield();
                EXPECT_EQ(exec_promise_set(c.f, (void *)&drops), 0);
                exec_future_unref(c.f);
                if (c.what == 0) {
                        int mine = i % 2 ? exec_cancel(c.s, NULL) : 0;

                        rival_wait(&r);
                        EXPECT(exec_future_done(c.s));
                        if (mine || atom_load(&c.answer, ACQUIRE)) {
                                EXPECT_CANCELLED(c.s);
                                n_cancelled++;
                        } else {
                                EXPECT_DONE(c.s, (void *)&drops);
                                n_mirrored++;
                        }
                        EXPECT(!mine || !atom_load(&c.answer, ACQUIRE));
                        exec_future_unref(c.s);
                        if (i % 2)
                                exec_future_unref(c.s);
                }
                rival_wait(&r);
                EXPECT_EQ(atom_load(&drops, ACQUIRE), 1);
        }
        rival_stop(&r);
        if (rounds >= 10000)
                EXPECT(n_mirrored && n_cancelled);
}

static void test_no_memory(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL), *s;

        (void)fx;
        if (fixture_fault_arm(FAIL_ALLOC, 1, true)) {
                s = exec_shield(f);
                EXPECT(fixture_fault_disarm() >= 1);
                EXPECT_FAILED(s, -ENOMEM);
                exec_future_unref(s);
        }
        EXPECT_EQ(exec_promise_set(f, NULL), 0);
        exec_future_unref(f);
}

static const struct fixture_case cases[] = {
        CASE(test_H1_ends_as_the_inner_one),
        CASE(test_H1_value_and_message_are_borrowed),
        CASE(test_H1_of_every_kind),
        CASE(test_H2_cancelled),
        CASE(test_H2_nothing_stays_behind),
        CASE(test_H3_cancelled_then_the_inner_one_succeeds),
        CASE(test_H5_reported_once),
        CASE(test_H6_done_before),
        CASE(test_H7_a_task_awaits_it),
        CASE(test_G17_shield_of_a_gather),
        CASE(test_G18_gather_of_shields),
        CASE(test_callback_on_a_forgotten_one),
        CASE(test_callback_after_the_inner_ones_waiters),
        CASE(test_deep),
        CASE(test_deep_forgotten),
        CASE(test_races),
        CASE(test_no_memory),
};

FIXTURE_MAIN("shield", cases)
