/* The monotonic clock and saturating time. */
#include "port/clock.h"

#include <executor/time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static void clock_is_the_monotonic_one(void **state)
{
        struct timespec before, after, pause = {.tv_nsec = 3000000};

        (void)state;
        clock_gettime(CLOCK_MONOTONIC, &before);
        int64_t first = execi_clock_now();
        nanosleep(&pause, NULL);
        int64_t second = exec_now();
        clock_gettime(CLOCK_MONOTONIC, &after);
        assert_true(first >= EXEC_SEC(before.tv_sec) + before.tv_nsec);
        assert_true(second <= EXEC_SEC(after.tv_sec) + after.tv_nsec);
        assert_true(second - first >= EXEC_MS(3));
}

static void time_add_saturates(void **state)
{
        (void)state;
        assert_true(execi_time_add(5, 7) == 12);
        assert_true(execi_time_add(5, -7) == -2);
        assert_true(execi_time_add(0, INT64_MIN) == INT64_MIN);
        assert_true(execi_time_add(EXEC_FOREVER, -1) == EXEC_FOREVER - 1);
        assert_true(execi_time_add(EXEC_FOREVER - 1, 1) == EXEC_FOREVER);
        assert_true(execi_time_add(EXEC_FOREVER - 1, 2) == EXEC_FOREVER);
        assert_true(execi_time_add(EXEC_FOREVER, EXEC_FOREVER) == EXEC_FOREVER);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(clock_is_the_monotonic_one),
                cmocka_unit_test(time_add_saturates),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
