/* Threads: their name, their signal mask, and what happens when none can be had. */
#include "port/thread.h"

#include "port/fault.h"
#include "port/pause.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct seen {
        sigset_t mask;
        _Atomic(bool) may_end;
};

static void *look(void *arg)
{
        struct seen *s = arg;
        unsigned turns = 0;

        pthread_sigmask(SIG_SETMASK, NULL, &s->mask);
        while (!atom_load(&s->may_end, ACQUIRE))
                execi_spin_yield(&turns);
        return NULL;
}

static void thread_has_its_name_and_mask(void **state)
{
        static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF, SIGSYS};
        static const int blocked[] = {SIGINT, SIGTERM, SIGUSR1, SIGCHLD, SIGALRM, SIGPIPE, SIGHUP};
        struct seen s = {.may_end = false};
        struct execi_thread t;
        sigset_t before, after;
        char name[32];

        (void)state;
        pthread_sigmask(SIG_SETMASK, NULL, &before);
        assert_int_equal(execi_thread_start(&t, look, &s, "a name that is too long"), 0);
        pthread_sigmask(SIG_SETMASK, NULL, &after);
        assert_int_equal(pthread_getname_np(t.id, name, sizeof name), 0);
        atom_store(&s.may_end, true, RELEASE);
        execi_thread_join(&t);
        assert_string_equal(name, "a name that is ");
        for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
                assert_false(sigismember(&s.mask, open[i]));
        for (size_t i = 0; i < sizeof blocked / sizeof blocked[0]; i++) {
                assert_true(sigismember(&s.mask, blocked[i]));
                assert_int_equal(sigismember(&before, blocked[i]), sigismember(&after, blocked[i]));
        }
}

static void thread_start_tries_again(void **state)
{
        struct seen s = {.may_end = true};
        struct execi_thread t;

        (void)state;
        execi_fault_arm(FAULT_THREAD, 1, false);
        assert_int_equal(execi_thread_start(&t, look, &s, "again"), 0);
        assert_int_equal(execi_fault_fired(), 1);
        assert_int_equal(execi_fault_calls(FAULT_THREAD), 2);
        execi_fault_arm(FAULT_THREAD, 0, false);
        execi_thread_join(&t);
}

static void thread_start_gives_up(void **state)
{
        struct execi_thread t;

        (void)state;
        execi_fault_arm(FAULT_THREAD, 1, true);
        errno = 1234;
        assert_int_equal(execi_thread_start(&t, look, NULL, "never"), -EAGAIN);
        assert_int_equal(errno, 1234);
        assert_in_range(execi_fault_fired(), 2, 10);
        execi_fault_arm(FAULT_THREAD, 0, false);
}

/* ---- a guard ---- */

static void *return_it(void *arg)
{
        return arg;
}

static void *exit_it(void *arg)
{
        pthread_exit(arg);
}

static void note(void *arg)
{
        ++*(int *)arg;
}

static void *guarded(void *arg)
{
        return execi_thread_guard(exit_it, arg, note);
}

static void guard_tells_of_an_exit_only(void **state)
{
        struct execi_thread t;
        int n = 0;

        (void)state;
        assert_ptr_equal(execi_thread_guard(return_it, &n, note), &n);
        assert_int_equal(n, 0);
        assert_int_equal(execi_thread_start(&t, guarded, &n, "guarded"), 0);
        execi_thread_join(&t);
        assert_int_equal(n, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(thread_has_its_name_and_mask),
                cmocka_unit_test(thread_start_tries_again),
                cmocka_unit_test(thread_start_gives_up),
                cmocka_unit_test(guard_tells_of_an_exit_only),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
