/* The text of the progress line. When it is drawn, and when not, is in terminal_test.sh. */
#include "../../tools/exsum/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char line[128];

static const char *format(unsigned width, struct progress_state state, double bytes_per_s, double left_s)
{
        progress_format(line, sizeof line, width, &state, bytes_per_s, left_s);
        return line;
}

static void a_run_of_known_length(void **state)
{
        struct progress_state half = {.n_files = 12, .n_bytes = 1234567890, .n_units = 50, .n_units_all = 100};

        (void)state;
        assert_string_equal(format(100, half, 3.5e8, 83),
                            "[===============               ]  50 %  12 files  1.23 GB  350 MB/s  1:23 left");
        assert_string_equal(format(58, half, 3.5e8, 83), "[=====     ]  50 %  12 files  1.23 GB  350 MB/s  1:23 left");
        assert_string_equal(format(55, half, 3.5e8, 83), " 50 %  12 files  1.23 GB  350 MB/s  1:23 left");
        assert_string_equal(format(20, half, 3.5e8, 83), " 50 %  12 files  1.2");
        half.n_units = 120; /* more than was counted */
        assert_string_equal(format(58, half, 3.5e8, 0), "[==========] 100 %  12 files  1.23 GB  350 MB/s  0:00 left");
}

static void a_run_of_unknown_length(void **state)
{
        (void)state;
        assert_string_equal(format(100, (struct progress_state){0}, 0, -1), "0 files  0 B");
        assert_string_equal(format(100, (struct progress_state){.n_files = 1, .n_bytes = 999}, 1500, -1),
                            "1 files  999 B  1.50 kB/s");
}

static void units_and_times(void **state)
{
        struct progress_state some = {.n_files = 1, .n_bytes = 9949, .n_units = 1, .n_units_all = 1000};

        (void)state;
        assert_string_equal(format(40, some, 0, 3599.6), "  0 %  1 files  9.95 kB  1:00:00 left");
        some.n_bytes = 999600;
        assert_string_equal(format(40, some, 0, 7384), "  0 %  1 files  1.00 MB  2:03:04 left");
        some.n_bytes = 99949999;
        assert_string_equal(format(24, some, 0, 1e9), "  0 %  1 files  100 MB");
        some.n_bytes = UINT64_MAX;
        assert_string_equal(format(40, some, 1e30, 1), "  0 %  1 files  18.4 EB  1000000000000 E");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_run_of_known_length),
                cmocka_unit_test(a_run_of_unknown_length),
                cmocka_unit_test(units_and_times),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
