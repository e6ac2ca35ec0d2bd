/* recursion_test.c - tasks that create and await tasks, deeper than any stack. */
#include "fixture.h"

#include <stdlib.h>

/* Every level costs a task and the bytes of its stack frame; a sanitizer makes frames and stacks dear. */
static size_t depth_of(size_t plain, size_t asan)
{
        return TEST_TSAN ? 150 : TEST_ASAN ? asan : plain;
}

static int down(void *arg, void **value)
{
        size_t depth = (size_t)arg;
        exec_future *child;
        void *below = NULL;
        int rc;

        if (!depth) {
                *value = NULL;
                return 0;
        }
        child = exec_create_task(down, VAL(depth - 1));
        rc = exec_await(child, &below);
        exec_future_unref(child);
        *value = VAL((intptr_t)below + 1);
        return rc;
}

static void expect_depth(size_t depth)
{
        exec_future *f = exec_create_task(down, VAL(depth));
        void *value = NULL;

        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, depth);
        exec_future_unref(f);
}

static void test_a_million_deep(struct fixture *fx)
{
        (void)fx;
        expect_depth(depth_of(1000000, 2000));
}

static void test_deep_again_and_again(struct fixture *fx)
{
        (void)fx;
        for (int i = 0; i < 5; i++)
                expect_depth(depth_of(20000, 500));
}

/* The same where no child may run on its parent's stack: each level waits with a deadline. */
static int down_with_deadline(void *arg, void **value)
{
        size_t depth = (size_t)arg;
        exec_future *child;
        void *below = NULL;
        int rc;

        *value = NULL;
        if (!depth)
                return 0;
        child = exec_create_task(down_with_deadline, VAL(depth - 1));
        rc = exec_await_until(child, exec_now() + EXEC_SEC(1000), &below);
        exec_future_unref(child);
        *value = VAL((intptr_t)below + 1);
        return rc;
}

static void test_deep_on_stacks_of_their_own(struct fixture *fx)
{
        size_t depth = depth_of(5000, 500);
        exec_future *f = exec_create_task(down_with_deadline, VAL(depth));
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, depth);
        exec_future_unref(f);
}

/* An error made at the bottom comes up through all levels. */
static int down_to_error(void *arg, void **value)
{
        size_t depth = (size_t)arg;
        exec_future *child;
        int rc;

        if (!depth)
                return exec_fail(-EIO, "at the bottom");
        child = exec_create_task(down_to_error, VAL(depth - 1));
        rc = exec_await(child, value);
        exec_future_unref(child);
        return rc;
}

static void test_error_from_the_bottom(struct fixture *fx)
{
        exec_future *f = exec_create_task(down_to_error, VAL(depth_of(50000, 500)));

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), -EIO);
        exec_future_unref(f);
}

/* Cancelled at the top while the bottom sleeps. */
struct bottom {
        _Atomic(int) reached;
        size_t depth;
};

struct level {
        struct bottom *bottom;
        size_t depth;
};

static int down_to_sleep(void *arg, void **value)
{
        struct level *l = arg, next = {l->bottom, l->depth - 1};
        struct exec_task_options o;
        exec_future *child;
        int rc;

        *value = NULL;
        if (!l->depth) {
                atom_store(&l->bottom->reached, 1, RELEASE);
                return exec_sleep(EXEC_SEC(1000));
        }
        exec_task_options_init(&o, sizeof o);
        o.arg_size = sizeof next;
        child = exec_create_task_with(down_to_sleep, &next, &o);
        rc = exec_await(child, NULL);
        exec_future_unref(child);
        return rc;
}

static void test_cancel_reaches_the_bottom(struct fixture *fx)
{
        struct bottom b = {0, 0};
        struct level top = {&b, depth_of(20000, 500)};
        exec_future *f = exec_create_task(down_to_sleep, &top);

        (void)fx;
        fixture_wait(&b.reached, 1);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
}

/* A tree: two children each level. */
static int fib(void *arg, void **value)
{
        intptr_t n = (intptr_t)arg;
        exec_future *f[2];
        void *a = NULL, *b = NULL;
        int rc = 0;

        *value = arg;
        if (n < 2)
                return 0;
        f[0] = exec_create_task(fib, VAL(n - 1));
        f[1] = exec_create_task(fib, VAL(n - 2));
        for (int i = 1; i >= 0 && !rc; i--)
                rc = exec_await(f[i], i ? &a : &b);
        *value = VAL((intptr_t)a + (intptr_t)b);
        exec_future_unref_all(f, 2);
        return rc;
}

static void test_tree(struct fixture *fx)
{
        exec_future *f = exec_create_task(fib, VAL(TEST_TSAN ? 9 : TEST_ASAN ? 15 : 20));
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, TEST_TSAN ? 34 : TEST_ASAN ? 610 : 6765);
        exec_future_unref(f);
}

/* Each task makes its successor and ends: the pool works for long, the memory stays. */
struct relay {
        _Atomic(int) left, ended;
};

static int pass_on(void *arg, void **value)
{
        struct relay *r = arg;

        *value = NULL;
        if (atom_sub(&r->left, 1, ACQ_REL) > 0)
                exec_future_unref(exec_create_task(pass_on, r));
        else
                atom_store(&r->ended, 1, RELEASE);
        return 0;
}

static void test_chain_of_successors(struct fixture *fx)
{
        struct relay r = {(int)test_scale(100000), 0};

        exec_future_unref(exec_create_task(pass_on, &r));
        fixture_wait(&r.ended, 1);
        EXPECT(fixture_stats(fx->pool).n_stacks <= 64 + 8 * fx->n_workers);
}

static const struct fixture_case cases[] = {
        CASE(test_a_million_deep),        CASE(test_deep_again_and_again),      CASE(test_deep_on_stacks_of_their_own),
        CASE(test_error_from_the_bottom), CASE(test_cancel_reaches_the_bottom), CASE(test_tree),
        CASE(test_chain_of_successors),
};

FIXTURE_MAIN("recursion", cases)
