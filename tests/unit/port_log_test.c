/* The log: the user's hook, or one line on stderr. */
#include "port/log.h"

#include <executor/types.h>

#include "port_child.h"

struct heard {
        int n, level;
        char text[1024];
};

static void hear(int level, const char *message, void *ctx)
{
        struct heard *h = ctx;

        h->n++;
        h->level = level;
        strncpy(h->text, message, sizeof h->text - 1);
}

static void log_goes_to_the_hook(void **state)
{
        struct heard h = {.n = 0};

        (void)state;
        exec_set_log(hear, &h);
        execi_log(EXEC_LOG_INFO, "%d apples", 3);
        exec_set_log(NULL, NULL);
        assert_int_equal(h.n, 1);
        assert_int_equal(h.level, EXEC_LOG_INFO);
        assert_string_equal(h.text, "3 apples");
}

static void log_cuts_a_long_message(void **state)
{
        struct heard h = {.n = 0};
        char text[3000];

        (void)state;
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        exec_set_log(hear, &h);
        execi_log(EXEC_LOG_ERROR, "%s", text);
        exec_set_log(NULL, NULL);
        assert_int_equal(strlen(h.text), 500);
}

static void write_lines(void *arg)
{
        (void)arg;
        execi_log(EXEC_LOG_WARN, "first %s", "line");
        execi_log(EXEC_LOG_ERROR, "second");
}

static void log_writes_to_stderr_by_default(void **state)
{
        struct child_end end = child_run(write_lines, NULL);

        (void)state;
        assert_string_equal(end.text, "executor: first line\nexecutor: second\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(log_goes_to_the_hook),
                cmocka_unit_test(log_cuts_a_long_message),
                cmocka_unit_test(log_writes_to_stderr_by_default),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
