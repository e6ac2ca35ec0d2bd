/* Timeout scopes whose timers have been seen to at another moment than usual. */
#include "wait/timers.h"

#include <executor/pool.h>
#include <executor/task.h>
#include <executor/time.h>
#include <executor/timeout.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { FAR_S = 3600 };

struct seen {
        int64_t inner_ahead_ns; /* by which its deadline is earlier */
        int inner_end, outer_end;
        bool inner_expired, outer_expired;
};

/* The outer one's timer is fired; the inner one's is not, as if it had been begun a moment after. */
static int only_the_outer_is_fired(void *arg, void **value)
{
        struct seen *s = arg;
        struct exec_timeout outer, inner;
        int64_t deadline_ns = exec_now() + EXEC_MS(1000) * FAR_S;

        (void)value;
        if (exec_timeout_begin(&outer, deadline_ns) || exec_timeout_begin(&inner, deadline_ns - s->inner_ahead_ns))
                return -EINVAL;
        execi_scope_expire((struct execi_scope *)(void *)&outer, deadline_ns);
        s->inner_end = exec_timeout_end(&inner, exec_yield());
        s->inner_expired = exec_timeout_expired(&inner);
        s->outer_end = exec_timeout_end(&outer, s->inner_end);
        s->outer_expired = exec_timeout_expired(&outer);
        return exec_yield(); /* nothing is left */
}

static void scopes_due_together_expire_together(void **state)
{
        static const int64_t ahead_ns[] = {0, 1, 1000000000};

        (void)state;
        for (size_t i = 0; i < sizeof ahead_ns / sizeof ahead_ns[0]; i++) {
                struct seen s = {.inner_ahead_ns = ahead_ns[i]};

                assert_int_equal(exec_run(only_the_outer_is_fired, &s, NULL), 0);
                assert_true(s.inner_expired && s.outer_expired);
                assert_int_equal(s.inner_end, -ECANCELED);
                assert_int_equal(s.outer_end, -ETIMEDOUT);
        }
}

static void one_that_is_due_later_does_not(void **state)
{
        struct seen s = {.inner_ahead_ns = -1};

        (void)state;
        assert_int_equal(exec_run(only_the_outer_is_fired, &s, NULL), 0);
        assert_true(s.outer_expired && !s.inner_expired);
        assert_int_equal(s.inner_end, -ECANCELED);
        assert_int_equal(s.outer_end, -ETIMEDOUT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(scopes_due_together_expire_together),
                cmocka_unit_test(one_that_is_due_later_does_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
