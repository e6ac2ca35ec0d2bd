/* thread.c - start, name, guard and join a pthread. */
#include "port/thread.h"

#include <executor/types.h>

#include "base/check.h"
#include "port/fault.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

enum { START_TRIES = 5, NAME_BYTES = 16 /* with its end: what the kernel takes */ };

/* What the thread itself causes, a profiler and a crash reporter must reach it; all else goes to the program's own
 * threads. */
static void block_signals(sigset_t *old)
{
        static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF, SIGSYS};
        sigset_t set;

        sigfillset(&set);
        for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
                sigdelset(&set, open[i]);
        pthread_sigmask(SIG_SETMASK, &set, old);
}

static int try_start(struct execi_thread *t, void *(*fn)(void *), void *arg)
{
        if (execi_fault(FAULT_THREAD))
                return EAGAIN;
        return pthread_create(&t->id, NULL, fn, arg);
}

static int start_blocked(struct execi_thread *t, void *(*fn)(void *), void *arg)
{
        struct timespec pause = {.tv_nsec = 1000000};
        sigset_t old;

        block_signals(&old);
        int err = try_start(t, fn, arg);
        for (int i = 1; err == EAGAIN && i < START_TRIES; i++) {
                nanosleep(&pause, NULL); /* 1, 2, 4, 8 ms: threads that are ending may make room */
                pause.tv_nsec *= 2;
                err = try_start(t, fn, arg);
        }
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        return -err;
}

int execi_thread_start(struct execi_thread *t, void *(*fn)(void *), void *arg, const char *name)
{
        int saved_errno = errno, r = start_blocked(t, fn, arg);
        char cut[NAME_BYTES];

        if (!r) {
                snprintf(cut, sizeof cut, "%s", name);
                pthread_setname_np(t->id, cut);
        }
        errno = saved_errno;
        return r;
}

void execi_thread_join(struct execi_thread *t)
{
        int err = pthread_join(t->id, NULL);

        CHECK(!err, "pthread_join: error %d", err);
}

/* The C library unwinds the stack it finds itself on, up to its end, and then goes to the innermost cleanup handler of
 * the thread. */
void *execi_thread_guard(void *(*fn)(void *), void *arg, void (*ended)(void *arg))
{
        void *result;

        pthread_cleanup_push(ended, arg);
        result = fn(arg);
        pthread_cleanup_pop(0);
        return result;
}
