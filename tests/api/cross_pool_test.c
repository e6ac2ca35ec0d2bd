/* cross_pool_test.c - several pools side by side: T5, G19 of docs/CONFORMANCE.md, and futures that outlive their pool. */
#include "fixture.h"

#include <stdlib.h>

static char forty_two;

static exec_pool *another_pool(unsigned n_workers)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = n_workers;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        return pool;
}

struct crossing {
        exec_pool *mine;
        exec_future *other;
        _Atomic(int) waits;
};

static int await_other(void *arg, void **value)
{
        struct crossing *c = arg;
        int rc;

        EXPECT_PTR(exec_pool_current(), c->mine);
        atom_store(&c->waits, 1, RELEASE);
        rc = exec_await(c->other, value);
        EXPECT_PTR(exec_pool_current(), c->mine); /* it woke where it belongs */
        EXPECT(exec_pool_worker() >= 0);
        return rc;
}

static void await_across(exec_pool *a, exec_pool *b)
{
        exec_future *gate = exec_promise_new(NULL), *owned = create_in(a, task_await, gate), *f;
        struct crossing c = {b, owned, 0};
        void *value = NULL;

        f = create_in(b, await_other, &c);
        fixture_wait(&c.waits, 1);
        fixture_settle(b);
        EXPECT_EQ(exec_promise_set(gate, &forty_two), 0);
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &forty_two);
        exec_future_unref(f);
        exec_future_unref(owned);
        exec_future_unref(gate);
}

static void test_T5_await_across_pools(struct fixture *fx)
{
        exec_pool *other = another_pool(2);

        await_across(other, fx->pool);
        await_across(fx->pool, other);
        fixture_wait_idle(other);
        EXPECT_EQ(exec_pool_free(other), 0);
}

static int create_there(void *arg, void **value)
{
        exec_pool *there = arg;
        exec_future *f = create_in(there, task_sleep, NS(EXEC_MS(2)));
        int rc = exec_await(f, value);

        exec_future_unref(f);
        return rc;
}

static void test_T5_both_ways_at_once(struct fixture *fx)
{
        enum { MAX = 200 };
        int n = (int)test_scale(MAX);
        exec_pool *other = another_pool(2);
        exec_future *f[MAX];

        for (int i = 0; i < n; i++)
                f[i] = i % 2 ? create_in(fx->pool, create_there, other) : create_in(other, create_there, fx->pool);
        EXPECT_EQ(exec_gather(f, (size_t)n, NULL, EXEC_UNREF), 0);
        fixture_wait_idle(other);
        EXPECT_EQ(exec_pool_free(other), 0);
}

static void test_T5_cancel_across_pools(struct fixture *fx)
{
        exec_pool *other = another_pool(2);
        struct awaiter a = {create_in(other, task_forever, NULL), 0};
        exec_future *inner = a.f, *outer = create_in(fx->pool, task_await_noted, &a);

        fixture_wait(&a.begun, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(outer, "across"), 1);
        EXPECT_EQ(exec_await(outer, NULL), -ECANCELED);
        EXPECT_CANCELLED(inner);
        exec_future_unref(inner);
        exec_future_unref(outer);
        fixture_wait_idle(other);
        EXPECT_EQ(exec_pool_free(other), 0);
}

static void test_G19_children_of_two_pools(struct fixture *fx)
{
        enum { N = 40 };
        exec_pool *other = another_pool(2);
        exec_future *f[N], *g;
        struct exec_outcome out[N];
        exec_completion *c;
        int n = 0;

        for (int round = 0; round < 2; round++) {
                for (int i = 0; i < N; i++)
                        f[i] = create_in(i % 2 ? fx->pool : other, i % 3 ? task_value : task_sleep, VAL(1000 * i));
                EXPECT_EQ(exec_gather(f, N, out, 0), 0);
                for (int i = 0; i < N; i++) {
                        EXPECT_EQ(out[i].state, EXEC_DONE);
                        EXPECT_PTR(out[i].value, 1000 * i);
                }
                exec_future_unref_all(f, N);
        }
        for (int i = 0; i < N; i++)
                f[i] = create_in(i % 2 ? fx->pool : other, i % 3 ? task_value : task_sleep, VAL(1000 * i));
        g = exec_gather_future(f, N, 0);
        c = exec_as_completed(f, N);
        EXPECT_EQ(exec_await(g, NULL), 0);
        while (exec_completion_next(c, EXEC_FOREVER, NULL, NULL) == 1)
                n++;
        EXPECT_EQ(n, N);
        exec_completion_free(c);
        exec_future_unref(g);
        exec_future_unref_all(f, N);
        fixture_wait_idle(other);
        EXPECT_EQ(exec_pool_free(other), 0);
}

static int hold_finished(void *arg, void **value)
{
        exec_future **f = arg;

        *value = NULL;
        for (int i = 0; i < 10; i++) {
                struct exec_outcome o;

                EXPECT_EQ(exec_future_outcome(f[i], &o), 0);
                EXPECT_PTR(o.value, i);
                EXPECT_EQ(exec_await(f[i], NULL), 0);
                EXPECT_EQ(exec_cancel(f[i], NULL), 0);
        }
        exec_future_unref_all(f, 10);
        return 0;
}

/* Futures outlive the pool they were made in; tasks of another pool give up the last references. */
static void test_pool_freed_while_its_futures_are_held(struct fixture *fx)
{
        exec_pool *other = another_pool(2);
        exec_future *f[10], *task;

        for (int i = 0; i < 10; i++) {
                f[i] = create_in(other, task_value, VAL(i));
                EXPECT_EQ(exec_await(f[i], NULL), 0);
        }
        EXPECT_EQ(exec_pool_free(other), 0);
        task = create_in(fx->pool, hold_finished, f);
        EXPECT_EQ(exec_await(task, NULL), 0);
        exec_future_unref(task);
}

/* The pool ends while tasks of another one wait for its tasks: they are woken, the wake touches nothing freed. */
static void test_pool_freed_while_others_wait(struct fixture *fx)
{
        size_t rounds = test_rounds(50);

        for (size_t i = 0; i < rounds; i++) {
                exec_pool *other = another_pool(2);
                exec_future *inner[8], *outer[8];

                for (int k = 0; k < 8; k++) {
                        inner[k] = create_in(other, k % 2 ? task_forever : task_sleep, NS(EXEC_US(200)));
                        outer[k] = create_in(fx->pool, task_await, inner[k]);
                }
                if (i % 2)
                        exec_sleep(EXEC_US(100));
                EXPECT_EQ(exec_pool_free(other), 0);
                for (int k = 0; k < 8; k++) {
                        int rc = exec_await(outer[k], NULL);

                        EXPECT(rc == -ECANCELED || (rc == 0 && k % 2 == 0));
                }
                exec_future_unref_all(inner, 8);
                exec_future_unref_all(outer, 8);
        }
}

struct wake {
        exec_future *gate;
        _Atomic(int) waits;
};

static int wait_for_gate(void *arg, void **value)
{
        struct wake *w = arg;

        atom_add(&w->waits, 1, ACQ_REL);
        return exec_await(w->gate, value);
}

static int open_gate(void *arg, void **value)
{
        struct wake *w = arg;

        *value = NULL;
        return exec_promise_set(w->gate, &forty_two);
}

/* The pool that is woken into ends right after its last task: the waker must be through with it. */
static void test_woken_pool_freed_at_once(struct fixture *fx)
{
        size_t rounds = test_rounds(100);

        for (size_t i = 0; i < rounds; i++) {
                exec_pool *woken = another_pool(1 + (unsigned)(i % 2));
                struct wake w = {exec_promise_new(NULL), 0};
                exec_future *f = create_in(woken, wait_for_gate, &w), *opener;

                fixture_wait(&w.waits, 1);
                opener = create_in(fx->pool, open_gate, &w);
                EXPECT_EQ(exec_await(f, NULL), 0);
                EXPECT_EQ(exec_pool_free(woken), 0);
                EXPECT_EQ(exec_await(opener, NULL), 0);
                exec_future_unref(f);
                exec_future_unref(opener);
                exec_future_unref(w.gate);
        }
}

static int count_up(void *arg, void **value)
{
        *value = NULL;
        exec_yield();
        atom_add((_Atomic(int) *)arg, 1, ACQ_REL);
        return 0;
}

static void test_side_by_side(struct fixture *fx)
{
        enum { POOLS = 5, MAX = 300 };
        size_t n = test_scale(MAX);
        exec_pool *pools[POOLS];
        _Atomic(int) counts[POOLS];
        exec_future **f = calloc(n * POOLS, sizeof(exec_future *));

        (void)fx;
        for (int p = 0; p < POOLS; p++) {
                pools[p] = another_pool(1 + (unsigned)p % 3);
                atom_store(&counts[p], 0, RELAXED);
        }
        for (size_t i = 0; i < n * POOLS; i++)
                f[i] = create_in(pools[i % POOLS], count_up, &counts[i % POOLS]);
        EXPECT_EQ(exec_gather(f, n * POOLS, NULL, EXEC_UNREF), 0);
        for (int p = 0; p < POOLS; p++) {
                EXPECT_EQ(atom_load(&counts[p], ACQUIRE), n);
                EXPECT_EQ(exec_pool_free(pools[p]), 0);
        }
        free(f);
}

static int await_gate(void *arg, void **value)
{
        return exec_await(arg, value);
}

static int run_inside(void *arg, void **value)
{
        return exec_run(await_gate, arg, value);
}

/* A pool run inside a task suspends that task: its worker is free for the one that ends the wait. */
static void test_run_inside_a_task_frees_its_worker(struct fixture *fx)
{
        exec_future *gate = exec_promise_new(NULL), *f[3];
        struct wake w = {gate, 0};

        for (int i = 0; i < 2; i++)
                f[i] = exec_create_task(run_inside, gate);
        fixture_settle(fx->pool);
        f[2] = exec_create_task(open_gate, &w);
        EXPECT_EQ(exec_gather(f, 3, NULL, EXEC_UNREF), 0);
        EXPECT_DONE(gate, &forty_two);
        exec_future_unref(gate);
}

static const struct fixture_case cases[] = {
        CASE_THREAD(test_T5_await_across_pools),
        CASE_THREAD(test_T5_both_ways_at_once),
        CASE_THREAD(test_T5_cancel_across_pools),
        CASE_THREAD(test_G19_children_of_two_pools),
        CASE_THREAD(test_pool_freed_while_its_futures_are_held),
        CASE_THREAD(test_pool_freed_while_others_wait),
        CASE_THREAD(test_woken_pool_freed_at_once),
        CASE_THREAD(test_side_by_side),
        CASE(test_run_inside_a_task_frees_its_worker),
};

FIXTURE_MAIN("cross_pool", cases)
