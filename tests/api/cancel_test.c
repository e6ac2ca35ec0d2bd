/* cancel_test.c - cancel and uncancel: section 4 of docs/CONFORMANCE.md. A cancellation is delivered once, at the
 * current or the next cancellation point; the task may clean up, or swallow it. */
#include "fixture.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static char forty_two;

static void test_K1_sleeper(struct fixture *fx)
{
        int64_t start = exec_now();
        exec_future *f = exec_create_task(task_sleep, NS(EXEC_SEC(1000)));

        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT(exec_now() - start < EXEC_SEC(60));
        EXPECT_CANCELLED(f);
        EXPECT_EQ(exec_cancel(f, NULL), 0);
        exec_future_unref(f);
}

static _Atomic(int) n_waiting;

/* Each way to wait is a cancellation point. */
static int wait_somehow(void *arg, void **value)
{
        exec_future *never = exec_promise_new(NULL);
        exec_completion *c = NULL;
        int rc = 0;

        *value = NULL;
        atom_add(&n_waiting, 1, ACQ_REL);
        switch ((intptr_t)arg) {
        case 0:
                rc = exec_await(never, NULL);
                break;
        case 1:
                rc = exec_await_until(never, exec_now() + EXEC_SEC(1000), NULL);
                break;
        case 2:
                rc = exec_sleep(EXEC_SEC(1000));
                break;
        case 3:
                rc = exec_sleep_until(EXEC_FOREVER);
                break;
        case 4:
                rc = exec_gather(&never, 1, NULL, 0);
                break;
        case 5:
                rc = exec_gather(&never, 1, NULL, EXEC_COLLECT);
                break;
        case 6:
                EXPECT_EQ(exec_completion_new(&c), 0);
                EXPECT_EQ(exec_completion_add(c, never, NULL), 0);
                rc = exec_completion_next(c, EXEC_FOREVER, NULL, NULL);
                break;
        case 7:
                while (!rc)
                        rc = exec_yield();
                break;
        case 8:
                rc = exec_gather_call(task_forever, &c, 3, 0, NULL, 2, 0);
                break;
        }
        EXPECT_EQ(rc, -ECANCELED);
        exec_completion_free(c);
        exec_future_unref(never);
        return rc;
}

static void test_K1_at_every_wait(struct fixture *fx)
{
        enum { N = 9 };
        exec_future *f[N];

        (void)fx;
        atom_store(&n_waiting, 0, RELAXED);
        for (int i = 0; i < N; i++)
                f[i] = exec_create_task(wait_somehow, VAL(i));
        fixture_wait(&n_waiting, N);
        exec_sleep(EXEC_MS(10)); /* one of them never comes to rest, so the pool does not settle */
        for (int i = 0; i < N; i++)
                EXPECT_EQ(exec_cancel(f[i], NULL), 1);
        for (int i = 0; i < N; i++) {
                EXPECT_EQ(exec_await(f[i], NULL), -ECANCELED);
                EXPECT_CANCELLED(f[i]);
        }
        exec_future_unref_all(f, N);
}

struct cancel_race {
        exec_future *_Atomic f;
        _Atomic(int) answer;
};

static void cancel_it(void *arg)
{
        struct cancel_race *c = arg;

        atom_store(&c->answer, exec_cancel(atom_load(&c->f, ACQUIRE), NULL), RELEASE);
}

static void test_K1_cancel_races_the_timer(struct fixture *fx)
{
        size_t rounds = test_rounds(300);
        uint64_t random = 362436069;
        struct cancel_race c;
        struct rival r;

        (void)fx;
        rival_start(&r, cancel_it, &c);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f = exec_create_task(task_sleep, NS(EXEC_US(50)));

                atom_store(&c.f, f, RELEASE);
                fixture_spin((int64_t)(test_random(&random) % 100000));
                rival_release(&r);
                rival_wait(&r);
                if (atom_load(&c.answer, ACQUIRE)) {
                        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
                } else {
                        EXPECT_EQ(exec_await(f, NULL), 0);
                }
                exec_future_unref(f);
        }
        rival_stop(&r);
}

static void test_K2_before_it_starts(struct fixture *fx)
{
        static const char why[] = "not needed";
        _Atomic(int) runs = 0;
        exec_future *f = exec_create_task(task_bump, &runs);

        (void)fx;
        EXPECT_EQ(exec_cancel(f, why), 1);
        EXPECT_CANCELLED(f); /* at once: nobody had started it */
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_PTR(exec_cancel_reason(f), why);
        EXPECT_EQ(atom_load(&runs, ACQUIRE), 0);
        exec_future_unref(f);
}

/* A body without a cancellation point: whoever was first, the answer of cancel and the outcome agree, and when nobody
 * had started it, it never runs. */
static void test_K2_cancel_races_the_start(struct fixture *fx)
{
        size_t rounds = test_rounds(2000);
        uint64_t random = 521288629;
        size_t n_cancelled = 0;

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                _Atomic(int) runs = 0;
                exec_future *f = exec_create_task(task_bump, &runs);
                int cancelled;

                fixture_go_on(i);
                fixture_spin((int64_t)(test_random(&random) % 4000));
                if (!fx->in_task && i % 8 == 0) /* a wake takes longer: the other order too */
                        fixture_spin((int64_t)(test_random(&random) % 200000));
                cancelled = exec_cancel(f, NULL);
                EXPECT_EQ(exec_await(f, NULL), cancelled ? -ECANCELED : 0);
                if (cancelled) {
                        n_cancelled++;
                        EXPECT_CANCELLED(f);
                } else {
                        EXPECT_DONE(f, &runs);
                        EXPECT_EQ(atom_load(&runs, ACQUIRE), 1);
                }
                exec_future_unref(f);
                EXPECT(atom_load(&runs, ACQUIRE) <= 1);
        }
        if (fx->n_workers == 1 && fx->in_task)
                EXPECT_EQ(n_cancelled, rounds);
        else
                fixture_both_orders(rounds, n_cancelled);
}

struct slow_drop {
        exec_future *_Atomic f;
        _Atomic(int) runs, dropping, answer;
};

static void drop_slowly(void *arg)
{
        struct slow_drop *s = arg;

        atom_store(&s->dropping, 1, RELEASE);
        fixture_spin(EXEC_MS(5));
}

static void cancel_slow(void *arg)
{
        struct slow_drop *s = arg;

        atom_store(&s->answer, exec_cancel(atom_load(&s->f, ACQUIRE), NULL), RELEASE);
}

static int note_run(void *arg, void **value)
{
        *value = arg;
        atom_add(&((struct slow_drop *)arg)->runs, 1, ACQ_REL);
        return 0;
}

/* Another thread has cancelled the unstarted child but is not through with it when its creator awaits it, on whose stack
 * it might have run. */
static void test_K2_awaited_while_it_is_being_cancelled(struct fixture *fx)
{
        size_t rounds = test_rounds(20);
        struct rival r;

        for (size_t i = 0; i < rounds; i++) {
                struct slow_drop s = {NULL, 0, 0, 0};
                struct exec_task_options o;
                exec_future *f;
                void *value = NULL;
                int rc;

                exec_task_options_init(&o, sizeof o);
                o.drop_arg = drop_slowly;
                f = exec_create_task_with(note_run, &s, &o);
                atom_store(&s.f, f, RELEASE);
                rival_start(&r, cancel_slow, &s);
                rival_release(&r);
                while (!atom_load(&s.dropping, ACQUIRE))
                        sched_yield();
                rc = exec_await(f, &value);
                EXPECT(exec_future_done(f));
                rival_wait(&r);
                rival_stop(&r);
                if (atom_load(&s.answer, ACQUIRE)) {
                        EXPECT_EQ(rc, -ECANCELED);
                        EXPECT_PTR(value, NULL);
                        EXPECT_CANCELLED(f);
                } else {
                        EXPECT_EQ(rc, 0);
                }
                if (fx->in_task && fx->n_workers == 1)
                        EXPECT_EQ(atom_load(&s.runs, ACQUIRE), 0);
                exec_future_unref(f);
        }
}

static void test_K3_the_awaited_future_is_cancelled(struct fixture *fx)
{
        exec_future *inner = exec_promise_new(NULL), *f = exec_create_task(task_await, inner);

        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(inner, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        EXPECT_CANCELLED(inner);
        exec_future_unref(f);
        exec_future_unref(inner);
}

struct three {
        exec_future *first, *second, *third;
        _Atomic(int) at_second, at_third;
};

static int catch_at_second(void *arg, void **value)
{
        struct three *t = arg;

        EXPECT_EQ(exec_await(t->first, NULL), 0);
        atom_store(&t->at_second, 1, RELEASE);
        EXPECT_EQ(exec_await(t->second, NULL), -ECANCELED);
        EXPECT(!exec_cancel_requested()); /* it has been delivered */
        *value = &forty_two;
        return 0;
}

static void three_init(struct three *t)
{
        t->first = exec_promise_new(NULL);
        t->second = exec_promise_new(NULL);
        t->third = exec_promise_new(NULL);
        atom_store(&t->at_second, 0, RELAXED);
        atom_store(&t->at_third, 0, RELAXED);
}

static void three_fini(struct three *t)
{
        exec_future_unref(t->first);
        exec_future_unref(t->second);
        exec_future_unref(t->third);
}

static void test_K5_caught(struct fixture *fx)
{
        struct three t;
        exec_future *f;
        void *value = NULL;

        three_init(&t);
        f = exec_create_task(catch_at_second, &t);
        EXPECT_EQ(exec_promise_set(t.first, NULL), 0);
        fixture_wait(&t.at_second, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &forty_two);
        EXPECT_DONE(f, &forty_two);
        EXPECT_CANCELLED(t.second);
        exec_future_unref(f);
        three_fini(&t);
}

static int ignore_and_go_on(void *arg, void **value)
{
        struct three *t = arg;

        EXPECT_EQ(exec_await(t->first, NULL), 0);
        atom_store(&t->at_second, 1, RELEASE);
        EXPECT_EQ(exec_await(t->second, NULL), -ECANCELED);
        atom_store(&t->at_third, 1, RELEASE);
        return exec_await(t->third, value);
}

static void test_K6_delivered_once(struct fixture *fx)
{
        struct three t;
        exec_future *f;
        void *value = NULL;

        three_init(&t);
        f = exec_create_task(ignore_and_go_on, &t);
        EXPECT_EQ(exec_promise_set(t.first, NULL), 0);
        fixture_wait(&t.at_second, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        fixture_wait(&t.at_third, 1);
        fixture_settle(fx->pool);
        EXPECT_PENDING(t.third);
        EXPECT_EQ(exec_promise_set(t.third, &forty_two), 0);
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &forty_two);
        EXPECT_DONE(t.third, &forty_two);
        exec_future_unref(f);
        three_fini(&t);
}

static int cancel_myself_and_sleep(void *arg, void **value)
{
        static const char why[] = "had enough";

        (void)arg, (void)value;
        EXPECT(!exec_cancel_requested());
        EXPECT_EQ(exec_cancel(exec_current_task(), why), 1);
        EXPECT(exec_cancel_requested());
        EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        EXPECT_PTR(exec_cancel_reason(exec_current_task()), why);
        EXPECT_EQ(exec_sleep(EXEC_SEC(1000)), -ECANCELED);
        return -ECANCELED;
}

static void test_K7_itself_then_sleeps(struct fixture *fx)
{
        int64_t start = exec_now();
        exec_future *f = exec_create_task(cancel_myself_and_sleep, NULL);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT(exec_now() - start < EXEC_SEC(60));
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
}

/* At every kind of wait; afterwards the request is used up. */
static int cancel_myself_and_wait(void *arg, void **value)
{
        exec_future *never = exec_promise_new(NULL);
        exec_completion *c;

        (void)arg;
        *value = &forty_two;
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        EXPECT_EQ(exec_yield(), -ECANCELED);
        EXPECT_EQ(exec_yield(), 0);
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        EXPECT_EQ(exec_sleep(0), -ECANCELED);
        EXPECT_EQ(exec_sleep(0), 0);
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        EXPECT_EQ(exec_await_until(never, exec_now() + EXEC_SEC(1000), NULL), -ECANCELED);
        EXPECT_CANCELLED(never);
        exec_future_unref(never);
        never = exec_promise_new(NULL);
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        EXPECT_EQ(exec_gather(&never, 1, NULL, EXEC_COLLECT), -ECANCELED);
        EXPECT_CANCELLED(never);
        exec_future_unref(never);
        never = exec_promise_new(NULL);
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        EXPECT_EQ(exec_await(never, NULL), -ECANCELED);
        EXPECT_CANCELLED(never);
        exec_future_unref(never);
        never = exec_promise_new(NULL);
        c = exec_as_completed(&never, 1);
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, NULL), -ECANCELED);
        EXPECT_PENDING(never); /* a queue passes nothing on */
        exec_completion_free(c);
        exec_future_unref(never);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 6);
        for (int left = 5; left >= 0; left--)
                EXPECT_EQ(exec_uncancel(NULL), left);
        return 0;
}

static void test_K7_itself_then_waits(struct fixture *fx)
{
        exec_future *f = exec_create_task(cancel_myself_and_wait, NULL);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, &forty_two);
        exec_future_unref(f);
}

/* A call that has what it waits for does not look; the request waits for the next one that has to wait. */
static int cancel_myself_and_take_what_is_there(void *arg, void **value)
{
        exec_future *f[12], *next = NULL;
        struct exec_outcome out[N_OF(f)];
        exec_completion *c;

        (void)arg;
        for (size_t i = 0; i < N_OF(f); i++) {
                f[i] = exec_promise_new(NULL);
                EXPECT_EQ(exec_promise_set(f[i], &forty_two), 0);
        }
        c = exec_as_completed(f, N_OF(f));
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        EXPECT_EQ(exec_await(f[0], value), 0);
        EXPECT_EQ(exec_await_until(f[0], 0, value), 0);
        EXPECT_EQ(exec_gather(f, 3, out, 0), 0);
        EXPECT_EQ(exec_gather(f, N_OF(f), out, 0), 0);
        EXPECT_EQ(exec_gather(f, N_OF(f), out, EXEC_COLLECT), 0);
        EXPECT_EQ(exec_gather(NULL, 0, NULL, 0), 0);
        for (size_t i = 0; i < N_OF(f); i++) {
                EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, &next, NULL), 1);
                exec_future_unref(next);
        }
        EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, NULL), 0);
        EXPECT(exec_cancel_requested());
        EXPECT_EQ(exec_yield(), -ECANCELED);
        EXPECT(!exec_cancel_requested());
        EXPECT_EQ(exec_uncancel(NULL), 0);
        exec_completion_free(c);
        exec_future_unref_all(f, N_OF(f));
        return 0;
}

static void test_K7_itself_then_takes_what_is_there(struct fixture *fx)
{
        exec_future *f = exec_create_task(cancel_myself_and_take_what_is_there, NULL);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, &forty_two);
        exec_future_unref(f);
}

static int cancel_myself_and_return(void *arg, void **value)
{
        EXPECT_EQ(exec_cancel(exec_current_task(), "at the end"), 1);
        *value = arg;
        return 0;
}

static void test_K8_itself_then_returns_a_value(struct fixture *fx)
{
        _Atomic(int) drops = 0;
        struct exec_task_options o;
        exec_future *f;
        void *value = NULL;

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.drop_value = drop_bump;
        f = exec_create_task_with(cancel_myself_and_return, &drops, &o);
        EXPECT_EQ(exec_await(f, &value), -ECANCELED);
        EXPECT_CANCELLED(f);
        EXPECT_PTR(value, NULL);
        EXPECT_EQ(exec_take(f, &value), -ECANCELED);
        exec_future_unref(f);
        fixture_wait(&drops, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 1);
}

static int cancel_myself_and_await(void *arg, void **value)
{
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        return exec_await(arg, value);
}

static void test_K9_itself_then_awaits(struct fixture *fx)
{
        exec_future *inner = exec_promise_new(NULL), *child, *f;
        struct awaiter a = {inner, 0};

        child = exec_create_task(task_await_noted, &a);
        fixture_wait(&a.begun, 1);
        fixture_settle(fx->pool);
        f = exec_create_task(cancel_myself_and_await, child);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        EXPECT_CANCELLED(child);
        EXPECT_CANCELLED(inner);
        exec_future_unref(f);
        exec_future_unref(child);
        exec_future_unref(inner);
}

/* The same with a child that nobody has started: its body never runs. */
static int cancel_myself_and_await_new(void *arg, void **value)
{
        exec_future *child = exec_create_task(task_bump, arg);
        int rc;

        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        rc = exec_await(child, value);
        if (exec_pool_n_workers(exec_pool_current()) == 1) /* else another worker may have been faster */
                EXPECT_CANCELLED(child);
        exec_future_unref(child);
        return rc;
}

static void test_K9_itself_then_awaits_a_new_child(struct fixture *fx)
{
        _Atomic(int) runs = 0;
        exec_future *f = exec_create_task(cancel_myself_and_await_new, &runs);

        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        if (fx->n_workers == 1)
                EXPECT_EQ(atom_load(&runs, ACQUIRE), 0);
        exec_future_unref(f);
}

/* A chain of tasks, each awaiting the next, the last one a promise: the cancellation of the first reaches all. */
static void test_K9_along_a_chain(struct fixture *fx)
{
        enum { MAX = 1000 };
        size_t n = test_live(MAX);
        struct awaiter *a = calloc(n, sizeof *a);
        exec_future *f[MAX + 1];

        f[0] = exec_promise_new(NULL);
        for (size_t i = 1; i <= n; i++) {
                a[i - 1].f = f[i - 1];
                f[i] = exec_create_task(task_await_noted, &a[i - 1]);
        }
        for (size_t i = 0; i < n; i++)
                fixture_wait(&a[i].begun, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(f[n], NULL), 1);
        EXPECT_EQ(exec_await(f[n], NULL), -ECANCELED);
        for (size_t i = 0; i <= n; i++)
                EXPECT_CANCELLED(f[i]);
        exec_future_unref_all(f, n + 1);
        free(a);
}

struct stubborn {
        _Atomic(int) sleeping, caught, go;
        int spins;
};

static int hold_cancel(void *arg, void **value)
{
        struct stubborn *s = arg;

        *value = NULL;
        atom_store(&s->sleeping, 1, RELEASE);
        EXPECT_EQ(exec_sleep(EXEC_SEC(1000)), -ECANCELED);
        atom_store(&s->caught, 1, RELEASE);
        while (!atom_load(&s->go, ACQUIRE)) /* no cancellation point: keeps its worker busy */
                s->spins++;
        EXPECT_EQ(exec_cancelling(exec_current_task()), 2);
        return -ECANCELED;
}

static void test_K11_cancelled_twice(struct fixture *fx)
{
        struct stubborn s = {0, 0, 0, 0};
        exec_future *f = exec_create_task(hold_cancel, &s);

        EXPECT_EQ(exec_cancelling(f), 0);
        fixture_wait(&s.sleeping, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(f, "one"), 1);
        EXPECT_EQ(exec_cancelling(f), 1);
        EXPECT_EQ(exec_cancel(f, "two"), 1);
        EXPECT_EQ(exec_cancelling(f), 2);
        atom_store(&s.go, 1, RELEASE);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        EXPECT_EQ(exec_cancel(f, "three"), 0);
        exec_future_unref(f);
}

struct waiting {
        exec_future *inner;
        _Atomic(int) waits;
};

static int wait_and_return(void *arg, void **value)
{
        struct waiting *w = arg;

        atom_store(&w->waits, 1, RELEASE);
        return exec_await(w->inner, value);
}

/* One worker, and we hold it: the task's future is done, the task is runnable but has not gone on. */
static void test_K13_withdrawn_before_it_goes_on(struct fixture *fx)
{
        struct waiting w = {exec_promise_new(NULL), 0};
        exec_future *f = exec_create_task(wait_and_return, &w);
        void *value = NULL;

        fixture_wait(&w.waits, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_promise_set(w.inner, &forty_two), 0);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_cancelling(f), 1);
        EXPECT_EQ(exec_uncancel(f), 0);
        EXPECT_EQ(exec_cancelling(f), 0);
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &forty_two);
        EXPECT_DONE(f, &forty_two);
        exec_future_unref(f);
        exec_future_unref(w.inner);
}

/* The counterpart: not withdrawn it is delivered, and what was awaited stays readable. */
static void test_K13_not_withdrawn(struct fixture *fx)
{
        struct waiting w = {exec_promise_new(NULL), 0};
        exec_future *f = exec_create_task(wait_and_return, &w);

        fixture_wait(&w.waits, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_promise_set(w.inner, &forty_two), 0);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        EXPECT_DONE(w.inner, &forty_two);
        exec_future_unref(f);
        exec_future_unref(w.inner);
}

static void test_K13_race(struct fixture *fx)
{
        size_t rounds = test_rounds(300), n_cancelled = 0;
        uint64_t random = 2463534242u;

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                struct waiting w = {exec_promise_new(NULL), 0};
                exec_future *f = exec_create_task(wait_and_return, &w);
                void *value = NULL;
                int cancelled, rc;

                fixture_go_on(i);
                fixture_wait(&w.waits, 1);
                EXPECT_EQ(exec_promise_set(w.inner, &forty_two), 0);
                if (i % 4 == 0)
                        fixture_spin((int64_t)(test_random(&random) % 100000));
                if (i % 64 == 1) /* the other order, whatever the machine does: from a task it hardly ever comes up */
                        fixture_wait_done(f);
                cancelled = exec_cancel(f, NULL);
                n_cancelled += cancelled == 1;
                if (cancelled)
                        EXPECT_EQ(exec_uncancel(f), 0);
                rc = exec_await(f, &value);
                /* Withdrawn in time, or delivered before; without a cancel only the value. */
                if (rc == 0)
                        EXPECT(EXPECT_DONE(f, &forty_two) && value == &forty_two);
                else
                        EXPECT(cancelled == 1 && rc == -ECANCELED && EXPECT_CANCELLED(f));
                EXPECT_DONE(w.inner, &forty_two);
                exec_future_unref(f);
                exec_future_unref(w.inner);
        }
        fixture_both_orders(rounds, n_cancelled);
}

static int uncancel_myself(void *arg, void **value)
{
        (void)arg;
        EXPECT_EQ(exec_uncancel(NULL), 0);
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        EXPECT_EQ(exec_cancel(exec_current_task(), NULL), 1);
        EXPECT_EQ(exec_uncancel(NULL), 1);
        EXPECT(exec_cancel_requested()); /* one request stands: still to be delivered */
        EXPECT_EQ(exec_uncancel(exec_current_task()), 0);
        EXPECT(!exec_cancel_requested());
        EXPECT_EQ(exec_yield(), 0);
        EXPECT_EQ(exec_sleep(EXEC_MS(1)), 0);
        *value = &forty_two;
        return 0;
}

static void test_K13_withdrawn_by_itself(struct fixture *fx)
{
        exec_future *f = exec_create_task(uncancel_myself, NULL);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, &forty_two);
        exec_future_unref(f);
}

static int fail_on_cancel(void *arg, void **value)
{
        (void)value;
        atom_store((_Atomic(int) *)arg, 1, RELEASE);
        if (exec_sleep(EXEC_SEC(1000)) == -ECANCELED)
                return exec_fail(-EIO, "while cleaning up");
        return 0;
}

static void test_K15_fails_while_cancelled(struct fixture *fx)
{
        _Atomic(int) sleeping = 0;
        exec_future *f = exec_create_task(fail_on_cancel, &sleeping);

        fixture_wait(&sleeping, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -EIO);
        EXPECT_FAILED(f, -EIO);
        EXPECT(exec_future_error_message(f, NULL, NULL) != NULL);
        exec_future_unref(f);
}

static void test_K17_timer_is_removed(struct fixture *fx)
{
        enum { N = 20 };
        uint64_t before = fixture_stats(fx->pool).n_timers;
        exec_future *f[N];
        int64_t end = exec_now() + EXEC_SEC(30);

        for (int i = 0; i < N; i++)
                f[i] = i % 2 ? exec_create_task(task_sleep, NS(EXEC_SEC(1000))) : exec_sleep_future(EXEC_SEC(1000));
        while (fixture_stats(fx->pool).n_timers < before + N && exec_now() < end)
                exec_yield();
        EXPECT_EQ(fixture_stats(fx->pool).n_timers, before + N);
        for (int i = 0; i < N; i++)
                EXPECT_EQ(exec_cancel(f[i], NULL), 1);
        for (int i = 0; i < N; i++)
                EXPECT_EQ(exec_await(f[i], NULL), -ECANCELED);
        EXPECT_EQ(fixture_stats(fx->pool).n_timers, before);
        exec_future_unref_all(f, N);
}

static int swallow_cancel(void *arg, void **value)
{
        atom_store((_Atomic(int) *)arg, 1, RELEASE);
        EXPECT_EQ(exec_sleep(EXEC_SEC(1000)), -ECANCELED);
        *value = &forty_two;
        return 0;
}

static int await_swallower(void *arg, void **value)
{
        exec_future *child = exec_create_task(swallow_cancel, arg);
        int rc = exec_await(child, value);

        EXPECT(exec_future_done(child));
        exec_future_unref(child);
        return rc;
}

/* The request was passed on to the child, which swallowed it: the awaiter gets the child's value and goes on. */
static void test_child_swallows_the_cancel(struct fixture *fx)
{
        _Atomic(int) sleeping = 0;
        exec_future *f = exec_create_task(await_swallower, &sleeping);

        fixture_wait(&sleeping, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, &forty_two);
        exec_future_unref(f);
}

static void test_poll_of_a_plain_thread(struct fixture *fx)
{
        (void)fx;
        EXPECT(!exec_cancel_requested());
        EXPECT_EQ(exec_uncancel(NULL), -EPERM);
}

struct poller {
        _Atomic(int) started;
        volatile unsigned turns;
};

static int compute_until_cancelled(void *arg, void **value)
{
        struct poller *p = arg;

        *value = NULL;
        atom_store(&p->started, 1, RELEASE);
        while (!exec_cancel_requested())
                p->turns++;
        return -ECANCELED;
}

static void test_running_task_polls(struct fixture *fx)
{
        struct poller p = {0, 0};
        exec_future *f = exec_create_task(compute_until_cancelled, &p);

        (void)fx;
        fixture_wait(&p.started, 1);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        exec_future_unref(f);
}

/* Two cancel, and the task ends by itself, all at once. */
static int await_promise(void *arg, void **value)
{
        int rc = exec_await(arg, value);

        return rc == -ECANCELED ? rc : 0;
}

static void test_two_cancels_race_the_end(struct fixture *fx)
{
        size_t rounds = test_rounds(500);
        struct cancel_race c;
        struct rival r;

        (void)fx;
        rival_start(&r, cancel_it, &c);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *inner = exec_promise_new(NULL), *f = exec_create_task(await_promise, inner);
                int mine, rc;

                atom_store(&c.f, f, RELEASE);
                if (i % 2)
                        exec_yield();
                rival_release(&r);
                exec_promise_set(inner, &forty_two);
                mine = exec_cancel(f, NULL);
                rival_wait(&r);
                rc = exec_await(f, NULL);
                if (!mine && !atom_load(&c.answer, ACQUIRE))
                        EXPECT_EQ(rc, 0);
                else
                        EXPECT_EQ(rc, -ECANCELED);
                exec_future_unref(f);
                exec_future_unref(inner);
        }
        rival_stop(&r);
}

/* What has ended is not cancelled, and gets no reason, whichever way the request comes. */
static void test_a_refused_request_leaves_no_reason(struct fixture *fx)
{
        exec_future *f[] = {exec_promise_new(NULL), exec_promise_new(NULL), exec_promise_new(NULL)};
        exec_future *g = exec_gather_future(f, N_OF(f), EXEC_COLLECT);

        (void)fx;
        EXPECT_EQ(exec_promise_set(f[0], VAL(1)), 0);
        EXPECT_EQ(exec_cancel(f[1], "first"), 1);
        EXPECT_EQ(exec_cancel(g, "second"), 1);
        EXPECT_DONE(f[0], VAL(1));
        EXPECT_PTR(exec_cancel_reason(f[0]), NULL);
        EXPECT_CANCELLED(f[1]);
        EXPECT(strcmp(exec_cancel_reason(f[1]), "first") == 0);
        EXPECT_CANCELLED(f[2]);
        EXPECT(strcmp(exec_cancel_reason(f[2]), "second") == 0);
        exec_future_unref_all(f, N_OF(f));
        exec_future_unref(g);
}

static const struct fixture_case cases[] = {
        CASE(test_a_refused_request_leaves_no_reason),
        CASE(test_K1_sleeper),
        CASE(test_K1_at_every_wait),
        CASE(test_K1_cancel_races_the_timer),
        CASE_ONE(test_K2_before_it_starts),
        CASE(test_K2_cancel_races_the_start),
        CASE(test_K2_awaited_while_it_is_being_cancelled),
        CASE(test_K3_the_awaited_future_is_cancelled),
        CASE(test_K5_caught),
        CASE(test_K6_delivered_once),
        CASE(test_K7_itself_then_sleeps),
        CASE(test_K7_itself_then_waits),
        CASE(test_K7_itself_then_takes_what_is_there),
        CASE(test_K8_itself_then_returns_a_value),
        CASE(test_K9_itself_then_awaits),
        CASE_TASK(test_K9_itself_then_awaits_a_new_child),
        CASE(test_K9_along_a_chain),
        CASE_THREAD(test_K11_cancelled_twice),
        CASE_ONE(test_K13_withdrawn_before_it_goes_on),
        CASE_ONE(test_K13_not_withdrawn),
        CASE(test_K13_race),
        CASE(test_K13_withdrawn_by_itself),
        CASE(test_K15_fails_while_cancelled),
        CASE(test_K17_timer_is_removed),
        CASE(test_child_swallows_the_cancel),
        CASE_THREAD(test_poll_of_a_plain_thread),
        CASE_THREAD(test_running_task_polls),
        CASE(test_two_cancels_race_the_end),
};

FIXTURE_MAIN("cancel", cases)
