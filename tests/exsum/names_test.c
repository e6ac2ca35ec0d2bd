/* The names of a directory, with every budget: all of them, once, in byte order, however many runs it takes. */
#include "../../tools/exsum/names.h"

#include <executor/types.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 700 };

static char directory[] = "/tmp/names_test.XXXXXX";
static char wanted[N][40];
static int root = -1;

static int compare(const void *a, const void *b)
{
        return strcmp(a, b);
}

static int setup(void **state)
{
        (void)state;
        if (!mkdtemp(directory) || (root = open(directory, O_RDONLY | O_DIRECTORY)) < 0)
                return -1;
        for (int i = 0; i < N; i++) {
                /* Names of all lengths to 30, with bytes of either sign, some the beginning of others. */
                snprintf(wanted[i], sizeof wanted[i], "%.*s%c%d", i % 27, "abababababababababababababab",
                         i % 3 ? 'A' + i % 26 : 0xc3, i * 7919 % N);
                close(openat(root, wanted[i], O_WRONLY | O_CREAT, 0600));
        }
        qsort(wanted, N, sizeof wanted[0], compare);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        for (int i = 0; i < N; i++)
                unlinkat(root, wanted[i], 0);
        close(root);
        return rmdir(directory);
}

static int open_again(void)
{
        return openat(root, ".", O_RDONLY | O_DIRECTORY);
}

/* Returns in how many runs @budget gives all names. */
static int read_all(size_t budget)
{
        struct names names;
        unsigned char type;
        const char *name;
        int n = 0, n_runs = 0;

        names_init(&names, false);
        do {
                assert_int_equal(names_read(&names, open_again(), budget), 0);
                assert_true(names_memory(&names) <= budget || budget < 100);
                n_runs++;
                while ((name = names_next(&names, &type))) {
                        assert_true(n < N);
                        assert_string_equal(name, wanted[n++]);
                }
        } while (names.has_more);
        assert_int_equal(n, N);
        names_fini(&names);
        return n_runs;
}

static void every_budget_gives_all_names_in_order(void **state)
{
        (void)state;
        assert_int_equal(read_all((size_t)1 << 20), 1);
        assert_true(read_all(8192) > 1);
        assert_true(read_all(1024) > 10);
        assert_int_equal(read_all(1), N);
}

static void what_vanishes_between_runs_is_not_missed(void **state)
{
        struct names names;
        unsigned char type;
        const char *name, *last = "";
        int n = 0;

        (void)state;
        names_init(&names, false);
        assert_int_equal(names_read(&names, open_again(), 1024), 0);
        assert_true(names.has_more);
        while ((name = names_next(&names, &type)))
                last = wanted[n++];
        unlinkat(root, last, 0);          /* the last one handed over */
        unlinkat(root, wanted[N - 1], 0); /* one still to come */
        assert_int_equal(names_read(&names, open_again(), (size_t)1 << 20), 0);
        assert_false(names.has_more);
        for (; n < N - 1; n++)
                assert_string_equal(names_next(&names, &type), wanted[n]);
        assert_null(names_next(&names, &type));
        names_fini(&names);
        close(openat(root, last, O_WRONLY | O_CREAT, 0600));
        close(openat(root, wanted[N - 1], O_WRONLY | O_CREAT, 0600));
}

/* In the global order a directory's name ends with a slash, which comes behind a blank, a dash and a dot. */
static void in_the_global_order_directories_end_with_a_slash(void **state)
{
        static const char *const sorted[] = {"x y", "x-y", "x.y", "x", "x0", "xx"};
        struct names names;
        unsigned char type;

        (void)state;
        assert_int_equal(mkdirat(root, "zz", 0700), 0);
        for (size_t i = 0; i < 6; i++) {
                char path[16];

                snprintf(path, sizeof path, "zz/%s", sorted[i]);
                assert_int_equal(i == 3 || i == 5 ? mkdirat(root, path, 0700) : mknodat(root, path, 0600, 0), 0);
        }
        for (size_t budget = 20; budget < 200; budget += 20) {
                size_t n = 0;

                names_init(&names, true);
                do {
                        const char *name;

                        assert_int_equal(names_read(&names, openat(root, "zz", O_RDONLY), budget), 0);
                        while ((name = names_next(&names, &type)))
                                assert_string_equal(name, sorted[n++]);
                } while (names.has_more);
                assert_int_equal(n, 6);
                names_fini(&names);
        }
        for (size_t i = 0; i < 6; i++) {
                char path[16];

                snprintf(path, sizeof path, "zz/%s", sorted[i]);
                assert_int_equal(unlinkat(root, path, i == 3 || i == 5 ? AT_REMOVEDIR : 0), 0);
        }
        assert_int_equal(unlinkat(root, "zz", AT_REMOVEDIR), 0);
}

static void an_empty_directory_and_no_directory(void **state)
{
        struct names names;
        unsigned char type;

        (void)state;
        names_init(&names, false);
        assert_int_equal(mkdirat(root, "zz", 0700), 0);
        assert_int_equal(names_read(&names, openat(root, "zz", O_RDONLY), 1024), 0);
        assert_null(names_next(&names, &type));
        assert_false(names.has_more);
        assert_int_equal(names_read(&names, openat(root, wanted[0], O_RDONLY), 1024), -ENOTDIR);
        assert_null(names_next(&names, &type));
        assert_int_equal(unlinkat(root, "zz", AT_REMOVEDIR), 0);
        names_fini(&names);
}

/* The descriptor belongs to the call: the lowest free one is the same afterwards. */
static void the_descriptor_is_closed(void **state)
{
        struct names names;
        int before = open_again();

        (void)state;
        close(before);
        names_init(&names, false);
        assert_int_equal(names_read(&names, open_again(), 1024), 0);
        assert_int_equal(names_read(&names, openat(root, wanted[0], O_RDONLY), 1024), -ENOTDIR);
        names_fini(&names);
        int after = open_again();
        close(after);
        assert_int_equal(before, after);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_budget_gives_all_names_in_order),
                cmocka_unit_test(what_vanishes_between_runs_is_not_missed),
                cmocka_unit_test(in_the_global_order_directories_end_with_a_slash),
                cmocka_unit_test(an_empty_directory_and_no_directory),
                cmocka_unit_test(the_descriptor_is_closed),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
