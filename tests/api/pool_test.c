/* pool_test.c - pools: start, stop, what they refuse and what they tell: section 20 of docs/CONFORMANCE.md. */
#include "fixture.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char forty_two;

static exec_pool *pool_of(unsigned n_workers)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = n_workers;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        return pool;
}

static void test_U1_number_of_workers(struct fixture *fx)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        (void)fx;
        exec_pool_options_init(&o, sizeof o);
        EXPECT_EQ(o.n_workers, 0);
        EXPECT_EQ(exec_pool_new(&pool, &o), 0); /* 0 is the default */
        EXPECT(exec_pool_n_workers(pool) >= 1);
        EXPECT_EQ(exec_pool_free(pool), 0);
        pool = NULL;
        o.n_workers = (unsigned)-1;
        EXPECT_EQ(exec_pool_new(&pool, &o), -EINVAL);
        EXPECT_PTR(pool, NULL);
        for (unsigned n = 1; n <= 16; n *= 4) {
                pool = pool_of(n);
                EXPECT_EQ(exec_pool_n_workers(pool), n);
                EXPECT_EQ(fixture_stats(pool).n_workers, n);
                EXPECT_EQ(exec_pool_free(pool), 0);
        }
}

static void test_U2_as_many_as_usable_cpus(struct fixture *fx)
{
        cpu_set_t all, one;
        exec_pool *pool = pool_of(0);
        int cpu = 0;

        (void)fx;
        EXPECT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
        EXPECT(exec_pool_n_workers(pool) >= 1);
        EXPECT(exec_pool_n_workers(pool) <= (unsigned)CPU_COUNT(&all));
        EXPECT_EQ(exec_pool_free(pool), 0);
        while (!CPU_ISSET(cpu, &all))
                cpu++;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        EXPECT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
        pool = pool_of(0);
        EXPECT_EQ(exec_pool_n_workers(pool), 1);
        EXPECT_EQ(exec_pool_free(pool), 0);
        EXPECT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
}

static void test_U3_never_more_threads(struct fixture *fx)
{
        enum { N = 60 };
        size_t before = fixture_n_threads();
        exec_pool *pool = pool_of(4);
        exec_future *gate = exec_promise_new(NULL), *f[N];

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = create_in(pool, i % 2 ? task_await : task_sleep, i % 2 ? (void *)gate : NS(EXEC_MS(20)));
        for (int i = 0; i < 20; i++) {
                EXPECT(fixture_n_threads() <= before + 4);
                exec_sleep(EXEC_MS(2));
        }
        EXPECT_EQ(fixture_stats(pool).n_workers, 4);
        EXPECT_EQ(exec_promise_set(gate, NULL), 0);
        EXPECT_EQ(exec_gather(f, N, NULL, EXEC_UNREF), 0);
        EXPECT(fixture_n_threads() <= before + 4);
        exec_future_unref(gate);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

struct stage {
        _Atomic(int) running, go;
        volatile unsigned turns;
};

static int run_until_told(void *arg, void **value)
{
        struct stage *s = arg;

        *value = NULL;
        atom_store(&s->running, 1, RELEASE);
        while (!atom_load(&s->go, ACQUIRE))
                s->turns++;
        return 0;
}

/* The answers of cancel: queued 1, running 1 (a request), cancelled 0, finished 0. */
static void test_U9_cancel_in_every_state(struct fixture *fx)
{
        struct stage s = {0, 0, 0};
        exec_pool *pool = pool_of(1);
        exec_future *running = create_in(pool, run_until_told, &s), *queued, *finished;

        (void)fx;
        fixture_wait(&s.running, 1);
        queued = create_in(pool, task_value, NULL);
        EXPECT_EQ(exec_cancel(queued, NULL), 1);
        EXPECT_EQ(exec_cancel(running, NULL), 1);
        EXPECT_PENDING(running);
        EXPECT_EQ(exec_cancel(queued, NULL), 0);
        EXPECT_CANCELLED(queued);
        atom_store(&s.go, 1, RELEASE);
        EXPECT_EQ(exec_await(running, NULL), -ECANCELED);
        finished = create_in(pool, task_value, &forty_two);
        EXPECT_EQ(exec_await(finished, NULL), 0);
        EXPECT_EQ(exec_cancel(finished, NULL), 0);
        EXPECT_DONE(finished, &forty_two);
        exec_future_unref(queued);
        exec_future_unref(running);
        exec_future_unref(finished);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

struct blocked {
        exec_future *f;
        _Atomic(int) blocks;
        int rc;
        void *value;
};

static void *block_in_await(void *arg)
{
        struct blocked *b = arg;

        atom_store(&b->blocks, 1, RELEASE);
        b->rc = exec_await(b->f, &b->value);
        return NULL;
}

static void test_U10_blocked_thread_wakes(struct fixture *fx)
{
        (void)fx;
        for (int how = 0; how < 3; how++) {
                struct blocked b = {exec_promise_new(NULL), 0, 1, NULL};
                pthread_t thread;

                pthread_create(&thread, NULL, block_in_await, &b);
                fixture_wait(&b.blocks, 1);
                exec_sleep(EXEC_MS(5));
                switch (how) {
                case 0:
                        EXPECT_EQ(exec_promise_set(b.f, &forty_two), 0);
                        break;
                case 1:
                        EXPECT_EQ(exec_promise_fail(b.f, -EIO), 0);
                        break;
                case 2:
                        EXPECT_EQ(exec_cancel(b.f, NULL), 1);
                        break;
                }
                pthread_join(thread, NULL);
                EXPECT_EQ(b.rc, how == 0 ? 0 : how == 1 ? -EIO : -ECANCELED);
                EXPECT_PTR(b.value, how == 0 ? &forty_two : NULL);
                exec_future_unref(b.f);
        }
}

static void test_U11_after_shutdown(struct fixture *fx)
{
        _Atomic(int) drops = 0;
        exec_pool *pool = pool_of(2);
        struct exec_task_options o;
        exec_future *f;

        (void)fx;
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, EXEC_FOREVER), 0);
        f = create_in(pool, task_value, NULL);
        EXPECT_FAILED(f, -ESHUTDOWN);
        EXPECT_EQ(exec_await(f, NULL), -ESHUTDOWN);
        EXPECT_EQ(exec_cancel(f, NULL), 0);
        exec_future_unref(f);
        exec_task_options_init(&o, sizeof o);
        o.pool = pool;
        o.drop_arg = drop_bump;
        f = exec_create_task_with(task_value, &drops, &o);
        EXPECT_FAILED(f, -ESHUTDOWN);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 1);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, EXEC_FOREVER), 0);
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_CANCEL, 0), 0);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

struct submitter {
        exec_pool *pool;
        _Atomic(int) stop, runs;
        int n_accepted, n_refused, n_cancelled;
};

static void *submit_until_refused(void *arg)
{
        struct submitter *s = arg;

        while (!s->n_refused) {
                exec_future *f = create_in(s->pool, task_bump, &s->runs);
                int rc = exec_await(f, NULL);

                if (rc == 0)
                        s->n_accepted++;
                else if (rc == -ECANCELED)
                        s->n_cancelled++;
                else
                        s->n_refused++;
                EXPECT(rc == 0 || rc == -ECANCELED || rc == -ESHUTDOWN);
                exec_future_unref(f);
        }
        return NULL;
}

/* A task submitted while the pool shuts down has run, was cancelled, or was refused; none is lost. */
static void test_U11_submit_races_shutdown(struct fixture *fx)
{
        size_t rounds = test_rounds(100);

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                struct submitter s = {pool_of(2), 0, 0, 0, 0, 0};
                pthread_t thread;

                pthread_create(&thread, NULL, submit_until_refused, &s);
                exec_sleep(EXEC_US(20) * (int64_t)(i % 20));
                EXPECT_EQ(exec_pool_shutdown(s.pool, i % 2 ? EXEC_CANCEL : EXEC_DRAIN, EXEC_FOREVER), 0);
                pthread_join(thread, NULL);
                /* One cancelled while its body ran has run too. */
                EXPECT(atom_load(&s.runs, ACQUIRE) >= s.n_accepted);
                EXPECT(atom_load(&s.runs, ACQUIRE) <= s.n_accepted + s.n_cancelled);
                EXPECT(i % 2 || !s.n_cancelled);
                EXPECT_EQ(exec_pool_free(s.pool), 0);
        }
}

static void test_U13_shutdown_cancels_the_queued(struct fixture *fx)
{
        enum { N = 50 };
        exec_pool *pool = pool_of(2);
        _Atomic(int) runs = 0;
        exec_future *f[N];
        int n_done = 0;

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = i % 5 ? create_in(pool, task_bump, &runs) : create_in(pool, task_sleep, NS(EXEC_SEC(1000)));
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_CANCEL, EXEC_FOREVER), 0);
        for (int i = 0; i < N; i++) {
                struct exec_outcome o;

                EXPECT_EQ(exec_future_outcome(f[i], &o), 0);
                EXPECT(o.state == EXEC_CANCELLED || (o.state == EXEC_DONE && i % 5));
                n_done += o.state == EXEC_DONE;
        }
        EXPECT(atom_load(&runs, ACQUIRE) >= n_done); /* one that was cancelled while it ran ends as cancelled */
        exec_future_unref_all(f, N);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_U13_shutdown_drains(struct fixture *fx)
{
        enum { N = 50 };
        exec_pool *pool = pool_of(2);
        _Atomic(int) runs = 0;
        exec_future *f[N];

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = i % 5 ? create_in(pool, task_bump, &runs) : create_in(pool, task_sleep, NS(EXEC_MS(i)));
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, EXEC_FOREVER), 0);
        for (int i = 0; i < N; i++) {
                EXPECT(exec_future_done(f[i]));
                EXPECT_EQ(exec_await(f[i], NULL), 0);
        }
        EXPECT_EQ(atom_load(&runs, ACQUIRE), N - N / 5);
        exec_future_unref_all(f, N);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void quiet(int level, const char *message, void *ctx)
{
        (void)level;
        if (ctx && strstr(message, "the one that stays"))
                atom_add((_Atomic(int) *)ctx, 1, ACQ_REL);
}

static void test_U14_shutdown_without_waiting(struct fixture *fx)
{
        size_t threads = fixture_n_threads();
        exec_pool *pool = pool_of(2);
        _Atomic(int) runs = 0;
        exec_future *gate = exec_promise_new(NULL), *f[20];

        (void)fx;
        exec_set_log(quiet, NULL);
        f[0] = create_in(pool, task_await, gate);
        for (int i = 1; i < 20; i++)
                f[i] = create_in(pool, task_bump, &runs);
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, 0), -ETIMEDOUT);
        EXPECT_PENDING(f[0]);
        EXPECT_EQ(exec_promise_set(gate, NULL), 0);
        for (int i = 0; i < 20; i++)
                EXPECT_EQ(exec_await(f[i], NULL), 0); /* the queue is finished all the same */
        EXPECT_EQ(atom_load(&runs, ACQUIRE), 19);
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, EXEC_FOREVER), 0);
        EXPECT_EQ(fixture_n_threads(), threads + 2); /* here they end with the pool */
        exec_set_log(NULL, NULL);
        exec_future_unref_all(f, 20);
        exec_future_unref(gate);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static int swallow_until_told(void *arg, void **value)
{
        _Atomic(int) *told = arg;

        *value = NULL;
        while (!atom_load(told, ACQUIRE))
                exec_sleep(EXEC_MS(1));
        return 0;
}

/* A task that does not end: the deadline passes, the log names it, the pool goes on. */
static void test_U14_shutdown_with_a_deadline(struct fixture *fx)
{
        exec_pool *pool = pool_of(2);
        _Atomic(int) told = 0, named = 0;
        struct exec_task_options o;
        exec_future *f;
        int64_t deadline;

        (void)fx;
        exec_set_log(quiet, &named);
        exec_task_options_init(&o, sizeof o);
        o.pool = pool;
        o.name = "the one that stays";
        f = exec_create_task_with(swallow_until_told, &told, &o);
        for (int mode = EXEC_DRAIN; mode <= EXEC_CANCEL; mode++) {
                deadline = exec_now() + EXEC_MS(20);
                EXPECT_EQ(exec_pool_shutdown(pool, (enum exec_shutdown_mode)mode, deadline), -ETIMEDOUT);
                EXPECT(exec_now() >= deadline);
                EXPECT_PENDING(f);
        }
        EXPECT(atom_load(&named, ACQUIRE) >= 1);
        atom_store(&told, 1, RELEASE);
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_CANCEL, EXEC_FOREVER), 0);
        EXPECT(exec_future_done(f));
        exec_set_log(NULL, NULL);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_U15_submit_cancel_shutdown(struct fixture *fx)
{
        size_t rounds = test_rounds(200), n_cancelled = 0;

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                exec_pool *pool = pool_of(1 + i % 3);
                exec_future *f = create_in(pool, i % 2 ? task_forever : task_value, NULL);
                int cancelled, rc;

                fixture_go_on(i);
                if (i % 8 == 0) /* a wake takes longer than the call */
                        fixture_spin(EXEC_US(10) * (int64_t)(i / 8 % 20));
                cancelled = exec_cancel(f, NULL);
                n_cancelled += cancelled == 1;
                EXPECT_EQ(exec_pool_shutdown(pool, i % 4 < 2 ? EXEC_DRAIN : EXEC_CANCEL, EXEC_FOREVER), 0);
                EXPECT(exec_future_done(f));
                rc = exec_await(f, NULL);
                EXPECT_EQ(rc, cancelled ? -ECANCELED : 0);
                exec_future_unref(f);
                EXPECT_EQ(exec_pool_free(pool), 0);
        }
        fixture_both_orders(rounds, n_cancelled);
}

/* Freed without a shutdown: what is left is cancelled, every future is done and stays readable. */
static void test_U17_freed_without_shutdown(struct fixture *fx)
{
        enum { N = 30 };
        size_t threads = fixture_n_threads();
        exec_pool *pool = pool_of(3);
        exec_future *f[N], *never = exec_promise_new(NULL);
        int64_t end;

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = create_in(pool, i % 3 == 0 ? task_value : i % 3 == 1 ? task_forever : task_await, never);
        EXPECT_EQ(exec_pool_free(pool), 0);
        for (end = exec_now() + EXEC_SEC(10); fixture_n_threads() > threads && exec_now() < end;)
                sched_yield();
        EXPECT_EQ(fixture_n_threads(), threads);
        for (int i = 0; i < N; i++) {
                struct exec_outcome o;

                EXPECT_EQ(exec_future_outcome(f[i], &o), 0);
                EXPECT(o.state == EXEC_CANCELLED || (o.state == EXEC_DONE && i % 3 == 0));
                EXPECT(exec_await(f[i], NULL) <= 0);
                EXPECT_EQ(exec_cancel(f[i], NULL), 0);
        }
        exec_future_unref_all(f, N);
        exec_future_unref(never);
}

static exec_pool *late_pool;

static void submit_at_exit(void)
{
        exec_future *f = create_in(late_pool, task_value, NULL);
        int rc = exec_await(f, NULL);

        exec_future_unref(f);
        if (rc != -ESHUTDOWN)
                _exit(3);
        if (exec_pool_free(late_pool))
                _exit(4);
}

static void test_U19_submit_from_an_exit_handler(struct fixture *fx)
{
        (void)fx;
        EXPECT_EQ(atexit(submit_at_exit), 0);
        late_pool = pool_of(2);
        EXPECT_EQ(exec_pool_shutdown(late_pool, EXEC_DRAIN, EXEC_FOREVER), 0);
}

static void test_exit_with_a_busy_pool(struct fixture *fx)
{
        (void)fx;
        late_pool = pool_of(2);
        for (int i = 0; i < 100; i++)
                exec_future_unref(create_in(late_pool, i % 2 ? task_forever : task_value, NULL));
}

struct hook {
        _Atomic(int) ran[8], n, early, fail_on;
};

static _Thread_local int hooked;

static int start_hook(unsigned worker, void *ctx)
{
        struct hook *h = ctx;

        hooked = 1;
        atom_add(&h->ran[worker], 1, ACQ_REL);
        atom_add(&h->n, 1, ACQ_REL);
        return (int)worker == atom_load(&h->fail_on, ACQUIRE) ? -EIO : 0;
}

static int look_for_hook(void *arg, void **value)
{
        struct hook *h = arg;

        *value = NULL;
        if (!hooked || atom_load(&h->ran[exec_pool_worker()], ACQUIRE) != 1)
                atom_add(&h->early, 1, ACQ_REL);
        fixture_spin(EXEC_US(50));
        return 0;
}

static exec_pool *hooked_pool(struct hook *h, unsigned n_workers)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = n_workers;
        o.start_hook = start_hook;
        o.start_ctx = h;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        return pool;
}

static void test_U21_start_hook(struct fixture *fx)
{
        enum { N = 200 };
        struct hook h = {{0}, 0, 0, -1};
        exec_pool *pool = hooked_pool(&h, 4);
        exec_future *f[N];
        size_t n = test_scale(N);

        (void)fx;
        for (size_t i = 0; i < n; i++)
                f[i] = create_in(pool, look_for_hook, &h);
        EXPECT_EQ(exec_gather(f, n, NULL, EXEC_UNREF), 0);
        EXPECT_EQ(atom_load(&h.early, ACQUIRE), 0);
        EXPECT_EQ(exec_pool_free(pool), 0);
        EXPECT_EQ(atom_load(&h.n, ACQUIRE), 4);
        for (int i = 0; i < 4; i++)
                EXPECT_EQ(atom_load(&h.ran[i], ACQUIRE), 1);
}

static void test_U22_start_hook_fails(struct fixture *fx)
{
        (void)fx;
        exec_set_log(quiet, NULL);
        for (int bad = 0; bad < 2; bad++) {
                struct hook h = {{0}, 0, 0, bad};
                _Atomic(int) drops = 0;
                exec_pool *pool = hooked_pool(&h, 2);
                struct exec_task_options o;
                exec_future *f[10], *later;

                if (!pool)
                        continue;
                exec_task_options_init(&o, sizeof o);
                o.pool = pool;
                o.drop_arg = drop_bump;
                for (int i = 0; i < 10; i++)
                        f[i] = exec_create_task_with(task_value, &drops, &o);
                fixture_wait(&h.n, 2);
                for (int i = 0; i < 10; i++) {
                        int rc = exec_await(f[i], NULL);

                        /* One that another worker had begun before the hook failed may have ended well. */
                        EXPECT(rc == -EPIPE || rc == 0);
                }
                exec_sleep(EXEC_MS(5));
                later = exec_create_task_with(task_value, &drops, &o);
                EXPECT_EQ(exec_await(later, NULL), -EPIPE);
                EXPECT_FAILED(later, -EPIPE);
                fixture_wait(&drops, 11);
                exec_future_unref(later);
                exec_future_unref_all(f, 10);
                EXPECT_EQ(exec_pool_free(pool), 0);
                EXPECT_EQ(atom_load(&drops, ACQUIRE), 11);
        }
        exec_set_log(NULL, NULL);
}

static void test_U22_the_only_hook_fails(struct fixture *fx)
{
        struct hook h = {{0}, 0, 0, 0};
        exec_pool *pool;
        exec_future *f[10];

        (void)fx;
        exec_set_log(quiet, NULL);
        pool = hooked_pool(&h, 1);
        for (int i = 0; i < 10; i++)
                f[i] = create_in(pool, task_value, NULL);
        for (int i = 0; i < 10; i++)
                EXPECT_EQ(exec_await(f[i], NULL), -EPIPE);
        exec_future_unref_all(f, 10);
        EXPECT_EQ(exec_pool_free(pool), 0);
        exec_set_log(NULL, NULL);
}

/* ---- beyond the numbered cases ---- */

static int make_children(void *arg, void **value)
{
        _Atomic(int) *runs = arg;
        exec_future *f[10];

        *value = NULL;
        exec_sleep(EXEC_MS(10)); /* by now the pool drains */
        for (int i = 0; i < 10; i++)
                f[i] = exec_create_task(task_bump, runs);
        return exec_gather(f, 10, NULL, EXEC_UNREF);
}

static void test_tasks_create_tasks_while_the_pool_drains(struct fixture *fx)
{
        exec_pool *pool = pool_of(2);
        _Atomic(int) runs = 0;
        exec_future *f = create_in(pool, make_children, &runs);

        (void)fx;
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, EXEC_FOREVER), 0);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(atom_load(&runs, ACQUIRE), 10);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_request_stop(struct fixture *fx)
{
        exec_pool *pool = pool_of(2);
        exec_future *f = create_in(pool, task_forever, NULL), *later;

        (void)fx;
        fixture_settle(pool);
        EXPECT_EQ(exec_pool_request_stop(pool), 0);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        later = create_in(pool, task_value, NULL);
        EXPECT_EQ(exec_await(later, NULL), -ESHUTDOWN);
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, EXEC_FOREVER), 0);
        exec_future_unref(later);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static int stop_own_pool(void *arg, void **value)
{
        *value = NULL;
        EXPECT_EQ(exec_pool_request_stop(arg), 0);
        return exec_sleep(EXEC_SEC(1000));
}

static void test_request_stop_from_a_task(struct fixture *fx)
{
        exec_pool *pool = pool_of(2);
        exec_future *f = create_in(pool, stop_own_pool, pool);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_default_pool(struct fixture *fx)
{
        exec_pool *pool = pool_of(1);
        exec_future *f;

        (void)fx;
        EXPECT_PTR(exec_pool_current(), NULL);
        f = exec_create_task(task_value, NULL);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        exec_future_unref(f);
        f = exec_sleep_future(0);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_set_default(pool), 0);
        EXPECT_PTR(exec_pool_current(), pool);
        f = exec_create_task(task_value, &forty_two);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(pool), 0); /* unsets it */
        EXPECT_PTR(exec_pool_current(), NULL);
        f = exec_create_task(task_value, NULL);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        exec_future_unref(f);
}

static int look_around(void *arg, void **value)
{
        *value = exec_pool_current();
        if (exec_pool_worker() < 0 || exec_pool_worker() >= (int)(intptr_t)arg)
                return -ERANGE;
        exec_yield();
        return exec_pool_current() == *value ? 0 : -EINVAL;
}

static void test_pool_and_worker_of_the_caller(struct fixture *fx)
{
        exec_future *f = exec_create_task(look_around, VAL(fx->n_workers));
        void *pool = NULL;

        EXPECT_PTR(exec_pool_current(), fx->pool);
        if (!fx->in_task)
                EXPECT_EQ(exec_pool_worker(), -1);
        EXPECT_EQ(exec_await(f, &pool), 0);
        EXPECT_PTR(pool, fx->pool);
        exec_future_unref(f);
}

static int main_task(void *arg, void **value)
{
        *value = arg;
        return exec_sleep(EXEC_MS(1));
}

static int main_leaves_tasks(void *arg, void **value)
{
        exec_future **left = arg;

        *value = &forty_two;
        left[0] = exec_create_task(task_forever, NULL);
        left[1] = exec_create_task(task_sleep, NS(EXEC_SEC(1000)));
        exec_future_unref(exec_create_task(task_forever, NULL));
        return exec_yield();
}

static int run_a_pool(void *arg, void **value)
{
        return exec_run(main_task, arg, value);
}

static void test_run(struct fixture *fx)
{
        exec_future *left[2] = {NULL, NULL};
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_run(main_task, &forty_two, &value), 0);
        EXPECT_PTR(value, &forty_two);
        EXPECT_EQ(exec_run(task_fail, ERR(-EIO), NULL), -EIO);
        EXPECT_EQ(exec_run(NULL, NULL, NULL), -EINVAL);
        /* What main left behind is cancelled and awaited. */
        EXPECT_EQ(exec_run(main_leaves_tasks, left, &value), 0);
        EXPECT_PTR(value, &forty_two);
        for (int i = 0; i < 2; i++) {
                EXPECT(exec_future_done(left[i]));
                EXPECT_CANCELLED(left[i]);
                exec_future_unref(left[i]);
        }
}

static void test_run_inside_a_task(struct fixture *fx)
{
        exec_future *f = exec_create_task(run_a_pool, &forty_two);
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &forty_two);
        exec_future_unref(f);
}

static void test_run_with_options(struct fixture *fx)
{
        struct exec_pool_options o;
        void *value = NULL;

        (void)fx;
        exec_pool_options_init(&o, sizeof o);
        o.n_workers = 3;
        EXPECT_EQ(exec_run_with(&o, main_task, &forty_two, &value), 0);
        EXPECT_PTR(value, &forty_two);
        o.n_workers = (unsigned)-1;
        EXPECT_EQ(exec_run_with(&o, main_task, &forty_two, &value), -EINVAL);
}

static size_t count_named(const char *prefix)
{
        DIR *dir = opendir("/proc/self/task");
        size_t n = 0;

        for (struct dirent *entry; dir && (entry = readdir(dir));) {
                char path[300], name[32] = "";
                FILE *file;

                snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
                file = fopen(path, "r");
                if (!file)
                        continue;
                n += fgets(name, sizeof name, file) && !strncmp(name, prefix, strlen(prefix));
                fclose(file);
        }
        if (dir)
                closedir(dir);
        return n;
}

static void test_name_of_the_threads(struct fixture *fx)
{
        char name[] = "brew-a-very-long-name";
        struct exec_pool_options o;
        exec_pool *pool = NULL;
        exec_future *f;

        (void)fx;
        exec_pool_options_init(&o, sizeof o);
        o.n_workers = 3;
        o.name = name;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        memset(name, 'x', sizeof name - 1);
        f = create_in(pool, task_sleep, NS(EXEC_MS(5)));
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        EXPECT_EQ(count_named("brew-a-very"), 3);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_stats_are_filled_to_their_size(struct fixture *fx)
{
        struct exec_pool_stats s;
        unsigned char guard[sizeof s];

        memset(&s, 0xee, sizeof s);
        memset(guard, 0xee, sizeof guard);
        s.size = offsetof(struct exec_pool_stats, n_suspends);
        EXPECT_EQ(exec_pool_stats(fx->pool, &s), 0);
        EXPECT_EQ(s.n_workers, fx->n_workers);
        EXPECT(s.n_created >= s.n_finished);
        EXPECT(!memcmp(&s.n_suspends, guard, sizeof s - offsetof(struct exec_pool_stats, n_suspends)));
        EXPECT_EQ(exec_pool_stats(fx->pool, NULL), -EINVAL);
        EXPECT_EQ(exec_pool_stats(NULL, &s), -EINVAL);
}

static void test_stats_count(struct fixture *fx)
{
        enum { N = 50 };
        int64_t end = exec_now() + EXEC_SEC(30);
        struct exec_pool_stats before, after;
        exec_future *gate = exec_promise_new(NULL), *f[N];
        uint64_t own = 0; /* suspensions of this very case */

        before = fixture_stats(fx->pool);
        for (int i = 0; i < N; i++)
                f[i] = exec_create_task(task_await, gate);
        do {
                exec_sleep(EXEC_MS(1));
                own += fx->in_task;
                after = fixture_stats(fx->pool);
        } while (after.n_suspends - before.n_suspends < N + own && exec_now() < end);
        EXPECT_EQ(after.n_created - before.n_created, N);
        EXPECT_EQ(after.n_finished, before.n_finished);
        EXPECT(after.n_suspends - before.n_suspends >= N + own);
        EXPECT(after.n_stacks - after.n_stacks_free >= N);
        EXPECT(after.n_stacks_peak >= N);
        if (fx->in_task && !TEST_TSAN) /* not from slabs: those of plain threads, and all in the precise mode */
                EXPECT(after.n_futures >= N);
        EXPECT_EQ(exec_promise_set(gate, NULL), 0);
        EXPECT_EQ(exec_gather(f, N, NULL, EXEC_UNREF), 0);
        exec_future_unref(gate);
}

static void test_dump_names_every_live_task(struct fixture *fx)
{
        exec_future *f[3], *gate = exec_promise_new(NULL);
        char text[16384];
        struct exec_task_options o;
        ssize_t got;
        int fds[2];

        exec_task_options_init(&o, sizeof o);
        o.pool = fx->pool;
        o.name = "waits for a promise";
        f[0] = exec_create_task_with(task_await, gate, &o);
        o.name = "sleeps for long";
        f[1] = exec_create_task_with(task_forever, NULL, &o);
        o.name = "waits for the sleeper";
        f[2] = exec_create_task_with(task_await, f[1], &o);
        fixture_settle(fx->pool);
        if (pipe(fds))
                return;
        EXPECT_EQ(exec_pool_dump(fx->pool, fds[1]), 0);
        got = read(fds[0], text, sizeof text - 1);
        text[got > 0 ? got : 0] = 0;
        EXPECT(strstr(text, "waits for a promise"));
        EXPECT(strstr(text, "sleeps for long"));
        EXPECT(strstr(text, "waits for the sleeper"));
        close(fds[0]);
        close(fds[1]);
        EXPECT_EQ(exec_pool_dump(fx->pool, fds[1]), -EBADF);
        EXPECT(exec_pool_dump(fx->pool, -1) < 0);
        EXPECT_EQ(exec_pool_dump(NULL, 2), -EINVAL);
        exec_cancel(f[1], NULL);
        exec_promise_set(gate, NULL);
        exec_gather(f, 3, NULL, EXEC_COLLECT | EXEC_UNREF);
        exec_future_unref(gate);
}

static int migrate(void *arg, void **value)
{
        int worker = exec_pool_worker();

        *value = NULL;
        for (int i = 0; i < 20; i++) {
                i % 2 ? exec_yield() : exec_sleep(EXEC_US(50));
                if (exec_pool_worker() != worker)
                        atom_add((_Atomic(int) *)arg, 1, ACQ_REL);
                worker = exec_pool_worker();
        }
        return 0;
}

static void run_with_flags(unsigned flags, bool expect_moves, bool expect_none)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;
        _Atomic(int) moves = 0;
        exec_future *f[10];

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = 3;
        o.flags = flags;
        if (!EXPECT_EQ(exec_pool_new(&pool, &o), 0))
                return;
        for (int i = 0; i < 10; i++)
                f[i] = create_in(pool, migrate, &moves);
        EXPECT_EQ(exec_gather(f, 10, NULL, EXEC_UNREF), 0);
        EXPECT(!expect_moves || atom_load(&moves, ACQUIRE) > 0);
        EXPECT(!expect_none || atom_load(&moves, ACQUIRE) == 0);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_flags(struct fixture *fx)
{
        (void)fx;
        run_with_flags(EXEC_POOL_TIED, false, true);
        run_with_flags(EXEC_POOL_FORCE_MIGRATE, !getenv("EXEC_TEST_POOL_FLAGS"), false); /* which may tie them all */
        run_with_flags(EXEC_POOL_NO_MEMBARRIER, false, false);
        run_with_flags(EXEC_POOL_GUARD_MPROTECT, false, false);
        run_with_flags(EXEC_POOL_GUARD_CANARY, false, false);
        run_with_flags(EXEC_POOL_NO_OVERFLOW_HANDLER, false, false);
        run_with_flags(EXEC_POOL_KEEP_AFFINITY, false, false);
}

static void test_contradicting_guards(struct fixture *fx)
{
        static const unsigned guards[] = {EXEC_POOL_GUARD_MADVISE, EXEC_POOL_GUARD_MPROTECT, EXEC_POOL_GUARD_CANARY};
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        (void)fx;
        exec_pool_options_init(&o, sizeof o);
        for (unsigned set = 0; set < 8; set++) {
                if (!(set & (set - 1)))
                        continue; /* one or none: test_flags */
                o.flags = 0;
                for (unsigned i = 0; i < 3; i++)
                        o.flags |= set & (1u << i) ? guards[i] : 0;
                EXPECT_EQ(exec_pool_new(&pool, &o), -EINVAL);
                EXPECT_PTR(pool, NULL);
        }
}

static void test_limits(struct fixture *fx)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        (void)fx;
        exec_pool_options_init(&o, sizeof o);
        o.n_workers = 1025;
        EXPECT_EQ(exec_pool_new(&pool, &o), -EINVAL);
        o.n_workers = 1;
        o.stack_bytes = ((size_t)1 << 40) + 1;
        EXPECT_EQ(exec_pool_new(&pool, &o), -EINVAL);
        o.stack_bytes = ((size_t)16 << 10) - 1;
        EXPECT_EQ(exec_pool_new(&pool, &o), -EINVAL);
        o.stack_bytes = (size_t)16 << 10;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        EXPECT_EQ(exec_pool_free(pool), 0);
        EXPECT_EQ(exec_pool_n_workers(NULL), 0);
}

static void test_new_and_free_many_times(struct fixture *fx)
{
        size_t rounds = test_rounds(200);

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                exec_pool *pool = pool_of(1 + (unsigned)(i % 8));

                if (i % 2)
                        exec_future_unref(create_in(pool, task_value, NULL));
                EXPECT_EQ(exec_pool_free(pool), 0);
        }
        EXPECT_EQ(exec_pool_free(NULL), 0);
}

enum { N_LENT = 300000 };

/* Promises made on one worker and given back on the other. */
struct lent {
        exec_future **promises;
        exec_future *freer;
        _Atomic(int) begun;
};

static long resident_bytes(void)
{
        long pages = 0;
        FILE *f = fopen("/proc/self/statm", "r");

        EXPECT(f && fscanf(f, "%*d %ld", &pages) == 1);
        if (f)
                fclose(f);
        return pages * sysconf(_SC_PAGESIZE);
}

static int give_back_late(void *arg, void **value)
{
        int64_t until = exec_now() + EXEC_MS(700);
        struct lent *x = arg;

        *value = NULL;
        atom_store(&x->begun, 1, RELEASE);
        while (exec_now() < until) /* then the other worker sleeps, and has given back what it could */
                sched_yield();
        exec_future_unref_all(x->promises, N_LENT);
        return 0;
}

static int lend(void *arg, void **value)
{
        struct lent *x = arg;
        struct exec_task_options o;

        *value = NULL;
        for (int i = 0; i < N_LENT; i++)
                x->promises[i] = exec_promise_new(NULL);
        exec_task_options_init(&o, sizeof o);
        o.flags = EXEC_TIED;
        x->freer = exec_create_task_with(give_back_late, x, &o);
        fixture_wait(&x->begun, 1); /* without leaving the worker: so on another one */
        return 0;
}

/* What one worker frees belongs to another, which sleeps. (ThreadSanitizer's own memory for it stays.) */
static void test_memory_goes_back_from_a_sleeping_worker(struct fixture *fx)
{
        struct lent x = {.promises = malloc(N_LENT * sizeof(exec_future *))};
        exec_pool *pool = pool_of(2);
        exec_future *t = create_in(pool, lend, &x);
        int64_t until;
        long full;

        (void)fx;
        EXPECT_EQ(exec_await(t, NULL), 0);
        full = resident_bytes();
        EXPECT_EQ(exec_await(x.freer, NULL), 0);
        until = exec_now() + EXEC_SEC(20);
        while (!TEST_TSAN && resident_bytes() > full - N_LENT * 32 && exec_now() < until)
                exec_sleep(EXEC_MS(50));
        EXPECT(exec_now() < until);
        exec_future_unref(x.freer);
        exec_future_unref(t);
        EXPECT_EQ(exec_pool_free(pool), 0);
        free(x.promises);
}

/* One sleep future after the other, each begun when the last one has ended. */
static void sleep_again(exec_future *f, void *n_rounds)
{
        struct exec_outcome outcome;
        exec_future *next;

        if (exec_future_outcome(f, &outcome) || outcome.state != EXEC_DONE)
                return;
        atom_add((_Atomic(int) *)n_rounds, 1, RELAXED); /* @relaxed count */
        next = exec_sleep_future(1);                    /* ns: due when it is looked for next */
        exec_future_add_callback(next, sleep_again, n_rounds);
        exec_future_unref(next);
}

static int begin_to_sleep(void *n_rounds, void **value)
{
        exec_future *first = exec_sleep_future(0);
        int err = exec_future_add_callback(first, sleep_again, n_rounds);

        (void)value;
        exec_future_unref(first);
        return err;
}

/* A worker that fires timers without a pause hides neither an end of the pool nor a task from outside. */
static void test_timers_without_a_pause(struct fixture *fx)
{
        (void)fx;
        for (unsigned n_workers = 1; n_workers <= 3; n_workers++) {
                _Atomic(int) n_rounds = 0;
                exec_pool *pool = pool_of(n_workers);
                exec_future *f = create_in(pool, begin_to_sleep, &n_rounds);

                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
                while (atom_load(&n_rounds, ACQUIRE) < 100)
                        exec_sleep(EXEC_MS(1));
                f = create_in(pool, task_value, NULL);
                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
                EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, EXEC_FOREVER), 0);
                EXPECT_EQ(exec_pool_free(pool), 0);
        }
}

static const struct fixture_case cases[] = {
        CASE_BARE(test_memory_goes_back_from_a_sleeping_worker),
        CASE_BARE(test_U1_number_of_workers),
        CASE_BARE(test_U2_as_many_as_usable_cpus),
        CASE_BARE(test_U3_never_more_threads),
        CASE_BARE(test_U9_cancel_in_every_state),
        CASE(test_U10_blocked_thread_wakes),
        CASE_BARE(test_U11_after_shutdown),
        CASE_BARE(test_U11_submit_races_shutdown),
        CASE_BARE(test_U13_shutdown_cancels_the_queued),
        CASE_BARE(test_U13_shutdown_drains),
        CASE_BARE(test_U14_shutdown_without_waiting),
        CASE_BARE(test_U14_shutdown_with_a_deadline),
        CASE_BARE(test_U15_submit_cancel_shutdown),
        CASE_BARE(test_U17_freed_without_shutdown),
        CASE_CHILD(test_U19_submit_from_an_exit_handler),
        CASE_CHILD(test_exit_with_a_busy_pool),
        CASE_BARE(test_U21_start_hook),
        CASE_BARE(test_U22_start_hook_fails),
        CASE_BARE(test_U22_the_only_hook_fails),
        CASE_BARE(test_tasks_create_tasks_while_the_pool_drains),
        CASE_BARE(test_timers_without_a_pause),
        CASE_BARE(test_request_stop),
        CASE_BARE(test_request_stop_from_a_task),
        CASE_BARE(test_default_pool),
        CASE(test_pool_and_worker_of_the_caller),
        CASE(test_run),
        CASE(test_run_inside_a_task),
        CASE_BARE(test_run_with_options),
        CASE_BARE(test_name_of_the_threads),
        CASE(test_stats_are_filled_to_their_size),
        CASE(test_stats_count),
        CASE(test_dump_names_every_live_task),
        CASE_BARE(test_flags),
        CASE_BARE(test_contradicting_guards),
        CASE_BARE(test_limits),
        CASE_BARE(test_new_and_free_many_times),
};

FIXTURE_MAIN("pool", cases)
