/* future_test.c - the states of a future: section 1 of docs/CONFORMANCE.md. */
#include "fixture.h"

#include <string.h>

static char forty_two;

static void test_F1_initial_state(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL);

        (void)fx;
        EXPECT(!exec_future_done(f));
        EXPECT_PENDING(f);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT(exec_future_done(f));
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
}

static void test_F1_initial_state_of_a_task(struct fixture *fx)
{
        exec_future *gate = exec_promise_new(NULL), *f = exec_create_task(task_await, gate);

        (void)fx;
        EXPECT(!exec_future_done(f));
        EXPECT_PENDING(f);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT(exec_future_done(f));
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
        exec_future_unref(gate);
}

static void test_F2_not_done_yet(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL);
        struct exec_outcome o = {77, 77, f};
        void *value = f;

        (void)fx;
        EXPECT_EQ(exec_future_outcome(f, &o), -EINPROGRESS);
        EXPECT_EQ(o.state, EXEC_PENDING);
        EXPECT_EQ(exec_take(f, &value), -EINPROGRESS);
        EXPECT_PTR(exec_future_error_message(f, NULL, NULL), NULL);
        EXPECT_PTR(exec_cancel_reason(f), NULL);
        EXPECT_EQ(exec_promise_set(f, NULL), 0);
        exec_future_unref(f);
}

static void test_F3_set_twice(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL);
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_promise_set(f, &forty_two), 0);
        EXPECT_DONE(f, &forty_two);
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &forty_two);
        EXPECT_EQ(exec_promise_set(f, f), -EALREADY);
        EXPECT_EQ(exec_promise_fail(f, -EIO), -EALREADY);
        EXPECT_EQ(exec_promise_fail(f, -ECANCELED), -EALREADY);
        EXPECT_EQ(exec_cancel(f, "late"), 0);
        EXPECT_DONE(f, &forty_two);
        exec_future_unref(f);
}

static void test_F3_failed_twice(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL);
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_promise_fail(f, -EIO), 0);
        EXPECT_FAILED(f, -EIO);
        EXPECT_EQ(exec_promise_fail(f, -ENOENT), -EALREADY);
        EXPECT_EQ(exec_promise_set(f, f), -EALREADY);
        EXPECT_EQ(exec_cancel(f, NULL), 0);
        EXPECT_FAILED(f, -EIO);
        EXPECT_EQ(exec_await(f, &value), -EIO);
        EXPECT_EQ(exec_take(f, &value), -EIO);
        EXPECT_PTR(value, NULL);
        exec_future_unref(f);
}

static void test_F5_cancelled(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL);
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_cancel(f, NULL), 0);
        EXPECT_EQ(exec_promise_set(f, f), -EALREADY);
        EXPECT_EQ(exec_promise_fail(f, -EIO), -EALREADY);
        EXPECT_CANCELLED(f);
        EXPECT_EQ(exec_await(f, &value), -ECANCELED);
        EXPECT_EQ(exec_take(f, &value), -ECANCELED);
        EXPECT_PTR(value, NULL);
        exec_future_unref(f);
}

static void test_F5_failed_with_cancel(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL);

        (void)fx;
        EXPECT_EQ(exec_promise_fail(f, -ECANCELED), 0);
        EXPECT_CANCELLED(f);
        EXPECT_EQ(exec_cancel(f, NULL), 0);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        exec_future_unref(f);
}

static void test_F6_cancel_reason(struct fixture *fx)
{
        static const char why[] = "no longer wanted";
        exec_future *with = exec_promise_new(NULL), *without = exec_promise_new(NULL);
        exec_future *task = exec_create_task(task_forever, NULL);

        (void)fx;
        EXPECT_EQ(exec_cancel(with, why), 1);
        EXPECT_EQ(exec_cancel(without, NULL), 1);
        EXPECT_EQ(exec_cancel(task, why), 1);
        EXPECT_PTR(exec_cancel_reason(with), why);
        EXPECT_PTR(exec_cancel_reason(without), NULL);
        EXPECT_EQ(exec_await(task, NULL), -ECANCELED);
        EXPECT_PTR(exec_cancel_reason(task), why);
        /* A refused request leaves the reason alone. */
        EXPECT_EQ(exec_cancel(with, "other"), 0);
        EXPECT_PTR(exec_cancel_reason(with), why);
        exec_future_unref(with);
        exec_future_unref(without);
        exec_future_unref(task);
}

static int catch_twice(void *arg, void **value)
{
        _Atomic(int) *n = arg;

        *value = NULL;
        for (int i = 0; i < 2; i++) {
                atom_add(n, 1, ACQ_REL);
                EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        }
        return -ECANCELED;
}

/* A later request without a reason leaves the earlier one's standing; one with a reason replaces it. */
static void test_F6_cancel_reason_of_several_requests(struct fixture *fx)
{
        static const char first[] = "first", second[] = "second";
        static const char *const reasons[][2] = {{first, NULL}, {first, second}, {NULL, second}};

        (void)fx;
        for (size_t i = 0; i < N_OF(reasons); i++)
                for (int named = 0; named < 2; named++) {
                        _Atomic(int) n = 0;
                        struct exec_task_options o;
                        exec_future *f;

                        exec_task_options_init(&o, sizeof o);
                        o.name = named ? "with a place for the reason" : NULL;
                        f = exec_create_task_with(catch_twice, &n, named ? &o : NULL);
                        for (int k = 0; k < 2; k++) {
                                fixture_wait(&n, k + 1);
                                EXPECT_EQ(exec_cancel(f, reasons[i][k]), 1);
                        }
                        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
                        EXPECT_PTR(exec_cancel_reason(f), reasons[i][1] ? second : first);
                        exec_future_unref(f);
                }
}

static void never_called(exec_future *f, void *arg)
{
        (void)f, (void)arg;
        EXPECT(false);
}

/* F7 in a process of its own: the answer to a corrupt handle is an error, NULL, false, or the end with a message. */
static exec_future *zero_filled(void)
{
        static _Alignas(64) unsigned char zeroes[4096];

        return (exec_future *)(void *)(zeroes + 2048);
}

static void test_F7_zero_filled_looked_at(struct fixture *fx)
{
        exec_future *f = zero_filled();
        struct exec_outcome o = {77, 77, NULL};
        char name[16];
        void *value;

        (void)fx;
        EXPECT(!exec_future_done(f));
        EXPECT_EQ(exec_future_outcome(f, &o), -EINVAL);
        EXPECT_EQ(o.state, EXEC_PENDING);
        EXPECT_EQ(exec_take(f, &value), -EINVAL);
        EXPECT_PTR(exec_future_error_message(f, NULL, NULL), NULL);
        EXPECT_PTR(exec_cancel_reason(f), NULL);
        EXPECT_EQ(exec_task_name(f, name, sizeof name), -EINVAL);
        EXPECT_EQ(exec_cancelling(f), -EINVAL);
        EXPECT_EQ(exec_await(f, &value), -EINVAL);
        EXPECT_EQ(exec_await_until(f, EXEC_FOREVER, &value), -EINVAL);
}

static void test_F7_zero_filled_changed(struct fixture *fx)
{
        exec_future *f = zero_filled();

        (void)fx;
        EXPECT_EQ(exec_promise_set(f, NULL), -EINVAL);
        EXPECT_EQ(exec_promise_fail(f, -EIO), -EINVAL);
        EXPECT_EQ(exec_cancel(f, NULL), -EINVAL);
        EXPECT_EQ(exec_uncancel(f), -EINVAL);
        EXPECT_EQ(exec_future_add_callback(f, never_called, NULL), -EINVAL);
        EXPECT_EQ(exec_future_remove_callback(f, never_called, NULL), -EINVAL);
}

static void test_F7_zero_filled_among_others(struct fixture *fx)
{
        exec_future *f[2] = {exec_promise_new(NULL), zero_filled()}, *g;
        struct exec_outcome out[2];
        exec_completion *c;

        (void)fx;
        EXPECT_EQ(exec_gather(f, 2, out, 0), -EINVAL);
        EXPECT_EQ(exec_gather(f, 2, out, EXEC_COLLECT), -EINVAL);
        g = exec_gather_future(f, 2, 0);
        EXPECT_FAILED(g, -EINVAL);
        exec_future_unref(g);
        EXPECT_PTR(exec_as_completed(f, 2), NULL);
        EXPECT_EQ(exec_completion_new(&c), 0);
        EXPECT_EQ(exec_completion_add(c, f[1], NULL), -EINVAL);
        exec_completion_free(c);
        EXPECT_PENDING(f[0]);
        exec_future_unref(f[0]);
}

static void test_F7_zero_filled_given_back(struct fixture *fx)
{
        (void)fx;
        exec_future_unref(zero_filled());
}

struct set_race {
        exec_future *_Atomic f;
        _Atomic(int) answer;
};

static void set_value(void *arg)
{
        struct set_race *s = arg;

        atom_store(&s->answer, exec_promise_set(atom_load(&s->f, ACQUIRE), &forty_two), RELEASE);
}

static void test_F9_set_races_cancel(struct fixture *fx)
{
        size_t rounds = test_rounds(2000), n_cancelled = 0;
        uint64_t random = 2463534242u;
        struct set_race s;
        struct rival r;

        (void)fx;
        rival_start(&r, set_value, &s);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f = exec_promise_new(NULL);
                int cancelled, set;

                atom_store(&s.f, f, RELEASE);
                rival_release(&r);
                fixture_stagger(&random);
                cancelled = exec_cancel(f, NULL);
                rival_wait(&r);
                n_cancelled += cancelled == 1;
                set = atom_load(&s.answer, ACQUIRE);
                if (cancelled == 1)
                        EXPECT(set == -EALREADY && EXPECT_CANCELLED(f));
                else
                        EXPECT(cancelled == 0 && set == 0 && EXPECT_DONE(f, &forty_two));
                exec_future_unref(f);
        }
        rival_stop(&r);
        fixture_both_orders(rounds, n_cancelled);
}

static void test_F9_timer_races_cancel(struct fixture *fx)
{
        size_t rounds = test_rounds(500), n_cancelled = 0;
        uint64_t random = 88172645463325252u;

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f = exec_sleep_future(EXEC_US(60));
                int cancelled;

                fixture_go_on(i);
                fixture_spin((int64_t)(test_random(&random) % 120000));
                cancelled = exec_cancel(f, NULL);
                n_cancelled += cancelled == 1;
                EXPECT_EQ(exec_await(f, NULL), cancelled ? -ECANCELED : 0);
                if (cancelled)
                        EXPECT_CANCELLED(f);
                else
                        EXPECT_DONE(f, NULL);
                exec_future_unref(f);
        }
        if (!fx->in_task || fx->n_workers > 1) /* the only worker fires no timer while it spins */
                fixture_both_orders(rounds, n_cancelled);
}

static void test_F10_await_twice(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_value, &forty_two);
        void *first = NULL, *second = NULL;

        (void)fx;
        EXPECT_EQ(exec_await(f, &first), 0);
        EXPECT_EQ(exec_await(f, &second), 0);
        EXPECT_PTR(first, &forty_two);
        EXPECT_PTR(second, &forty_two);
        EXPECT_EQ(exec_await_until(f, exec_now() - 1, &second), 0);
        exec_future_unref(f);
}

struct unhandled {
        _Atomic(int) n;
        _Atomic(int) err, line, has_message;
};

static void on_unhandled(exec_future *f, const struct exec_outcome *outcome, void *ctx)
{
        struct unhandled *u = ctx;
        const char *file = NULL;
        int line = 0;
        const char *message = exec_future_error_message(f, &file, &line);

        atom_store(&u->err, outcome->state == EXEC_FAILED ? outcome->err : 1, RELAXED);
        atom_store(&u->line, line, RELAXED);
        atom_store(&u->has_message, message && file && !strcmp(message, "no entry 7") && strstr(file, "future_test"),
                   RELAXED);
        atom_add(&u->n, 1, ACQ_REL);
}

static int fail_line;

static int fail_with_message(void *arg, void **value)
{
        (void)arg, (void)value;
        fail_line = __LINE__ + 1;
        return exec_fail(-ENOENT, "no entry %d", 7);
}

static void test_F11_unhandled_error(struct fixture *fx)
{
        struct unhandled u = {0};
        exec_future *f = exec_promise_new(NULL);

        exec_set_unhandled(on_unhandled, &u);
        EXPECT_EQ(exec_promise_fail(f, -EIO), 0);
        EXPECT_EQ(atom_load(&u.n, ACQUIRE), 0);
        exec_future_unref(f);
        EXPECT_EQ(atom_load(&u.n, ACQUIRE), 1);
        EXPECT_EQ(atom_load(&u.err, RELAXED), -EIO);

        f = exec_create_task(fail_with_message, NULL);
        EXPECT(fixture_wait_done(f)); /* to see that it is done is not to look at its error */
        exec_future_unref(f);
        fixture_wait(&u.n, 2);
        fixture_settle(fx->pool);
        EXPECT_EQ(atom_load(&u.n, ACQUIRE), 2);
        EXPECT_EQ(atom_load(&u.err, RELAXED), -ENOENT);
        EXPECT_EQ(atom_load(&u.line, RELAXED), fail_line);
        EXPECT(atom_load(&u.has_message, RELAXED));
        exec_set_unhandled(NULL, NULL);
}

static void test_F11_unhandled_error_of_a_detached_task(struct fixture *fx)
{
        struct unhandled u = {0};

        exec_set_unhandled(on_unhandled, &u);
        exec_future_unref(exec_create_task(task_fail, ERR(-EIO)));
        fixture_wait(&u.n, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(atom_load(&u.n, ACQUIRE), 1);
        EXPECT_EQ(atom_load(&u.err, RELAXED), -EIO);
        exec_set_unhandled(NULL, NULL);
}

static void test_F13_handled(struct fixture *fx)
{
        struct unhandled u = {0};
        struct exec_outcome o;
        exec_future *f;

        exec_set_unhandled(on_unhandled, &u);
        exec_future_unref(exec_promise_new(NULL)); /* abandoned */
        f = exec_promise_new(NULL);
        EXPECT_EQ(exec_promise_set(f, &forty_two), 0);
        exec_future_unref(f); /* its value never read */
        f = exec_promise_new(NULL);
        EXPECT_EQ(exec_promise_fail(f, -EIO), 0);
        EXPECT_EQ(exec_cancel(f, NULL), 0); /* somebody cares */
        exec_future_unref(f);
        f = exec_promise_new(NULL);
        EXPECT_EQ(exec_cancel(f, NULL), 1); /* cancelled is not failed */
        exec_future_unref(f);
        exec_future_unref(exec_create_task(task_value, NULL));

        for (int look = 0; look < 5; look++) {
                f = exec_promise_new(NULL);
                EXPECT_EQ(exec_promise_fail(f, -EIO), 0);
                switch (look) {
                case 0:
                        EXPECT_EQ(exec_await(f, NULL), -EIO);
                        break;
                case 1:
                        EXPECT_EQ(exec_future_outcome(f, &o), 0);
                        break;
                case 2:
                        EXPECT_EQ(exec_take(f, NULL), -EIO);
                        break;
                case 3:
                        EXPECT_EQ(exec_gather(&f, 1, NULL, 0), -EIO);
                        break;
                case 4:
                        EXPECT_PTR(exec_future_error_message(f, NULL, NULL), NULL);
                        break;
                }
                exec_future_unref(f);
        }
        fixture_settle(fx->pool);
        EXPECT_EQ(atom_load(&u.n, ACQUIRE), 0);
        exec_set_unhandled(NULL, NULL);
}

static int fail_positive(void *arg, void **value)
{
        *value = arg;
        return 5;
}

static int fail_empty(void *arg, void **value)
{
        (void)value;
        return exec_fail(-EIO, "%s", (const char *)arg);
}

static int fail_zero(void *arg, void **value)
{
        (void)arg, (void)value;
        return exec_fail(0, "nothing wrong");
}

static void test_F14_falsy_errors(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL);
        const char *message;

        (void)fx;
        EXPECT_EQ(exec_promise_fail(f, 0), -EINVAL);
        EXPECT_EQ(exec_promise_fail(f, 5), -EINVAL);
        EXPECT_PENDING(f);
        EXPECT_EQ(exec_promise_set(f, NULL), 0);
        EXPECT_DONE(f, NULL); /* NULL is a value like any other */
        exec_future_unref(f);

        f = exec_create_task(fail_positive, &forty_two);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        EXPECT_FAILED(f, -EINVAL);
        exec_future_unref(f);

        f = exec_create_task(fail_empty, (void *)(uintptr_t) "");
        EXPECT_EQ(exec_await(f, NULL), -EIO);
        EXPECT_FAILED(f, -EIO);
        message = exec_future_error_message(f, NULL, NULL);
        EXPECT(message && !*message);
        exec_future_unref(f);

        f = exec_create_task(fail_zero, NULL);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        EXPECT_FAILED(f, -EINVAL);
        exec_future_unref(f);
}

static void test_F15_values_are_never_looked_at(struct fixture *fx)
{
        static const intptr_t odd[] = {1, -1, 8, 0x1000};

        (void)fx;
        for (size_t i = 0; i < N_OF(odd); i++) {
                exec_future *f = exec_create_task(task_value, VAL(odd[i]));
                void *value = NULL;

                EXPECT_EQ(exec_await(f, &value), 0);
                EXPECT_PTR(value, VAL(odd[i]));
                exec_future_unref(f);
                f = exec_promise_new(NULL);
                EXPECT_EQ(exec_promise_set(f, VAL(odd[i])), 0);
                EXPECT_DONE(f, VAL(odd[i]));
                exec_future_unref(f);
        }
}

static void test_deadline_leaves_the_future_alone(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL);
        int64_t start = exec_now();
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_await_until(f, start + EXEC_MS(15), &value), -ETIMEDOUT);
        EXPECT(exec_now() >= start + EXEC_MS(15));
        EXPECT_PENDING(f);
        EXPECT_EQ(exec_await_until(f, start, &value), -ETIMEDOUT);
        EXPECT_EQ(exec_promise_set(f, &forty_two), 0);
        EXPECT_EQ(exec_await_until(f, start, &value), 0);
        EXPECT_PTR(value, &forty_two);
        exec_future_unref(f);
}

struct deadline_race {
        exec_future *_Atomic f;
        _Atomic(uint64_t) delay_ns;
};

static void set_after_delay(void *arg)
{
        struct deadline_race *d = arg;

        fixture_spin((int64_t)atom_load(&d->delay_ns, ACQUIRE));
        exec_promise_set(atom_load(&d->f, ACQUIRE), &forty_two);
}

static void test_deadline_races_completion(struct fixture *fx)
{
        size_t rounds = test_rounds(500);
        uint64_t random = 2463534242u;
        struct deadline_race d;
        struct rival r;

        (void)fx;
        rival_start(&r, set_after_delay, &d);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f = exec_promise_new(NULL);
                void *value = NULL;
                int rc;

                atom_store(&d.f, f, RELEASE);
                atom_store(&d.delay_ns, test_random(&random) % 100000, RELEASE);
                rival_release(&r);
                rc = exec_await_until(f, exec_now() + EXEC_US(50), &value);
                if (rc == 0)
                        EXPECT_PTR(value, &forty_two);
                else
                        EXPECT_EQ(rc, -ETIMEDOUT);
                rival_wait(&r);
                EXPECT_DONE(f, &forty_two);
                exec_future_unref(f);
        }
        rival_stop(&r);
}

static int await_shared(void *arg, void **value)
{
        return exec_await(arg, value);
}

static void test_many_waiters_of_one_future(struct fixture *fx)
{
        enum { MAX = 500 };
        size_t n = test_live(MAX);
        exec_future *gate = exec_promise_new(NULL), *f[MAX];

        for (size_t i = 0; i < n; i++)
                f[i] = exec_create_task(await_shared, gate);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_promise_set(gate, &forty_two), 0);
        for (size_t i = 0; i < n; i++) {
                void *value = NULL;

                EXPECT_EQ(exec_await(f[i], &value), 0);
                EXPECT_PTR(value, &forty_two);
        }
        exec_future_unref_all(f, n);
        exec_future_unref(gate);
}

static const struct fixture_case cases[] = {
        CASE(test_F1_initial_state),
        CASE(test_F1_initial_state_of_a_task),
        CASE(test_F2_not_done_yet),
        CASE(test_F3_set_twice),
        CASE(test_F3_failed_twice),
        CASE(test_F5_cancelled),
        CASE(test_F5_failed_with_cancel),
        CASE(test_F6_cancel_reason),
        CASE(test_F6_cancel_reason_of_several_requests),
        CASE_CHILD(test_F7_zero_filled_looked_at),
        CASE_CHILD(test_F7_zero_filled_changed),
        CASE_CHILD(test_F7_zero_filled_among_others),
        CASE_DIES(test_F7_zero_filled_given_back),
        CASE(test_F9_set_races_cancel),
        CASE(test_F9_timer_races_cancel),
        CASE(test_F10_await_twice),
        CASE(test_F11_unhandled_error),
        CASE(test_F11_unhandled_error_of_a_detached_task),
        CASE(test_F13_handled),
        CASE(test_F14_falsy_errors),
        CASE(test_F15_values_are_never_looked_at),
        CASE(test_deadline_leaves_the_future_alone),
        CASE(test_deadline_races_completion),
        CASE(test_many_waiters_of_one_future),
};

FIXTURE_MAIN("future", cases)
