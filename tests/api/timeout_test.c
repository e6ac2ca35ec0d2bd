/* timeout_test.c - timeout scopes: section 9 of docs/CONFORMANCE.md, and of section 4 what stands on scopes. Most cases
 * are bodies of tasks, since a scope is a task's. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#define LONG EXEC_SEC(1000)

/* Run @fn(@arg) as a task; it must succeed, whatever it did inside. */
static void run(exec_task_fn fn, void *arg)
{
        exec_future *f = exec_create_task(fn, arg);

        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
}

/* Nothing of any scope is left in the current task: no request, none to be delivered. */
static void expect_nothing_left(void)
{
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        EXPECT(!exec_cancel_requested());
        EXPECT_EQ(exec_yield(), 0);
        EXPECT_EQ(exec_current_deadline(), EXEC_FOREVER);
}

static int basic(void *arg, void **value)
{
        struct exec_timeout scope;
        int64_t start = exec_now();

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, start + EXEC_MS(10)), 0);
        EXPECT(!exec_timeout_expired(&scope));
        EXPECT_EQ(exec_timeout_end(&scope, exec_sleep(LONG)), -ETIMEDOUT);
        EXPECT(exec_timeout_expired(&scope));
        EXPECT(exec_now() - start >= EXEC_MS(10) && exec_now() - start < EXEC_SEC(60));
        expect_nothing_left();
        return exec_sleep(EXEC_MS(1));
}

static void test_M1_cut_off(struct fixture *fx)
{
        (void)fx;
        run(basic, NULL);
}

static int wait_for_promise(exec_future *promise)
{
        return exec_await(promise, NULL);
}

/* What the task awaits is cancelled with it, at every kind of wait. */
static int at_every_wait(void *arg, void **value)
{
        struct exec_timeout scope;
        exec_future *promise = exec_promise_new(NULL), *child = exec_create_task(task_forever, NULL), *both[2];
        exec_completion *c = NULL;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(5)), 0);
        EXPECT_EQ(exec_timeout_end(&scope, wait_for_promise(promise)), -ETIMEDOUT);
        EXPECT_CANCELLED(promise);
        exec_future_unref(promise);
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(5)), 0);
        EXPECT_EQ(exec_timeout_end(&scope, exec_await(child, NULL)), -ETIMEDOUT);
        EXPECT_CANCELLED(child);
        exec_future_unref(child);
        promise = exec_promise_new(NULL);
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(5)), 0);
        EXPECT_EQ(exec_timeout_end(&scope, exec_await_until(promise, exec_now() + LONG, NULL)), -ETIMEDOUT);
        EXPECT_CANCELLED(promise);
        exec_future_unref(promise);
        both[0] = exec_create_task(task_forever, NULL);
        both[1] = exec_sleep_future(LONG);
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(5)), 0);
        EXPECT_EQ(exec_timeout_end(&scope, exec_gather(both, 2, NULL, 0)), -ETIMEDOUT);
        EXPECT_CANCELLED(both[0]);
        EXPECT_CANCELLED(both[1]);
        exec_future_unref_all(both, 2);
        promise = exec_promise_new(NULL);
        EXPECT_EQ(exec_completion_new(&c), 0);
        EXPECT_EQ(exec_completion_add(c, promise, NULL), 0);
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(5)), 0);
        EXPECT_EQ(exec_timeout_end(&scope, exec_completion_next(c, EXEC_FOREVER, NULL, NULL)), -ETIMEDOUT);
        EXPECT_PENDING(promise); /* merely waited for */
        exec_completion_free(c);
        exec_future_unref(promise);
        expect_nothing_left();
        return 0;
}

static void test_M1_at_every_wait(struct fixture *fx)
{
        (void)fx;
        run(at_every_wait, NULL);
}

/* The scope and the wait inside it have one deadline: the wait is over by it, and yet the request goes on. */
static int at_the_deadline_of_the_wait(void *arg, void **value)
{
        exec_future *f[] = {exec_promise_new(NULL), exec_create_task(task_forever, NULL),
                            exec_create_task(task_forever, NULL)};
        exec_future *g = exec_gather_future(&f[2], 1, EXEC_COLLECT);
        exec_future *awaited[] = {f[0], f[1], g};

        (void)arg, (void)value;
        for (size_t i = 0; i < N_OF(awaited); i++) {
                int64_t deadline_ns = exec_now() + EXEC_MS(3);
                struct exec_timeout scope;
                int rc;

                EXPECT_EQ(exec_timeout_begin(&scope, deadline_ns), 0);
                rc = exec_await_until(awaited[i], deadline_ns, NULL);
                if (rc == -ECANCELED)
                        EXPECT_CANCELLED(awaited[i]); /* f has ended */
                else
                        EXPECT_EQ(rc, -ETIMEDOUT); /* it was first */
                EXPECT_EQ(exec_timeout_end(&scope, rc), -ETIMEDOUT);
                exec_cancel(awaited[i], NULL);
        }
        expect_nothing_left();
        exec_future_unref_all(f, N_OF(f));
        exec_future_unref(g);
        return 0;
}

static void test_M1_at_the_deadline_of_the_wait(struct fixture *fx)
{
        (void)fx;
        for (int i = 0; i < 10; i++)
                run(at_the_deadline_of_the_wait, NULL);
}

static int absolute(void *arg, void **value)
{
        struct exec_timeout scope;
        int64_t deadline = exec_now() + EXEC_MS(10);

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, deadline), 0);
        EXPECT_EQ(exec_timeout_deadline(&scope), deadline);
        EXPECT_EQ(exec_current_deadline(), deadline);
        EXPECT_EQ(exec_timeout_end(&scope, exec_sleep_until(EXEC_FOREVER)), -ETIMEDOUT);
        EXPECT(exec_now() >= deadline);
        EXPECT_EQ(exec_timeout_deadline(&scope), deadline);
        return 0;
}

static void test_M2_absolute(struct fixture *fx)
{
        (void)fx;
        run(absolute, NULL);
}

/* A deadline that has passed: the first cancellation point is cancelled, even one that need not wait long. */
static int passed(void *arg, void **value)
{
        static const int64_t deadlines[] = {INT64_MIN, -1, 0, 1};
        struct exec_timeout scope;

        (void)arg, (void)value;
        for (size_t i = 0; i < N_OF(deadlines); i++) {
                EXPECT_EQ(exec_timeout_begin(&scope, deadlines[i]), 0);
                EXPECT(exec_timeout_expired(&scope));
                EXPECT(exec_cancel_requested());
                EXPECT_EQ(exec_timeout_deadline(&scope), deadlines[i]);
                EXPECT_EQ(exec_timeout_end(&scope, exec_yield()), -ETIMEDOUT);
                EXPECT_EQ(exec_timeout_begin(&scope, deadlines[i]), 0);
                EXPECT_EQ(exec_timeout_end(&scope, 0), 0); /* it did not wait at all */
                EXPECT(exec_timeout_expired(&scope));
                expect_nothing_left();
        }
        return 0;
}

static void test_M2_passed_before(struct fixture *fx)
{
        (void)fx;
        run(passed, NULL);
}

static int nested(void *arg, void **value)
{
        size_t rounds = test_rounds(300);
        uint64_t random = 88172645463325252;

        (void)arg, (void)value;
        for (size_t i = 0; i < rounds; i++) {
                struct exec_timeout outer, middle, inner;
                int64_t deadline = exec_now() + (int64_t)(test_random(&random) % 50000);

                EXPECT_EQ(exec_timeout_begin(&outer, deadline), 0);
                EXPECT_EQ(exec_timeout_begin(&middle, deadline), 0);
                EXPECT_EQ(exec_timeout_begin(&inner, deadline), 0);
                EXPECT_EQ(exec_timeout_end(&inner, exec_sleep(LONG)), -ECANCELED);
                EXPECT_EQ(exec_timeout_end(&middle, -ECANCELED), -ECANCELED);
                EXPECT_EQ(exec_timeout_end(&outer, -ECANCELED), -ETIMEDOUT);
                EXPECT(exec_timeout_expired(&outer) && exec_timeout_expired(&middle) && exec_timeout_expired(&inner));
                expect_nothing_left();
        }
        return 0;
}

static void test_M3_same_deadline(struct fixture *fx)
{
        (void)fx;
        run(nested, NULL);
}

/* Each scope by itself: the inner's expiry is none of the outer's. */
static int nested_apart(void *arg, void **value)
{
        struct exec_timeout outer, inner;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&outer, exec_now() + LONG), 0);
        EXPECT_EQ(exec_timeout_begin(&inner, exec_now() + EXEC_MS(5)), 0);
        EXPECT_EQ(exec_timeout_end(&inner, exec_sleep(LONG)), -ETIMEDOUT);
        EXPECT_EQ(exec_sleep(EXEC_MS(1)), 0);
        EXPECT_EQ(exec_timeout_end(&outer, -ETIMEDOUT), -ETIMEDOUT);
        EXPECT(!exec_timeout_expired(&outer));
        EXPECT_EQ(exec_timeout_begin(&outer, exec_now() + EXEC_MS(5)), 0);
        EXPECT_EQ(exec_timeout_begin(&inner, exec_now() + LONG), 0);
        EXPECT_EQ(exec_timeout_end(&inner, exec_sleep(LONG)), -ECANCELED);
        EXPECT(!exec_timeout_expired(&inner));
        EXPECT_EQ(exec_timeout_end(&outer, -ECANCELED), -ETIMEDOUT);
        expect_nothing_left();
        return 0;
}

static void test_M3_different_deadlines(struct fixture *fx)
{
        (void)fx;
        run(nested_apart, NULL);
}

/* The inner one is noticed late, when the outer one is due too. Who looked first decides whether the inner one says so; the
 * outer one does in any case, and at once. */
static int busy(void *arg, void **value)
{
        struct exec_timeout outer, inner;
        int64_t start = exec_now();
        int rc;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&outer, start + EXEC_MS(20)), 0);
        EXPECT_EQ(exec_timeout_begin(&inner, start + EXEC_MS(2)), 0);
        fixture_spin(EXEC_MS(20));
        rc = exec_timeout_end(&inner, exec_sleep(LONG));
        EXPECT(exec_timeout_expired(&inner));
        if (rc == -ETIMEDOUT)
                rc = exec_sleep(LONG);
        EXPECT_EQ(exec_timeout_end(&outer, rc), -ETIMEDOUT);
        EXPECT(exec_timeout_expired(&outer));
        EXPECT(exec_now() - start < EXEC_SEC(60));
        expect_nothing_left();
        return 0;
}

static void test_M5_busy(struct fixture *fx)
{
        (void)fx;
        run(busy, NULL);
}

/* The same where the outer one becomes due only after the inner one has ended. */
static int busy_outer_later(void *arg, void **value)
{
        struct exec_timeout outer, inner;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&outer, exec_now() + LONG), 0);
        EXPECT_EQ(exec_timeout_begin(&inner, exec_now() + EXEC_MS(2)), 0);
        fixture_spin(EXEC_MS(5));
        EXPECT_EQ(exec_timeout_end(&inner, exec_sleep(LONG)), -ETIMEDOUT);
        EXPECT_EQ(exec_timeout_reschedule(&outer, exec_now() - 1), 0);
        EXPECT_EQ(exec_timeout_end(&outer, exec_sleep(LONG)), -ETIMEDOUT);
        expect_nothing_left();
        return 0;
}

static void test_M5_busy_outer_later(struct fixture *fx)
{
        (void)fx;
        run(busy_outer_later, NULL);
}

static int in_time(void *arg, void **value)
{
        struct fixture *fx = arg;
        struct exec_timeout scope;
        uint64_t n_timers = fixture_stats(fx->pool).n_timers;

        (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + LONG), 0);
        EXPECT_EQ(fixture_stats(fx->pool).n_timers, n_timers + 1);
        EXPECT_EQ(exec_timeout_end(&scope, exec_sleep(EXEC_MS(1))), 0);
        EXPECT_EQ(fixture_stats(fx->pool).n_timers, n_timers);
        EXPECT(!exec_timeout_expired(&scope));
        expect_nothing_left();
        return 0;
}

static void test_M6_in_time(struct fixture *fx)
{
        run(in_time, fx);
}

/* Expiry against the end: whoever was first, nothing comes afterwards. */
static int end_races_expiry(void *arg, void **value)
{
        size_t rounds = test_rounds(3000), n_expired = 0;
        uint64_t random = 521288629;

        (void)arg, (void)value;
        for (size_t i = 0; i < rounds; i++) {
                struct exec_timeout scope;
                int64_t ns = (int64_t)(test_random(&random) % 20000);
                int rc;

                EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + ns), 0);
                fixture_spin(ns + (int64_t)(test_random(&random) % 4000) - 2000);
                rc = i % 2 ? exec_yield() : 0;
                EXPECT(!rc || rc == -ECANCELED);
                EXPECT_EQ(exec_timeout_end(&scope, rc), rc ? -ETIMEDOUT : 0);
                n_expired += exec_timeout_expired(&scope);
                memset(&scope, 0xee, sizeof(scope)); /* nobody looks at it any more */
                expect_nothing_left();
        }
        fixture_both_orders(rounds, n_expired);
        return 0;
}

static void test_M6_end_races_expiry(struct fixture *fx)
{
        exec_future *f[2] = {exec_create_task(end_races_expiry, NULL), exec_create_task(end_races_expiry, NULL)};

        (void)fx;
        EXPECT_EQ(exec_gather(f, 2, NULL, EXEC_UNREF), 0);
}

struct race {
        exec_future *_Atomic f;
        _Atomic(int) answer, begun;
        int64_t ns;
};

static void cancel_it(void *arg)
{
        struct race *r = arg;

        atom_store(&r->answer, exec_cancel(atom_load(&r->f, ACQUIRE), "outside"), RELEASE);
}

static void set_it(void *arg)
{
        struct race *r = arg;

        atom_store(&r->answer, exec_promise_set(atom_load(&r->f, ACQUIRE), NULL), RELEASE);
}

/* What is awaited finishes when the scope expires: either it is done and the scope in time (or expired unseen), or it was
 * cancelled. */
static int completion_races_expiry(void *arg, void **value)
{
        size_t rounds = test_rounds(300), n_cancelled = 0;
        uint64_t random = 362436069;
        struct race c;
        struct rival r;

        (void)arg, (void)value;
        rival_start(&r, set_it, &c);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *promise = exec_promise_new(NULL);
                struct exec_timeout scope;
                int rc;

                atom_store(&c.f, promise, RELEASE);
                EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + (int64_t)(test_random(&random) % 60000)), 0);
                rival_release(&r);
                rc = exec_timeout_end(&scope, exec_await(promise, NULL));
                EXPECT(!rc || rc == -ETIMEDOUT);
                expect_nothing_left();
                rival_wait(&r);
                if (!atom_load(&c.answer, ACQUIRE))
                        EXPECT_DONE(promise, NULL);
                else
                        EXPECT_CANCELLED(promise);
                if (!rc)
                        EXPECT_DONE(promise, NULL);
                n_cancelled += rc != 0;
                exec_future_unref(promise);
        }
        fixture_both_orders(rounds, n_cancelled);
        rival_stop(&r);
        return 0;
}

static void test_M6_completion_races_expiry(struct fixture *fx)
{
        (void)fx;
        run(completion_races_expiry, NULL);
}

static int none(void *arg, void **value)
{
        struct exec_timeout scope;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, EXEC_FOREVER), 0);
        EXPECT_EQ(exec_timeout_deadline(&scope), EXEC_FOREVER);
        EXPECT_EQ(exec_current_deadline(), EXEC_FOREVER);
        EXPECT_EQ(exec_timeout_end(&scope, exec_sleep(EXEC_MS(2))), 0);
        EXPECT(!exec_timeout_expired(&scope));
        EXPECT_EQ(exec_timeout_deadline(&scope), EXEC_FOREVER);
        return 0;
}

static void test_M7_none(struct fixture *fx)
{
        (void)fx;
        run(none, NULL);
}

static int own_error(void *arg, void **value)
{
        struct exec_timeout scope;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + LONG), 0);
        EXPECT_EQ(exec_timeout_end(&scope, -EIO), -EIO);
        EXPECT(!exec_timeout_expired(&scope));
        return 0;
}

static void test_M9_own_error(struct fixture *fx)
{
        (void)fx;
        run(own_error, NULL);
}

static int clean_up_fails(void *arg, void **value)
{
        struct exec_timeout scope;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(2)), 0);
        EXPECT_EQ(exec_sleep(LONG), -ECANCELED);
        EXPECT_EQ(exec_sleep(EXEC_MS(2)), 0); /* the clean-up may wait */
        EXPECT_EQ(exec_timeout_end(&scope, -EIO), -EIO);
        EXPECT(exec_timeout_expired(&scope));
        expect_nothing_left();
        return 0;
}

static void test_M10_clean_up_fails(struct fixture *fx)
{
        (void)fx;
        run(clean_up_fails, NULL);
}

static int cancelled_inside(void *arg, void **value)
{
        struct race *r = arg;
        struct exec_timeout scope;
        int rc;

        (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, r->ns ? exec_now() + r->ns : EXEC_FOREVER), 0);
        atom_store(&r->begun, 1, RELEASE);
        rc = exec_timeout_end(&scope, exec_sleep(LONG));
        EXPECT_EQ(rc, -ECANCELED);
        EXPECT(!exec_timeout_expired(&scope));
        EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        return rc;
}

static void test_M11_cancelled_by_somebody(struct fixture *fx)
{
        for (int with_deadline = 0; with_deadline < 2; with_deadline++) {
                struct race r = {.ns = with_deadline ? LONG : 0};
                exec_future *f = exec_create_task(cancelled_inside, &r);

                (void)fx;
                fixture_wait(&r.begun, 1);
                EXPECT_EQ(exec_cancel(f, "enough"), 1);
                EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
                EXPECT(!strcmp(exec_cancel_reason(f), "enough"));
                exec_future_unref(f);
        }
}

/* One request from outside and an expiry, neither delivered, in both orders: the one from outside wins. */
static int both_pending(void *arg, void **value)
{
        intptr_t order = (intptr_t)arg;
        struct exec_timeout scope;
        exec_future *self = exec_current_task();
        int rc;

        (void)value;
        if (order == 2)
                EXPECT_EQ(exec_cancel(self, "outside"), 1); /* not delivered: it counts as coming inside */
        EXPECT_EQ(exec_timeout_begin(&scope, EXEC_FOREVER), 0);
        if (order == 0)
                EXPECT_EQ(exec_cancel(self, "outside"), 1);
        EXPECT_EQ(exec_timeout_reschedule(&scope, 0), 0);
        if (order == 1)
                EXPECT_EQ(exec_cancel(self, "outside"), 1);
        EXPECT(exec_timeout_expired(&scope));
        EXPECT_EQ(exec_cancelling(self), 2);
        rc = exec_timeout_end(&scope, exec_sleep(LONG));
        EXPECT_EQ(rc, -ECANCELED);
        EXPECT_EQ(exec_cancelling(self), 1);
        EXPECT(!strcmp(exec_cancel_reason(self), "outside"));
        EXPECT_EQ(exec_sleep(0), 0); /* delivered once */
        return rc;
}

static void test_M12_both_pending(struct fixture *fx)
{
        (void)fx;
        for (intptr_t order = 0; order < 3; order++) {
                exec_future *f = exec_create_task(both_pending, VAL(order));

                EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
                EXPECT_CANCELLED(f);
                exec_future_unref(f);
        }
}

static int scope_then_yield(void *arg, void **value)
{
        struct race *r = arg;
        struct exec_timeout scope;
        int rc;

        (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + r->ns), 0);
        atom_store(&r->begun, 1, RELEASE);
        rc = exec_timeout_end(&scope, exec_sleep(LONG));
        EXPECT(rc == -ECANCELED || rc == -ETIMEDOUT);
        if (rc == -ECANCELED)
                EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        else
                atom_store(&r->begun, 2, RELEASE);
        return rc == -ETIMEDOUT ? exec_yield() : rc; /* one that came after the end */
}

/* A request from outside that was accepted is never lost, and one that was not never felt. */
static void test_M12_cancel_races_expiry(struct fixture *fx)
{
        size_t rounds = test_rounds(500), n_expired = 0;
        uint64_t random = 123456789;
        struct race c;
        struct rival r;

        (void)fx;
        rival_start(&r, cancel_it, &c);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f;
                int rc;

                atom_store(&c.begun, 0, RELAXED);
                c.ns = (int64_t)(test_random(&random) % 50000);
                f = exec_create_task(scope_then_yield, &c);
                atom_store(&c.f, f, RELEASE);
                fixture_wait(&c.begun, 1);
                fixture_spin((int64_t)(test_random(&random) % 50000));
                rival_release(&r);
                rival_wait(&r);
                rc = exec_await(f, NULL);
                EXPECT_EQ(rc, atom_load(&c.answer, ACQUIRE) ? -ECANCELED : 0);
                n_expired += atom_load(&c.begun, ACQUIRE) == 2;
                exec_future_unref(f);
        }
        fixture_both_orders(rounds, n_expired);
        rival_stop(&r);
}

static int times_out_inside(void *arg, void **value)
{
        struct exec_timeout scope;

        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(2)), 0);
        EXPECT_EQ(exec_timeout_end(&scope, exec_sleep(LONG)), -ETIMEDOUT);
        *value = arg;
        return 0;
}

static void test_M13_handled_inside(struct fixture *fx)
{
        int forty_two;
        exec_future *f = exec_create_task(times_out_inside, &forty_two);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, &forty_two);
        EXPECT_EQ(exec_cancelling(f), 0);
        exec_future_unref(f);
}

struct shared_scope {
        struct exec_timeout scope;
        _Atomic(int) begun, done;
        int rc;
};

static int waits_in_shared(void *arg, void **value)
{
        struct shared_scope *s = arg;

        (void)value;
        EXPECT_EQ(exec_timeout_begin(&s->scope, exec_now() + LONG), 0);
        atom_store(&s->begun, 1, RELEASE);
        s->rc = exec_sleep(LONG);
        s->rc = exec_timeout_end(&s->scope, s->rc);
        return s->rc;
}

/* Moved by somebody else, who has the scope's memory. */
static void test_M14_rescheduled_from_outside(struct fixture *fx)
{
        struct shared_scope s = {.rc = 0};
        int64_t later;
        exec_future *f = exec_create_task(waits_in_shared, &s);

        (void)fx;
        fixture_wait(&s.begun, 1);
        later = exec_now() + 2 * LONG;
        EXPECT_EQ(exec_timeout_reschedule(&s.scope, later), 0);
        EXPECT_EQ(exec_timeout_deadline(&s.scope), later);
        EXPECT_EQ(exec_timeout_reschedule(&s.scope, EXEC_FOREVER), 0);
        EXPECT_EQ(exec_timeout_deadline(&s.scope), EXEC_FOREVER);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT(!exec_timeout_expired(&s.scope));
        exec_future_unref(f);

        s = (struct shared_scope){.rc = 0};
        f = exec_create_task(waits_in_shared, &s);
        fixture_wait(&s.begun, 1);
        EXPECT_EQ(exec_timeout_reschedule(&s.scope, EXEC_FOREVER), 0);
        EXPECT_EQ(exec_timeout_reschedule(&s.scope, exec_now() - 1), 0); /* soon */
        EXPECT_EQ(exec_await(f, NULL), -ETIMEDOUT);
        EXPECT(exec_timeout_expired(&s.scope));
        exec_future_unref(f);
}

static int reschedules(void *arg, void **value)
{
        struct exec_timeout scope;
        int64_t start = exec_now(), ns = EXEC_MS(5);

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, start + ns), 0);
        while (exec_timeout_reschedule(&scope, start + LONG) && !fixture_failed()) { /* slow: it expired before */
                EXPECT_EQ(exec_timeout_end(&scope, exec_yield()), -ETIMEDOUT);
                start = exec_now();
                ns *= 2;
                EXPECT_EQ(exec_timeout_begin(&scope, start + ns), 0);
        }
        EXPECT_EQ(exec_sleep(2 * ns), 0); /* beyond the first deadline */
        EXPECT_EQ(exec_timeout_reschedule(&scope, exec_now() + EXEC_MS(5)), 0);
        EXPECT_EQ(exec_timeout_end(&scope, exec_sleep(LONG)), -ETIMEDOUT);
        EXPECT_EQ(exec_timeout_begin(&scope, start + LONG), 0); /* again */
        EXPECT_EQ(exec_timeout_reschedule(&scope, EXEC_FOREVER), 0);
        EXPECT_EQ(exec_timeout_end(&scope, 0), 0);
        expect_nothing_left();
        return 0;
}

static void test_M14_rescheduled(struct fixture *fx)
{
        (void)fx;
        run(reschedules, NULL);
}

/* Others move the deadline to and fro, beyond the end of the scope: only its state decides what they are told. */
static void move_it(void *arg)
{
        struct shared_scope *s = arg;
        int rc;

        do {
                rc = exec_timeout_reschedule(&s->scope, exec_now() + EXEC_US(20));
                EXPECT(!rc || rc == -EINVAL || rc == -EINPROGRESS || rc == -ETIMEDOUT || rc == -EALREADY);
        } while (!atom_load(&s->done, ACQUIRE));
}

static int scopes_while_moved(void *arg, void **value)
{
        struct shared_scope *s = arg;
        size_t rounds = test_rounds(300);

        (void)value;
        for (size_t i = 0; i < rounds; i++) {
                int rc;

                EXPECT_EQ(exec_timeout_begin(&s->scope, exec_now() + LONG), 0);
                rc = exec_sleep(i % 3 ? EXEC_US(40) : 0);
                EXPECT_EQ(exec_timeout_end(&s->scope, rc), rc ? -ETIMEDOUT : 0);
                expect_nothing_left();
        }
        atom_store(&s->done, 1, RELEASE);
        return 0;
}

static void test_M14_moved_meanwhile(struct fixture *fx)
{
        struct shared_scope s = {.rc = 0};
        struct rival r;

        (void)fx;
        rival_start(&r, move_it, &s);
        rival_release(&r);
        run(scopes_while_moved, &s);
        rival_wait(&r);
        rival_stop(&r);
}

static int states(void *arg, void **value)
{
        struct exec_timeout scope = {.room = {0}};

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_reschedule(&scope, 0), -EINVAL); /* not begun */
        EXPECT_EQ(exec_timeout_end(&scope, 0), -EINVAL);
        EXPECT_EQ(exec_timeout_deadline(&scope), EXEC_FOREVER);
        EXPECT(!exec_timeout_expired(&scope));
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + LONG), 0);
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + LONG), -EALREADY);
        EXPECT_EQ(exec_timeout_end(&scope, 0), 0);
        EXPECT_EQ(exec_timeout_reschedule(&scope, 0), -EALREADY); /* finished */
        EXPECT_EQ(exec_timeout_end(&scope, 0), -EALREADY);
        EXPECT_EQ(exec_timeout_begin(&scope, 0), 0);
        EXPECT_EQ(exec_timeout_reschedule(&scope, EXEC_FOREVER), -EINPROGRESS); /* expiring */
        EXPECT(exec_timeout_expired(&scope));
        EXPECT_EQ(exec_timeout_end(&scope, exec_yield()), -ETIMEDOUT);
        EXPECT_EQ(exec_timeout_reschedule(&scope, EXEC_FOREVER), -ETIMEDOUT); /* expired */
        EXPECT_EQ(exec_timeout_end(&scope, 0), -ETIMEDOUT);
        EXPECT(exec_timeout_expired(&scope));
        EXPECT_EQ(exec_timeout_begin(NULL, 0), -EINVAL);
        EXPECT_EQ(exec_timeout_end(NULL, 0), -EINVAL);
        EXPECT_EQ(exec_timeout_reschedule(NULL, 0), -EINVAL);
        EXPECT_EQ(exec_timeout_deadline(NULL), EXEC_FOREVER);
        EXPECT(!exec_timeout_expired(NULL));
        expect_nothing_left();
        return 0;
}

static void test_M15_wrong_states(struct fixture *fx)
{
        (void)fx;
        run(states, NULL);
}

static int end_of_another(void *arg, void **value)
{
        (void)value;
        EXPECT_EQ(exec_timeout_end(arg, 0), -EINVAL);
        EXPECT_EQ(exec_current_deadline(), EXEC_FOREVER);
        return 0;
}

static int ended_by_a_child(void *arg, void **value)
{
        struct exec_timeout scope;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + LONG), 0);
        run(end_of_another, &scope); /* on this very stack, perhaps */
        EXPECT_EQ(exec_timeout_end(&scope, 0), 0);
        return 0;
}

static void test_M15_ended_by_another_task(struct fixture *fx)
{
        (void)fx;
        run(ended_by_a_child, NULL);
}

/* Not a good idea, and harmless. */
static int out_of_order(void *arg, void **value)
{
        struct exec_timeout a, b, c;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&a, exec_now() + LONG), 0);
        EXPECT_EQ(exec_timeout_begin(&b, exec_now() + LONG), 0);
        EXPECT_EQ(exec_timeout_begin(&c, 0), 0);
        EXPECT_EQ(exec_timeout_end(&a, 0), 0);
        EXPECT_EQ(exec_timeout_end(&c, exec_yield()), -ETIMEDOUT);
        EXPECT_EQ(exec_timeout_end(&b, 0), 0);
        expect_nothing_left();
        return 0;
}

static void test_M15_out_of_order(struct fixture *fx)
{
        (void)fx;
        run(out_of_order, NULL);
}

static _Atomic(int) n_called;

static void begin_in_callback(exec_future *f, void *arg)
{
        struct exec_timeout scope;

        (void)f, (void)arg;
        EXPECT_EQ(exec_timeout_begin(&scope, 0), -EPERM);
        EXPECT_EQ(exec_current_deadline(), EXEC_FOREVER);
        EXPECT(!exec_cancel_requested());
        atom_add(&n_called, 1, ACQ_REL);
}

static void test_M17_outside_a_task(struct fixture *fx)
{
        struct exec_timeout scope = {.room = {0}};
        exec_future *promise = exec_promise_new(NULL);

        atom_store(&n_called, 0, RELAXED);
        EXPECT_EQ(exec_future_add_callback(promise, begin_in_callback, NULL), 0);
        EXPECT_EQ(exec_promise_set(promise, NULL), 0);
        EXPECT_EQ(atom_load(&n_called, ACQUIRE), 1);
        exec_future_unref(promise);
        if (fx->in_task)
                return;
        EXPECT_EQ(exec_timeout_begin(&scope, 0), -EPERM);
        EXPECT_EQ(exec_timeout_end(&scope, 0), -EINVAL);
        EXPECT_EQ(exec_timeout_reschedule(&scope, 0), -EINVAL);
        EXPECT_EQ(exec_current_deadline(), EXEC_FOREVER);
}

static int in_clean_up(void *arg, void **value)
{
        struct exec_timeout outer, inner;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&outer, exec_now() + EXEC_MS(2)), 0);
        EXPECT_EQ(exec_sleep(LONG), -ECANCELED);
        EXPECT_EQ(exec_current_deadline(), EXEC_FOREVER); /* that one is over: the clean-up has time */
        EXPECT_EQ(exec_timeout_begin(&inner, exec_now() + EXEC_MS(2)), 0);
        EXPECT_EQ(exec_timeout_end(&inner, exec_sleep(LONG)), -ETIMEDOUT);
        EXPECT_EQ(exec_timeout_begin(&inner, exec_now() + LONG), 0);
        EXPECT_EQ(exec_timeout_end(&inner, exec_sleep(EXEC_MS(1))), 0);
        EXPECT_EQ(exec_timeout_end(&outer, -ECANCELED), -ETIMEDOUT);
        expect_nothing_left();
        return 0;
}

static void test_M18_in_clean_up_of_an_expired_scope(struct fixture *fx)
{
        (void)fx;
        run(in_clean_up, NULL);
}

/* A request that was swallowed, and not withdrawn, does not leak into scopes. */
static int after_swallowed(void *arg, void **value)
{
        struct exec_timeout scope;

        (void)arg, (void)value;
        exec_cancel(exec_current_task(), NULL);
        EXPECT_EQ(exec_sleep(LONG), -ECANCELED);
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(2)), 0);
        EXPECT_EQ(exec_timeout_end(&scope, exec_sleep(LONG)), -ETIMEDOUT);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        EXPECT_EQ(exec_timeout_begin(&scope, 0), 0);
        EXPECT_EQ(exec_timeout_end(&scope, 0), 0); /* expired unseen: its request goes with it */
        EXPECT_EQ(exec_sleep(0), 0);
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + LONG), 0);
        EXPECT_EQ(exec_timeout_end(&scope, exec_sleep(EXEC_MS(1))), 0);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        return 0;
}

static void test_M19_after_a_swallowed_cancel(struct fixture *fx)
{
        (void)fx;
        run(after_swallowed, NULL);
}

static int noted_inner(_Atomic(int) *order)
{
        int rc = exec_sleep(LONG);

        EXPECT_EQ(rc, -ECANCELED);
        EXPECT_EQ(atom_add(order, 1, ACQ_REL), 1);
        return rc;
}

struct nested_calls {
        _Atomic(int) order;
};

static int noted_outer(void *arg, void **value)
{
        struct nested_calls *n = arg;
        int rc;

        (void)value;
        atom_store(&n->order, 1, RELEASE);
        rc = noted_inner(&n->order);
        EXPECT_EQ(rc, -ECANCELED);
        EXPECT_EQ(atom_add(&n->order, 1, ACQ_REL), 2);
        return 0; /* swallowed */
}

static void test_K10_inner_then_outer(struct fixture *fx)
{
        struct nested_calls n = {.order = 0};
        exec_future *f = exec_create_task(noted_outer, &n);

        (void)fx;
        fixture_wait(&n.order, 1);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(atom_load(&n.order, ACQUIRE), 3);
        exec_future_unref(f);
}

struct by_hand {
        exec_future *task;
        _Atomic(int) timed_out;
};

static void fire_by_hand(exec_future *f, void *arg)
{
        struct by_hand *h = arg;
        struct exec_outcome out;

        exec_future_outcome(f, &out);
        if (out.state != EXEC_DONE)
                return;
        atom_store(&h->timed_out, 1, RELEASE);
        exec_cancel(h->task, NULL);
}

static int scope_by_hand(void *arg, void **value)
{
        for (int times_out = 0; times_out < 2; times_out++) {
                struct by_hand h = {.task = exec_current_task()};
                exec_future *timer = exec_sleep_future(times_out ? EXEC_MS(2) : LONG);
                int rc;

                (void)arg, (void)value;
                EXPECT_EQ(exec_future_add_callback(timer, fire_by_hand, &h), 0);
                rc = exec_sleep(times_out ? LONG : EXEC_MS(2));
                EXPECT_EQ(rc, times_out ? -ECANCELED : 0);
                EXPECT_EQ(atom_load(&h.timed_out, ACQUIRE), times_out);
                if (times_out)
                        EXPECT_EQ(exec_uncancel(NULL), 0);
                exec_cancel(timer, NULL);
                exec_future_unref(timer);
                expect_nothing_left();
        }
        return 0;
}

static void test_K14_scope_by_hand(struct fixture *fx)
{
        (void)fx;
        run(scope_by_hand, NULL);
}

static int fails_because_cancelled(void *arg, void **value)
{
        struct race *r = arg;
        int rc;

        (void)value;
        atom_store(&r->begun, 1, RELEASE);
        rc = exec_sleep(LONG);
        EXPECT_EQ(rc, -ECANCELED);
        return exec_fail(-EIO, "given up: %s", exec_cancel_reason(exec_current_task()));
}

/* There are no chains of causes: the error's message and the reason are what can be read. */
static void test_K18_error_because_of_a_cancel(struct fixture *fx)
{
        struct race r = {.begun = 0};
        exec_future *f = exec_create_task(fails_because_cancelled, &r);

        (void)fx;
        fixture_wait(&r.begun, 1);
        EXPECT_EQ(exec_cancel(f, "no time"), 1);
        EXPECT_EQ(exec_await(f, NULL), -EIO);
        EXPECT_FAILED(f, -EIO);
        EXPECT(!strcmp(exec_future_error_message(f, NULL, NULL), "given up: no time"));
        EXPECT(!strcmp(exec_cancel_reason(f), "no time"));
        exec_future_unref(f);
}

static int cleans_up_in_scope(void *arg, void **value)
{
        struct race *r = arg;
        struct exec_timeout scope;

        (void)value;
        atom_store(&r->begun, 1, RELEASE);
        EXPECT_EQ(exec_sleep(LONG), -ECANCELED);
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + LONG), 0);
        atom_store(&r->begun, 2, RELEASE);
        EXPECT_EQ(exec_timeout_end(&scope, exec_sleep(LONG)), -ECANCELED);
        EXPECT(!exec_timeout_expired(&scope));
        EXPECT_EQ(exec_cancelling(exec_current_task()), 2);
        return 0;
}

static void test_K19_cancelled_again_in_a_scope(struct fixture *fx)
{
        struct race r = {.begun = 0};
        exec_future *f = exec_create_task(cleans_up_in_scope, &r);

        (void)fx;
        fixture_wait(&r.begun, 1);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        fixture_wait(&r.begun, 2);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
}

/* ---- loops that compute ---- */

/* Never waits; 0: nobody told it within a minute. */
static int computes(void *arg, void **value)
{
        int64_t start = exec_now(), pause_ns = (intptr_t)arg;

        (void)value;
        while (!exec_cancel_requested()) {
                if (pause_ns)
                        fixture_spin(pause_ns);
                if (exec_now() - start > EXEC_SEC(60))
                        return 0;
        }
        return -ECANCELED;
}

static int polls(void *arg, void **value)
{
        struct exec_timeout scope, inner;
        int64_t deadline = exec_now() + EXEC_MS(5);

        EXPECT_EQ(exec_timeout_begin(&scope, deadline), 0);
        EXPECT_EQ(exec_timeout_end(&scope, computes(arg, value)), -ETIMEDOUT);
        EXPECT(exec_now() >= deadline);
        expect_nothing_left();
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(5)), 0); /* around an unlimited one */
        EXPECT_EQ(exec_timeout_begin(&inner, EXEC_FOREVER), 0);
        EXPECT_EQ(exec_timeout_end(&inner, computes(arg, value)), -ECANCELED);
        EXPECT_EQ(exec_timeout_end(&scope, -ECANCELED), -ETIMEDOUT);
        expect_nothing_left();
        return 0;
}

/* All workers compute: nobody but the polls looks at the timers. */
static void test_poll_notices_expiry(struct fixture *fx)
{
        enum { MOST = 8 };
        exec_future *f[MOST];

        for (unsigned i = 0; i < fx->n_workers; i++)
                f[i] = exec_create_task(polls, NS(i % 2 ? EXEC_US(300) : 0));
        EXPECT_EQ(exec_gather(f, fx->n_workers, NULL, EXEC_UNREF), 0);
}

/* Its scope is the one of who awaits it: on the same stack, or suspended in a gather. */
static int awaits_computing(void *arg, void **value)
{
        exec_future *child, *children[2];
        struct exec_timeout scope;

        (void)arg, (void)value;
        child = exec_create_task(computes, NULL);
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(5)), 0);
        EXPECT_EQ(exec_timeout_end(&scope, exec_await(child, NULL)), -ETIMEDOUT);
        EXPECT_CANCELLED(child);
        exec_future_unref(child);
        for (int i = 0; i < 2; i++)
                children[i] = exec_create_task(computes, NULL);
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(5)), 0);
        EXPECT_EQ(exec_timeout_end(&scope, exec_gather(children, 2, NULL, 0)), -ETIMEDOUT);
        EXPECT_CANCELLED(children[0]);
        EXPECT_CANCELLED(children[1]);
        exec_future_unref_all(children, 2);
        expect_nothing_left();
        return 0;
}

static void test_poll_notices_the_awaiters_expiry(struct fixture *fx)
{
        (void)fx;
        run(awaits_computing, NULL);
}

/* ---- inherited deadlines ---- */

struct request {
        int64_t deadline;
        int rc;
};

static int with_deadline(void *arg, void **value)
{
        struct request *r = arg;
        struct exec_timeout scope;

        (void)value;
        EXPECT_EQ(exec_current_deadline(), EXEC_FOREVER); /* not by itself */
        EXPECT_EQ(exec_timeout_begin(&scope, r->deadline), 0);
        EXPECT(exec_current_deadline() == r->deadline || exec_now() >= r->deadline); /* not of an expired one */
        r->rc = exec_timeout_end(&scope, exec_sleep(LONG));
        return 0;
}

static int passes_on(void *arg, void **value)
{
        struct exec_timeout outer, inner;
        struct request r;
        int64_t early = exec_now() + EXEC_MS(5);

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&outer, early), 0);
        EXPECT_EQ(exec_timeout_begin(&inner, exec_now() + LONG), 0);
        EXPECT(exec_timeout_expired(&outer) || exec_current_deadline() == early); /* the earliest */
        r.deadline = early;
        {
                exec_future *f = exec_create_task(with_deadline, &r);

                while (!exec_future_done(f)) /* not cancelled by us: its own scope ends it */
                        exec_yield();
                EXPECT_EQ(r.rc, -ETIMEDOUT);
                exec_future_unref(f);
        }
        EXPECT_EQ(exec_timeout_end(&inner, 0), 0);
        EXPECT_EQ(exec_timeout_end(&outer, 0), 0);
        expect_nothing_left();
        return 0;
}

static void test_deadline_passed_on(struct fixture *fx)
{
        (void)fx;
        run(passes_on, NULL);
}

/* ---- no memory ---- */

static int many_scopes(void *arg, void **value)
{
        enum { N = 200 }; /* more than the heap has room for at first, fewer than a task counts requests */
        struct exec_timeout *scopes = calloc(N, sizeof(*scopes));
        bool faulty = *(bool *)arg;

        (void)value;
        if (!scopes)
                return -ENOMEM;
        for (int order = 0; order < 2; order++) {
                int64_t now = exec_now();

                if (faulty && !fixture_fault_arm(FAIL_ALLOC, 1, true))
                        break;
                for (int i = 0; i < N; i++)
                        EXPECT_EQ(exec_timeout_begin(&scopes[i], now + (order ? EXEC_MS(5) : LONG + i)), 0);
                if (order)
                        EXPECT_EQ(exec_sleep(LONG), -ECANCELED);
                for (int i = N; i-- > 0;)
                        EXPECT_EQ(exec_timeout_end(&scopes[i], order ? -ECANCELED : 0), !order ? 0
                                                                                        : i    ? -ECANCELED
                                                                                               : -ETIMEDOUT);
                if (faulty)
                        fixture_fault_disarm();
                EXPECT(exec_cancelling(exec_current_task()) == 0 || order);
                while (exec_uncancel(NULL) > 0)
                        ;
        }
        free(scopes);
        return 0;
}

static void test_no_memory(struct fixture *fx)
{
        bool faulty = false;

        run(many_scopes, &faulty);
        faulty = true;
        fixture_settle(fx->pool);
        run(many_scopes, &faulty);
}

/* A task that returns from inside a scope ends the process: at once, whatever stack it ran on. */
static int leaves_open(void *arg, void **value)
{
        struct exec_timeout scope;

        (void)arg, (void)value;
        return exec_timeout_begin(&scope, exec_now() + LONG);
}

static int awaits_one_that_leaves_open(void *arg, void **value)
{
        struct exec_timeout scope;
        exec_future *f = exec_create_task(leaves_open, NULL);

        (void)arg, (void)value;
        exec_timeout_begin(&scope, EXEC_FOREVER); /* not the child's */
        exec_await(f, NULL);                      /* with one worker: on this stack */
        exec_future_unref(f);
        return exec_timeout_end(&scope, 0);
}

/* The process shall end by the panic alone. */
static void run_with_one_worker(exec_task_fn fn)
{
        struct exec_pool_options options;

        exec_pool_options_init(&options, sizeof(options));
        options.n_workers = 1;
        exec_run_with(&options, fn, NULL, NULL);
}

static void test_scope_left_open(struct fixture *fx)
{
        (void)fx;
        run_with_one_worker(leaves_open);
}

static void test_scope_left_open_by_a_child(struct fixture *fx)
{
        (void)fx;
        run_with_one_worker(awaits_one_that_leaves_open);
}

static int leaves_open_with_options(void *arg, void **value)
{
        struct exec_task_options o;
        exec_future *f;

        exec_task_options_init(&o, sizeof(o));
        o.name = "left open";
        o.stack_bytes = (size_t)256 << 10;
        f = exec_create_task_with(leaves_open, arg, &o);
        exec_await(f, value);
        exec_future_unref(f);
        return 0;
}

static void test_scope_left_open_on_an_own_stack(struct fixture *fx)
{
        (void)fx;
        run_with_one_worker(leaves_open_with_options);
}

#if !TEST_ASAN /* which says so in its own way */
/* The task goes on, the function that held the scope does not: found at the next scope. */
static __attribute__((noinline)) int begins_and_returns(void)
{
        struct exec_timeout scope;

        return exec_timeout_begin(&scope, exec_now() + LONG);
}

static int leaves_open_inside(void *arg, void **value)
{
        struct exec_timeout scope;

        (void)arg, (void)value;
        begins_and_returns();
        return exec_timeout_begin(&scope, exec_now() + LONG);
}

static void test_scope_left_open_inside(struct fixture *fx)
{
        (void)fx;
        run_with_one_worker(leaves_open_inside);
}
#endif

static const struct fixture_case cases[] = {
        CASE(test_M1_cut_off),
        CASE(test_M1_at_every_wait),
        CASE(test_M1_at_the_deadline_of_the_wait),
        CASE(test_M2_absolute),
        CASE(test_M2_passed_before),
        CASE(test_M3_same_deadline),
        CASE(test_M3_different_deadlines),
        CASE(test_M5_busy),
        CASE(test_M5_busy_outer_later),
        CASE(test_M6_in_time),
        CASE(test_M6_end_races_expiry),
        CASE(test_M6_completion_races_expiry),
        CASE(test_M7_none),
        CASE(test_M9_own_error),
        CASE(test_M10_clean_up_fails),
        CASE(test_M11_cancelled_by_somebody),
        CASE(test_M12_both_pending),
        CASE(test_M12_cancel_races_expiry),
        CASE(test_M13_handled_inside),
        CASE(test_M14_rescheduled),
        CASE(test_M14_rescheduled_from_outside),
        CASE(test_M14_moved_meanwhile),
        CASE(test_M15_wrong_states),
        CASE(test_M15_ended_by_another_task),
        CASE(test_M15_out_of_order),
        CASE(test_M17_outside_a_task),
        CASE(test_M18_in_clean_up_of_an_expired_scope),
        CASE(test_M19_after_a_swallowed_cancel),
        CASE(test_K10_inner_then_outer),
        CASE(test_K14_scope_by_hand),
        CASE(test_K18_error_because_of_a_cancel),
        CASE(test_K19_cancelled_again_in_a_scope),
        CASE(test_poll_notices_expiry),
        CASE(test_poll_notices_the_awaiters_expiry),
        CASE(test_deadline_passed_on),
        CASE(test_no_memory),
        CASE_DIES(test_scope_left_open),
        CASE_DIES(test_scope_left_open_by_a_child),
        CASE_DIES(test_scope_left_open_on_an_own_stack),
#if !TEST_ASAN
        CASE_DIES(test_scope_left_open_inside),
#endif
};

FIXTURE_MAIN("timeout", cases)
