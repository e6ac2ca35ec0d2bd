/* value_test.c - drop_arg and drop_value: exactly once, on every way a task or a promise can go. */
#include "fixture.h"

#include <stdlib.h>

/* Counts what became of one task. */
struct probe {
        _Atomic(int) args, values, runs, go;
        int rc;       /* what the body returns */
        bool sleeps;  /* before it returns */
        bool cancels; /* itself, before it returns */
};

static void drop_probe_arg(void *arg)
{
        atom_add(&((struct probe *)arg)->args, 1, ACQ_REL);
}

static void drop_probe_value(void *value)
{
        atom_add(&((struct probe *)value)->values, 1, ACQ_REL);
}

static int probe_body(void *arg, void **value)
{
        struct probe *p = arg;

        atom_add(&p->runs, 1, ACQ_REL);
        EXPECT_EQ(atom_load(&p->args, ACQUIRE), 0); /* the argument lives as long as the body */
        *value = p;
        if (p->sleeps)
                exec_sleep(EXEC_SEC(1000));
        if (p->cancels)
                exec_cancel(exec_current_task(), NULL);
        return p->rc;
}

static exec_future *create_probe(struct probe *p, exec_pool *pool)
{
        struct exec_task_options o;

        exec_task_options_init(&o, sizeof o);
        o.pool = pool;
        o.drop_arg = drop_probe_arg;
        o.drop_value = drop_probe_value;
        return exec_create_task_with(probe_body, p, &o);
}

/* Once the pool has nothing left: so many drops and not one more. */
static void expect_drops(struct fixture *fx, struct probe *p, int n_args, int n_values)
{
        fixture_wait(&p->args, n_args);
        fixture_wait(&p->values, n_values);
        fixture_settle(fx->pool);
        EXPECT_EQ(atom_load(&p->args, ACQUIRE), n_args);
        EXPECT_EQ(atom_load(&p->values, ACQUIRE), n_values);
}

static void test_dropped_after_success(struct fixture *fx)
{
        struct probe p = {0};
        exec_future *f = create_probe(&p, NULL);

        EXPECT_EQ(exec_await(f, NULL), 0);
        expect_drops(fx, &p, 1, 0); /* the value lives as long as the future */
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 1);
}

static void test_dropped_when_detached(struct fixture *fx)
{
        struct probe p = {0};

        exec_future_unref(create_probe(&p, NULL));
        expect_drops(fx, &p, 1, 1);
}

/* A body that fails may have set a value all the same. */
static void test_dropped_after_failure(struct fixture *fx)
{
        struct probe p = {.rc = -EIO};
        exec_future *f = create_probe(&p, NULL);
        void *value = NULL;

        EXPECT_EQ(exec_await(f, &value), -EIO);
        EXPECT_PTR(value, NULL);
        EXPECT_EQ(exec_take(f, &value), -EIO);
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 1);
}

static void test_dropped_after_a_wrong_return(struct fixture *fx)
{
        struct probe p = {.rc = 1};
        exec_future *f = create_probe(&p, NULL);

        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 1);
}

static void test_dropped_when_cancelled_before_the_start(struct fixture *fx)
{
        struct probe p = {0};
        exec_future *f = create_probe(&p, NULL);

        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 0);
        EXPECT_EQ(atom_load(&p.runs, ACQUIRE), 0);
}

static void test_dropped_when_cancelled_while_it_waits(struct fixture *fx)
{
        struct probe p = {.sleeps = true, .rc = -ECANCELED};
        exec_future *f = create_probe(&p, NULL);

        fixture_wait(&p.runs, 1);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 1);
}

static void test_dropped_when_the_cancel_is_swallowed(struct fixture *fx)
{
        struct probe p = {.sleeps = true};
        exec_future *f = create_probe(&p, NULL);

        fixture_wait(&p.runs, 1);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, &p);
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 1);
}

static void test_dropped_when_cancelled_at_the_end(struct fixture *fx)
{
        struct probe p = {.cancels = true};
        exec_future *f = create_probe(&p, NULL);

        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 1);
}

static void test_dropped_when_refused(struct fixture *fx)
{
        struct probe p = {0}, q = {0};
        struct exec_task_options o;
        exec_pool *closed = NULL;
        exec_future *f;

        exec_task_options_init(&o, sizeof o);
        o.drop_arg = drop_probe_arg;
        f = exec_create_task_with(NULL, &p, &o);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 0);

        EXPECT_EQ(exec_pool_new(&closed, NULL), 0);
        EXPECT_EQ(exec_pool_shutdown(closed, EXEC_DRAIN, EXEC_FOREVER), 0);
        f = create_probe(&q, closed);
        EXPECT_EQ(exec_await(f, NULL), -ESHUTDOWN);
        exec_future_unref(f);
        expect_drops(fx, &q, 1, 0);
        EXPECT_EQ(exec_pool_free(closed), 0);
}

static const void *dropped;
static _Atomic(int) n_dropped;

static void note_drop(void *ptr)
{
        dropped = ptr;
        atom_add(&n_dropped, 1, ACQ_REL);
}

/* Which argument: the task's copy, or the caller's where none was made; and none where there was nothing to copy. */
static void test_which_argument_is_dropped(struct fixture *fx)
{
        struct exec_task_options o;
        exec_future *f;
        int original = 42;

        (void)fx;
        atom_store(&n_dropped, 0, RELAXED);
        exec_task_options_init(&o, sizeof o);
        o.drop_arg = note_drop;
        o.arg_size = sizeof original;
        f = exec_create_task_with(task_value, &original, &o);
        EXPECT_EQ(exec_await(f, NULL), 0);
        fixture_wait(&n_dropped, 1);
        EXPECT(dropped != &original);
        exec_future_unref(f);

        f = exec_create_task_with(NULL, &original, &o); /* refused before it is copied */
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        EXPECT_EQ(atom_load(&n_dropped, ACQUIRE), 2);
        EXPECT_PTR(dropped, &original);
        exec_future_unref(f);

        f = exec_create_task_with(task_value, NULL, &o); /* nothing to copy, nothing to drop */
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        exec_future_unref(f);
        o.size = 0; /* no function to call */
        f = exec_create_task_with(task_value, &original, &o);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        exec_future_unref(f);
        EXPECT_EQ(atom_load(&n_dropped, ACQUIRE), 2);

        exec_task_options_init(&o, sizeof o); /* NULL that is not to be copied is an argument like any other */
        o.drop_arg = note_drop;
        f = exec_create_task_with(NULL, NULL, &o);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        EXPECT_EQ(atom_load(&n_dropped, ACQUIRE), 3);
        EXPECT_PTR(dropped, NULL);
        exec_future_unref(f);
}

static void test_not_dropped_when_taken(struct fixture *fx)
{
        struct probe p = {0};
        exec_future *f = create_probe(&p, NULL);
        void *value = NULL, *again = NULL;
        struct exec_outcome o;

        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(exec_take(f, &value), 0);
        EXPECT_PTR(value, &p);
        EXPECT_EQ(exec_take(f, &again), -EALREADY);
        EXPECT_PTR(again, NULL);
        EXPECT_EQ(exec_future_outcome(f, &o), 0);
        EXPECT_EQ(o.state, EXEC_DONE);
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 0);
}

/* By one who has it already. */
static void test_not_dropped_when_taken_without_looking(struct fixture *fx)
{
        struct probe p = {0};
        exec_future *f = create_probe(&p, NULL);
        void *value = NULL;

        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &p);
        EXPECT_EQ(exec_take(f, NULL), 0);
        EXPECT_EQ(exec_take(f, NULL), -EALREADY);
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 0);
}

struct take_race {
        exec_future *_Atomic f;
        _Atomic(int) won;
};

static void take_it(void *arg)
{
        struct take_race *t = arg;
        void *value = NULL;
        int rc = exec_take(atom_load(&t->f, ACQUIRE), &value);

        EXPECT(rc == 0 || rc == -EALREADY);
        if (rc == 0)
                atom_add(&t->won, 1, ACQ_REL);
}

static void test_taken_by_one_of_two(struct fixture *fx)
{
        size_t rounds = test_rounds(500);
        struct probe p = {0};
        struct take_race t = {NULL, 0};
        struct rival r;

        rival_start(&r, take_it, &t);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f = exec_promise_new(drop_probe_value);

                EXPECT_EQ(exec_promise_set(f, &p), 0);
                atom_store(&t.f, f, RELEASE);
                rival_release(&r);
                take_it(&t);
                rival_wait(&r);
                exec_future_unref(f);
        }
        rival_stop(&r);
        EXPECT_EQ(atom_load(&t.won, ACQUIRE), rounds);
        expect_drops(fx, &p, 0, 0);
}

static void test_dropped_after_a_gather_with_unref(struct fixture *fx)
{
        struct probe p[4] = {{.rc = 0}, {.rc = -EIO}, {.rc = 0}, {.cancels = true}};
        exec_future *f[4], *g;
        struct exec_outcome out[4];

        for (int i = 0; i < 4; i++)
                f[i] = create_probe(&p[i], NULL);
        EXPECT_EQ(exec_gather(f, 4, out, EXEC_COLLECT | EXEC_UNREF), 0);
        for (int i = 0; i < 4; i++)
                expect_drops(fx, &p[i], 1, 1);

        for (int i = 0; i < 4; i++) {
                p[i] = (struct probe){0};
                f[i] = create_probe(&p[i], NULL);
        }
        g = exec_gather_future(f, 4, EXEC_UNREF);
        EXPECT_EQ(exec_await(g, NULL), 0);
        for (int i = 0; i < 4; i++)
                expect_drops(fx, &p[i], 1, 0); /* borrowed from the gather */
        exec_future_unref(g);
        for (int i = 0; i < 4; i++)
                expect_drops(fx, &p[i], 1, 1);
}

static void test_kept_over_a_gather_by_another_reference(struct fixture *fx)
{
        struct probe p = {0};
        exec_future *f = create_probe(&p, NULL);
        void *value = NULL;

        exec_future_ref(f);
        EXPECT_EQ(exec_gather(&f, 1, NULL, EXEC_UNREF), 0);
        expect_drops(fx, &p, 1, 0);
        EXPECT_EQ(exec_take(f, &value), 0);
        EXPECT_PTR(value, &p);
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 0);
}

static int call_with_value(void *arg, void **value)
{
        struct probe *p = arg;

        atom_add(&p->runs, 1, ACQ_REL);
        *value = p;
        return p->rc;
}

/* The values of a gather over an array are the caller's. */
static void test_values_of_gather_call(struct fixture *fx)
{
        struct probe p[6] = {{0}};
        struct exec_outcome out[6];

        EXPECT_EQ(exec_gather_call(call_with_value, p, 6, sizeof p[0], out, 2, 0), 0);
        for (int i = 0; i < 6; i++) {
                EXPECT_EQ(out[i].state, EXEC_DONE);
                EXPECT_PTR(out[i].value, &p[i]);
                EXPECT_EQ(atom_load(&p[i].runs, ACQUIRE), 1);
                expect_drops(fx, &p[i], 0, 0);
        }
}

static void test_promise_values(struct fixture *fx)
{
        struct probe p = {0}, refused = {0}, taken = {0};
        exec_future *f = exec_promise_new(drop_probe_value);
        void *value = NULL;

        EXPECT_EQ(exec_promise_set(f, &p), 0);
        EXPECT_EQ(exec_promise_set(f, &refused), -EALREADY); /* still the caller's */
        exec_future_unref(f);
        expect_drops(fx, &p, 0, 1);
        expect_drops(fx, &refused, 0, 0);

        f = exec_promise_new(drop_probe_value);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_promise_set(f, &refused), -EALREADY);
        exec_future_unref(f);
        f = exec_promise_new(drop_probe_value);
        EXPECT_EQ(exec_promise_fail(f, -EIO), 0);
        EXPECT_EQ(exec_cancel(f, NULL), 0);
        exec_future_unref(f);
        exec_future_unref(exec_promise_new(drop_probe_value)); /* never set */
        f = exec_promise_new(drop_probe_value);
        EXPECT_EQ(exec_promise_set(f, NULL), 0); /* NULL is not dropped: it would crash */
        exec_future_unref(f);
        expect_drops(fx, &refused, 0, 0);

        f = exec_promise_new(drop_probe_value);
        EXPECT_EQ(exec_promise_set(f, &taken), 0);
        EXPECT_EQ(exec_take(f, &value), 0);
        exec_future_unref(f);
        expect_drops(fx, &taken, 0, 0);
}

/* A copied argument: what is dropped is the copy, which holds what the caller's block held. */
struct owner {
        struct probe *p;
        char fill[200];
};

static void drop_owner(void *arg)
{
        struct owner *o = arg;

        EXPECT(o->fill[199] == 'z');
        atom_add(&o->p->args, 1, ACQ_REL);
}

static int owner_body(void *arg, void **value)
{
        struct owner *o = arg;

        *value = o->p;
        atom_add(&o->p->runs, 1, ACQ_REL);
        return exec_yield();
}

static void test_copied_argument_is_dropped(struct fixture *fx)
{
        struct probe p = {0}, cancelled = {0};
        struct owner *block = calloc(1, sizeof *block);
        struct exec_task_options o;
        int cancelled_by_us;
        exec_future *f;

        block->fill[199] = 'z';
        exec_task_options_init(&o, sizeof o);
        o.arg_size = sizeof *block;
        o.drop_arg = drop_owner;
        block->p = &p;
        f = exec_create_task_with(owner_body, block, &o);
        block->p = &cancelled;
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        f = exec_create_task_with(owner_body, block, &o);
        block->p = NULL;
        free(block);
        cancelled_by_us = exec_cancel(f, NULL);
        EXPECT_EQ(exec_await(f, NULL), cancelled_by_us ? -ECANCELED : 0);
        exec_future_unref(f);
        expect_drops(fx, &p, 1, 0);
        expect_drops(fx, &cancelled, 1, 0);
}

static exec_future *held;

static void unref_held(void *ptr)
{
        (void)ptr;
        exec_future_unref(held);
}

/* A drop function may give up other futures. */
static void test_drop_may_use_the_library(struct fixture *fx)
{
        struct probe p = {0};
        exec_future *f = exec_promise_new(unref_held);

        held = exec_promise_new(drop_probe_value);
        EXPECT_EQ(exec_promise_set(held, &p), 0);
        EXPECT_EQ(exec_promise_set(f, &p), 0);
        exec_future_unref(f);
        expect_drops(fx, &p, 0, 1);
}

struct link {
        exec_future *next;
};

static void drop_link(void *ptr)
{
        struct link *l = ptr;

        exec_future_unref(l->next);
        free(l);
}

/* Each value holds the next future. Short of a stack's depth: the chain is the user's. */
static void test_chain_of_values(struct fixture *fx)
{
        exec_future *f = NULL;

        (void)fx;
        for (int i = 0; i < 50; i++) {
                struct link *l = malloc(sizeof *l);

                l->next = f;
                f = exec_promise_new(drop_link);
                EXPECT_EQ(exec_promise_set(f, l), 0);
        }
        exec_future_unref(f);
}

static void test_dropped_when_the_pool_is_freed(struct fixture *fx)
{
        enum { N = 20 };
        struct probe p[N] = {{0}};
        exec_pool *pool = NULL;

        (void)fx;
        EXPECT_EQ(exec_pool_new(&pool, NULL), 0);
        for (int i = 0; i < N; i++) {
                p[i].sleeps = i % 2;
                exec_future_unref(create_probe(&p[i], pool));
        }
        EXPECT_EQ(exec_pool_free(pool), 0);
        for (int i = 0; i < N; i++) {
                EXPECT_EQ(atom_load(&p[i].args, ACQUIRE), 1);
                EXPECT_EQ(atom_load(&p[i].values, ACQUIRE), atom_load(&p[i].runs, ACQUIRE));
        }
}

/* Cancels at random moments: whatever happens, once each. */
static void test_drops_race_cancel(struct fixture *fx)
{
        size_t rounds = test_rounds(1000);
        uint64_t random = 987654321;

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                struct probe p = {0};
                exec_future *f = create_probe(&p, NULL);

                fixture_spin((int64_t)(test_random(&random) % 3000));
                exec_cancel(f, NULL);
                exec_await(f, NULL);
                exec_future_unref(f);
                fixture_wait(&p.args, 1);
                fixture_wait(&p.values, atom_load(&p.runs, ACQUIRE));
                EXPECT_EQ(atom_load(&p.args, ACQUIRE), 1);
                EXPECT_EQ(atom_load(&p.values, ACQUIRE), atom_load(&p.runs, ACQUIRE));
        }
}

static const struct fixture_case cases[] = {
        CASE(test_dropped_after_success),
        CASE(test_dropped_when_detached),
        CASE(test_dropped_after_failure),
        CASE(test_dropped_after_a_wrong_return),
        CASE_ONE(test_dropped_when_cancelled_before_the_start),
        CASE(test_dropped_when_cancelled_while_it_waits),
        CASE(test_dropped_when_the_cancel_is_swallowed),
        CASE(test_dropped_when_cancelled_at_the_end),
        CASE_THREAD(test_dropped_when_refused),
        CASE(test_which_argument_is_dropped),
        CASE(test_not_dropped_when_taken),
        CASE(test_not_dropped_when_taken_without_looking),
        CASE(test_taken_by_one_of_two),
        CASE(test_dropped_after_a_gather_with_unref),
        CASE(test_kept_over_a_gather_by_another_reference),
        CASE(test_values_of_gather_call),
        CASE(test_promise_values),
        CASE(test_copied_argument_is_dropped),
        CASE(test_drop_may_use_the_library),
        CASE(test_chain_of_values),
        CASE_THREAD(test_dropped_when_the_pool_is_freed),
        CASE(test_drops_race_cancel),
};

FIXTURE_MAIN("value", cases)
