/* examples_test.c - programs that are always run: some by seed, and some by hand, which failed once. Each with 1, 2 and 3
 * workers. */
#include "fuzz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { PROGRAMS = 300, ROUNDS = 30 };
#else
enum { PROGRAMS = 3000, ROUNDS = 300 };
#endif

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

enum { COMMON = 1, IN_100_US = 3 }; /* deadlines: body.c */

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
        };

        return cmocka_run_group_tests_name("fuzz", tests, NULL, tear_down);
}
