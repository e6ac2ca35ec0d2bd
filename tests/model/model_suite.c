/* model_suite.c - see model_suite.h. */
#include "model_suite.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CASES_MAX = 96, NAME_MAX_BYTES = 128 };

static struct model_result explore(const struct model_case *c, enum model_memory memory, bool trace)
{
        static const char *const memories[] = {"store buffers", "weak"};
        const struct model_mutation *mutation = c->mutation.name ? &c->mutation : NULL;
        struct model_result result = model_explore(c->program, memory, mutation, trace);

        print_message("             %-13s %9" PRIu64 " executions of at most %u steps%s%s\n", memories[memory],
                      result.n_executions, result.max_steps, result.failure ? ": " : "",
                      result.failure ? result.failure : "");
        return result;
}

static void passes(void **state)
{
        assert_null(explore(*state, MODEL_TSO, true).failure);
        assert_null(explore(*state, MODEL_WEAK, true).failure);
}

static void finds(const struct model_case *c, enum model_memory memory)
{
        struct model_result result = explore(c, memory, getenv("MODEL_TRACE") != NULL);

        assert_non_null(result.failure);
        assert_false(result.gave_up);
}

static void is_found(void **state)
{
        const struct model_case *c = *state;

        if (!c->mutation.weak_only)
                finds(c, MODEL_TSO);
        finds(c, MODEL_WEAK);
}

static const char *case_name(const char *suite, const struct model_case *c)
{
        char *name = malloc(NAME_MAX_BYTES);

        if (!name)
                abort();
        snprintf(name, NAME_MAX_BYTES, "%s_%s%s%s", suite, c->program->name, c->mutation.name ? "_mutated_" : "",
                 c->mutation.name ? c->mutation.name : "");
        for (char *p = name; *p; p++)
                if (*p == ' ')
                        *p = '_';
        return name;
}

int model_suite(const char *suite, const struct model_case cases[], size_t n)
{
        struct CMUnitTest tests[CASES_MAX] = {{0}};
        int failed;

        if (n > CASES_MAX)
                abort();
        for (size_t i = 0; i < n; i++) {
                tests[i] = (struct CMUnitTest){
                        .name = case_name(suite, &cases[i]),
                        .test_func = cases[i].mutation.name ? is_found : passes,
                        .initial_state = (void *)(uintptr_t)&cases[i],
                };
        }
        if (getenv("MODEL_ONLY"))
                cmocka_set_test_filter(getenv("MODEL_ONLY"));
        failed = _cmocka_run_group_tests(suite, tests, n, NULL, NULL);
        for (size_t i = 0; i < n; i++)
                free((void *)(uintptr_t)tests[i].name);
        return failed;
}
