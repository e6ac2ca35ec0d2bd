/* The panic path: one line on stderr, then SIGABRT. */
#include "base/check.h"

#include "port_child.h"

static void panic_with_numbers(void *arg)
{
        (void)arg;
        execi_panic("%s of %d", "seven", 9);
}

static void panic_with_long_text(void *arg)
{
        char text[3000];

        (void)arg;
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        execi_panic("%s", text);
}

static void check_that(void *is_true)
{
        CHECK(*(int *)is_true, "the %s is broken", "rule");
}

static void panic_writes_one_line_and_aborts(void **state)
{
        struct child_end end = child_run(panic_with_numbers, NULL);

        (void)state;
        assert_int_equal(end.signal, SIGABRT);
        assert_string_equal(end.text, "executor: seven of 9\n");
}

static void panic_cuts_a_long_line(void **state)
{
        struct child_end end = child_run(panic_with_long_text, NULL);
        size_t length = strlen(end.text);

        (void)state;
        assert_int_equal(end.signal, SIGABRT);
        assert_in_range(length, 300, 400);
        assert_int_equal(end.text[length - 1], '\n');
        assert_int_equal(end.text[length - 2], 'x');
}

static void check_panics_only_when_false(void **state)
{
        int yes = 1, no = 0;
        struct child_end good = child_run(check_that, &yes), bad = child_run(check_that, &no);

        (void)state;
        assert_int_equal(good.signal, 0);
        assert_int_equal(bad.signal, SIGABRT);
        assert_string_equal(bad.text, "executor: the rule is broken\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(panic_writes_one_line_and_aborts),
                cmocka_unit_test(panic_cuts_a_long_line),
                cmocka_unit_test(check_panics_only_when_false),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
