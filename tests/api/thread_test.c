/* thread_test.c - plain threads and tasks together: section 22 of docs/CONFORMANCE.md. */
#include "fixture.h"

static char forty_two;

static void test_Y1_submit_and_block(struct fixture *fx)
{
        exec_future *ok = exec_create_task(task_sleep, NS(EXEC_MS(5)));
        exec_future *bad = exec_create_task(task_fail, ERR(-EIO));
        exec_future *gone = exec_create_task(task_fail, ERR(-ECANCELED));
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_await(ok, &value), 0);
        EXPECT_PTR(value, NS(EXEC_MS(5)));
        EXPECT_EQ(exec_await(bad, NULL), -EIO);
        EXPECT_EQ(exec_await(gone, NULL), -ECANCELED);
        EXPECT_CANCELLED(gone);
        exec_future_unref(ok);
        exec_future_unref(bad);
        exec_future_unref(gone);
}

static void test_Y2_deadline_then_cancel(struct fixture *fx)
{
        int64_t deadline = exec_now() + EXEC_MS(15);
        exec_future *f = exec_create_task(task_sleep, NS(EXEC_SEC(1000)));

        EXPECT_EQ(exec_await_until(f, deadline, NULL), -ETIMEDOUT);
        EXPECT(exec_now() >= deadline);
        EXPECT_PENDING(f);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await_until(f, EXEC_FOREVER, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
        EXPECT_EQ(fixture_stats(fx->pool).n_timers, 0);
}

struct remote {
        exec_future *f;
        _Atomic(int) blocks;
        int rc;
};

static void *await_remote(void *arg)
{
        struct remote *r = arg;

        atom_store(&r->blocks, 1, RELEASE);
        r->rc = exec_await(r->f, NULL);
        return NULL;
}

static void test_Y3_handle_cancelled(struct fixture *fx)
{
        exec_future *inner = exec_promise_new(NULL), *f;
        struct awaiter a = {inner, 0};
        struct remote r;
        pthread_t thread;

        f = exec_create_task(task_await_noted, &a);
        r = (struct remote){f, 0, 1};
        pthread_create(&thread, NULL, await_remote, &r);
        fixture_wait(&r.blocks, 1);
        fixture_wait(&a.begun, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED); /* before the join, which may hold the only worker */
        pthread_join(thread, NULL);
        EXPECT_EQ(r.rc, -ECANCELED);
        EXPECT_CANCELLED(f);
        EXPECT_CANCELLED(inner);
        exec_future_unref(f);
        exec_future_unref(inner);
}

struct thread_work {
        _Atomic(int) *sum;
        int bad;
};

static void *submit_ten(void *arg)
{
        struct thread_work *w = arg;
        exec_future *f[10];
        struct exec_outcome out[10];

        for (int i = 0; i < 10; i++)
                f[i] = i % 5 == 4 ? exec_create_task(task_fail, ERR(-100 - i)) : exec_create_task(task_bump, w->sum);
        for (int i = 0; i < 5; i++)
                w->bad += exec_await(f[i], NULL) != (i % 5 == 4 ? -100 - i : 0);
        w->bad += exec_gather(f, 10, out, EXEC_COLLECT | EXEC_UNREF) != 0;
        for (int i = 0; i < 10; i++) {
                if (i % 5 == 4)
                        w->bad += out[i].state != EXEC_FAILED || out[i].err != -100 - i;
                else
                        w->bad += out[i].state != EXEC_DONE || out[i].value != w->sum;
        }
        return NULL;
}

static void test_Y6_ten_threads(struct fixture *fx)
{
        enum { N = 10 };
        _Atomic(int) sum = 0;
        struct thread_work w[N];
        pthread_t thread[N];

        (void)fx;
        for (int i = 0; i < N; i++) {
                w[i] = (struct thread_work){&sum, 0};
                pthread_create(&thread[i], NULL, submit_ten, &w[i]);
        }
        for (int i = 0; i < N; i++) {
                pthread_join(thread[i], NULL);
                EXPECT_EQ(w[i].bad, 0);
        }
        EXPECT_EQ(atom_load(&sum, ACQUIRE), 8 * N);
}

static void *unref_it(void *arg)
{
        exec_future_unref(arg);
        return NULL;
}

static void test_Y7_last_reference_on_another_thread(struct fixture *fx)
{
        _Atomic(int) drops = 0;
        struct exec_task_options o;
        pthread_t thread[4];
        exec_future *f[4];

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.drop_value = drop_bump;
        f[0] = exec_create_task_with(task_value, &drops, &o);
        f[1] = exec_create_task_with(task_value, &drops, &o);
        f[2] = exec_promise_new(drop_bump);
        f[3] = exec_sleep_future(EXEC_SEC(1000));
        EXPECT_EQ(exec_await(f[0], NULL), 0);
        EXPECT_EQ(exec_promise_set(f[2], &drops), 0);
        EXPECT_EQ(exec_cancel(f[3], NULL), 1);
        for (int i = 0; i < 4; i++)
                pthread_create(&thread[i], NULL, unref_it, f[i]);
        for (int i = 0; i < 4; i++)
                pthread_join(thread[i], NULL);
        fixture_wait(&drops, 3);
}

struct shared_refs {
        exec_future *_Atomic f;
};

static void unref_shared(void *arg)
{
        struct shared_refs *s = arg;

        exec_future_unref(atom_load(&s->f, ACQUIRE));
}

/* Two threads and the task's end give the last references up at once. */
static void test_Y7_last_references_race(struct fixture *fx)
{
        size_t rounds = test_rounds(1000);
        _Atomic(int) drops = 0;
        struct exec_task_options o;
        struct shared_refs s = {NULL};
        struct rival r;

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.drop_value = drop_bump;
        rival_start(&r, unref_shared, &s);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f = exec_create_task_with(task_value, &drops, &o);

                atom_store(&s.f, exec_future_ref(f), RELEASE);
                rival_release(&r);
                exec_future_unref(f);
                rival_wait(&r);
        }
        rival_stop(&r);
        fixture_wait(&drops, (int)rounds);
}

struct relay {
        exec_future *to_task, *to_thread;
};

static int answer(void *arg, void **value)
{
        struct relay *r = arg;
        void *question = NULL;
        int rc = exec_await(r->to_task, &question);

        *value = NULL;
        return rc ? rc : exec_promise_set(r->to_thread, VAL((intptr_t)question + 1));
}

static void test_thread_and_task_answer_each_other(struct fixture *fx)
{
        size_t rounds = test_rounds(300);

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                struct relay r = {exec_promise_new(NULL), exec_promise_new(NULL)};
                exec_future *f = exec_create_task(answer, &r);
                void *value = NULL;

                EXPECT_EQ(exec_promise_set(r.to_task, VAL(i)), 0);
                EXPECT_EQ(exec_await(r.to_thread, &value), 0);
                EXPECT_PTR(value, i + 1);
                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
                exec_future_unref(r.to_task);
                exec_future_unref(r.to_thread);
        }
}

struct visible {
        long plain[8];
        exec_future *done;
};

static int write_plainly(void *arg, void **value)
{
        struct visible *v = arg;

        for (int i = 0; i < 8; i++)
                v->plain[i] = v->plain[i] * 2 + 1;
        *value = NULL;
        return 0;
}

/* All before the creation is visible to the task, all of the task to whoever awaited it. */
static void test_plain_writes_are_ordered(struct fixture *fx)
{
        size_t rounds = test_rounds(500);
        struct visible v = {{0}, NULL};
        long expected = 0;

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f;

                for (int k = 0; k < 8; k++)
                        v.plain[k] += k;
                f = exec_create_task(write_plainly, &v);
                switch (i % 4) {
                case 0:
                        EXPECT_EQ(exec_await(f, NULL), 0);
                        break;
                case 1:
                        EXPECT_EQ(exec_gather(&f, 1, NULL, 0), 0);
                        break;
                case 2:
                        while (!exec_future_done(f))
                                exec_yield();
                        break;
                case 3: {
                        exec_completion *c = exec_as_completed(&f, 1);

                        EXPECT_EQ(exec_completion_next(c, EXEC_FOREVER, NULL, NULL), 1);
                        exec_completion_free(c);
                        break;
                }
                }
                exec_future_unref(f);
                expected = (expected + 7) * 2 + 1;
                EXPECT_EQ(v.plain[7], expected);
                if (expected > 1000000)
                        for (int k = 0; k < 8; k++)
                                v.plain[k] = expected = 0;
        }
}

static void test_waits_on_a_plain_thread(struct fixture *fx)
{
        exec_future *f = exec_promise_new(NULL);

        (void)fx;
        EXPECT_EQ(exec_yield(), 0);
        EXPECT_EQ(exec_sleep(EXEC_MS(1)), 0);
        EXPECT_EQ(exec_await_until(f, exec_now() + EXEC_MS(5), NULL), -ETIMEDOUT);
        EXPECT_EQ(exec_promise_set(f, &forty_two), 0);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_PTR(exec_current_task(), NULL);
        exec_future_unref(f);
}

static const struct fixture_case cases[] = {
        CASE(test_Y1_submit_and_block),
        CASE(test_Y2_deadline_then_cancel),
        CASE(test_Y3_handle_cancelled),
        CASE_THREAD(test_Y6_ten_threads),
        CASE(test_Y7_last_reference_on_another_thread),
        CASE(test_Y7_last_references_race),
        CASE(test_thread_and_task_answer_each_other),
        CASE(test_plain_writes_are_ordered),
        CASE_THREAD(test_waits_on_a_plain_thread),
};

FIXTURE_MAIN("thread", cases)
