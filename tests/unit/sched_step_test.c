/* How long a task runs without a wait, on a clock of the test's own: what counts to whom, and what is told. */
#include "sched/step.h"

#include <executor/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int64_t clock_ns;
static int n_heard;
static char text[256];

static int64_t now(void *ctx)
{
        (void)ctx;
        return clock_ns;
}

static uint32_t pick(void *ctx, uint32_t n)
{
        (void)ctx, (void)n;
        return 0;
}

static const struct execi_chooser chooser = {now, pick, NULL};
static struct exec_pool pool;
static struct execi_worker worker;
static struct execi_fiber fiber, other_fiber;
static exec_future parent, child;

static void hear(int level, const char *message, void *ctx)
{
        (void)level, (void)ctx;
        n_heard++;
        snprintf(text, sizeof text, "%s", message);
}

static int setup(void **state)
{
        (void)state;
        memset(&fiber, 0, sizeof fiber);
        memset(&other_fiber, 0, sizeof other_fiber);
        parent.kind = child.kind = CELL_TASK;
        pool.chooser = &chooser;
        pool.slow_ns = 100;
        worker.pool = &pool;
        worker.fiber = &fiber;
        clock_ns = 1000;
        n_heard = 0;
        exec_set_log(hear, NULL);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        exec_set_log(NULL, NULL);
        return 0;
}

static void expect_told(int n, const exec_future *t)
{
        char name[64];

        snprintf(name, sizeof name, "task task@%lx ran", (unsigned long)(uintptr_t)t);
        assert_int_equal(n_heard, n);
        if (t)
                assert_non_null(strstr(text, name));
}

static void test_just_so_long(void **state)
{
        exec_future *outer = execi_step_begin(&worker, &parent);

        (void)state;
        assert_null(outer);
        assert_true(fiber.checked);
        clock_ns += 99;
        execi_step_end(&worker, outer);
        expect_told(0, NULL);
        assert_false(fiber.checked);
        execi_step_begin(&worker, &parent);
        clock_ns += 100;
        execi_step_end(&worker, NULL);
        expect_told(1, &parent);
}

/* What it waits does not count, and each step counts by itself. */
static void test_waits_do_not_count(void **state)
{
        (void)state;
        execi_step_begin(&worker, &parent);
        for (int i = 0; i < 5; i++) {
                clock_ns += 60;
                execi_step_suspend(&worker);
                clock_ns += 1000;
                execi_step_resume(&worker);
        }
        clock_ns += 60;
        execi_step_end(&worker, NULL);
        expect_told(0, NULL);
}

static void test_a_long_step_before_a_wait(void **state)
{
        (void)state;
        execi_step_begin(&worker, &parent);
        clock_ns += 150;
        execi_step_suspend(&worker);
        expect_told(1, &parent);
        clock_ns += 1000;
        execi_step_resume(&worker);
        clock_ns += 50;
        execi_step_end(&worker, NULL);
        expect_told(1, &parent);
}

/* A child on its awaiter's stack: its time is its own. */
static void test_child_on_the_same_stack(void **state)
{
        exec_future *outer, *middle;

        (void)state;
        outer = execi_step_begin(&worker, &parent);
        clock_ns += 60;
        middle = execi_step_begin(&worker, &child);
        assert_ptr_equal(middle, &parent);
        clock_ns += 60;
        execi_step_end(&worker, middle);
        assert_true(fiber.checked);
        clock_ns += 60;
        execi_step_end(&worker, outer);
        expect_told(0, NULL);
        outer = execi_step_begin(&worker, &parent);
        middle = execi_step_begin(&worker, &child);
        clock_ns += 160;
        execi_step_end(&worker, middle);
        expect_told(1, &child);
        execi_step_end(&worker, outer);
        expect_told(1, &child);
}

/* A child that waits there takes the stack with it. */
static void test_child_waits_on_the_same_stack(void **state)
{
        exec_future *outer = execi_step_begin(&worker, &parent), *middle = execi_step_begin(&worker, &child);

        (void)state;
        clock_ns += 60;
        execi_step_suspend(&worker);
        worker.fiber = &other_fiber;
        clock_ns += 500;
        worker.fiber = &fiber;
        execi_step_resume(&worker);
        clock_ns += 60;
        execi_step_end(&worker, middle);
        clock_ns += 60;
        execi_step_end(&worker, outer);
        expect_told(0, NULL);
}

/* A canary is looked at all the same. */
static void test_canary_stays(void **state)
{
        (void)state;
        fiber.has_canary = fiber.checked = true;
        execi_step_end(&worker, execi_step_begin(&worker, &parent));
        assert_true(fiber.checked);
}

static void test_outside_debug_mode(void **state)
{
        (void)state;
        clock_ns += 1000;
        execi_step_suspend(&worker); /* a canary alone brings it here */
        clock_ns += 1000;
        execi_step_resume(&worker);
        execi_step_suspend(&worker);
        expect_told(0, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_just_so_long, setup, teardown),
                cmocka_unit_test_setup_teardown(test_waits_do_not_count, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_long_step_before_a_wait, setup, teardown),
                cmocka_unit_test_setup_teardown(test_child_on_the_same_stack, setup, teardown),
                cmocka_unit_test_setup_teardown(test_child_waits_on_the_same_stack, setup, teardown),
                cmocka_unit_test_setup_teardown(test_canary_stays, setup, teardown),
                cmocka_unit_test_setup_teardown(test_outside_debug_mode, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
