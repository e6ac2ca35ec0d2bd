/* mix_test.c - random programs of everything the library can do, each of which knows its own result.
 *
 * A program is a seed. It starts one or two pools with random options, and plain threads that create trees of tasks. A
 * node of a tree combines its children's values with its own, in one of many ways (gather, as_completed, awaiting one by
 * one, promises, deadlines, ...), so that the value of a tree follows from its seed alone, whatever order things run in.
 * Some trees are doomed: they are cancelled at a random moment, and end with their value or CANCELLED. Values and copied
 * arguments are counted: all are dropped or taken exactly once.
 *
 * Runs for 3 s, or as many as EXEC_TEST_SECONDS says; begins with the seed EXEC_TEST_SEED where given. Each program's
 * seed follows from the one before; when one fails or hangs its seed is printed, and replays it. */
#include "fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CHILDREN = 5, MAX_THREADS = 3, DEPTH = TEST_TSAN ? 2 : TEST_ASAN ? 3 : 4 };

struct program {
        uint64_t seed;
        exec_pool *pools[2];
        unsigned n_pools;
        _Atomic(int) args_made, args_dropped, values_made, values_dropped;
};

struct node {
        struct program *program;
        uint64_t seed;
        int depth;
};

static uint64_t hash(uint64_t x)
{
        x += 0x9e3779b97f4a7c15u;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        return x ^ (x >> 31);
}

/* ---- what a tree is worth ---- */

static int n_children(const struct node *n)
{
        return n->depth ? 1 + (int)(hash(n->seed) % MAX_CHILDREN) : 0;
}

static struct node child_of(const struct node *n, int i)
{
        return (struct node){n->program, hash(n->seed + 17 * (uint64_t)(i + 1)), n->depth - 1};
}

static uint64_t worth(const struct node *n)
{
        uint64_t sum = hash(n->seed ^ 1);

        for (int i = 0; i < n_children(n); i++) {
                struct node c = child_of(n, i);

                sum += worth(&c) * (uint64_t)(2 * i + 3);
        }
        return sum;
}

/* ---- arguments and values, counted ---- */

struct value {
        struct program *program;
        uint64_t sum;
};

static void drop_value(void *ptr)
{
        struct value *v = ptr;

        atom_add(&v->program->values_dropped, 1, ACQ_REL);
        free(v);
}

static void drop_node(void *ptr)
{
        atom_add(&((struct node *)ptr)->program->args_dropped, 1, ACQ_REL);
}

static struct value *make_value(struct program *p, uint64_t sum)
{
        struct value *v = malloc(sizeof *v);

        atom_add(&p->values_made, 1, ACQ_REL);
        *v = (struct value){p, sum};
        return v;
}

static int node_body(void *arg, void **value);

static exec_future *create_node_with(const struct node *n, exec_task_fn fn)
{
        uint64_t dice = hash(n->seed ^ 2);
        struct exec_task_options o;

        exec_task_options_init(&o, sizeof o);
        o.pool = n->program->pools[dice % n->program->n_pools];
        o.arg_size = sizeof *n;
        o.drop_arg = drop_node;
        o.drop_value = drop_value;
        o.name = dice % 16 == 1 ? "mixed" : NULL;
        o.stack_bytes = dice % 32 == 2 ? (size_t)128 << 10 : 0;
        o.flags = dice % 8 == 3 ? EXEC_TIED : 0;
        atom_add(&n->program->args_made, 1, ACQ_REL);
        return exec_create_task_with(fn, n, &o);
}

static exec_future *create_node(const struct node *n)
{
        return create_node_with(n, node_body);
}

/* ---- the ways to combine children; each returns 0 and adds to *sum, or the error ---- */

static void add(uint64_t *sum, const void *value, int i)
{
        *sum += value ? ((const struct value *)value)->sum * (uint64_t)(2 * i + 3) : 0;
}

typedef int (*combine_fn)(const struct node *n, exec_future *f[], int count, uint64_t *sum);

static int by_gather(const struct node *n, exec_future *f[], int count, uint64_t *sum)
{
        struct exec_outcome out[MAX_CHILDREN];
        int rc = exec_gather(f, (size_t)count, out, n->seed % 2 ? EXEC_CANCEL_REST : 0);

        for (int i = 0; !rc && i < count; i++)
                add(sum, out[i].value, i);
        return rc;
}

static int by_collecting(const struct node *n, exec_future *f[], int count, uint64_t *sum)
{
        struct exec_outcome out[MAX_CHILDREN];
        int rc = exec_gather(f, (size_t)count, out, EXEC_COLLECT);

        (void)n;
        for (int i = 0; !rc && i < count; i++) {
                rc = out[i].err;
                add(sum, rc ? NULL : out[i].value, i);
        }
        return rc;
}

static int by_gather_future(const struct node *n, exec_future *f[], int count, uint64_t *sum)
{
        exec_future *g = exec_gather_future(f, (size_t)count, 0);
        struct exec_outcome *out = NULL;
        int rc = exec_await(g, (void **)&out);

        (void)n;
        for (int i = 0; !rc && i < count; i++)
                add(sum, out[i].value, i);
        exec_future_unref(g);
        return rc;
}

static int by_completion(const struct node *n, exec_future *f[], int count, uint64_t *sum)
{
        exec_completion *c = exec_as_completed(f, (size_t)count);
        exec_future *next;
        void *tag, *value;
        int rc;

        (void)n;
        while ((rc = exec_completion_next(c, EXEC_FOREVER, &next, &tag)) == 1) {
                rc = exec_await(next, &value);
                if (!rc)
                        add(sum, value, (int)(intptr_t)tag);
                exec_future_unref(next);
                if (rc)
                        break;
        }
        exec_completion_free(c);
        return rc;
}

static int one_by_one(const struct node *n, exec_future *f[], int count, uint64_t *sum)
{
        int rc = 0;

        for (int k = 0; k < count && !rc; k++) {
                int i = n->seed % 3 ? count - 1 - k : k;
                void *value = NULL;

                rc = exec_await(f[i], &value);
                add(sum, value, i);
        }
        return rc;
}

static int by_deadlines(const struct node *n, exec_future *f[], int count, uint64_t *sum)
{
        int rc = 0;

        for (int i = 0; i < count && !rc; i++) {
                uint64_t dice = hash(n->seed + (uint64_t)i);
                void *value = NULL;

                do
                        rc = exec_await_until(f[i], exec_now() + (int64_t)((dice = hash(dice)) % 200000), &value);
                while (rc == -ETIMEDOUT);
                add(sum, value, i);
        }
        return rc;
}

static int by_looking(const struct node *n, exec_future *f[], int count, uint64_t *sum)
{
        int rc = 0;

        for (int i = 0; i < count && !rc; i++) {
                struct exec_outcome o;

                while (!rc && !exec_future_done(f[i]))
                        rc = n->seed % 2 ? exec_yield() : exec_sleep(EXEC_US(20));
                if (rc)
                        break;
                exec_future_outcome(f[i], &o);
                rc = o.err;
                add(sum, rc ? NULL : o.value, i);
        }
        return rc;
}

/* Values taken out of their futures. */
static int by_taking(const struct node *n, exec_future *f[], int count, uint64_t *sum)
{
        int rc = exec_gather(f, (size_t)count, NULL, EXEC_COLLECT);

        (void)n;
        for (int i = 0; i < count && !rc; i++) {
                void *value = NULL;

                rc = exec_take(f[i], &value);
                add(sum, value, i);
                if (value)
                        drop_value(value);
        }
        return rc;
}

/* A callback hands the outcome over to a promise. */
static void hand_over(exec_future *f, void *arg)
{
        exec_future *promise = arg;
        struct exec_outcome o;

        exec_future_outcome(f, &o);
        if (o.state == EXEC_DONE)
                exec_promise_set(promise, o.value);
        else
                exec_promise_fail(promise, o.err);
        exec_future_unref(promise);
}

static int by_promises(const struct node *n, exec_future *f[], int count, uint64_t *sum)
{
        exec_future *promises[MAX_CHILDREN];
        int rc = 0;

        (void)n;
        for (int i = 0; i < count; i++) {
                promises[i] = exec_promise_new(NULL);
                EXPECT_EQ(exec_future_add_callback(f[i], hand_over, exec_future_ref(promises[i])), 0);
        }
        for (int i = 0; i < count && !rc; i++) {
                void *value = NULL;

                rc = exec_await(promises[i], &value);
                add(sum, value, i);
        }
        /* Whoever was not awaited still gets its callback: its future is kept until then. */
        for (int i = 0; i < count; i++) {
                if (rc)
                        exec_cancel(f[i], NULL);
                exec_future_unref(promises[i]);
        }
        return rc;
}

/* Each child is awaited in a fork of its own, or in a body of a loop; some sleep before. */
struct leaf {
        struct exec_call call;
        exec_future *f;
        void *value;
        uint64_t seed;
};

static int await_leaf(void *arg, exec_forks *at)
{
        struct leaf *l = arg;
        int rc = l->seed % 4 ? 0 : exec_sleep(EXEC_US(30));

        (void)at;
        return rc ? rc : exec_await(l->f, &l->value);
}

static int fork_leaves(struct leaf leaves[], int count, exec_forks *at)
{
        exec_forks *next;
        int rc, here;

        if (count == 0)
                return 0;
        next = exec_call_fork(at, &leaves[0].call);
        here = fork_leaves(leaves + 1, count - 1, next);
        rc = exec_call_join(at, &leaves[0].call);
        return rc ? rc : here;
}

static int await_index(size_t i, void *arg)
{
        struct leaf *l = (struct leaf *)arg + i;

        return await_leaf(l, NULL);
}

static int await_leaves(const struct node *n, exec_future *f[], int count, uint64_t *sum, bool loop)
{
        struct leaf leaves[MAX_CHILDREN];
        int rc;

        for (int i = 0; i < count; i++)
                leaves[i] = (struct leaf){.call = {.fn = await_leaf, .arg = &leaves[i]},
                                          .f = f[i],
                                          .seed = hash(n->seed ^ (uint64_t)(7 + i))};
        rc = loop ? exec_parallel_for_each(NULL, 0, (size_t)count, 0, await_index, leaves)
                  : fork_leaves(leaves, count, exec_forks_here());
        for (int i = 0; !rc && i < count; i++)
                add(sum, leaves[i].value, i);
        return rc;
}

static int by_forks(const struct node *n, exec_future *f[], int count, uint64_t *sum)
{
        return await_leaves(n, f, count, sum, false);
}

static int by_loop(const struct node *n, exec_future *f[], int count, uint64_t *sum)
{
        return await_leaves(n, f, count, sum, true);
}

static const combine_fn combines[] = {
        by_gather,  by_collecting, by_gather_future, by_completion, one_by_one, by_deadlines,
        by_looking, by_taking,     by_promises,      by_forks,      by_loop,
};

/* ---- things done beside, without effect on the value ---- */

static int fail_later(void *arg, void **value)
{
        (void)value;
        exec_yield();
        return (int)(intptr_t)arg;
}

static void beside_doomed_child(const struct node *n)
{
        struct node c = {n->program, hash(n->seed ^ 3), n->depth > 1 ? 1 : 0};
        exec_future *f = create_node(&c);
        void *value = NULL;
        int rc;

        if (n->seed % 2)
                exec_yield();
        exec_cancel(f, "doomed");
        rc = exec_await(f, &value);
        EXPECT(rc == -ECANCELED || (rc == 0 && ((struct value *)value)->sum == worth(&c)));
        exec_future_unref(f);
}

static void beside_failures(const struct node *n)
{
        exec_future *f[3] = {
                exec_create_task(fail_later, ERR(-EIO)),
                exec_sleep_future(EXEC_US(30)),
                exec_create_task(fail_later, ERR(-ENOENT)),
        };
        int rc = exec_gather(f, 3, NULL, n->seed % 2 ? EXEC_UNREF : EXEC_UNREF | EXEC_CANCEL_REST);

        EXPECT(rc == -EIO || rc == -ENOENT || rc == -ECANCELED);
}

static void beside_self_cancel(const struct node *n)
{
        int before = exec_cancelling(exec_current_task());

        (void)n;
        exec_cancel(exec_current_task(), NULL);
        EXPECT(exec_cancelling(exec_current_task()) > before);
        EXPECT(exec_uncancel(NULL) >= before);
}

static void beside_sleep(const struct node *n)
{
        exec_future *f = exec_sleep_future((int64_t)(hash(n->seed) % 100000));

        if (n->seed % 2)
                exec_sleep((int64_t)(n->seed % 100000));
        if (n->seed % 3)
                exec_cancel(f, NULL);
        exec_await(f, NULL);
        exec_future_unref(f);
}

static void beside_abandoned_queue(const struct node *n)
{
        exec_future *f[3] = {exec_sleep_future(EXEC_US(50)), exec_create_task(task_value, NULL),
                             exec_promise_new(NULL)};
        exec_completion *c = exec_as_completed(f, 3);

        exec_completion_next(c, exec_now() + (int64_t)(n->seed % 80000), NULL, NULL);
        exec_completion_free(c);
        exec_promise_set(f[2], NULL);
        exec_future_unref_all(f, 3);
}

static void do_beside(const struct node *n)
{
        switch (hash(n->seed ^ 4) % 10) {
        case 0:
                exec_yield();
                break;
        case 1:
                beside_sleep(n);
                break;
        case 2:
                beside_doomed_child(n);
                break;
        case 3:
                beside_failures(n);
                break;
        case 4:
                beside_self_cancel(n);
                break;
        case 5:
                beside_abandoned_queue(n);
                break;
        case 6:
                fixture_spin((int64_t)(n->seed % 20000));
                break;
        }
}

/* ---- a node ---- */

/* Children made one after the other, each awaited before the next: the caller's stack may serve them all. */
static int in_sequence(const struct node *n, int count, uint64_t *sum)
{
        int rc = 0;

        for (int i = 0; i < count && !rc; i++) {
                struct node c = child_of(n, i);
                exec_future *f = create_node(&c);
                void *value = NULL;

                rc = exec_await(f, &value);
                add(sum, value, i);
                exec_future_unref(f);
        }
        return rc;
}

/* The sum goes back in the argument: a value that a late cancel discards would be nobody's. */
struct call {
        struct node node;
        uint64_t sum;
};

static int node_sum(const struct node *n, uint64_t *sum);

static int call_node(void *arg, void **value)
{
        struct call *c = arg;

        *value = c;
        return node_sum(&c->node, &c->sum);
}

static int by_gather_call(const struct node *n, int count, uint64_t *sum)
{
        struct call c[MAX_CHILDREN];
        struct exec_outcome out[MAX_CHILDREN];
        int rc;

        for (int i = 0; i < count; i++)
                c[i] = (struct call){child_of(n, i), 0};
        rc = exec_gather_call(call_node, c, (size_t)count, sizeof c[0], out, n->seed % 4, 0);
        for (int i = 0; i < count && !rc; i++) {
                EXPECT_PTR(out[i].value, &c[i]);
                *sum += c[i].sum * (uint64_t)(2 * i + 3);
        }
        return rc;
}

static int at_once(const struct node *n, int count, uint64_t *sum)
{
        combine_fn combine = combines[hash(n->seed ^ 5) % N_OF(combines)];
        exec_future *f[MAX_CHILDREN];
        int rc;

        for (int i = 0; i < count; i++) {
                struct node c = child_of(n, i);

                f[i] = create_node(&c);
        }
        do_beside(n);
        rc = combine(n, f, count, sum);
        exec_future_unref_all(f, (size_t)count);
        return rc;
}

static int node_sum(const struct node *n, uint64_t *sum)
{
        int count = n_children(n);

        *sum = hash(n->seed ^ 1);
        if (!count)
                do_beside(n);
        else if (n->seed % 8 == 0)
                return in_sequence(n, count, sum);
        else if (n->seed % 8 == 1)
                return by_gather_call(n, count, sum);
        else
                return at_once(n, count, sum);
        return 0;
}

static int node_body(void *arg, void **value)
{
        const struct node *n = arg;
        uint64_t sum;
        int rc = node_sum(n, &sum);

        if (!rc)
                *value = make_value(n->program, sum);
        return rc;
}

/* ---- a program ---- */

struct gardener {
        struct program *program;
        uint64_t seed;
        pthread_t thread;
};

/* A plain thread: grows trees, fells some of them. */
static void *tend(void *arg)
{
        struct gardener *g = arg;
        uint64_t dice = g->seed;

        for (int i = 0; i < 4; i++) {
                struct node root = {g->program, dice, (int)(hash(dice) % (DEPTH + 1))};
                exec_future *f = create_node(&root);
                bool doomed = hash(dice ^ 10) % 4 == 0;
                void *value = NULL;
                int rc;

                dice = hash(dice);
                if (doomed) {
                        if (dice % 3)
                                fixture_spin((int64_t)(dice % 200000));
                        exec_cancel(f, "felled");
                }
                rc = exec_await(f, &value);
                if (rc)
                        EXPECT(doomed && rc == -ECANCELED);
                else
                        EXPECT(value && ((struct value *)value)->sum == worth(&root));
                exec_future_unref(f);
        }
        return NULL;
}

static bool start_pools(struct program *p)
{
        static const unsigned flags[] = {
                0,
                0,
                0,
                EXEC_POOL_TIED,
                EXEC_POOL_FORCE_MIGRATE,
                EXEC_POOL_NO_MEMBARRIER,
                EXEC_POOL_GUARD_MPROTECT,
                EXEC_POOL_GUARD_CANARY,
                EXEC_POOL_KEEP_AFFINITY,
        };

        p->n_pools = 1 + (hash(p->seed ^ 6) % 3 == 0);
        for (unsigned i = 0; i < p->n_pools; i++) {
                struct exec_pool_options o;

                exec_pool_options_init(&o, sizeof o);
                o.n_workers = 1u << hash(p->seed + i) % 4;
                o.flags = flags[hash(p->seed ^ (i + 7)) % N_OF(flags)];
                if (!EXPECT_EQ(exec_pool_new(&p->pools[i], &o), 0))
                        return false;
        }
        return true;
}

static void end_pools(struct program *p)
{
        for (unsigned i = 0; i < p->n_pools; i++)
                if (p->pools[i])
                        fixture_wait_idle(p->pools[i]);
        for (unsigned i = 0; i < p->n_pools; i++)
                EXPECT_EQ(exec_pool_free(p->pools[i]), 0);
        EXPECT_EQ(atom_load(&p->args_dropped, ACQUIRE), atom_load(&p->args_made, ACQUIRE));
        EXPECT_EQ(atom_load(&p->values_dropped, ACQUIRE), atom_load(&p->values_made, ACQUIRE));
}

static void run_program(uint64_t seed)
{
        struct program p = {.seed = seed};
        struct gardener g[MAX_THREADS];
        int n_threads = 1 + (int)(hash(seed ^ 9) % MAX_THREADS);
        static char what[80];

        snprintf(what, sizeof what, "mix, EXEC_TEST_SEED=%" PRIu64, seed);
        if (start_pools(&p)) {
                fixture_watch(p.pools[0], what);
                for (int i = 0; i < n_threads; i++) {
                        g[i] = (struct gardener){&p, hash(seed + 100 + (uint64_t)i), 0};
                        pthread_create(&g[i].thread, NULL, tend, &g[i]);
                }
                for (int i = 0; i < n_threads; i++)
                        pthread_join(g[i].thread, NULL);
        }
        end_pools(&p);
        fixture_watch(NULL, what);
}

static void no_log(int level, const char *message, void *ctx)
{
        (void)level, (void)message, (void)ctx;
}

static void test_mix(struct fixture *fx)
{
        const char *seconds = getenv("EXEC_TEST_SECONDS"), *given = getenv("EXEC_TEST_SEED");
        uint64_t seed = given ? strtoull(given, NULL, 10) : hash((uint64_t)exec_now() ^ (uint64_t)getpid());
        int64_t end = exec_now() + EXEC_SEC(seconds ? strtol(seconds, NULL, 10) : 3);
        unsigned long n = 0;

        (void)fx;
        printf("mix: EXEC_TEST_SEED=%" PRIu64 "\n", seed);
        fflush(stdout);
        exec_set_log(no_log, NULL); /* failures that nobody looks at are part of it */
        do {
                run_program(seed);
                n++;
                if (fixture_failed()) {
                        printf("mix: program %lu failed, EXEC_TEST_SEED=%" PRIu64 "\n", n, seed);
                        break;
                }
                seed = hash(seed);
        } while (exec_now() < end);
        exec_set_log(NULL, NULL);
        printf("mix: %lu programs\n", n);
}

static const struct fixture_case cases[] = {
        CASE_BARE(test_mix),
};

FIXTURE_MAIN("mix", cases)
