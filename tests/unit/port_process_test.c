/* Is this still the process that made a thing? */
#include "port/process.h"

#include "port_child.h"

#include <stdbool.h>

static int n_called;

static void note(void)
{
        n_called++;
}

static void tell_number(void *arg)
{
        unsigned *before = arg;
        bool good = execi_process() != *before && n_called == 1;

        _exit(good ? 0 : 1);
}

static void the_child_has_another_number(void **state)
{
        unsigned before;

        (void)state;
        assert_int_equal(execi_process_watch(note), 0);
        assert_int_equal(execi_process_watch(note), 0); /* once for all */
        before = execi_process();
        struct child_end end = child_run(tell_number, &before);
        assert_int_equal(end.signal, 0);
        assert_int_equal(end.status, 0);
        assert_int_equal(execi_process(), before);
        assert_int_equal(n_called, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(the_child_has_another_number)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
