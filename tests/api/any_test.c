/* any_test.c - exec_any: the first success. The cases of section 23 of docs/CONFORMANCE.md that are about its answer. */
#include "fixture.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>

static char a_value, b_value;

static void test_J2_first_success(struct fixture *fx)
{
        exec_future *f[3] = {exec_promise_new(NULL), exec_create_task(task_sleep, NS(EXEC_MS(5))),
                             exec_create_task(task_sleep, NS(EXEC_SEC(1000)))};
        size_t index = 99;
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_any(f, 3, &index, &value, 0), 0);
        EXPECT_EQ(index, 1);
        EXPECT_PTR(value, EXEC_MS(5));
        EXPECT_PENDING(f[0]); /* the others go on */
        EXPECT_EQ(exec_cancelling(f[2]), 0);
        EXPECT_EQ(exec_any(f, 3, NULL, NULL, EXEC_CANCEL_REST), 0); /* or not */
        EXPECT_CANCELLED(f[0]);
        EXPECT_EQ(exec_await(f[2], NULL), -ECANCELED);
        EXPECT_DONE(f[1], (void *)EXEC_MS(5));
        exec_future_unref_all(f, 3);
}

static void test_J2_of_those_done_the_first_in_the_array(struct fixture *fx)
{
        exec_future *f[4];
        size_t index;
        void *value = NULL;

        (void)fx;
        for (int i = 0; i < 4; i++)
                f[i] = exec_promise_new(NULL);
        EXPECT_EQ(exec_promise_fail(f[0], -EIO), 0);
        EXPECT_EQ(exec_promise_set(f[3], &b_value), 0);
        EXPECT_EQ(exec_promise_set(f[2], &a_value), 0);
        EXPECT_EQ(exec_any(f, 4, &index, &value, 0), 0);
        EXPECT_EQ(index, 2);
        EXPECT_PTR(value, &a_value);
        EXPECT_EQ(exec_any(f + 3, 1, &index, &value, EXEC_CANCEL_REST), 0);
        EXPECT_EQ(index, 0);
        EXPECT_PTR(value, &b_value);
        exec_future_unref_all(f, 4);
}

struct anyone {
        exec_future *const *f;
        size_t n, index;
        void *value;
        unsigned flags;
        _Atomic(int) begun;
};

static int any_noted(void *arg, void **value)
{
        struct anyone *x = arg;

        *value = NULL;
        atom_store(&x->begun, 1, RELEASE);
        return exec_any(x->f, x->n, &x->index, &x->value, x->flags);
}

static exec_future *start_any(struct fixture *fx, struct anyone *x)
{
        exec_future *t = exec_create_task(any_noted, x);

        fixture_wait(&x->begun, 1);
        fixture_settle(fx->pool);
        return t;
}

/* In the order of their ends; failures and cancellations on the way do not end it. Of a future that stands in several
 * places, one of these. */
static void test_J3_failures_before(struct fixture *fx)
{
        exec_future *p[4], *f[20];
        struct anyone x = {.f = f, .n = 20};
        exec_future *t;

        for (int i = 0; i < 4; i++)
                p[i] = exec_promise_new(NULL);
        for (int i = 0; i < 20; i++)
                f[i] = p[i % 4];
        t = start_any(fx, &x);
        EXPECT_EQ(exec_promise_fail(p[0], -EIO), 0);
        EXPECT_EQ(exec_cancel(p[3], NULL), 1);
        fixture_settle(fx->pool);
        EXPECT_PENDING(t);
        EXPECT_EQ(exec_promise_set(p[2], &a_value), 0);
        EXPECT_EQ(exec_promise_set(p[1], &b_value), 0);
        EXPECT_EQ(exec_await(t, NULL), 0);
        EXPECT_EQ(x.index % 4, 2);
        EXPECT_PTR(x.value, &a_value);
        exec_future_unref(t);
        exec_future_unref_all(p, 4);
}

static void note_unhandled(exec_future *f, const struct exec_outcome *outcome, void *ctx)
{
        (void)f, (void)outcome;
        atom_add((_Atomic(int) *)ctx, 1, RELAXED);
}

static void test_J5_none_succeeds(struct fixture *fx)
{
        exec_future *f[3] = {exec_promise_new(NULL), exec_create_task(task_fail, ERR(-EIO)),
                             exec_create_task(task_fail, ERR(-EPROTO))};
        _Atomic(int) n = 0;
        size_t index = 99;

        (void)fx;
        exec_set_unhandled(note_unhandled, (void *)&n);
        EXPECT_EQ(exec_cancel(f[0], NULL), 1);
        EXPECT_EQ(exec_any(f, 3, &index, NULL, 0), -EIO); /* in the array's order, whichever was first */
        EXPECT_EQ(index, 1);
        exec_future_unref_all(f, 3);
        EXPECT_EQ(atom_load(&n, ACQUIRE), 0); /* seen, all of them */
        exec_set_unhandled(NULL, NULL);
}

static void test_J5_all_cancelled(struct fixture *fx)
{
        exec_future *f[2] = {exec_promise_new(NULL), exec_promise_new(NULL)};
        size_t index = 99;

        (void)fx;
        EXPECT_EQ(exec_cancel(f[0], NULL), 1);
        EXPECT_EQ(exec_cancel(f[1], NULL), 1);
        EXPECT_EQ(exec_any(f, 2, &index, NULL, EXEC_CANCEL_REST), -ECANCELED);
        EXPECT_EQ(index, 0);
        exec_future_unref_all(f, 2);
}

static void set_promise(void *arg)
{
        exec_promise_set(*(exec_future **)arg, &b_value);
}

/* Two succeed at once: one is the winner, and its value comes with its index. */
static void test_J6_two_at_once(struct fixture *fx)
{
        size_t rounds = test_rounds(600);
        exec_future *f[2] = {NULL, NULL};
        size_t n_second = 0;
        uint64_t random = 2463534242u;
        struct rival r;

        (void)fx;
        rival_start(&r, set_promise, &f[1]);
        for (size_t i = 0; i < rounds; i++) {
                struct anyone x = {.f = f, .n = 2, .flags = i % 2 ? EXEC_CANCEL_REST : 0};
                exec_future *t;

                f[0] = exec_promise_new(NULL);
                f[1] = exec_promise_new(NULL);
                t = exec_create_task(any_noted, &x);
                if (i % 3)
                        exec_yield();
                rival_release(&r);
                fixture_spin((int64_t)(test_random(&random) % 5000));
                if (test_random(&random) % 8 == 0) /* both orders, also with one CPU for both */
                        sched_yield();
                exec_promise_set(f[0], &a_value); /* may be too late */
                EXPECT_EQ(exec_await(t, NULL), 0);
                rival_wait(&r);
                EXPECT(x.index < 2 && x.value == (x.index ? &b_value : &a_value));
                EXPECT_DONE(f[x.index], x.value);
                n_second += x.index;
                EXPECT(exec_future_done(f[!x.index]));
                exec_future_unref(t);
                exec_future_unref_all(f, 2);
        }
        rival_stop(&r);
        fixture_both_orders(rounds, n_second);
}

static void test_J7_the_caller_is_cancelled(struct fixture *fx)
{
        exec_future *f[2] = {exec_promise_new(NULL), exec_create_task(task_sleep, NS(EXEC_SEC(1000)))};

        for (int rest = 0; rest < 2; rest++) {
                struct anyone x = {.f = f, .n = 2, .flags = rest ? EXEC_CANCEL_REST : 0};
                exec_future *t = start_any(fx, &x);

                EXPECT_EQ(exec_cancel(t, NULL), 1);
                EXPECT_EQ(exec_await(t, NULL), -ECANCELED);
                EXPECT_EQ(x.index, 2);
                exec_future_unref(t);
                if (rest) {
                        EXPECT_CANCELLED(f[0]);
                        EXPECT_EQ(exec_await(f[1], NULL), -ECANCELED);
                } else {
                        EXPECT_PENDING(f[0]);
                        EXPECT_EQ(exec_cancelling(f[1]), 0);
                }
        }
        exec_future_unref_all(f, 2);
}

static int any_of_itself(void *arg, void **value)
{
        exec_future *f[2] = {arg, exec_current_task()};
        size_t index = 99;

        *value = NULL;
        EXPECT_EQ(exec_any(f, 2, &index, NULL, EXEC_CANCEL_REST), -EDEADLK);
        EXPECT_EQ(index, 2);
        return 0;
}

static void any_in_callback(exec_future *f, void *arg)
{
        exec_future *both[2] = {arg, f};
        size_t index = 99;

        EXPECT_EQ(exec_any(both, 1, &index, NULL, EXEC_CANCEL_REST), -EPERM);
        EXPECT_EQ(index, 1);
        EXPECT_EQ(exec_any(both, 2, &index, NULL, 0), 0);
        EXPECT_EQ(index, 1);
}

static void test_J1_arguments(struct fixture *fx)
{
        exec_future *p = exec_promise_new(NULL), *f[2] = {p, NULL}, *t;
        size_t index = 99;

        (void)fx;
        EXPECT_EQ(exec_any(NULL, 0, &index, NULL, 0), -EINVAL);
        EXPECT_EQ(index, 0);
        EXPECT_EQ(exec_any(f, 2, &index, NULL, EXEC_CANCEL_REST), -EINVAL);
        EXPECT_EQ(index, 2);
        EXPECT_EQ(exec_any(f, 1, NULL, NULL, EXEC_COLLECT), -EINVAL);
        EXPECT_EQ(exec_any(f, 1, NULL, NULL, EXEC_UNREF), -EINVAL);
        EXPECT_EQ(exec_any(f, (size_t)INT_MAX + 1, NULL, NULL, 0), -EINVAL);
        t = exec_create_task(any_of_itself, p);
        EXPECT_EQ(exec_await(t, NULL), 0);
        exec_future_unref(t);
        t = exec_promise_new(NULL);
        EXPECT_EQ(exec_future_add_callback(t, any_in_callback, p), 0);
        EXPECT_EQ(exec_promise_set(t, NULL), 0);
        exec_future_unref(t);
        EXPECT_PENDING(p); /* no error of the call cancels anything */
        exec_future_unref(p);
}

static const struct fixture_case cases[] = {
        CASE(test_J1_arguments),
        CASE(test_J2_first_success),
        CASE(test_J2_of_those_done_the_first_in_the_array),
        CASE(test_J3_failures_before),
        CASE(test_J5_none_succeeds),
        CASE(test_J5_all_cancelled),
        CASE(test_J6_two_at_once),
        CASE(test_J7_the_caller_is_cancelled),
};

FIXTURE_MAIN("any", cases)
