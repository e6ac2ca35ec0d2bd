/* Affinity: what a thread may use is read, set and taken back, and what the kernel refuses is told. */
#include "port/affinity.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool has(const struct execi_affinity *mask, int cpu)
{
        return mask->words[cpu / AFFINITY_WORD_BITS] >> cpu % AFFINITY_WORD_BITS & 1;
}

static void this_cpu_is_among_them(void **state)
{
        struct execi_affinity mask;
        int cpu = execi_affinity_cpu();

        (void)state;
        assert_true(cpu >= 0);
        assert_true(execi_affinity_get(execi_affinity_thread(), &mask));
        assert_false(execi_affinity_is_empty(&mask));
        assert_true(has(&mask, cpu));
}

static void a_cpu_is_removed(void **state)
{
        struct execi_affinity mask;

        (void)state;
        memset(&mask, 0, sizeof mask);
        assert_true(execi_affinity_is_empty(&mask));
        mask.words[0] = 5;
        mask.words[sizeof mask.words / sizeof mask.words[0] - 1] = 1UL << (AFFINITY_WORD_BITS - 1);
        execi_affinity_remove(&mask, 0);
        execi_affinity_remove(&mask, 1); /* not in it */
        execi_affinity_remove(&mask, -1);
        assert_true(!has(&mask, 0) && has(&mask, 2) && has(&mask, AFFINITY_MAX_CPUS - 1));
        execi_affinity_remove(&mask, 2);
        assert_false(execi_affinity_is_empty(&mask));
        execi_affinity_remove(&mask, AFFINITY_MAX_CPUS - 1);
        assert_true(execi_affinity_is_empty(&mask));
}

static void a_thread_leaves_a_cpu(void **state)
{
        int thread = execi_affinity_thread(), here = execi_affinity_cpu();
        struct execi_affinity before, mask, now;

        (void)state;
        assert_true(execi_affinity_get(thread, &before));
        mask = before;
        execi_affinity_remove(&mask, here);
        if (execi_affinity_is_empty(&mask))
                skip();
        assert_true(execi_affinity_set(thread, &mask));
        assert_int_not_equal(execi_affinity_cpu(), here);
        assert_true(execi_affinity_set(thread, &before));
        assert_true(execi_affinity_get(thread, &now));
        assert_memory_equal(&now, &before, sizeof now);
}

static void what_the_kernel_refuses(void **state)
{
        struct execi_affinity mask, none;

        (void)state;
        memset(&none, 0, sizeof none);
        errno = ENOENT;
        assert_false(execi_affinity_get(INT32_MAX, &mask)); /* no such thread */
        assert_false(execi_affinity_set(execi_affinity_thread(), &none));
        assert_int_equal(errno, ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(this_cpu_is_among_them),
                cmocka_unit_test(a_cpu_is_removed),
                cmocka_unit_test(a_thread_leaves_a_cpu),
                cmocka_unit_test(what_the_kernel_refuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
