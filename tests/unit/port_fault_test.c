/* The seam for fault injection: which call fails, and that it is counted. */
#include "port/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void fault_fails_the_nth_call_once(void **state)
{
        (void)state;
        execi_fault_arm(FAULT_MAP, 3, false);
        assert_false(execi_fault(FAULT_MAP));
        assert_false(execi_fault(FAULT_ALLOC)); /* another kind counts for itself */
        assert_false(execi_fault(FAULT_MAP));
        assert_true(execi_fault(FAULT_MAP));
        assert_false(execi_fault(FAULT_MAP));
        assert_int_equal(execi_fault_fired(), 1);
        assert_int_equal(execi_fault_calls(FAULT_MAP), 4);
        execi_fault_arm(FAULT_MAP, 0, false);
}

static void fault_fails_all_from_the_nth(void **state)
{
        (void)state;
        execi_fault_arm(FAULT_ALLOC, 2, true);
        assert_false(execi_fault(FAULT_ALLOC));
        for (int i = 0; i < 5; i++)
                assert_true(execi_fault(FAULT_ALLOC));
        assert_int_equal(execi_fault_fired(), 5);
        execi_fault_arm(FAULT_ALLOC, 0, false);
}

static void fault_is_silent_when_disarmed(void **state)
{
        (void)state;
        execi_fault_arm(FAULT_THREAD, 1, true);
        execi_fault_arm(FAULT_THREAD, 0, true);
        for (int i = 0; i < 5; i++)
                assert_false(execi_fault(FAULT_THREAD));
        assert_int_equal(execi_fault_fired(), 0);
        assert_int_equal(execi_fault_calls(FAULT_THREAD), 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fault_fails_the_nth_call_once),
                cmocka_unit_test(fault_fails_all_from_the_nth),
                cmocka_unit_test(fault_is_silent_when_disarmed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
