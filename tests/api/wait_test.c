/* wait_test.c - exec_wait: section 7 of docs/CONFORMANCE.md. */
#include "fixture.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static char a_value;

static int wait_forever(exec_future *const f[], size_t n, enum exec_wait_mode mode, bool done[])
{
        return exec_wait(f, n, mode, EXEC_FOREVER, done);
}

static void test_W1_all(struct fixture *fx)
{
        exec_future *f[2];
        bool done[2] = {false, false};
        int64_t start = exec_now();

        (void)fx;
        f[0] = exec_create_task(task_sleep, NS(EXEC_MS(10)));
        f[1] = exec_sleep_future(EXEC_MS(20));
        EXPECT_EQ(wait_forever(f, 2, EXEC_ALL_COMPLETED, done), 2);
        EXPECT(exec_now() - start >= EXEC_MS(20));
        EXPECT(done[0] && done[1]);
        memset(done, 0, sizeof done);
        EXPECT_EQ(exec_wait(f, 2, EXEC_ALL_COMPLETED, 0, done), 2); /* at once */
        EXPECT(done[0] && done[1]);
        EXPECT_EQ(wait_forever(f, 2, EXEC_ALL_COMPLETED, NULL), 2);
        exec_future_unref_all(f, 2);
}

/* Few and many, of every kind, some of them done already. */
static void test_W1_many(struct fixture *fx)
{
        size_t n = test_scale(1000);
        exec_future **f = malloc(n * sizeof *f);
        bool *done = malloc(n);

        (void)fx;
        for (size_t i = 0; i < n; i++)
                f[i] = i % 3 == 0 ? exec_create_task(task_value, VAL(i))
                                  : exec_sleep_future(i % 3 == 1 ? 0 : EXEC_MS(2));
        for (size_t k = 1; k <= n; k = k < 40 ? k + 1 : n - k ? n : n + 1) {
                EXPECT_EQ(wait_forever(f, k, EXEC_ALL_COMPLETED, done), k);
                for (size_t i = 0; i < k; i++)
                        EXPECT(done[i] && exec_future_done(f[i]));
        }
        exec_future_unref_all(f, n);
        free(done);
        free(f);
}

static void test_W2_each_place_of_one_future(struct fixture *fx)
{
        exec_future *p = exec_promise_new(NULL), *q = exec_promise_new(NULL), *t = exec_sleep_future(EXEC_MS(5));
        exec_future *f[5] = {p, t, p, q, t};
        bool done[5];

        (void)fx;
        EXPECT_EQ(wait_forever(f, 5, EXEC_FIRST_COMPLETED, done), 2);
        EXPECT(!done[0] && done[1] && !done[2] && !done[3] && done[4]);
        EXPECT_EQ(exec_promise_set(p, NULL), 0);
        EXPECT_EQ(exec_wait(f, 5, EXEC_ALL_COMPLETED, exec_now() + EXEC_MS(1), done), 4);
        EXPECT(done[0] && done[1] && done[2] && !done[3] && done[4]);
        EXPECT_EQ(exec_promise_set(q, NULL), 0);
        EXPECT_EQ(wait_forever(f, 5, EXEC_ALL_COMPLETED, done), 5);
        EXPECT_EQ(wait_forever(f, 5, EXEC_ALL_COMPLETED, NULL), 5);
        exec_future_unref(p);
        exec_future_unref(q);
        exec_future_unref(t);
}

enum { N_TWINS = 40 };

static exec_future *twins[2 * N_TWINS];
static _Atomic(int) looking;

/* The first one ends the wait; the others come while somebody looks at the array again and again. */
static void set_twins(void *arg)
{
        (void)arg;
        for (int i = 0; i < N_TWINS; i++) {
                exec_promise_set(twins[i], NULL);
                while (!atom_load(&looking, ACQUIRE))
                        sched_yield();
                fixture_spin(200);
        }
}

/* Futures end while the places are looked at: both places of each say the same, and the number agrees. */
static void test_W2_places_agree_in_a_race(struct fixture *fx)
{
        size_t rounds = test_rounds(500);
        struct rival r;

        (void)fx;
        rival_start(&r, set_twins, NULL);
        for (size_t i = 0; i < rounds && !fixture_failed(); i++) {
                bool done[2 * N_TWINS];
                int n = 0;

                for (int k = 0; k < N_TWINS; k++)
                        twins[k] = exec_promise_new(NULL);
                for (int k = 0; k < N_TWINS; k++) /* once in the same order, once the other way round */
                        twins[N_TWINS + k] = twins[i % 2 ? k : N_TWINS - 1 - k];
                atom_store(&looking, 0, RELEASE);
                rival_release(&r);
                while (n < 2 * N_TWINS && !fixture_failed()) {
                        int n_done = 0;

                        n = wait_forever(twins, 2 * N_TWINS, EXEC_FIRST_COMPLETED, done);
                        atom_store(&looking, 1, RELEASE);
                        for (int k = 0; k < 2 * N_TWINS; k++)
                                n_done += done[k] && EXPECT(exec_future_done(twins[k]));
                        EXPECT_EQ(n, n_done);
                        for (int k = 0; k < N_TWINS; k++)
                                EXPECT_EQ(done[k], done[N_TWINS + (i % 2 ? k : N_TWINS - 1 - k)]);
                }
                rival_wait(&r);
                exec_future_unref_all(twins, N_TWINS);
        }
        rival_stop(&r);
}

static int wait_for_itself(void *arg, void **value)
{
        exec_future *f[2] = {arg, exec_current_task()};
        bool done[2] = {true, true};

        EXPECT_EQ(wait_forever(f, 2, EXEC_FIRST_COMPLETED, done), -EDEADLK);
        EXPECT_EQ(wait_forever(f + 1, 1, EXEC_ALL_COMPLETED, NULL), -EDEADLK);
        *value = arg;
        return 0;
}

static void wait_in_callback(exec_future *f, void *arg)
{
        exec_future *both[2] = {f, arg};
        bool done[2];

        EXPECT_EQ(wait_forever(both, 2, EXEC_ALL_COMPLETED, done), -EPERM);
        EXPECT(done[0] && !done[1]);
        EXPECT_EQ(wait_forever(both, 2, EXEC_FIRST_COMPLETED, done), 1); /* need not wait */
}

static void test_W3_arguments(struct fixture *fx)
{
        exec_future *p = exec_promise_new(NULL), *f[2] = {p, NULL}, *t;

        (void)fx;
        EXPECT_EQ(wait_forever(NULL, 0, EXEC_ALL_COMPLETED, NULL), -EINVAL);
        EXPECT_EQ(wait_forever(f, 0, EXEC_ALL_COMPLETED, NULL), -EINVAL); /* as asyncio */
        EXPECT_EQ(wait_forever(NULL, 1, EXEC_FIRST_COMPLETED, NULL), -EINVAL);
        EXPECT_EQ(wait_forever(f, 2, EXEC_FIRST_COMPLETED, NULL), -EINVAL);
        EXPECT_EQ(wait_forever(f, (size_t)INT_MAX + 1, EXEC_FIRST_COMPLETED, NULL), -EINVAL);
        EXPECT_EQ(wait_forever(f, SIZE_MAX, EXEC_FIRST_COMPLETED, NULL), -EINVAL);
        EXPECT_EQ(wait_forever(f, 1, (enum exec_wait_mode)3, NULL), -EINVAL);
        EXPECT_EQ(wait_forever(f, 1, (enum exec_wait_mode) - 1, NULL), -EINVAL);
        t = exec_create_task(wait_for_itself, p);
        EXPECT_EQ(exec_await(t, NULL), 0);
        exec_future_unref(t);
        t = exec_promise_new(NULL);
        EXPECT_EQ(exec_future_add_callback(t, wait_in_callback, p), 0);
        EXPECT_EQ(exec_promise_set(t, NULL), 0);
        exec_future_unref(t);
        EXPECT_PENDING(p);
        exec_future_unref(p);
}

static void test_W6_first_completed(struct fixture *fx)
{
        exec_future *f[2] = {exec_create_task(task_sleep, NS(EXEC_SEC(1000))),
                             exec_create_task(task_sleep, NS(EXEC_MS(10)))};
        bool done[2] = {true, false};
        int64_t start = exec_now();

        (void)fx;
        EXPECT_EQ(wait_forever(f, 2, EXEC_FIRST_COMPLETED, done), 1);
        EXPECT(exec_now() - start < EXEC_SEC(60));
        EXPECT(!done[0] && done[1]);
        EXPECT_PENDING(f[0]); /* untouched */
        EXPECT_EQ(exec_cancelling(f[0]), 0);
        EXPECT_EQ(exec_cancel(f[0], NULL), 1);
        EXPECT_EQ(wait_forever(f, 2, EXEC_ALL_COMPLETED, done), 2);
        exec_future_unref_all(f, 2);
}

/* What the loop of a program does: wait, take out what is done, wait again. */
static int finish_given(void *arg, void **value)
{
        *value = NULL;
        return exec_promise_set(arg, NULL);
}

/* Of many: a ready task ends the last one, or a later sleep, so that the wait has to be linked to all. */
static void test_W6_the_last_of_many(struct fixture *fx)
{
        enum { N = 40 };
        exec_future *f[N], *t;
        bool done[N];

        (void)fx;
        for (int i = 0; i < N - 1; i++)
                f[i] = exec_promise_new(NULL);
        for (int late = 0; late < 2; late++) {
                f[N - 1] = late ? exec_sleep_future(EXEC_MS(5)) : exec_promise_new(NULL);
                t = late ? NULL : exec_create_task(finish_given, f[N - 1]);
                EXPECT_EQ(wait_forever(f, N, EXEC_FIRST_COMPLETED, done), 1);
                for (int i = 0; i < N; i++)
                        EXPECT_EQ(done[i], i == N - 1);
                if (t)
                        EXPECT_EQ(exec_await(t, NULL), 0);
                exec_future_unref(t);
                exec_future_unref(f[N - 1]);
        }
        exec_future_unref_all(f, N - 1);
}

static void test_W6_in_a_loop(struct fixture *fx)
{
        size_t n = test_scale(500), left = n;
        exec_future **f = malloc(n * sizeof *f);
        bool *done = malloc(n);

        (void)fx;
        for (size_t i = 0; i < n; i++)
                f[i] = exec_create_task(i % 7 ? task_value : task_sleep, i % 7 ? VAL(i) : NS(EXEC_US(100)));
        while (left && !fixture_failed()) {
                int n_done = wait_forever(f, left, EXEC_FIRST_COMPLETED, done);
                size_t kept = 0;

                EXPECT(n_done >= 1);
                for (size_t i = 0; i < left; i++)
                        if (done[i])
                                exec_future_unref(f[i]);
                        else
                                f[kept++] = f[i];
                EXPECT_EQ(kept, left - (size_t)n_done);
                left = kept;
        }
        free(done);
        free(f);
}

struct waiter {
        exec_future *const *f;
        size_t n;
        enum exec_wait_mode mode;
        int64_t deadline_ns;
        bool done[4];
        _Atomic(int) begun;
        int rc;
};

static int wait_noted(void *arg, void **value)
{
        struct waiter *x = arg;

        *value = NULL;
        atom_store(&x->begun, 1, RELEASE);
        x->rc = exec_wait(x->f, x->n, x->mode, x->deadline_ns, x->done);
        return x->rc < 0 ? x->rc : 0;
}

static int wait_noted_only(void *arg, void **value)
{
        struct waiter *x = arg;

        *value = NULL;
        x->rc = exec_wait(x->f, x->n, x->mode, x->deadline_ns, NULL);
        return x->rc < 0 ? x->rc : 0;
}

static exec_future *start_waiter(struct fixture *fx, struct waiter *x, exec_future *const f[], size_t n)
{
        exec_future *t;

        x->f = f;
        x->n = n;
        if (!x->deadline_ns)
                x->deadline_ns = EXEC_FOREVER;
        atom_store(&x->begun, 0, RELAXED);
        t = exec_create_task(wait_noted, x);
        fixture_wait(&x->begun, 1);
        fixture_settle(fx->pool);
        return t;
}

/* One worker: the waiter cannot go on before both have ended, and it finds both. */
static void test_W7_all_that_are_done_at_the_return(struct fixture *fx)
{
        exec_future *f[3] = {exec_promise_new(NULL), exec_promise_new(NULL), exec_promise_new(NULL)};
        struct waiter x = {.mode = EXEC_FIRST_COMPLETED};
        exec_future *t = start_waiter(fx, &x, f, 3);

        EXPECT_EQ(exec_promise_set(f[2], NULL), 0);
        EXPECT_EQ(exec_promise_set(f[0], NULL), 0);
        EXPECT_EQ(exec_await(t, NULL), 0);
        EXPECT_EQ(x.rc, 2);
        EXPECT(x.done[0] && !x.done[1] && x.done[2]);
        exec_future_unref(t);
        exec_future_unref_all(f, 3);
}

static void test_W9_first_exception(struct fixture *fx)
{
        exec_future *f[3] = {exec_promise_new(NULL), exec_create_task(task_sleep, NS(EXEC_MS(5))), NULL};
        struct waiter x = {.mode = EXEC_FIRST_EXCEPTION};
        exec_future *t;

        f[2] = exec_promise_new(NULL);
        t = start_waiter(fx, &x, f, 3);
        EXPECT_EQ(exec_await(f[1], NULL), 0);
        fixture_settle(fx->pool);
        EXPECT_PENDING(t); /* a success does not end it */
        EXPECT_EQ(exec_promise_fail(f[2], -EIO), 0);
        EXPECT_EQ(exec_await(t, NULL), 0);
        EXPECT_EQ(x.rc, 2);
        EXPECT(!x.done[0] && x.done[1] && x.done[2]);
        EXPECT_PENDING(f[0]);
        EXPECT_FAILED(f[2], -EIO);
        exec_future_unref(t);
        exec_future_unref_all(f, 3);
}

static void test_W10_done_failed_pending(struct fixture *fx)
{
        exec_future *f[3] = {exec_create_task(task_value, &a_value), exec_create_task(task_fail, ERR(-EIO)),
                             exec_promise_new(NULL)};
        bool done[3];

        (void)fx;
        EXPECT_EQ(exec_await(f[0], NULL), 0);
        EXPECT_EQ(wait_forever(f, 3, EXEC_FIRST_EXCEPTION, done), 2);
        EXPECT(done[0] && done[1] && !done[2]);
        EXPECT_FAILED(f[1], -EIO);
        exec_future_unref_all(f, 3);
}

/* Nothing failed: until all have ended. */
static void test_W10_no_exception(struct fixture *fx)
{
        exec_future *f[2] = {exec_create_task(task_value, &a_value), exec_sleep_future(EXEC_MS(5))};

        (void)fx;
        EXPECT_EQ(wait_forever(f, 2, EXEC_FIRST_EXCEPTION, NULL), 2);
        exec_future_unref_all(f, 2);
}

static void test_W11_cancelled_is_no_exception(struct fixture *fx)
{
        exec_future *f[3] = {exec_promise_new(NULL), exec_promise_new(NULL), exec_promise_new(NULL)};
        struct waiter x = {.mode = EXEC_FIRST_EXCEPTION};
        exec_future *t;

        EXPECT_EQ(exec_cancel(f[0], NULL), 1); /* before */
        t = start_waiter(fx, &x, f, 3);
        EXPECT_EQ(exec_cancel(f[1], NULL), 1); /* and while it waits */
        fixture_settle(fx->pool);
        EXPECT_PENDING(t);
        EXPECT_EQ(exec_promise_fail(f[2], -EIO), 0);
        EXPECT_EQ(exec_await(t, NULL), 0);
        EXPECT_EQ(x.rc, 3);
        EXPECT_FAILED(f[2], -EIO);
        exec_future_unref(t);
        exec_future_unref_all(f, 3);
}

static void test_W13_all_with_an_error(struct fixture *fx)
{
        exec_future *f[2] = {exec_create_task(task_value, &a_value), exec_create_task(task_fail, ERR(-EIO))};
        bool done[2];

        (void)fx;
        EXPECT_EQ(wait_forever(f, 2, EXEC_ALL_COMPLETED, done), 2);
        EXPECT(done[0] && done[1]);
        EXPECT_DONE(f[0], &a_value);
        EXPECT_FAILED(f[1], -EIO);
        exec_future_unref_all(f, 2);
}

static void note_unhandled(exec_future *f, const struct exec_outcome *outcome, void *ctx)
{
        (void)f, (void)outcome;
        atom_add((_Atomic(int) *)ctx, 1, RELAXED);
}

/* A wait says that a future has ended; nobody has looked at its error by that. */
static void test_W13_errors_stay_unseen(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_fail, ERR(-EIO));
        _Atomic(int) n = 0;

        (void)fx;
        exec_set_unhandled(note_unhandled, (void *)&n);
        EXPECT_EQ(wait_forever(&f, 1, EXEC_FIRST_EXCEPTION, NULL), 1);
        exec_future_unref(f);
        EXPECT_EQ(atom_load(&n, ACQUIRE), 1);
        exec_set_unhandled(NULL, NULL);
}

static void test_W14_deadline(struct fixture *fx)
{
        exec_future *f[2] = {exec_sleep_future(EXEC_MS(5)), exec_create_task(task_sleep, NS(EXEC_SEC(1000)))};
        int64_t deadline = exec_now() + EXEC_MS(100);
        bool done[2];

        (void)fx;
        EXPECT_EQ(exec_wait(f, 2, EXEC_ALL_COMPLETED, deadline, done), 1);
        EXPECT(exec_now() >= deadline);
        EXPECT(done[0] && !done[1]);
        EXPECT_EQ(exec_cancelling(f[1]), 0); /* nothing is cancelled */
        EXPECT_PENDING(f[1]);
        EXPECT_EQ(exec_wait(f + 1, 1, EXEC_FIRST_COMPLETED, exec_now() + EXEC_MS(1), done), 0);
        EXPECT_EQ(exec_wait(f + 1, 1, EXEC_FIRST_COMPLETED, 0, done), 0); /* one long past */
        EXPECT_EQ(exec_wait(f + 1, 1, EXEC_FIRST_COMPLETED, INT64_MIN, done), 0);
        EXPECT(!done[0]);
        exec_cancel(f[1], NULL);
        EXPECT_EQ(exec_await(f[1], NULL), -ECANCELED);
        exec_future_unref_all(f, 2);
}

static void set_promise(void *arg)
{
        exec_promise_set(*(exec_future **)arg, NULL);
}

/* The deadline, and the end of one of them, at about the same time. */
static void test_W15_deadline_races_completion(struct fixture *fx)
{
        static const enum exec_wait_mode modes[] = {EXEC_ALL_COMPLETED, EXEC_FIRST_COMPLETED, EXEC_FIRST_EXCEPTION};
        size_t rounds = test_rounds(600);
        uint64_t random = 2463534242u;
        exec_future *never = exec_promise_new(NULL), *p = NULL;
        size_t n_in_time = 0;
        struct rival r;

        (void)fx;
        rival_start(&r, set_promise, &p);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f[20];
                bool done[20];
                size_t n = i % 2 ? 20 : 3;
                int rc, n_done = 0;

                p = exec_promise_new(NULL);
                for (size_t k = 0; k < n; k++)
                        f[k] = k % 3 ? p : never;
                rival_release(&r);
                rc = exec_wait(f, n, modes[i % 3], exec_now() + (int64_t)(test_random(&random) % 30000), done);
                for (size_t k = 0; k < n; k++) {
                        n_done += done[k];
                        EXPECT_EQ(done[k], f[k] != never && n_done);
                }
                EXPECT_EQ(rc, n_done);
                n_in_time += rc > 0;
                rival_wait(&r);
                EXPECT_PENDING(never);
                exec_future_unref(p);
        }
        rival_stop(&r);
        fixture_both_orders(rounds, n_in_time);
        exec_future_unref(never);
}

static void test_W17_released_by_one_event(struct fixture *fx)
{
        enum { N = 100 };
        size_t rounds = test_rounds(200);

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                exec_future *event = exec_promise_new(NULL), *f[N];

                fixture_go_on(i);
                for (int k = 0; k < N; k++)
                        f[k] = exec_create_task(task_await, event);
                if (i % 2)
                        exec_yield();
                EXPECT_EQ(exec_promise_set(event, NULL), 0);
                EXPECT_EQ(wait_forever(f, N, i % 3 ? EXEC_ALL_COMPLETED : EXEC_FIRST_EXCEPTION, NULL), N);
                exec_future_unref_all(f, N);
                exec_future_unref(event);
        }
}

/* Several wait for the same futures at once. */
static void test_W17_many_waiters(struct fixture *fx)
{
        enum { N = 20 };
        exec_future *f[3] = {exec_promise_new(NULL), exec_promise_new(NULL), exec_promise_new(NULL)}, *t[N];
        struct waiter x[N] = {{.f = NULL}};

        for (int i = 0; i < N; i++) {
                x[i].mode = i % 2 ? EXEC_FIRST_COMPLETED : EXEC_ALL_COMPLETED;
                x[i].f = f;
                x[i].n = 3;
                x[i].deadline_ns = i % 3 ? EXEC_FOREVER : exec_now() + EXEC_SEC(1000);
                t[i] = exec_create_task(wait_noted, &x[i]);
        }
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_promise_set(f[1], NULL), 0);
        for (int i = 1; i < N; i += 2) {
                EXPECT_EQ(exec_await(t[i], NULL), 0);
                EXPECT_EQ(x[i].rc, 1);
        }
        EXPECT_EQ(exec_promise_set(f[0], NULL), 0);
        EXPECT_EQ(exec_promise_set(f[2], NULL), 0);
        for (int i = 0; i < N; i += 2) {
                EXPECT_EQ(exec_await(t[i], NULL), 0);
                EXPECT_EQ(x[i].rc, 3);
        }
        exec_future_unref_all(t, N);
        exec_future_unref_all(f, 3);
}

/* There is one cancelled state: it counts as completed. */
static void test_W18_cancelled_counts_as_done(struct fixture *fx)
{
        exec_future *f[2] = {exec_promise_new(NULL), exec_promise_new(NULL)};
        bool done[2];

        (void)fx;
        EXPECT_EQ(exec_cancel(f[1], NULL), 1);
        EXPECT_EQ(wait_forever(f, 2, EXEC_FIRST_COMPLETED, done), 1);
        EXPECT(!done[0] && done[1]);
        exec_future_unref_all(f, 2);
}

static void test_W19_the_waiter_is_cancelled(struct fixture *fx)
{
        exec_future *f[2] = {exec_promise_new(NULL), exec_create_task(task_sleep, NS(EXEC_SEC(1000)))};
        struct waiter x = {.mode = EXEC_FIRST_COMPLETED};

        for (int i = 0; i < 2; i++) { /* without a deadline, and with one */
                exec_future *t = start_waiter(fx, &x, f, 2);

                EXPECT_EQ(exec_cancel(t, NULL), 1);
                EXPECT_EQ(exec_await(t, NULL), -ECANCELED);
                EXPECT_EQ(x.rc, -ECANCELED);
                EXPECT(!x.done[0] && !x.done[1]);
                EXPECT_PENDING(f[0]); /* passed on to none of them */
                EXPECT_EQ(exec_cancelling(f[1]), 0);
                exec_future_unref(t);
                x.deadline_ns = exec_now() + EXEC_SEC(1000);
        }
        EXPECT_EQ(exec_cancel(f[1], NULL), 1);
        EXPECT_EQ(exec_await(f[1], NULL), -ECANCELED);
        EXPECT_EQ(exec_promise_set(f[0], NULL), 0); /* nothing is linked to it any more */
        exec_future_unref_all(f, 2);
}

static int cancel_myself_and_wait(void *arg, void **value)
{
        exec_future *f[2] = {arg, exec_promise_new(NULL)};

        *value = NULL;
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        EXPECT_EQ(wait_forever(f + 1, 1, EXEC_FIRST_COMPLETED, NULL), -ECANCELED);
        EXPECT_PENDING(f[1]);
        EXPECT_EQ(exec_wait(f + 1, 1, EXEC_FIRST_COMPLETED, 0, NULL), 0); /* delivered once */
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        EXPECT_EQ(wait_forever(f, 2, EXEC_FIRST_COMPLETED, NULL), 1); /* need not wait, and does not look */
        EXPECT(exec_cancel_requested());
        EXPECT_EQ(exec_uncancel(NULL), 1);
        EXPECT_EQ(exec_uncancel(NULL), 0);
        exec_future_unref(f[1]);
        return 0;
}

static void test_W19_cancelled_before_it_waits(struct fixture *fx)
{
        exec_future *done = exec_promise_new(NULL), *t;

        (void)fx;
        EXPECT_EQ(exec_promise_set(done, NULL), 0);
        t = exec_create_task(cancel_myself_and_wait, done);
        EXPECT_EQ(exec_await(t, NULL), 0);
        exec_future_unref(t);
        exec_future_unref(done);
}

static int cancel_other(void *arg, void **value)
{
        *value = NULL;
        return exec_cancel(atom_load((_Atomic(exec_future *) *)arg, ACQUIRE), NULL) ? 0 : -EINVAL;
}

/* One worker: who waits for many lets what is ready run first, and that cancels it. */
static void test_W19_cancelled_before_it_is_linked(struct fixture *fx)
{
        enum { N = 40 };
        exec_future *f[N], *canceller, *t;
        _Atomic(exec_future *) victim = NULL;
        struct waiter x = {.f = f, .n = N, .mode = EXEC_FIRST_COMPLETED, .deadline_ns = EXEC_FOREVER};

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = exec_promise_new(NULL);
        canceller = exec_create_task(cancel_other, &victim); /* the newest runs first */
        t = exec_create_task(wait_noted_only, &x);
        atom_store(&victim, t, RELEASE);
        EXPECT_EQ(exec_await(t, NULL), -ECANCELED);
        EXPECT_EQ(x.rc, -ECANCELED);
        EXPECT_EQ(exec_await(canceller, NULL), 0);
        for (int i = 0; i < N; i++)
                EXPECT_PENDING(f[i]);
        exec_future_unref(t);
        exec_future_unref(canceller);
        exec_future_unref_all(f, N);
}

/* One worker: cancelled while it waits, but withdrawn before it goes on: it waits on. */
static void test_W19_withdrawn(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL), *t;
        struct waiter x = {.mode = EXEC_ALL_COMPLETED};

        t = start_waiter(fx, &x, &f, 1);
        EXPECT_EQ(exec_cancel(t, NULL), 1);
        EXPECT_EQ(exec_uncancel(t), 0);
        fixture_settle(fx->pool);
        EXPECT_PENDING(t);
        EXPECT_EQ(exec_promise_set(f, NULL), 0);
        EXPECT_EQ(exec_await(t, NULL), 0);
        EXPECT_EQ(x.rc, 1);
        exec_future_unref(t);
        exec_future_unref(f);
}

static void cancel_it(void *arg)
{
        exec_cancel(*(exec_future **)arg, NULL);
}

/* On the only worker a task that spins would let nobody begin. */
static void pass_time(const struct fixture *fx, int64_t ns)
{
        if (fx->in_task && fx->n_workers == 1)
                exec_sleep(ns);
        else
                fixture_spin(ns);
}

/* Cancel, the end of a future and a deadline at about the same time: one answer, and nothing stays linked. */
static void test_W19_cancel_races_completion(struct fixture *fx)
{
        size_t rounds = test_rounds(600);
        uint64_t random = 1181783497;
        exec_future *t = NULL;
        size_t n_cancelled = 0;
        struct rival r;

        rival_start(&r, cancel_it, &t);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *p = exec_promise_new(NULL), *f[3] = {p, exec_promise_new(NULL), p};
                struct waiter x = {.f = f, .n = 3, .mode = EXEC_FIRST_COMPLETED, .deadline_ns = EXEC_FOREVER};
                int rc;

                if (i % 3 == 0)
                        x.deadline_ns = exec_now() + (int64_t)(test_random(&random) % 50000);
                t = exec_create_task(wait_noted, &x);
                pass_time(fx, (int64_t)(test_random(&random) % 20000));
                rival_release(&r);
                if (i % 2)
                        fixture_spin((int64_t)(test_random(&random) % 5000));
                EXPECT_EQ(exec_promise_set(p, NULL), 0);
                rc = exec_await(t, NULL);
                rival_wait(&r);
                EXPECT(rc == 0 || rc == -ECANCELED);
                n_cancelled += rc != 0;
                if (rc == 0)
                        EXPECT(x.rc == 2 || (x.rc == 0 && i % 3 == 0));
                exec_future_unref(t);
                EXPECT_PENDING(f[1]);
                exec_future_unref_all(f, 2);
        }
        rival_stop(&r);
        if (rounds >= 10000)
                EXPECT(n_cancelled && n_cancelled < rounds);
}

static void test_no_memory(struct fixture *fx)
{
        exec_future *f[20];
        bool done[20];

        (void)fx;
        for (int i = 0; i < 20; i++)
                f[i] = exec_promise_new(NULL);
        EXPECT_EQ(exec_promise_set(f[3], NULL), 0);
        if (fixture_fault_arm(FAIL_ALLOC, 1, true)) {
                EXPECT_EQ(exec_wait(f, 20, EXEC_ALL_COMPLETED, 0, done), -ENOMEM);
                EXPECT_EQ(exec_wait(f, 16, EXEC_ALL_COMPLETED, 0, done), 1); /* so many need none */
                EXPECT(fixture_fault_disarm() >= 1);
        }
        EXPECT_EQ(exec_wait(f, 20, EXEC_ALL_COMPLETED, 0, done), 1);
        exec_future_unref_all(f, 20);
}

static const struct fixture_case cases[] = {
        CASE(test_W1_all),
        CASE(test_W1_many),
        CASE(test_W2_each_place_of_one_future),
        CASE(test_W2_places_agree_in_a_race),
        CASE(test_W3_arguments),
        CASE(test_W6_first_completed),
        CASE(test_W6_the_last_of_many),
        CASE(test_W6_in_a_loop),
        CASE_ONE(test_W7_all_that_are_done_at_the_return),
        CASE(test_W9_first_exception),
        CASE(test_W10_done_failed_pending),
        CASE(test_W10_no_exception),
        CASE(test_W11_cancelled_is_no_exception),
        CASE(test_W13_all_with_an_error),
        CASE(test_W13_errors_stay_unseen),
        CASE(test_W14_deadline),
        CASE(test_W15_deadline_races_completion),
        CASE(test_W17_released_by_one_event),
        CASE(test_W17_many_waiters),
        CASE(test_W18_cancelled_counts_as_done),
        CASE(test_W19_the_waiter_is_cancelled),
        CASE(test_W19_cancelled_before_it_waits),
        CASE_ONE(test_W19_cancelled_before_it_is_linked),
        CASE_ONE(test_W19_withdrawn),
        CASE(test_W19_cancel_races_completion),
        CASE(test_no_memory),
};

FIXTURE_MAIN("wait", cases)
