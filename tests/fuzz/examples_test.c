/* examples_test.c - programs that are always run: some by seed, and some by hand, which failed once. Each with 1, 2 and 3
 * workers. */
#include "fixture.h"
#include "fuzz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { IS_SLOW = TEST_TSAN || TEST_ASAN, PROGRAMS = IS_SLOW ? 300 : 3000, ROUNDS = IS_SLOW ? 30 : 300 };

static void by_seed(void **state)
{
        uint64_t n_ops = 0;

        (void)state;
        for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
                uint8_t data[512];
                size_t size = fuzz_bytes(seed, data, sizeof data);
                char replay[64];
                struct fuzz_how how = {1 + (unsigned)(seed % 3), replay};

                snprintf(replay, sizeof replay, "fuzz_loop --seed %u --workers %u --programs 1", (unsigned)seed,
                         how.n_workers);
                assert_int_equal(fuzz_one(data, size, &how, &n_ops), 0);
        }
        assert_true(n_ops > PROGRAMS); /* they do something */
}

static void run(void (*make)(struct plan *p), const char *name)
{
        struct plan p = {.n_nodes = 0};
        uint64_t n_ops = 0;

        plan_node(&p, NODE_THREAD);
        make(&p);
        for (unsigned i = 0; i < 3 * ROUNDS; i++) {
                struct fuzz_how how = {1 + i % 3, name};

                p.common = (uint8_t)(i / 3 % 32);
                assert_int_equal(fuzz_plan(&p, &how, &n_ops), 0);
        }
}

/* An op about one node, in the body of another. */
static void about(struct plan *p, uint8_t node, enum op_kind kind, uint8_t a, uint8_t b, uint8_t target)
{
        struct op *op = plan_op(p, node, kind);

        op->a = a;
        op->b = b;
        op->n_targets = 1;
        op->target[0] = target;
}

enum { PASSED = 0, COMMON = 1, IN_100_US = 3 }; /* deadlines: body.h */

/* A task awaits until the very moment at which a scope around it expires: the request must go on to what it awaits. */
static void deadline_meets_scope(struct plan *p)
{
        uint8_t task = plan_node(p, NODE_TASK), child = plan_node(p, NODE_TASK);

        about(p, 0, OP_SPAWN, 0, 0, task);
        about(p, task, OP_SPAWN, 0, 0, child);
        plan_op(p, child, OP_FOREVER);
        plan_op(p, task, OP_SCOPE)->a = COMMON;
        p->nodes[task].ops[1].b = 1;
        about(p, task, OP_AWAIT_UNTIL, COMMON, 0, child);
        about(p, 0, OP_AWAIT_UNTIL, IN_100_US, 0, task);
}

static void test_deadline_meets_scope(void **state)
{
        (void)state;
        run(deadline_meets_scope, "deadline_meets_scope");
}

/* The same, and the time of wait_for is over too. */
static void wait_for_meets_scope(struct plan *p)
{
        deadline_meets_scope(p);
        p->nodes[1].ops[2].kind = OP_WAIT_FOR;
        p->nodes[1].ops[2].a = 128 | 2;
}

static void test_wait_for_meets_scope(void **state)
{
        (void)state;
        run(wait_for_meets_scope, "wait_for_meets_scope");
}

/* Nobody has looked at the clock since an outer scope is due, when an inner one expires: the outer one says -ETIMEDOUT. */
static void outer_scope_is_due(struct plan *p)
{
        uint8_t task = plan_node(p, NODE_TASK);
        struct op *op;

        about(p, 0, OP_SPAWN, 0, 0, task);
        op = plan_op(p, task, OP_SCOPE);
        op->a = COMMON;
        op->b = 3;
        plan_op(p, task, OP_SPIN)->a = 7;
        op = plan_op(p, task, OP_SCOPE);
        op->a = PASSED;
        op->b = 1;
        plan_op(p, task, OP_YIELD);
}

static void test_outer_scope_is_due(void **state)
{
        (void)state;
        run(outer_scope_is_due, "outer_scope_is_due");
}

/* A gather is cancelled when one of its promises is done: that one keeps its outcome, and gets no reason. */
static void gather_with_a_done_one(struct plan *p)
{
        uint8_t gather = plan_node(p, NODE_GATHER), done = plan_node(p, NODE_PROMISE),
                pending = plan_node(p, NODE_PROMISE);

        p->nodes[gather].flags = COLLECTS;
        p->nodes[gather].n_children = 2;
        p->nodes[gather].child[0] = done;
        p->nodes[gather].child[1] = pending;
        about(p, 0, OP_SPAWN, 0, 0, gather);
        about(p, 0, OP_FINISH, 0, 0, done);
        about(p, 0, OP_CANCEL, 1, 0, gather);
}

static void test_gather_with_a_done_one(void **state)
{
        (void)state;
        run(gather_with_a_done_one, "gather_with_a_done_one");
}

static int tear_down(void **state)
{
        (void)state;
        return fuzz_end() ? 0 : -1;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(by_seed),
                cmocka_unit_test(test_deadline_meets_scope),
                cmocka_unit_test(test_wait_for_meets_scope),
                cmocka_unit_test(test_outer_scope_is_due),
                cmocka_unit_test(test_gather_with_a_done_one),
        };

        return cmocka_run_group_tests_name("fuzz", tests, NULL, tear_down);
}
