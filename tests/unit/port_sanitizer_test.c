/* What is asked of the sanitizers: nothing where there is none; where ThreadSanitizer is there, contexts within a cap. */
#include "port/sanitizer.h"

#include <executor/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__SANITIZE_THREAD__)
#define BUILT_WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BUILT_WITH_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BUILT_WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BUILT_WITH_ASAN 1
#endif
#endif
#ifndef BUILT_WITH_TSAN
#define BUILT_WITH_TSAN 0
#endif
#ifndef BUILT_WITH_ASAN
#define BUILT_WITH_ASAN 0
#endif

static _Alignas(4096) char memory[3][16384];
static int n_told;

static void hear(int level, const char *message, void *ctx)
{
        (void)level;
        (void)ctx;
        n_told += strstr(message, "EXEC_TSAN_CONTEXTS") != NULL;
}

static void sanitizers_are_recognised(void **state)
{
        (void)state;
        assert_int_equal(!!(execi_sanitizer & SANITIZER_TSAN), BUILT_WITH_TSAN);
        assert_int_equal(!!(execi_sanitizer & SANITIZER_ASAN), BUILT_WITH_ASAN);
        assert_false(execi_tsan_precise());
        unsigned before = execi_sanitizer;
        execi_sanitizer_init();
        assert_int_equal(execi_sanitizer, before);
}

static void a_stack_gets_a_context_only_under_tsan(void **state)
{
        struct execi_sanitizer_stack s = {.tsan = NULL}, thread;

        (void)state;
        assert_true(execi_sanitizer_stack_init(&s, memory[0], sizeof memory[0]));
        assert_int_equal(s.tsan != NULL, BUILT_WITH_TSAN);
        assert_ptr_equal(s.low, memory[0]);
        execi_sanitizer_stack_fini(&s);
        assert_null(s.tsan);
        execi_sanitizer_thread_stack(&thread);
        assert_int_equal(thread.tsan != NULL, BUILT_WITH_TSAN);
        assert_null(thread.low);
}

static void contexts_end_at_the_cap(void **state)
{
        struct execi_sanitizer_stack s[3] = {{.tsan = NULL}};

        (void)state;
        if (!BUILT_WITH_TSAN)
                skip();
        exec_set_log(hear, NULL);
        assert_true(execi_sanitizer_stack_init(&s[0], memory[0], sizeof memory[0]));
        assert_true(execi_sanitizer_stack_init(&s[1], memory[1], sizeof memory[1]));
        assert_false(execi_sanitizer_stack_init(&s[2], memory[2], sizeof memory[2]));
        assert_null(execi_tsan_context_new());
        assert_int_equal(n_told, 1); /* said once */
        exec_set_log(NULL, NULL);
        execi_sanitizer_stack_fini(&s[0]);
        void *context = execi_tsan_context_new();
        assert_non_null(context);
        s[2].tsan = context; /* one that was made before is taken as it is */
        assert_true(execi_sanitizer_stack_init(&s[2], memory[2], sizeof memory[2]));
        assert_ptr_equal(s[2].tsan, context);
        execi_sanitizer_stack_fini(&s[2]);
        execi_sanitizer_stack_fini(&s[1]);
}

static int init(void **state)
{
        (void)state;
        setenv("EXEC_TSAN_CONTEXTS", "2", 1);
        unsetenv("EXEC_TSAN");
        execi_sanitizer_init();
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sanitizers_are_recognised),
                cmocka_unit_test(a_stack_gets_a_context_only_under_tsan),
                cmocka_unit_test(contexts_end_at_the_cap),
        };

        return cmocka_run_group_tests(tests, init, NULL);
}
