/* wait_for_test.c - exec_wait_for: section 8 of docs/CONFORMANCE.md, and Y5. */
#include "fixture.h"

#include <stdlib.h>

static char a_value;

static void test_O1_done_and_no_time(struct fixture *fx)
{
        static const int64_t timeouts[] = {0, -1, INT64_MIN, 1, EXEC_FOREVER};
        exec_future *f = exec_create_task(task_value, &a_value), *failed = exec_create_task(task_fail, ERR(-EIO));

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(exec_await(failed, NULL), -EIO);
        for (size_t i = 0; i < N_OF(timeouts); i++) {
                void *value = NULL;

                EXPECT_EQ(exec_wait_for(f, timeouts[i], &value), 0);
                EXPECT_PTR(value, &a_value);
                EXPECT_EQ(exec_wait_for(f, timeouts[i], NULL), 0);
                EXPECT_EQ(exec_wait_for(failed, timeouts[i], &value), -EIO);
        }
        exec_future_unref(f);
        exec_future_unref(failed);
}

/* One worker, and the caller on it: the body never runs. */
static void test_O2_unstarted_never_runs(struct fixture *fx)
{
        _Atomic(int) runs = 0;

        (void)fx;
        for (int i = 0; i < 2; i++) {
                exec_future *f = exec_create_task(task_bump, &runs);

                EXPECT_EQ(exec_wait_for(f, -i, NULL), -ETIMEDOUT);
                EXPECT_CANCELLED(f);
                exec_future_unref(f);
        }
        exec_yield();
        EXPECT_EQ(atom_load(&runs, ACQUIRE), 0);
}

/* Whoever is first: it ran to its end, or was cancelled; then it never ran. */
static void test_O2_races_the_start(struct fixture *fx)
{
        size_t rounds = test_rounds(1000);
        uint64_t random = 521288629;

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                _Atomic(int) runs = 0;
                exec_future *f = exec_create_task(task_bump, &runs);
                void *value = NULL;
                int rc;

                fixture_spin((int64_t)(test_random(&random) % 4000));
                rc = exec_wait_for(f, 0, &value);
                EXPECT(rc == 0 || rc == -ETIMEDOUT);
                if (rc) {
                        EXPECT_CANCELLED(f);
                } else {
                        EXPECT_EQ(atom_load(&runs, ACQUIRE), 1);
                        EXPECT_PTR(value, &runs);
                }
                exec_future_unref(f);
                EXPECT(atom_load(&runs, ACQUIRE) <= 1);
        }
}

/* A task that is cancelled while it sleeps, and what it does then. */
struct cleaner {
        _Atomic(int) begun, cleaned;
        int64_t takes_ns; /* the clean-up */
        int n_ignored;    /* requests */
        int rc;           /* at the end */
};

static int clean_up(void *arg, void **value)
{
        struct cleaner *c = arg;

        *value = &a_value;
        atom_store(&c->begun, 1, RELEASE);
        for (int i = 0; i <= c->n_ignored; i++)
                EXPECT_EQ(exec_sleep(EXEC_SEC(1000)), -ECANCELED);
        if (c->takes_ns)
                EXPECT_EQ(exec_sleep(c->takes_ns), 0);
        atom_add(&c->cleaned, 1, RELEASE);
        return c->rc;
}

static exec_future *start_cleaner(struct fixture *fx, struct cleaner *c)
{
        exec_future *f = exec_create_task(clean_up, c);

        fixture_wait(&c->begun, 1);
        fixture_settle(fx->pool);
        return f;
}

static void test_O3_no_time_for_a_running_one(struct fixture *fx)
{
        for (int i = 0; i < 2; i++) {
                struct cleaner c = {.rc = -ECANCELED, .takes_ns = EXEC_MS(5)};
                exec_future *f = start_cleaner(fx, &c);

                EXPECT_EQ(exec_wait_for(f, -i, NULL), -ETIMEDOUT);
                EXPECT_EQ(atom_load(&c.cleaned, ACQUIRE), 1);
                EXPECT_CANCELLED(f);
                exec_future_unref(f);
        }
}

static void test_O5_no_timeout(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_sleep, NS(EXEC_MS(5)));
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_wait_for(f, EXEC_FOREVER, &value), 0);
        EXPECT_PTR(value, EXEC_MS(5));
        EXPECT_EQ(exec_wait_for(f, EXEC_FOREVER - 1, &value), 0); /* no overflow */
        exec_future_unref(f);
        f = exec_create_task(task_sleep, NS(EXEC_MS(5)));
        EXPECT_EQ(exec_wait_for(f, EXEC_FOREVER - 1, &value), 0);
        exec_future_unref(f);
}

static void test_O6_in_time(struct fixture *fx)
{
        exec_future *f[3] = {exec_create_task(task_sleep, NS(EXEC_MS(5))), exec_sleep_future(EXEC_MS(5)),
                             exec_create_task(task_fail, ERR(-EIO))};
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_wait_for(f[0], EXEC_SEC(1000), &value), 0);
        EXPECT_PTR(value, EXEC_MS(5));
        EXPECT_EQ(exec_wait_for(f[1], EXEC_SEC(1000), &value), 0);
        EXPECT_EQ(exec_wait_for(f[2], EXEC_SEC(1000), &value), -EIO);
        EXPECT_EQ(fixture_stats(fx->pool).n_timers, 0);
        exec_future_unref_all(f, 3);
}

/* The kinds that have no body end at once. */
static void test_O6_too_late(struct fixture *fx)
{
        exec_future *p = exec_promise_new(NULL), *f[3] = {p, exec_sleep_future(EXEC_SEC(1000)), NULL};
        int64_t start = exec_now();

        (void)fx;
        f[2] = exec_gather_future(&p, 1, EXEC_COLLECT);
        for (int i = 3; i-- > 0;) {
                EXPECT_EQ(exec_wait_for(f[i], EXEC_MS(2), NULL), i ? -ETIMEDOUT : -ECANCELED); /* by its gather */
                EXPECT_CANCELLED(f[i]);
                EXPECT(exec_cancel_reason(f[i]) != NULL);
        }
        EXPECT(exec_now() - start >= EXEC_MS(4));
        exec_future_unref_all(f, 3);
}

static void set_promise(void *arg)
{
        exec_promise_set(*(exec_future **)arg, &a_value);
}

static void test_O6_deadline_races_completion(struct fixture *fx)
{
        size_t rounds = test_rounds(600);
        uint64_t random = 2463534242u;
        exec_future *p = NULL;
        size_t n_in_time = 0;
        struct rival r;

        (void)fx;
        rival_start(&r, set_promise, &p);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f;
                void *value = NULL;
                int rc;

                p = exec_promise_new(NULL);
                f = i % 2 ? exec_create_task(task_await, p) : exec_future_ref(p);
                rival_release(&r);
                rc = exec_wait_for(f, (int64_t)(test_random(&random) % 30000), &value);
                n_in_time += rc == 0;
                if (rc == 0)
                        EXPECT(EXPECT_DONE(f, &a_value) && value == &a_value);
                else
                        EXPECT(rc == -ETIMEDOUT && EXPECT_CANCELLED(f));
                rival_wait(&r);
                exec_future_unref(f);
                exec_future_unref(p);
        }
        rival_stop(&r);
        if (rounds >= 10000)
                EXPECT(n_in_time && n_in_time < rounds);
}

static void test_O7_cancel_is_swallowed(struct fixture *fx)
{
        static const int64_t timeouts[] = {EXEC_MS(5), 0};

        for (size_t i = 0; i < N_OF(timeouts); i++) {
                struct cleaner c = {.rc = 0};
                exec_future *f = start_cleaner(fx, &c);
                void *value = NULL;

                EXPECT_EQ(exec_wait_for(f, timeouts[i], &value), 0); /* not -ETIMEDOUT: nothing is lost */
                EXPECT_PTR(value, &a_value);
                EXPECT_DONE(f, &a_value);
                exec_future_unref(f);
        }
}

static void test_O8_waits_for_the_clean_up(struct fixture *fx)
{
        static const int64_t timeouts[] = {EXEC_MS(5), 0};

        for (size_t i = 0; i < N_OF(timeouts); i++) {
                struct cleaner c = {.rc = -ECANCELED, .takes_ns = EXEC_MS(30)};
                exec_future *f = start_cleaner(fx, &c);
                int64_t start = exec_now();

                EXPECT_EQ(exec_wait_for(f, timeouts[i], NULL), -ETIMEDOUT);
                EXPECT(exec_now() - start >= timeouts[i] + EXEC_MS(30));
                EXPECT_EQ(atom_load(&c.cleaned, ACQUIRE), 1);
                EXPECT_CANCELLED(f);
                exec_future_unref(f);
        }
}

static void test_O9_the_clean_up_fails(struct fixture *fx)
{
        static const int errors[] = {-EIO, -ETIMEDOUT};

        for (size_t i = 0; i < N_OF(errors); i++) {
                struct cleaner c = {.rc = errors[i]};
                exec_future *f = start_cleaner(fx, &c);

                EXPECT_EQ(exec_wait_for(f, EXEC_MS(1), NULL), errors[i]);
                EXPECT_FAILED(f, errors[i]);
                exec_future_unref(f);
        }
}

/* A task that fails with -ETIMEDOUT by itself is not cancelled. */
static void test_O9_its_own_timeout(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_fail, ERR(-ETIMEDOUT));

        (void)fx;
        EXPECT_EQ(exec_wait_for(f, EXEC_SEC(1000), NULL), -ETIMEDOUT);
        EXPECT_FAILED(f, -ETIMEDOUT);
        exec_future_unref(f);
}

struct waiter {
        exec_future *f;
        int64_t timeout_ns;
        _Atomic(int) begun;
        int rc;
        void *value;
};

static int wait_noted(void *arg, void **value)
{
        struct waiter *x = arg;

        *value = NULL;
        atom_store(&x->begun, 1, RELEASE);
        x->rc = exec_wait_for(x->f, x->timeout_ns, &x->value);
        return x->rc;
}

static exec_future *start_waiter(struct fixture *fx, struct waiter *x)
{
        exec_future *t = exec_create_task(wait_noted, x);

        fixture_wait(&x->begun, 1);
        fixture_settle(fx->pool);
        return t;
}

static void test_O10_the_waiter_is_cancelled(struct fixture *fx)
{
        static const int64_t timeouts[] = {EXEC_FOREVER, EXEC_SEC(60)};

        for (size_t i = 0; i < N_OF(timeouts); i++) {
                struct cleaner c = {.rc = -ECANCELED, .takes_ns = EXEC_MS(5)};
                struct waiter x = {.f = start_cleaner(fx, &c), .timeout_ns = timeouts[i]};
                exec_future *t = start_waiter(fx, &x);

                EXPECT_EQ(exec_cancel(t, NULL), 1);
                EXPECT_EQ(exec_await(t, NULL), -ECANCELED);
                EXPECT_EQ(atom_load(&c.cleaned, ACQUIRE), 1); /* it has ended */
                EXPECT_CANCELLED(t);
                EXPECT_CANCELLED(x.f);
                exec_future_unref(t);
                exec_future_unref(x.f);
        }
}

static int spin(void *arg, void **value)
{
        (void)value;
        fixture_spin((intptr_t)arg);
        return 0;
}

/* The worker looks at the clock when both have passed, the time of the wait and a scope around it. */
static int both_deadlines(void *arg, void **value)
{
        exec_future *f = exec_create_task(task_forever, NULL), *spinner = exec_create_task(spin, NS(EXEC_MS(5)));
        struct exec_timeout scope;
        int rc;

        (void)arg, (void)value;
        EXPECT_EQ(exec_timeout_begin(&scope, exec_now() + EXEC_MS(2)), 0);
        rc = exec_wait_for(f, EXEC_MS(2), NULL);
        EXPECT(rc == -ECANCELED || rc == -ETIMEDOUT);
        EXPECT_CANCELLED(f); /* in either case */
        EXPECT_EQ(exec_timeout_end(&scope, rc), -ETIMEDOUT);
        EXPECT_EQ(exec_await(spinner, NULL), 0);
        exec_future_unref(spinner);
        exec_future_unref(f);
        return 0;
}

static void test_O10_cancelled_when_the_time_is_over(struct fixture *fx)
{
        (void)fx;
        for (int i = 0; i < 10; i++) {
                exec_future *t = exec_create_task(both_deadlines, NULL);

                EXPECT_EQ(exec_await(t, NULL), 0);
                exec_future_unref(t);
        }
}

static int cancel_myself_and_wait(void *arg, void **value)
{
        _Atomic(int) runs = 0;
        exec_future *f[3] = {exec_create_task(task_bump, &runs), exec_promise_new(NULL), exec_promise_new(NULL)};

        (void)arg;
        *value = NULL;
        for (int i = 1; i < 3; i++) {
                EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
                EXPECT_EQ(exec_wait_for(f[i], i == 1 ? 0 : EXEC_SEC(1000), NULL), -ECANCELED);
                EXPECT_CANCELLED(f[i]);
                EXPECT_EQ(exec_uncancel(NULL), 0);
                EXPECT_EQ(exec_yield(), 0); /* it has been delivered */
        }
        EXPECT_EQ(exec_wait_for(exec_current_task(), 0, NULL), -EDEADLK);
        EXPECT_EQ(exec_wait_for(exec_current_task(), EXEC_MS(1), NULL), -EDEADLK);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        exec_wait_for(f[0], EXEC_SEC(1000), NULL);
        exec_future_unref_all(f, 3);
        return 0;
}

static void test_O10_cancelled_before_it_waits(struct fixture *fx)
{
        exec_future *t = exec_create_task(cancel_myself_and_wait, NULL);

        (void)fx;
        EXPECT_EQ(exec_await(t, NULL), 0);
        exec_future_unref(t);
}

/* One worker: the inner one has ended, the waiter has not gone on yet. */
static void test_O11_inner_done_waiter_cancelled(struct fixture *fx)
{
        static const int64_t timeouts[] = {EXEC_FOREVER, EXEC_SEC(60)};

        for (size_t i = 0; i < N_OF(timeouts); i++) {
                struct waiter x = {.f = exec_promise_new(NULL), .timeout_ns = timeouts[i]};
                exec_future *t = start_waiter(fx, &x);

                EXPECT_EQ(exec_promise_set(x.f, &a_value), 0);
                EXPECT_EQ(exec_cancel(t, NULL), 1);
                EXPECT_EQ(exec_await(t, NULL), -ECANCELED);
                EXPECT_DONE(x.f, &a_value); /* still there to be read */
                exec_future_unref(t);
                exec_future_unref(x.f);
        }
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

/* The waiter is cancelled, its time is over, the inner one succeeds, all at about the same time. */
static void test_O11_race(struct fixture *fx)
{
        size_t rounds = test_rounds(600);
        uint64_t random = 1181783497;
        exec_future *t = NULL;
        struct rival r;
        bool cancelled_once = false, late_once = false, done_once = false;

        rival_start(&r, cancel_it, &t);
        for (size_t i = 0; i < rounds; i++) {
                struct waiter x = {.f = exec_promise_new(NULL), .timeout_ns = (int64_t)(test_random(&random) % 40000)};
                int rc, set;

                t = exec_create_task(wait_noted, &x);
                pass_time(fx, (int64_t)(test_random(&random) % 20000));
                rival_release(&r);
                if (i % 2)
                        fixture_spin((int64_t)(test_random(&random) % 5000));
                set = exec_promise_set(x.f, &a_value);
                rc = exec_await(t, NULL);
                rival_wait(&r);
                cancelled_once |= rc == -ECANCELED;
                late_once |= rc == -ETIMEDOUT;
                done_once |= rc == 0;
                EXPECT(rc == 0 || rc == -ECANCELED || rc == -ETIMEDOUT);
                if (set == 0)
                        EXPECT(rc != -ETIMEDOUT && EXPECT_DONE(x.f, &a_value));
                else
                        EXPECT(set == -EALREADY && rc != 0 && EXPECT_CANCELLED(x.f));
                exec_future_unref(t);
                exec_future_unref(x.f);
        }
        rival_stop(&r);
        if (rounds >= 10000)
                EXPECT(cancelled_once && late_once && done_once);
}

/* The inner one ignores the end of its time and a cancel of its waiter, then goes its own way. */
static void test_O13_inner_resists(struct fixture *fx)
{
        struct cleaner c = {.rc = 0, .n_ignored = 1};
        struct waiter x = {.f = start_cleaner(fx, &c), .timeout_ns = EXEC_MS(1)};
        exec_future *t = start_waiter(fx, &x);
        int64_t end = exec_now() + EXEC_SEC(30);

        while (exec_cancelling(x.f) < 1 && exec_now() < end) /* its time is over */
                exec_sleep(EXEC_US(100));
        fixture_settle(fx->pool);
        EXPECT_PENDING(t);
        EXPECT_EQ(exec_cancel(t, NULL), 1); /* the wait for its end can be cancelled in turn: that is passed on */
        EXPECT_EQ(exec_await(t, NULL), 0);
        EXPECT_EQ(exec_cancelling(x.f), 2);
        EXPECT_EQ(x.rc, 0);
        EXPECT_PTR(x.value, &a_value);
        exec_future_unref(t);
        exec_future_unref(x.f);
}

/* The same, but in the end it gives in: the waiter's own cancellation is what it hears of. */
static void test_O13_own_cancel_wins_over_the_time(struct fixture *fx)
{
        struct cleaner c = {.rc = -ECANCELED, .n_ignored = 1};
        struct waiter x = {.f = start_cleaner(fx, &c), .timeout_ns = EXEC_MS(1)};
        exec_future *t = start_waiter(fx, &x);
        int64_t end = exec_now() + EXEC_SEC(30);

        while (exec_cancelling(x.f) < 1 && exec_now() < end)
                exec_sleep(EXEC_US(100));
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(t, NULL), 1);
        EXPECT_EQ(exec_await(t, NULL), -ECANCELED);
        EXPECT_EQ(x.rc, -ECANCELED);
        EXPECT_CANCELLED(x.f);
        exec_future_unref(t);
        exec_future_unref(x.f);
}

static void test_O14_shield_and_no_time(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_sleep, NS(EXEC_MS(20))), *s = exec_shield(f);
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_wait_for(s, 0, NULL), -ETIMEDOUT);
        EXPECT_CANCELLED(s);
        EXPECT_EQ(exec_cancelling(f), 0);
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, EXEC_MS(20));
        exec_future_unref(s);
        exec_future_unref(f);
}

static void test_O15_shield_and_little_time(struct fixture *fx)
{
        exec_future *p = exec_promise_new(NULL), *f = exec_create_task(task_await, p), *s = exec_shield(f);
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_wait_for(s, EXEC_MS(2), NULL), -ETIMEDOUT);
        EXPECT_CANCELLED(s);
        EXPECT_PENDING(f);
        EXPECT_EQ(exec_promise_set(p, &a_value), 0);
        EXPECT_EQ(exec_wait_for(f, EXEC_SEC(1000), &value), 0);
        EXPECT_PTR(value, &a_value);
        exec_future_unref(s);
        exec_future_unref(f);
        exec_future_unref(p);
}

/* Blocking on a handle, with a deadline that cancels nothing, is exec_await_until(). */
static void test_O18_await_until_cancels_nothing(struct fixture *fx)
{
        exec_future *pending = exec_promise_new(NULL), *running = exec_create_task(task_await, pending), *f;
        void *value = NULL;

        (void)fx;
        for (int i = 0; i < 2; i++) {
                int64_t deadline = i ? exec_now() + EXEC_MS(2) : 0;

                EXPECT_EQ(exec_await_until(pending, deadline, NULL), -ETIMEDOUT);
                EXPECT_EQ(exec_await_until(running, deadline, NULL), -ETIMEDOUT);
        }
        EXPECT_PENDING(pending);
        EXPECT_EQ(exec_cancelling(running), 0);
        EXPECT_EQ(exec_promise_set(pending, &a_value), 0);
        EXPECT_EQ(exec_await_until(running, exec_now() + EXEC_SEC(1000), &value), 0);
        EXPECT_PTR(value, &a_value);
        f = exec_promise_new(NULL);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await_until(f, 0, NULL), -ECANCELED);
        exec_future_unref(f);
        f = exec_create_task(task_fail, ERR(-EIO));
        EXPECT_EQ(exec_await_until(f, exec_now() + EXEC_SEC(1000), NULL), -EIO);
        exec_future_unref(f);
        exec_future_unref(running);
        exec_future_unref(pending);
}

/* Another library's future is a promise here, what wraps it a task that waits for it: cancelled while the source is
 * pending, both are; cancelled after it, the source keeps its value. One worker: the wrapper has not gone on by then. */
static void test_Y5_wrapped_future(struct fixture *fx)
{
        for (int after = 0; after < 2; after++) {
                struct waiter x = {.f = exec_promise_new(NULL), .timeout_ns = EXEC_SEC(1000)};
                exec_future *wrapper = start_waiter(fx, &x);

                if (after)
                        EXPECT_EQ(exec_promise_set(x.f, &a_value), 0);
                EXPECT_EQ(exec_cancel(wrapper, NULL), 1);
                EXPECT_EQ(exec_await(wrapper, NULL), -ECANCELED);
                EXPECT_CANCELLED(wrapper);
                if (after)
                        EXPECT_DONE(x.f, &a_value);
                else
                        EXPECT_CANCELLED(x.f);
                exec_future_unref(wrapper);
                exec_future_unref(x.f);
        }
}

static void wait_in_callback(exec_future *f, void *arg)
{
        void *value = NULL;

        EXPECT_EQ(exec_wait_for(f, 0, &value), 0); /* need not wait */
        EXPECT_PTR(value, &a_value);
        EXPECT_EQ(exec_wait_for(arg, 0, NULL), -EPERM);
        EXPECT_EQ(exec_wait_for(arg, EXEC_SEC(1), NULL), -EPERM);
        EXPECT_EQ(exec_wait_for(arg, EXEC_FOREVER, NULL), -EPERM);
        EXPECT_PENDING(arg); /* not cancelled */
}

static void test_arguments(struct fixture *fx)
{
        exec_future *p = exec_promise_new(NULL), *f = exec_promise_new(NULL);

        (void)fx;
        EXPECT_EQ(exec_wait_for(NULL, 0, NULL), -EINVAL);
        EXPECT_EQ(exec_wait_for(NULL, EXEC_FOREVER, NULL), -EINVAL);
        EXPECT_EQ(exec_future_add_callback(f, wait_in_callback, p), 0);
        EXPECT_EQ(exec_promise_set(f, &a_value), 0);
        exec_future_unref(f);
        exec_future_unref(p);
}

static const struct fixture_case cases[] = {
        CASE(test_O1_done_and_no_time),
        CASE_ONE(test_O2_unstarted_never_runs),
        CASE(test_O2_races_the_start),
        CASE(test_O3_no_time_for_a_running_one),
        CASE(test_O5_no_timeout),
        CASE(test_O6_in_time),
        CASE(test_O6_too_late),
        CASE(test_O6_deadline_races_completion),
        CASE(test_O7_cancel_is_swallowed),
        CASE(test_O8_waits_for_the_clean_up),
        CASE(test_O9_the_clean_up_fails),
        CASE(test_O9_its_own_timeout),
        CASE(test_O10_the_waiter_is_cancelled),
        CASE(test_O10_cancelled_before_it_waits),
        CASE(test_O10_cancelled_when_the_time_is_over),
        CASE_ONE(test_O11_inner_done_waiter_cancelled),
        CASE(test_O11_race),
        CASE(test_O13_inner_resists),
        CASE(test_O13_own_cancel_wins_over_the_time),
        CASE(test_O14_shield_and_no_time),
        CASE(test_O15_shield_and_little_time),
        CASE(test_O18_await_until_cancels_nothing),
        CASE_ONE(test_Y5_wrapped_future),
        CASE(test_arguments),
};

FIXTURE_MAIN("wait_for", cases)
