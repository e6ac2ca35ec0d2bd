/* The SIGSEGV handler: it names what it is told, and stays out of everybody else's way. Everything happens in forked
 * children, whose SIGSEGV is at its default. */
#include "port/overflow.h"

#include "base/compiler.h"
#include "port/context.h"
#include "port/guard.h"
#include "port/memory.h"
#include "port/sanitizer.h"

#include <stdio.h>
#include <sys/mman.h>

#include "port_child.h"

enum { STACK_BYTES = 64 << 10 };

static char *low; /* of the stack that overflows */

static bool describe(const void *address, char *buffer, size_t size)
{
        const char *at = address;

        if (!low || at >= low || at < low - EXECI_GUARD_BYTES)
                return false;
        snprintf(buffer, size, "task \"hungry\" overran its stack");
        return true;
}

static struct execi_context here, deep;
static struct execi_sanitizer_stack here_stack, deep_stack;

static volatile size_t depth_max = 1 << 20;

/* Not tail recursion: every frame is looked at again. */
NOINLINE static size_t eat(size_t depth)
{
        volatile char frame[512];

        frame[0] = (char)depth;
        size_t n = depth < depth_max ? eat(depth + 1) : 0;
        return n + (size_t)frame[0];
}

static void overrun(void *arg)
{
        execi_sanitizer_after_switch(&deep_stack);
        *(size_t *)arg = eat(0);
}

static void enter_a_stack_and_overrun_it(void)
{
        size_t depth = 0;

        char *base = execi_map(EXECI_GUARD_BYTES + STACK_BYTES, 1);
        low = base + EXECI_GUARD_BYTES;
        mprotect(base, EXECI_GUARD_BYTES, PROT_NONE);
        execi_sanitizer_stack_init(&deep_stack, low, STACK_BYTES);
        execi_sanitizer_thread_stack(&here_stack);
        execi_context_make(&deep, low, low + STACK_BYTES, overrun, &depth);
        execi_sanitizer_before_switch(&here_stack, &deep_stack, false);
        execi_context_switch(&here, &deep);
}

static void overflow_with_handler(void *arg)
{
        (void)arg;
        execi_overflow_install(describe);
        execi_overflow_thread_start();
        enter_a_stack_and_overrun_it();
}

static void handler_names_the_task(void **state)
{
        struct child_end end = child_run(overflow_with_handler, NULL);

        (void)state;
        assert_int_equal(end.signal, SIGSEGV);
        assert_string_equal(end.text, "executor: task \"hungry\" overran its stack\n");
}

static void touch_nothing(void *arg)
{
        (void)arg;
        execi_overflow_install(describe);
        execi_overflow_thread_start();
        *(volatile char *)execi_map(1, 1) = 1;
        char *gone = execi_map(4096, 1);
        execi_unmap(gone, 4096);
        *(volatile char *)gone = 1;
}

static void handler_leaves_other_faults_alone(void **state)
{
        struct child_end end = child_run(touch_nothing, NULL);

        (void)state;
        assert_int_equal(end.signal, SIGSEGV);
        assert_string_equal(end.text, "");
}

static void send_signal(void *arg)
{
        (void)arg;
        execi_overflow_install(describe);
        kill(getpid(), SIGSEGV);
        pause();
}

static void handler_passes_a_sent_signal_on(void **state)
{
        struct child_end end = child_run(send_signal, NULL);

        (void)state;
        assert_int_equal(end.signal, SIGSEGV);
        assert_string_equal(end.text, "");
}

static void exit_77(int number)
{
        (void)number;
        _exit(77);
}

static void install_over_a_handler(void *arg)
{
        (void)arg;
        signal(SIGSEGV, exit_77);
        execi_overflow_install(describe);
        raise(SIGSEGV);
}

static void install_below_a_handler(void *arg)
{
        (void)arg;
        execi_overflow_install(describe);
        signal(SIGSEGV, exit_77);
        execi_overflow_remove(); /* must not take the other's away */
        raise(SIGSEGV);
}

static void somebody_elses_handler_is_kept(void **state)
{
        struct child_end over = child_run(install_over_a_handler, NULL);
        struct child_end below = child_run(install_below_a_handler, NULL);

        (void)state;
        assert_int_equal(over.status, 77);
        assert_int_equal(below.status, 77);
}

static void install_and_remove(void *arg)
{
        struct sigaction act;

        (void)arg;
        execi_overflow_install(describe);
        execi_overflow_install(describe);
        execi_overflow_remove();
        sigaction(SIGSEGV, NULL, &act);
        if (!(act.sa_flags & SA_SIGINFO))
                _exit(1); /* one user is left */
        execi_overflow_remove();
        sigaction(SIGSEGV, NULL, &act);
        if (act.sa_flags & SA_SIGINFO || act.sa_handler != SIG_DFL)
                _exit(2);
        execi_overflow_install(describe); /* and again */
        sigaction(SIGSEGV, NULL, &act);
        if (!(act.sa_flags & SA_SIGINFO))
                _exit(3);
        execi_overflow_remove();
}

static void the_last_one_removes_it(void **state)
{
        struct child_end end = child_run(install_and_remove, NULL);

        (void)state;
        assert_int_equal(end.signal, 0);
        assert_int_equal(end.status, 0);
}

static void alternate_stacks(void *arg)
{
        int64_t mapped = execi_memory_mapped();
        stack_t none = {.ss_flags = SS_DISABLE}, now;

        (void)arg;
        sigaltstack(&none, NULL); /* a sanitizer's */
        void *mine = execi_overflow_thread_start();
        if (!mine || execi_memory_mapped() == mapped)
                _exit(1);
        if (execi_overflow_thread_start())
                _exit(2); /* the thread has one */
        execi_overflow_thread_end(mine);
        if (execi_memory_mapped() != mapped)
                _exit(3);
        sigaltstack(NULL, &now);
        if (!(now.ss_flags & SS_DISABLE))
                _exit(4);
        execi_overflow_thread_end(NULL);
}

static void alternate_stack_comes_and_goes(void **state)
{
        struct child_end end = child_run(alternate_stacks, NULL);

        (void)state;
        assert_int_equal(end.signal, 0);
        assert_int_equal(end.status, 0);
}

static int init(void **state)
{
        (void)state;
        execi_sanitizer_init();
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(handler_names_the_task),          cmocka_unit_test(handler_leaves_other_faults_alone),
                cmocka_unit_test(handler_passes_a_sent_signal_on), cmocka_unit_test(somebody_elses_handler_is_kept),
                cmocka_unit_test(the_last_one_removes_it),         cmocka_unit_test(alternate_stack_comes_and_goes),
        };

        return cmocka_run_group_tests(tests, init, NULL);
}
