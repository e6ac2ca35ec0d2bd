/* as_completed_test.c - the completion queue, closed and open: section 6 of docs/CONFORMANCE.md. */
#include "fixture.h"

#include <stdlib.h>

static char a_value, b_value;

static void test_S1_order_of_finishing(struct fixture *fx)
{
        exec_future *f[3];
        exec_completion *c;
        int64_t start = exec_now();
        void *tag = NULL;

        (void)fx;
        f[0] = exec_create_task(task_sleep, NS(EXEC_MS(150)));
        f[1] = exec_create_task(task_sleep, NS(EXEC_MS(10)));
        f[2] = exec_sleep_future(EXEC_MS(10));
        c = exec_as_completed(f, 3);
        EXPECT_EQ(exec_completion_pending(c), 3);
        for (int i = 0; i < 3; i++) {
                exec_future *next = NULL;

                EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, &next, &tag), 1);
                EXPECT_PTR(next, f[(intptr_t)tag]);
                EXPECT(exec_future_done(next));
                exec_future_unref(next);
        }
        EXPECT_PTR(tag, 0); /* the slow one is last */
        EXPECT(exec_now() - start >= EXEC_MS(150));
        EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, NULL), 0);
        exec_completion_free(c);
        exec_future_unref_all(f, 3);
}

static void test_S1_order_is_exact(struct fixture *fx)
{
        static const int order[] = {3, 0, 4, 1, 2};
        exec_future *f[5];
        exec_completion *c;

        (void)fx;
        for (int i = 0; i < 5; i++)
                f[i] = exec_promise_new(NULL);
        c = exec_as_completed(f, 5);
        for (int i = 0; i < 5; i++)
                EXPECT_EQ(exec_promise_set(f[order[i]], VAL(order[i])), 0);
        for (int i = 0; i < 5; i++) {
                void *tag = NULL;

                EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, &tag), 1);
                EXPECT_PTR(tag, order[i]);
        }
        exec_completion_free(c);
        exec_future_unref_all(f, 5);
}

static void test_S2_the_same_handles_come_out(struct fixture *fx)
{
        exec_future *f[4], *next;
        exec_completion *c;
        bool seen[4] = {false};

        (void)fx;
        f[0] = exec_create_task(task_value, &a_value);
        f[1] = exec_promise_new(NULL);
        f[2] = exec_sleep_future(EXEC_MS(1));
        f[3] = exec_gather_future(f, 3, 0);
        EXPECT_EQ(exec_completion_new(&c), 0);
        for (int i = 0; i < 4; i++)
                EXPECT_EQ(exec_completion_add(c, f[i], f[i]), 0);
        EXPECT_EQ(exec_promise_set(f[1], NULL), 0);
        for (int i = 0; i < 4; i++) {
                void *tag = NULL;

                EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, &next, &tag), 1);
                EXPECT_PTR(next, tag);
                for (int k = 0; k < 4; k++)
                        if (f[k] == next) {
                                EXPECT(!seen[k]);
                                seen[k] = true;
                        }
                exec_future_unref(next);
        }
        EXPECT(seen[0] && seen[1] && seen[2] && seen[3]);
        exec_completion_free(c);
        exec_future_unref_all(f, 4);
}

static void test_S3_deadline(struct fixture *fx)
{
        exec_future *f[2] = {exec_create_task(task_sleep, NS(EXEC_MS(10))), exec_promise_new(NULL)};
        exec_completion *c = exec_as_completed(f, 2);
        int64_t deadline = exec_now() + EXEC_MS(60);
        void *tag = NULL;

        (void)fx;
        EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, &tag), 1);
        EXPECT_PTR(tag, 0);
        EXPECT_EQ(exec_completion_next(c, deadline, NULL, &tag), -ETIMEDOUT);
        EXPECT(exec_now() >= deadline);
        EXPECT_EQ(exec_completion_pending(c), 1);
        EXPECT_PENDING(f[1]); /* not cancelled: it finishes later */
        EXPECT_EQ(exec_promise_set(f[1], &b_value), 0);
        EXPECT_EQ(exec_completion_next(c, deadline, NULL, &tag), 1);
        EXPECT_PTR(tag, 1);
        EXPECT_DONE(f[1], &b_value);
        exec_completion_free(c);
        exec_future_unref_all(f, 2);
}

static void test_S5_go_on_after_a_break(struct fixture *fx)
{
        exec_future *f[4];
        exec_completion *c;
        bool seen[4] = {false};

        (void)fx;
        for (int i = 0; i < 4; i++) {
                f[i] = exec_create_task(task_value, VAL(i));
                EXPECT_EQ(exec_await(f[i], NULL), 0);
        }
        c = exec_as_completed(f, 4);
        for (int part = 0; part < 2; part++)
                for (int i = 0; i < 2; i++) {
                        void *tag = NULL;

                        EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, &tag), 1);
                        EXPECT(!seen[(intptr_t)tag]);
                        seen[(intptr_t)tag] = true;
                }
        EXPECT(seen[0] && seen[1] && seen[2] && seen[3]);
        EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, NULL), 0);
        exec_completion_free(c);
        exec_future_unref_all(f, 4);
}

struct consumer {
        exec_completion *c;
        int64_t deadline_ns;
        _Atomic(int) begun, *counts, n_taken;
};

static int take_one(void *arg, void **value)
{
        struct consumer *k = arg;
        int rc;

        atom_add(&k->begun, 1, ACQ_REL);
        rc = exec_completion_next(k->c, k->deadline_ns, NULL, value);
        return rc == 1 ? 0 : rc == 0 ? -ENOENT : rc;
}

/* Two wait before anything has finished; whoever waits gets the first that finishes, whatever its number. */
static void test_S6_two_wait_before_anything_finished(struct fixture *fx)
{
        exec_future *f[2] = {exec_promise_new(NULL), exec_promise_new(NULL)}, *task[2];
        struct consumer k = {exec_as_completed(f, 2), EXEC_FOREVER, 0, NULL, 0};
        exec_completion *ended;
        void *first = NULL, *second = NULL, *who = NULL;

        for (int i = 0; i < 2; i++)
                task[i] = exec_create_task(take_one, &k);
        ended = exec_as_completed(task, 2);
        fixture_wait(&k.begun, 2);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_promise_set(f[1], NULL), 0);
        EXPECT_EQ(exec_completion_next(ended, EXEC_FOREVER, NULL, &who), 1);
        EXPECT_EQ(exec_await(task[(intptr_t)who], &first), 0);
        EXPECT_PTR(first, 1);
        EXPECT_PENDING(task[1 - (intptr_t)who]);
        EXPECT_EQ(exec_promise_set(f[0], NULL), 0);
        EXPECT_EQ(exec_await(task[1 - (intptr_t)who], &second), 0);
        EXPECT_PTR(second, 0);
        exec_completion_free(ended);
        exec_completion_free(k.c);
        exec_future_unref_all(task, 2);
        exec_future_unref_all(f, 2);
}

static int take_all(void *arg, void **value)
{
        struct consumer *k = arg;
        void *tag;
        int rc;

        *value = NULL;
        while ((rc = exec_completion_next(k->c, EXEC_FOREVER, NULL, &tag)) == 1) {
                atom_add(&k->counts[(intptr_t)tag], 1, ACQ_REL);
                atom_add(&k->n_taken, 1, ACQ_REL);
        }
        return rc;
}

static void *take_all_on_thread(void *arg)
{
        void *value;

        return VAL(take_all(arg, &value));
}

static void test_S7_each_to_exactly_one_consumer(struct fixture *fx)
{
        enum { MAX = 2000, CONSUMERS = 4 };
        int n = (int)test_rounds(MAX); /* each of them is a round */
        exec_future **f = calloc((size_t)n, sizeof(exec_future *)), *task[CONSUMERS];
        _Atomic(int) *counts = calloc((size_t)n, sizeof *counts);
        struct consumer k = {NULL, EXEC_FOREVER, 0, counts, 0};
        pthread_t thread;
        void *rc;

        (void)fx;
        for (int i = 0; i < n; i++)
                f[i] = i % 10 ? exec_create_task(task_value, NULL) : exec_sleep_future(EXEC_US(10 * i));
        k.c = exec_as_completed(f, (size_t)n);
        for (int i = 0; i < CONSUMERS; i++)
                task[i] = exec_create_task(take_all, &k);
        pthread_create(&thread, NULL, take_all_on_thread, &k);
        EXPECT_EQ(exec_gather(task, CONSUMERS, NULL, EXEC_UNREF), 0);
        pthread_join(thread, &rc);
        EXPECT_PTR(rc, 0);
        EXPECT_EQ(atom_load(&k.n_taken, ACQUIRE), n);
        for (int i = 0; i < n; i++)
                EXPECT_EQ(atom_load(&counts[i], ACQUIRE), 1);
        exec_completion_free(k.c);
        exec_future_unref_all(f, (size_t)n);
        free(f);
        free(counts);
}

static void test_S9_arguments(struct fixture *fx)
{
        exec_future *f[2] = {exec_promise_new(NULL), NULL};
        exec_completion *c;

        (void)fx;
        EXPECT_PTR(exec_as_completed(NULL, 2), NULL);
        EXPECT_PTR(exec_as_completed(f, 2), NULL);
        EXPECT_EQ(exec_completion_new(NULL), -EINVAL);
        EXPECT_EQ(exec_completion_new(&c), 0);
        EXPECT_EQ(exec_completion_add(c, NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_completion_add(NULL, f[0], NULL), -EINVAL);
        EXPECT_EQ(exec_completion_next(NULL, EXEC_FOREVER, NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_completion_pending(c), 0);
        EXPECT_EQ(exec_completion_pending(NULL), 0);
        exec_completion_free(NULL);
        exec_completion_free(c);
        exec_future_unref(f[0]);
}

static void test_S10_done_before_and_running(struct fixture *fx)
{
        exec_future *f[5];
        exec_completion *c;
        bool seen[5] = {false};

        (void)fx;
        for (int i = 0; i < 3; i++)
                f[i] = exec_promise_new(NULL);
        EXPECT_EQ(exec_promise_set(f[0], &a_value), 0);
        EXPECT_EQ(exec_promise_fail(f[1], -EIO), 0);
        EXPECT_EQ(exec_cancel(f[2], NULL), 1);
        f[3] = exec_create_task(task_sleep, NS(EXEC_MS(10)));
        f[4] = exec_create_task(task_sleep, NS(EXEC_MS(20)));
        c = exec_as_completed(f, 5);
        for (int i = 0; i < 5; i++) {
                void *tag = NULL;

                EXPECT_EQ(exec_completion_next(c, i < 3 ? 0 : EXEC_FOREVER, NULL, &tag), 1);
                EXPECT(!seen[(intptr_t)tag]);
                seen[(intptr_t)tag] = true;
                EXPECT_EQ((intptr_t)tag < 3, i < 3);
        }
        EXPECT_EQ(exec_future_done(f[4]), true);
        EXPECT_FAILED(f[1], -EIO);
        exec_completion_free(c);
        exec_future_unref_all(f, 5);
}

static void test_S11_no_time_at_all(struct fixture *fx)
{
        static const int64_t patience_ns[] = {0, EXEC_MS(20)};

        (void)fx;
        for (size_t k = 0; k < N_OF(patience_ns); k++) {
                exec_future *f[4];
                exec_completion *c;
                int64_t deadline;

                for (int i = 0; i < 4; i++) {
                        f[i] = exec_promise_new(NULL);
                        if (i < 3)
                                EXPECT_EQ(exec_promise_set(f[i], NULL), 0);
                }
                c = exec_as_completed(f, 4);
                deadline = exec_now() + patience_ns[k];
                for (int i = 0; i < 3; i++)
                        EXPECT_EQ(exec_completion_next(c, deadline, NULL, NULL), 1);
                EXPECT_EQ(exec_completion_next(c, deadline, NULL, NULL), -ETIMEDOUT);
                EXPECT(exec_now() >= deadline);
                EXPECT_PENDING(f[3]);
                exec_completion_free(c);
                exec_future_unref_all(f, 4);
        }
}

static void test_S13_no_reference_to_what_was_handed_over(struct fixture *fx)
{
        enum { N = 5 };
        _Atomic(int) drops = 0;
        exec_completion *c;

        (void)fx;
        EXPECT_EQ(exec_completion_new(&c), 0);
        for (int i = 0; i < N; i++) {
                exec_future *f = exec_promise_new(drop_bump);

                EXPECT_EQ(exec_completion_add(c, f, NULL), 0);
                EXPECT_EQ(exec_promise_set(f, &drops), 0);
                exec_future_unref(f); /* the queue holds its own */
        }
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 0);
        for (int i = 0; i < N; i++) {
                exec_future *f = NULL;

                if (i % 2) {
                        EXPECT_EQ(exec_completion_next(c, 0, &f, NULL), 1);
                        EXPECT_EQ(atom_load(&drops, ACQUIRE), i);
                        exec_future_unref(f);
                } else {
                        EXPECT_EQ(exec_completion_next(c, 0, NULL, NULL), 1);
                }
                EXPECT_EQ(atom_load(&drops, ACQUIRE), i + 1);
        }
        exec_completion_free(c);
}

struct late_set {
        exec_future *_Atomic f;
        _Atomic(uint64_t) delay_ns;
};

static void set_late(void *arg)
{
        struct late_set *s = arg;

        fixture_spin((int64_t)atom_load(&s->delay_ns, ACQUIRE));
        EXPECT_EQ(exec_promise_set(atom_load(&s->f, ACQUIRE), NULL), 0);
}

/* Delivered, or counted as unfinished and delivered later; never both, never neither. */
static void test_S14_deadline_races_completion(struct fixture *fx)
{
        size_t rounds = test_rounds(500), n_in_time = 0;
        uint64_t random = 123456789;
        struct late_set s;
        struct rival r;

        (void)fx;
        rival_start(&r, set_late, &s);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f = exec_promise_new(NULL);
                exec_completion *c = exec_as_completed(&f, 1);
                int rc;

                atom_store(&s.f, f, RELEASE);
                atom_store(&s.delay_ns, test_random(&random) % 100000, RELEASE);
                rival_release(&r);
                rc = exec_completion_next(c, exec_now() + EXEC_US(50), NULL, NULL);
                rival_wait(&r);
                n_in_time += rc == 1;
                if (rc == 1) {
                        EXPECT_EQ(exec_completion_pending(c), 0);
                } else {
                        EXPECT_EQ(rc, -ETIMEDOUT);
                        EXPECT_EQ(exec_completion_pending(c), 1);
                        EXPECT_EQ(exec_completion_next(c, 0, NULL, NULL), 1);
                }
                EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, NULL), 0);
                exec_completion_free(c);
                exec_future_unref(f);
        }
        rival_stop(&r);
        fixture_both_orders(rounds, n_in_time);
}

static void test_S15_empty(struct fixture *fx)
{
        exec_completion *c = exec_as_completed(NULL, 0);
        uint64_t timers = fixture_stats(fx->pool).n_timers;

        EXPECT(c != NULL);
        EXPECT_EQ(exec_completion_pending(c), 0);
        EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, NULL), 0);
        EXPECT_EQ(exec_completion_next(c, exec_now() + EXEC_SEC(1000), NULL, NULL), 0);
        EXPECT_EQ(exec_completion_next(c, 0, NULL, NULL), 0);
        EXPECT_EQ(fixture_stats(fx->pool).n_timers, timers);
        exec_completion_free(c);
}

static void test_cancelled_consumer_takes_nothing(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL), *task;
        struct consumer k = {exec_as_completed(&f, 1), EXEC_FOREVER, 0, NULL, 0};
        void *tag = &k;

        task = exec_create_task(take_one, &k);
        fixture_wait(&k.begun, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(task, NULL), 1);
        EXPECT_EQ(exec_await(task, NULL), -ECANCELED);
        EXPECT_PENDING(f);
        EXPECT_EQ(exec_completion_pending(k.c), 1);
        EXPECT_EQ(exec_promise_set(f, NULL), 0);
        EXPECT_EQ(exec_completion_next(k.c, EXEC_FOREVER, NULL, &tag), 1);
        EXPECT_PTR(tag, 0);
        exec_completion_free(k.c);
        exec_future_unref(task);
        exec_future_unref(f);
}

/* A completion and the cancellation of the one waiting for it: it is handed over, or it stays for the other consumer. */
static void test_cancelled_consumer_passes_it_on(struct fixture *fx)
{
        size_t rounds = test_rounds(300);
        struct late_set s;
        struct rival r;

        (void)fx;
        rival_start(&r, set_late, &s);
        atom_store(&s.delay_ns, 0, RELAXED);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f = exec_promise_new(NULL), *task[2];
                struct consumer k = {exec_as_completed(&f, 1), EXEC_FOREVER, 0, NULL, 0};
                struct exec_outcome out[2];
                int n_got = 0;

                for (int j = 0; j < 2; j++)
                        task[j] = exec_create_task(take_one, &k);
                fixture_wait(&k.begun, 2);
                atom_store(&s.f, f, RELEASE);
                rival_release(&r);
                exec_cancel(task[i % 2], NULL);
                rival_wait(&r);
                /* The other one gets it, or finds the queue empty because the cancelled one had it. */
                EXPECT_EQ(exec_gather(task, 2, out, EXEC_COLLECT), 0);
                for (int j = 0; j < 2; j++)
                        n_got += out[j].state == EXEC_DONE;
                n_got += exec_completion_next(k.c, 0, NULL, NULL) == 1;
                EXPECT(n_got == 1 || (n_got == 0 && out[i % 2].state == EXEC_CANCELLED));
                EXPECT_EQ(exec_completion_pending(k.c), 0);
                exec_completion_free(k.c);
                exec_future_unref_all(task, 2);
                exec_future_unref(f);
        }
        rival_stop(&r);
}

static void test_add_while_draining(struct fixture *fx)
{
        enum { MAX = 2000 };
        int n = (int)test_scale(MAX), added = 0, done = 0;
        exec_completion *c;
        void *tag;

        (void)fx;
        EXPECT_EQ(exec_completion_new(&c), 0);
        while (done < n) {
                exec_future *f = NULL;

                while (added < n && exec_completion_pending(c) < 16) {
                        f = exec_create_task(task_value, VAL(added));
                        EXPECT_EQ(exec_completion_add(c, f, VAL(added)), 0);
                        exec_future_unref(f);
                        added++;
                }
                if (!EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, &f, &tag), 1))
                        break;
                EXPECT_DONE(f, tag);
                exec_future_unref(f);
                done++;
        }
        EXPECT_EQ(done, n);
        EXPECT_EQ(exec_completion_pending(c), 0);
        exec_completion_free(c);
}

static void test_same_future_twice_in_a_queue(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_value, &a_value), *next;
        exec_completion *c;
        intptr_t sum = 0;

        (void)fx;
        EXPECT_EQ(exec_completion_new(&c), 0);
        for (int i = 1; i <= 3; i++)
                EXPECT_EQ(exec_completion_add(c, f, VAL(i)), 0);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(exec_completion_add(c, f, VAL(10)), 0);
        for (void *tag; exec_completion_next(c, EXEC_FOREVER, &next, &tag) == 1; sum += (intptr_t)tag) {
                EXPECT_PTR(next, f);
                exec_future_unref(next);
        }
        EXPECT_EQ(sum, 16);
        exec_completion_free(c);
        exec_future_unref(f);
}

static void test_left_half_way(struct fixture *fx)
{
        enum { N = 40 };
        exec_future *f[N];
        exec_completion *c;

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = i % 2 ? exec_create_task(task_sleep, NS(EXEC_MS(i / 4))) : exec_create_task(task_value, NULL);
        c = exec_as_completed(f, N);
        for (int i = 0; i < N / 4; i++)
                EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, NULL), 1);
        exec_completion_free(c);
        for (int i = 0; i < N; i++)
                EXPECT_EQ(exec_await(f[i], NULL), 0); /* they went on */
        exec_future_unref_all(f, N);
}

static int task_drops(void *arg, void **value)
{
        *value = arg;
        return exec_yield();
}

/* Freed while its futures finish. */
static void test_free_races_completion(struct fixture *fx)
{
        size_t rounds = test_rounds(1000);
        struct late_set s;
        struct rival r;

        (void)fx;
        rival_start(&r, set_late, &s);
        atom_store(&s.delay_ns, 0, RELAXED);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f[2] = {exec_promise_new(NULL), exec_promise_new(NULL)};
                exec_completion *c = exec_as_completed(f, 2);

                atom_store(&s.f, f[0], RELEASE);
                rival_release(&r);
                if (i % 2)
                        exec_completion_next(c, 0, NULL, NULL);
                exec_completion_free(c);
                rival_wait(&r);
                EXPECT_EQ(exec_promise_set(f[1], NULL), 0);
                exec_future_unref_all(f, 2);
        }
        rival_stop(&r);
}

/* ---- the queue takes the caller's references over ---- */

static exec_future *dropped_promise(_Atomic(int) *drops, bool done)
{
        exec_future *f = exec_promise_new(drop_bump);

        if (done)
                EXPECT_EQ(exec_promise_set(f, drops), 0);
        return f;
}

static void test_references_taken_over(struct fixture *fx)
{
        enum { N = 6 };
        _Atomic(int) drops = 0;
        exec_future *f[N], *next = NULL;
        exec_completion *c;
        void *tag = NULL;

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = dropped_promise(&drops, i % 2);
        c = exec_as_completed_with(f, N, EXEC_UNREF);
        EXPECT_EQ(exec_completion_pending(c), N);
        for (int i = 0; i < N; i += 2)
                EXPECT_EQ(exec_promise_set(f[i], &drops), 0);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 0);
        for (int i = 0; i < N; i++) {
                EXPECT_EQ(exec_completion_next(c, 0, &next, &tag), 1);
                EXPECT_PTR(next, f[(intptr_t)tag]);
                EXPECT_EQ(atom_load(&drops, ACQUIRE), i);
                exec_future_unref(next);
                EXPECT_EQ(atom_load(&drops, ACQUIRE), i + 1); /* there was no other reference */
        }
        exec_completion_free(c);
        c = exec_as_completed_with(NULL, 0, EXEC_UNREF);
        EXPECT(c != NULL);
        exec_completion_free(c);
}

/* In every case: also where there is no queue to take them. */
static void test_references_taken_over_in_vain(struct fixture *fx)
{
        _Atomic(int) drops = 0;
        exec_future *f[3] = {dropped_promise(&drops, true), NULL, dropped_promise(&drops, true)};
        uint64_t fired = 1;
        int expected = 2;

        fixture_settle(fx->pool);
        EXPECT_PTR(exec_as_completed_with(f, 3, 0), NULL);
        EXPECT_PTR(exec_as_completed_with(f, 3, EXEC_COLLECT), NULL);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 0);
        EXPECT_PTR(exec_as_completed_with(f, 3, EXEC_UNREF), NULL);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), expected);
        EXPECT_PTR(exec_as_completed_with(NULL, 3, EXEC_UNREF), NULL);
        EXPECT_PTR(exec_as_completed_with(f, SIZE_MAX / 2, EXEC_UNREF), NULL); /* no array is so long */

        f[0] = dropped_promise(&drops, true);
        f[1] = dropped_promise(&drops, true);
        EXPECT_PTR(exec_as_completed_with(f, 2, EXEC_COLLECT), NULL);
        EXPECT_PTR(exec_as_completed_with(f, 2, 1u << 31), NULL);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), expected);
        EXPECT_PTR(exec_as_completed_with(f, 2, EXEC_UNREF | 1u << 31), NULL);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), expected += 2);

        for (uint64_t n = 1; fired; n++) {
                exec_completion *c;

                f[0] = dropped_promise(&drops, true);
                f[1] = dropped_promise(&drops, true);
                if (!fixture_fault_arm(FAIL_ALLOC, n, false))
                        fired = 0;
                c = exec_as_completed_with(f, 2, EXEC_UNREF);
                if (fired)
                        fired = fixture_fault_disarm();
                EXPECT_EQ(c == NULL, fired > 0);
                exec_completion_free(c);
                EXPECT_EQ(atom_load(&drops, ACQUIRE), expected += 2);
        }
}

static void test_references_of_a_queue_left_half_way(struct fixture *fx)
{
        enum { N = 9 };
        _Atomic(int) drops = 0;
        exec_future *f[N];
        exec_completion *c;

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = i % 3 ? dropped_promise(&drops, i % 3 == 1) : exec_create_task(task_forever, NULL);
        for (int i = 0; i < N; i += 3)
                exec_future_ref(f[i]);
        c = exec_as_completed_with(f, N, EXEC_UNREF);
        EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, NULL), 1);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 1);
        exec_completion_free(c);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 3); /* those that were done; the pending promises went without a value */
        for (int i = 0; i < N; i += 3) {
                EXPECT_PENDING(f[i]); /* it goes on */
                EXPECT_EQ(exec_cancel(f[i], NULL), 1);
                EXPECT_EQ(exec_await(f[i], NULL), -ECANCELED);
                exec_future_unref(f[i]);
        }
}

/* Tasks of which only the queue knows end before they are linked, or after, or are left behind. */
static void test_references_while_tasks_end(struct fixture *fx)
{
        enum { N = 32 };
        size_t rounds = test_rounds(200);

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                _Atomic(int) drops = 0;
                struct exec_task_options o;
                exec_future *f[N];
                exec_completion *c;
                int n = i % 3 ? N : N / 2;

                exec_task_options_init(&o, sizeof o);
                o.drop_value = drop_bump;
                for (int k = 0; k < N; k++)
                        f[k] = exec_create_task_with(task_drops, &drops, &o);
                if (i % 4 == 0)
                        fixture_wait_done(f[0]);
                c = exec_as_completed_with(f, N, EXEC_UNREF);
                for (int k = 0; k < n; k++)
                        EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, NULL), 1);
                EXPECT(atom_load(&drops, ACQUIRE) >= n);
                exec_completion_free(c);
                fixture_wait(&drops, N);
        }
}

static const struct fixture_case cases[] = {
        CASE(test_S1_order_of_finishing),
        CASE(test_S1_order_is_exact),
        CASE(test_S2_the_same_handles_come_out),
        CASE(test_S3_deadline),
        CASE(test_S5_go_on_after_a_break),
        CASE(test_S6_two_wait_before_anything_finished),
        CASE(test_S7_each_to_exactly_one_consumer),
        CASE(test_S9_arguments),
        CASE(test_S10_done_before_and_running),
        CASE(test_S11_no_time_at_all),
        CASE(test_S13_no_reference_to_what_was_handed_over),
        CASE(test_S14_deadline_races_completion),
        CASE(test_S15_empty),
        CASE(test_cancelled_consumer_takes_nothing),
        CASE(test_cancelled_consumer_passes_it_on),
        CASE(test_add_while_draining),
        CASE(test_same_future_twice_in_a_queue),
        CASE(test_left_half_way),
        CASE(test_free_races_completion),
        CASE(test_references_taken_over),
        CASE(test_references_taken_over_in_vain),
        CASE(test_references_of_a_queue_left_half_way),
        CASE(test_references_while_tasks_end),
};

FIXTURE_MAIN("as_completed", cases)
