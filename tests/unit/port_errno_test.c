/* The errno accessor is asked again after a context has moved to another thread, however the compiler sees it. */
#include <executor/types.h>

#include "port/context.h"
#include "port/memory.h"
#include "port/sanitizer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { STACK_BYTES = 256 << 10 };

static struct execi_context moving, *thread_context;
static struct execi_sanitizer_stack moving_stack, *thread_stack;
static int seen[2];
static int *places[2];

static void switch_out(void)
{
        execi_sanitizer_before_switch(&moving_stack, thread_stack, false);
        execi_context_switch(&moving, thread_context);
        execi_sanitizer_after_switch(&moving_stack);
}

/* One function reads errno on both sides of the move. */
static void read_twice(void *arg)
{
        (void)arg;
        execi_sanitizer_after_switch(&moving_stack);
        seen[0] = errno;
        places[0] = &errno;
        switch_out();
        seen[1] = errno;
        places[1] = &errno;
        switch_out();
}

static void *enter(void *arg)
{
        struct execi_context here;
        struct execi_sanitizer_stack stack;

        execi_sanitizer_thread_stack(&stack);
        thread_context = &here;
        thread_stack = &stack;
        errno = *(int *)arg;
        execi_sanitizer_before_switch(&stack, &moving_stack, false);
        execi_context_switch(&here, &moving);
        execi_sanitizer_after_switch(&stack);
        return &errno;
}

static void errno_follows_the_thread(void **state)
{
        char *low = execi_map(STACK_BYTES, 1);
        int first = 11, second = 22;
        pthread_t thread;
        void *place;

        (void)state;
        execi_sanitizer_init();
        assert_non_null(low);
        assert_true(execi_sanitizer_stack_init(&moving_stack, low, STACK_BYTES));
        execi_context_make(&moving, low, low + STACK_BYTES, read_twice, NULL);
        int *mine = enter(&first);
        assert_int_equal(pthread_create(&thread, NULL, enter, &second), 0);
        pthread_join(thread, &place);
        assert_int_equal(seen[0], 11);
        assert_ptr_equal(places[0], mine);
        assert_int_equal(seen[1], 22);
        assert_ptr_equal(places[1], place);
        assert_ptr_not_equal(places[0], places[1]);
        execi_sanitizer_stack_fini(&moving_stack);
        execi_unmap(low, STACK_BYTES);
}

static void accessor_is_the_librarys_errno(void **state)
{
        (void)state;
        errno = 0;
        assert_int_equal(close(-1), -1);
        assert_int_equal(errno, EBADF);
        assert_ptr_equal(exec_errno_location(), __errno_location());
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(errno_follows_the_thread),
                cmocka_unit_test(accessor_is_the_librarys_errno),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
