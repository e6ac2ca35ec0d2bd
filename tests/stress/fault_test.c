/* fault_test.c - one program of everything the library can do, run again and again while memory or threads are refused.
 *
 * A run fails the n-th request of one kind (allocation, map, madvise, mprotect, thread), once or from then on;
 * n goes 1, 2, 3, ... until a run ends in which nothing was refused, with growing steps from STEP_FROM on. In every run
 *   - each call works, or says -ENOMEM or -EAGAIN, or its future has failed so; in a run without a refusal all work;
 *   - nothing hangs, and the waits that promise never to fail for memory do not;
 *   - copied arguments, values and callbacks are counted: each ends exactly once;
 *   - afterwards as many bytes are allocated and mapped as before. */
#include "fixture.h"

#include "port/fault.h"
#include "port/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        N_WORKERS = 2,
        N = 6,      /* futures that are combined */
        CROWD = 70, /* tasks asleep at once: more than the first slab and the first stacks hold */
        CALLS = 8,  /* of gather_call */
        STEP_FROM = TEST_TSAN   ? 10
                    : TEST_ASAN ? 40
                                : 200,
};

struct program {
        exec_pool *pool;
        unsigned pool_flags;
        _Atomic(int) n_errors; /* calls and futures that failed for want of memory or threads, pools short of workers */
        _Atomic(int) args_made, args_dropped, values_made, values_dropped;
        _Atomic(int) callbacks_added, callbacks_called;
        _Atomic(int) n_running; /* calls of gather_call */
};

/* ---- what a call may say ---- */

static int expect_soft(struct program *p, int rc, int line)
{
        if (rc == -ENOMEM || rc == -EAGAIN)
                atom_add(&p->n_errors, 1, ACQ_REL);
        else
                fixture_expect_eq(rc, 0, __FILE__, line, "error");
        return rc;
}

/* It worked, or failed for want of memory. Returns the error. */
#define SOFT(p, rc) expect_soft((p), (rc), __LINE__)
/* The same of a call that is to say @want where all is well. */
#define SOFT_OR(p, rc, want) expect_or((p), (rc), (want), __LINE__)

static int expect_or(struct program *p, int rc, int want, int line)
{
        return rc == want ? rc : expect_soft(p, rc ? rc : 1, line);
}

/* ---- arguments and values, counted ---- */

struct argument {
        struct program *program;
        int64_t sleep_ns; /* before the end; EXEC_FOREVER: until cancelled */
        int err;
};

static void drop_argument(void *ptr)
{
        atom_add(&((struct argument *)ptr)->program->args_dropped, 1, ACQ_REL);
}

struct value {
        struct program *program;
};

static void drop_value(void *ptr)
{
        struct value *v = ptr;

        atom_add(&v->program->values_dropped, 1, ACQ_REL);
        free(v);
}

static struct value *make_value(struct program *p)
{
        struct value *v = malloc(sizeof *v);

        atom_add(&p->values_made, 1, ACQ_REL);
        *v = (struct value){p};
        return v;
}

static int body(void *arg, void **value)
{
        struct argument *a = arg;
        int rc = a->sleep_ns == EXEC_FOREVER ? exec_sleep_until(EXEC_FOREVER) : 0;

        if (!rc && a->sleep_ns)
                rc = exec_sleep(a->sleep_ns);
        EXPECT(rc == 0 || rc == -ECANCELED);
        if (!rc && a->err)
                return exec_fail(a->err, "as asked for: %d", a->err);
        if (!rc)
                *value = make_value(a->program);
        return rc;
}

static int run_nothing(void *arg, void **value)
{
        (void)arg, (void)value;
        return exec_sleep(EXEC_US(10));
}

enum { PLAIN = 0, NAMED = 1, STACK = 2, TIED = 4 };

static exec_future *create(struct program *p, int64_t sleep_ns, int err, int how)
{
        struct argument a = {p, sleep_ns, err};
        struct exec_task_options o;
        exec_future *f;

        exec_task_options_init(&o, sizeof o);
        o.arg_size = sizeof a;
        o.drop_arg = drop_argument;
        o.drop_value = drop_value;
        o.name = how & NAMED ? "a name of more than sixteen bytes" : NULL;
        o.stack_bytes = how & STACK ? (size_t)256 << 10 : 0;
        o.flags = how & TIED ? EXEC_TIED : 0;
        atom_add(&p->args_made, 1, ACQ_REL);
        f = exec_create_task_with(body, &a, &o);
        EXPECT(f);
        return f;
}

static void create_all(struct program *p, exec_future *f[], size_t n, int64_t sleep_ns)
{
        for (size_t i = 0; i < n; i++)
                f[i] = create(p, i % 3 ? sleep_ns : 0, 0, (int)(i % 8));
}

/* Waits with nothing but exec_await(), then looks: no future may be left pending. */
static void finish(struct program *p, exec_future *f[], size_t n)
{
        for (size_t i = 0; i < n; i++) {
                struct exec_outcome o;

                SOFT(p, exec_await(f[i], NULL));
                EXPECT_EQ(exec_future_outcome(f[i], &o), 0);
                EXPECT(o.state == EXEC_DONE || (o.state == EXEC_FAILED && (o.err == -ENOMEM || o.err == -EAGAIN)));
        }
        exec_future_unref_all(f, n);
}

/* ---- the parts of the program; each runs on a plain thread and in a task ---- */

static void part_tasks(struct program *p)
{
        exec_future *f[N];
        char name[64];
        void *value;

        create_all(p, f, N, EXEC_US(20));
        for (int i = 0; i < N; i++) {
                SOFT(p, exec_await(f[i], NULL));
                EXPECT(exec_task_name(f[i], name, sizeof name) > 0 || !SOFT_OR(p, exec_future_done(f[i]) ? 0 : 1, 0));
                if (!SOFT(p, exec_take(f[i], &value)))
                        drop_value(value);
        }
        exec_future_unref_all(f, N);
        exec_future_unref(create(p, EXEC_US(20), 0, NAMED)); /* detached */
}

static void part_error(struct program *p)
{
        exec_future *f = create(p, EXEC_US(10), -EIO, NAMED);

        SOFT_OR(p, exec_await(f, NULL), -EIO);
        exec_future_error_message(f, NULL, NULL); /* may be missing */
        exec_future_unref(f);
}

static void part_crowd(struct program *p)
{
        exec_future *f[CROWD];

        create_all(p, f, CROWD, EXEC_US(100));
        SOFT(p, exec_gather(f, CROWD, NULL, 0));
        finish(p, f, CROWD);
}

static void part_gather(struct program *p)
{
        struct exec_outcome out[N];
        exec_future *f[N];

        create_all(p, f, N, EXEC_US(20));
        if (!SOFT(p, exec_gather(f, N, out, EXEC_COLLECT)))
                for (int i = 0; i < N; i++)
                        SOFT(p, out[i].err);
        finish(p, f, N);
        create_all(p, f, N, EXEC_US(20));
        SOFT(p, exec_gather(f, N, out, EXEC_UNREF | EXEC_CANCEL_REST));
}

static void part_gather_future(struct program *p)
{
        exec_future *f[N], *g[2], *both;
        void *value;

        create_all(p, f, N, EXEC_US(20));
        g[0] = exec_gather_future(f, N / 2, 0);
        g[1] = exec_gather_future(f + N / 2, N - N / 2, EXEC_COLLECT);
        both = exec_gather_future(g, 2, EXEC_UNREF);
        EXPECT(both);
        SOFT(p, exec_await(both, &value));
        exec_future_unref(both);
        finish(p, f, N);
}

static void part_gather_cancelled(struct program *p)
{
        exec_future *f[2] = {create(p, EXEC_FOREVER, 0, STACK), create(p, EXEC_FOREVER, 0, 0)};
        exec_future *g = exec_gather_future(f, 2, EXEC_COLLECT);

        exec_cancel(g, "enough");
        SOFT_OR(p, exec_await(g, NULL), -ECANCELED);
        exec_future_unref(g);
        for (int i = 0; i < 2; i++) {
                exec_cancel(f[i], "enough");
                SOFT_OR(p, exec_await(f[i], NULL), -ECANCELED);
                exec_future_unref(f[i]);
        }
}

static int call(void *arg, void **value)
{
        struct program *p = *(struct program **)arg;
        int rc;

        atom_add(&p->n_running, 1, ACQ_REL);
        rc = exec_sleep(EXEC_US(20));
        *value = arg;
        atom_sub(&p->n_running, 1, ACQ_REL);
        return rc;
}

static void part_gather_call(struct program *p)
{
        struct program *args[CALLS];
        struct exec_outcome out[CALLS];

        for (int i = 0; i < CALLS; i++)
                args[i] = p;
        for (size_t limit = 0; limit <= 3; limit += 3) {
                if (!SOFT(p, exec_gather_call(call, args, CALLS, sizeof args[0], out, limit, 0)))
                        for (int i = 0; i < CALLS; i++)
                                EXPECT(out[i].state == EXEC_DONE && out[i].value == &args[i]);
                EXPECT_EQ(atom_load(&p->n_running, ACQUIRE), 0);
                SOFT(p, exec_gather_call(call, args, CALLS, sizeof args[0], out, limit, EXEC_COLLECT));
                EXPECT_EQ(atom_load(&p->n_running, ACQUIRE), 0);
        }
}

static void part_as_completed(struct program *p)
{
        exec_future *f[N], *next;
        exec_completion *c;
        int n = 0;

        create_all(p, f, N, EXEC_US(20));
        c = exec_as_completed(f, N);
        if (!SOFT(p, c ? 0 : -ENOMEM)) {
                for (; exec_completion_next(c, EXEC_FOREVER, &next, NULL) == 1; n++) {
                        EXPECT(exec_future_done(next));
                        exec_future_unref(next);
                }
                EXPECT_EQ(n, N);
        }
        exec_completion_free(c);
        finish(p, f, N);
}

static void part_completion(struct program *p)
{
        exec_future *f[N];
        exec_completion *c = NULL;
        int n_added = 0, n = 0;

        create_all(p, f, N, EXEC_US(20));
        if (!SOFT(p, exec_completion_new(&c))) {
                for (int i = 0; i < 3 * N; i++) /* each thrice */
                        n_added += !SOFT(p, exec_completion_add(c, f[i % N], f));
                EXPECT_EQ(exec_completion_pending(c), n_added);
                for (; n < n_added - 1 && exec_completion_next(c, EXEC_FOREVER, NULL, NULL) == 1; n++)
                        ;
                EXPECT(n == n_added - 1 || n_added == 0);
        }
        exec_completion_free(c); /* with one left in it */
        finish(p, f, N);
}

static void count_callback(exec_future *f, void *arg)
{
        struct program *p = arg;

        EXPECT(exec_future_done(f));
        atom_add(&p->callbacks_called, 1, ACQ_REL);
}

static void add_callback(struct program *p, exec_future *f)
{
        if (!SOFT(p, exec_future_add_callback(f, count_callback, p)))
                atom_add(&p->callbacks_added, 1, ACQ_REL);
}

static void part_promises(struct program *p)
{
        exec_future *f[2] = {exec_promise_new(drop_value), create(p, EXEC_US(20), 0, 0)};
        struct value *v = make_value(p);
        int rc;

        for (int i = 0; i < 6; i++)
                add_callback(p, f[i % 2]);
        rc = exec_promise_set(f[0], v);
        if (rc) /* the promise had failed when it was made */
                drop_value(v);
        EXPECT_EQ(rc == 0, exec_await(f[0], NULL) == 0);
        finish(p, f, 2);
}

static void part_sleeps(struct program *p)
{
        exec_future *f[N], *doomed = exec_sleep_future(EXEC_SEC(1000));

        for (int i = 0; i < N; i++)
                f[i] = exec_sleep_future(EXEC_US(10 * i));
        EXPECT_EQ(exec_sleep(EXEC_US(20)), 0);
        EXPECT_EQ(exec_yield(), 0);
        exec_cancel(doomed, NULL);
        SOFT_OR(p, exec_await(doomed, NULL), -ECANCELED);
        exec_future_unref(doomed);
        finish(p, f, N);
}

static void part_deadlines(struct program *p)
{
        exec_future *f = create(p, EXEC_FOREVER, 0, NAMED);

        SOFT_OR(p, exec_await_until(f, exec_now() + EXEC_US(30), NULL), -ETIMEDOUT);
        exec_cancel(f, "late");
        SOFT_OR(p, exec_await_until(f, exec_now() + EXEC_SEC(60), NULL), -ECANCELED);
        exec_future_unref(f);
}

static void part_cancels(struct program *p)
{
        exec_future *f[N];

        for (int i = 0; i < N; i++)
                f[i] = create(p, EXEC_FOREVER, 0, i);
        for (int i = 0; i < N; i++)
                exec_cancel(f[i], "unwanted");
        for (int i = 0; i < N; i++)
                SOFT_OR(p, exec_await(f[i], NULL), -ECANCELED);
        exec_future_unref_all(f, N);
}

static void part_wait(struct program *p)
{
        enum { MANY = 20 }; /* more than exec_wait() has room for on its stack */
        exec_future *f[MANY];
        bool done[MANY];
        int n;

        create_all(p, f, MANY, EXEC_US(20));
        n = exec_wait(f, N, EXEC_FIRST_COMPLETED, EXEC_FOREVER, done);
        EXPECT(n >= 1 && n <= N);
        n = exec_wait(f, MANY, EXEC_ALL_COMPLETED, EXEC_FOREVER, done);
        EXPECT(n == MANY || SOFT(p, n));
        finish(p, f, MANY);
}

static void part_wait_for(struct program *p)
{
        exec_future *f[2] = {create(p, EXEC_US(20), 0, 0), create(p, EXEC_FOREVER, 0, NAMED)};

        SOFT(p, exec_wait_for(f[0], EXEC_SEC(60), NULL));
        SOFT_OR(p, exec_wait_for(f[1], EXEC_US(50), NULL), -ETIMEDOUT);
        exec_future_unref_all(f, 2);
}

static void part_any(struct program *p)
{
        exec_future *f[N];
        size_t i;

        create_all(p, f, N, EXEC_US(50));
        if (!SOFT(p, exec_any(f, N, &i, NULL, 0)))
                EXPECT(i < N && exec_future_done(f[i]));
        finish(p, f, N);
}

static void part_shield(struct program *p)
{
        exec_future *f = create(p, EXEC_US(20), 0, 0), *s = exec_shield(f);

        SOFT(p, exec_await(s, NULL));
        exec_future_unref(s);
        finish(p, &f, 1);
        f = create(p, EXEC_FOREVER, 0, 0);
        s = exec_shield(f);
        exec_cancel(s, "enough");
        SOFT_OR(p, exec_await(s, NULL), -ECANCELED);
        exec_cancel(f, "enough");
        SOFT_OR(p, exec_await(f, NULL), -ECANCELED);
        exec_future_unref(s);
        exec_future_unref(f);
}

/* A task's: without memory they are slower, and never fail. */
static void part_scopes(struct program *p)
{
        struct exec_timeout outer = {{0}}, inner = {{0}};
        struct exec_task_options o;
        exec_future *f;

        if (!exec_current_task())
                return;
        EXPECT_EQ(exec_timeout_begin(&outer, exec_now() + EXEC_SEC(1000)), 0);
        EXPECT_EQ(exec_timeout_begin(&inner, exec_now() + EXEC_US(50)), 0);
        EXPECT_EQ(exec_timeout_end(&inner, exec_sleep_until(EXEC_FOREVER)), -ETIMEDOUT);
        EXPECT_EQ(exec_timeout_reschedule(&outer, exec_now() + EXEC_US(50)), 0);
        EXPECT_EQ(exec_timeout_end(&outer, exec_sleep_until(EXEC_FOREVER)), -ETIMEDOUT);
        EXPECT_EQ(exec_timeout_begin(&outer, exec_now() + EXEC_SEC(1000)), 0);
        exec_task_options_init(&o, sizeof o);
        o.flags = EXEC_INHERIT_DEADLINE;
        f = exec_create_task_with(run_nothing, p, &o);
        SOFT(p, exec_await(f, NULL));
        exec_future_unref(f);
        EXPECT_EQ(exec_timeout_end(&outer, 0), 0);
}

static int start_in(struct program *p, exec_group *g, int64_t sleep_ns, int err)
{
        struct argument a = {p, sleep_ns, err};
        struct exec_task_options o;

        exec_task_options_init(&o, sizeof o);
        o.arg_size = sizeof a;
        o.drop_arg = drop_argument;
        o.drop_value = drop_value;
        atom_add(&p->args_made, 1, ACQ_REL);
        return exec_group_start_with(g, body, &a, &o);
}

static void part_group(struct program *p)
{
        exec_group *g;

        if (SOFT(p, exec_group_begin(&g, NULL)))
                return;
        for (int i = 0; i < N; i++)
                SOFT(p, start_in(p, g, i % 3 ? EXEC_US(20) : 0, 0));
        SOFT(p, exec_group_end(g, 0)); /* a child whose stack could not be had has failed */
        exec_group_free(g);
        if (SOFT(p, exec_group_begin(&g, NULL)))
                return;
        for (int i = 0; i < N; i++) {
                int rc = start_in(p, g, i == 2 ? 0 : EXEC_FOREVER, i == 2 ? -EIO : 0);

                if (rc != -EALREADY && SOFT(p, rc))
                        exec_group_cancel(g); /* the one that fails may be missing */
        }
        exec_future_unref(exec_group_create_task(g, task_value, NULL)); /* may be refused */
        SOFT(p, exec_group_end(g, 0) == -EIO ? 0 : -ENOMEM);
        EXPECT(exec_group_n_errors(g) <= N + 1);
        exec_group_free(g);
}

static void part_group_limit(struct program *p)
{
        for (unsigned mode = EXEC_GROUP_WAIT; mode <= EXEC_GROUP_CALLER_RUNS; mode++) {
                struct exec_group_options o;
                exec_group *g;

                exec_group_options_init(&o, sizeof o);
                o.limit = 2;
                o.when_full = mode;
                if (SOFT(p, exec_group_begin(&g, &o)))
                        continue;
                for (int i = 0; i < N; i++) {
                        int rc = start_in(p, g, EXEC_US(10), 0);

                        if (rc == -ENOMEM || (rc != -EALREADY && (rc != -EAGAIN || mode != EXEC_GROUP_REFUSE)))
                                SOFT(p, rc);
                }
                SOFT(p, exec_group_end(g, 0));
                exec_group_free(g);
        }
}

static int look_at_local(void *key, void **value)
{
        (void)value;
        exec_local_get(key);
        return exec_sleep(EXEC_US(10));
}

struct local {
        struct program *program;
        exec_local *key;
};

static int use_local(void *arg, void **value)
{
        struct local *l = arg;
        struct value *v = make_value(l->program);
        exec_future *f;

        (void)value;
        if (SOFT(l->program, exec_local_set(l->key, v)))
                drop_value(v);
        f = exec_create_task(look_at_local, l->key);
        SOFT(l->program, exec_local_set(l->key, NULL)); /* a copy of the map, which the child has too */
        SOFT(l->program, exec_await(f, NULL));
        exec_future_unref(f);
        return 0;
}

static void part_locals(struct program *p)
{
        struct local l = {p, NULL};
        exec_future *f;

        if (SOFT(p, exec_local_new(&l.key, drop_value)))
                return;
        f = exec_create_task(use_local, &l);
        SOFT(p, exec_await(f, NULL));
        exec_future_unref(f);
        exec_local_free(l.key);
}

static void part_map(struct program *p)
{
        struct argument a[CALLS];
        struct exec_map_options o;
        struct exec_outcome out;
        exec_map *m;
        int n = 0;

        for (int i = 0; i < CALLS; i++)
                a[i] = (struct argument){p, EXEC_US(i % 2 ? 20 : 0), 0};
        exec_map_options_init(&o, sizeof o);
        o.limit = 3;
        o.drop_value = drop_value;
        if (SOFT(p, exec_map_new(&m, body, a, CALLS, sizeof a[0], &o)))
                return;
        while (n < CALLS - 2 && exec_map_next(m, EXEC_FOREVER, &out) == 1) {
                n++;
                if (!SOFT(p, out.err))
                        drop_value(out.value);
        }
        EXPECT_EQ(n, CALLS - 2); /* the rest goes with the map */
        EXPECT_EQ(exec_map_free(m), 0);
}

static void part_unstarted(struct program *p)
{
        exec_future *f[N];

        for (int i = 0; i < N; i++)
                f[i] = create(p, EXEC_FOREVER, 0, 0);
        for (int i = 0; i < N; i++)
                if (exec_try_cancel_unstarted(f[i], "unwanted") != 1)
                        exec_cancel(f[i], "unwanted");
        for (int i = 0; i < N; i++)
                SOFT_OR(p, exec_await(f[i], NULL), -ECANCELED);
        exec_future_unref_all(f, N);
}

static void expect_workers(struct program *p, exec_pool *pool)
{
        unsigned n = exec_pool_n_workers(pool);

        EXPECT(n >= 1 && n <= N_WORKERS);
        SOFT(p, n < N_WORKERS ? -EAGAIN : 0);
}

static int run_main(void *arg, void **value)
{
        struct program *p = arg;
        exec_future *f[2] = {create(p, EXEC_US(20), 0, 0), create(p, EXEC_FOREVER, 0, 0)};

        expect_workers(p, exec_pool_current());
        exec_future_unref(f[1]); /* left behind: cancelled at the end */
        finish(p, f, 1);
        *value = p;
        return 0;
}

static struct exec_pool_options pool_options(const struct program *p)
{
        struct exec_pool_options o;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = N_WORKERS;
        o.flags = p->pool_flags;
        return o;
}

static void part_run(struct program *p)
{
        struct exec_pool_options o = pool_options(p);
        void *value = NULL;

        if (!SOFT(p, exec_run_with(&o, run_main, p, &value)))
                EXPECT_PTR(value, p);
        o.flags |= EXEC_POOL_SIGINT;
        if (!SOFT(p, exec_run_with(&o, run_main, p, &value)))
                EXPECT_PTR(value, p);
        o.flags = p->pool_flags | EXEC_POOL_DEBUG;
        o.slow_ns = EXEC_FOREVER;
        if (!SOFT(p, exec_run_with(&o, run_main, p, &value)))
                EXPECT_PTR(value, p);
}

static void all_parts(struct program *p)
{
        static void (*const parts[])(struct program *) = {
                part_tasks,    part_error,   part_crowd,     part_gather,     part_gather_future, part_gather_cancelled,
                part_sleeps,   part_cancels, part_deadlines, part_completion, part_as_completed,  part_gather_call,
                part_promises, part_wait,    part_wait_for,  part_any,        part_shield,        part_scopes,
                part_group,    part_locals,  part_map,       part_unstarted,  part_group_limit,   part_run,
        };

        for (size_t i = 0; i < N_OF(parts); i++)
                parts[i](p);
}

static int all_parts_task(void *arg, void **value)
{
        (void)value;
        all_parts(arg);
        return 0;
}

static void *plain_thread(void *arg)
{
        struct program *p = arg;
        exec_future *f[N];

        create_all(p, f, N, EXEC_US(50));
        finish(p, f, N);
        return NULL;
}

/* ---- a run ---- */

struct plan {
        const char *name;
        enum execi_fault_kind kind;
        bool always;         /* such requests are made whatever rung of guards the tests are run with */
        bool hurts;          /* when refused for ever, calls fail; the others have a second way */
        unsigned pool_flags; /* that make the library ask at all */
};

static void with_pool(struct program *p)
{
        exec_future *inner;
        pthread_t thread;

        expect_workers(p, p->pool);
        exec_pool_set_default(p->pool);
        inner = exec_create_task(all_parts_task, p);
        pthread_create(&thread, NULL, plain_thread, p);
        SOFT(p, exec_await(inner, NULL));
        exec_future_unref(inner);
        all_parts(p);
        pthread_join(thread, NULL);
}

static void run_program(struct program *p)
{
        struct exec_pool_options o = pool_options(p);

        if (SOFT(p, exec_pool_new(&p->pool, &o)))
                EXPECT(!p->pool);
        else
                with_pool(p);
        EXPECT_EQ(exec_pool_free(p->pool), 0);
        if (!p->pool)
                part_run(p);
}

static void expect_balance(struct program *p, int64_t allocated, int64_t mapped)
{
        EXPECT_EQ(atom_load(&p->args_dropped, ACQUIRE), atom_load(&p->args_made, ACQUIRE));
        EXPECT_EQ(atom_load(&p->values_dropped, ACQUIRE), atom_load(&p->values_made, ACQUIRE));
        EXPECT_EQ(atom_load(&p->callbacks_called, ACQUIRE), atom_load(&p->callbacks_added, ACQUIRE));
        EXPECT_EQ(execi_memory_allocated(), allocated);
        EXPECT_EQ(execi_memory_mapped(), mapped);
}

/* How many requests were refused. */
static uint64_t run_with_fault(const struct plan *plan, uint64_t n, bool for_ever, int *n_errors)
{
        static char what[80];
        struct program p = {.pool_flags = plan->pool_flags};
        int64_t allocated = execi_memory_allocated(), mapped = execi_memory_mapped();
        uint64_t fired;

        snprintf(what, sizeof what, "%s, request %" PRIu64 " refused%s", plan->name, n, for_ever ? " for ever" : "");
        fixture_watch(NULL, what);
        execi_fault_arm(plan->kind, n, for_ever);
        run_program(&p);
        fired = execi_fault_fired();
        execi_fault_arm(plan->kind, 0, false);
        expect_balance(&p, allocated, mapped);
        *n_errors = atom_load(&p.n_errors, ACQUIRE);
        if (!fired)
                EXPECT_EQ(*n_errors, 0);
        if (fixture_failed())
                printf("fault: in the run \"%s\", %" PRIu64 " refused\n", what, fired);
        return fired;
}

static void run_plan(const struct plan *plan, bool for_ever)
{
        uint64_t n_fired = 0, n = 1, fired;
        int n_errors, n_runs = 0, n_failing = 0;

        do {
                fired = run_with_fault(plan, n, for_ever, &n_errors);
                n_fired += fired;
                n_failing += n_errors > 0;
                n_runs++;
                n += n < STEP_FROM ? 1 : 1 + n / (TEST_TSAN ? 4 : 16);
        } while (fired && !fixture_failed());
        printf("fault: %s%s: %d runs, %" PRIu64 " refused, errors in %d runs\n", plan->name,
               for_ever ? " for ever" : "", n_runs, n_fired, n_failing);
        fflush(stdout);
        EXPECT(n_fired > 0 || (!plan->always && getenv("EXEC_TEST_POOL_FLAGS")));
        EXPECT(n_failing > 0 || !for_ever || !plan->hurts);
}

static void test_fault(const struct plan *plan)
{
        int n_errors;

        run_with_fault(plan, 0, false, &n_errors); /* so much for the program itself */
        run_plan(plan, false);
        run_plan(plan, true);
}

static void no_log(int level, const char *message, void *ctx)
{
        (void)level, (void)message, (void)ctx;
}

#define FAULT_CASE(name, ...)                                                                                          \
        static void test_##name(struct fixture *fx)                                                                    \
        {                                                                                                              \
                static const struct plan plan = {#name, __VA_ARGS__};                                                  \
                                                                                                                       \
                (void)fx;                                                                                              \
                exec_set_log(no_log, NULL);                                                                            \
                test_fault(&plan);                                                                                     \
                exec_set_log(NULL, NULL);                                                                              \
        }

FAULT_CASE(alloc, FAULT_ALLOC, true, true, 0)
FAULT_CASE(map, FAULT_MAP, true, true, 0)
FAULT_CASE(madvise, FAULT_MADVISE, false, false, 0)
FAULT_CASE(mprotect, FAULT_MPROTECT, false, false, EXEC_POOL_GUARD_MPROTECT)
FAULT_CASE(thread, FAULT_THREAD, true, true, 0)

static const struct fixture_case cases[] = {
        CASE_BARE(test_alloc),    CASE_BARE(test_map),    CASE_BARE(test_madvise),
        CASE_BARE(test_mprotect), CASE_BARE(test_thread),
};

FIXTURE_MAIN("fault", cases)
