/* parker_cond.c - a parker on a condition variable with exactly one waiter: the portable form.
 *
 * P1: the token is set and looked at under the mutex. P2: the mutex. P3: unpark signals while it holds the mutex, so
 * that the parked thread cannot return before; fini takes the mutex once more and so waits for the unlock. With one
 * waiter a signal cannot go to the wrong one (the known fault of glibc's condition variables needs several).
 *
 * Unpark is called from signal handlers too: it blocks all signals while it holds the mutex, so that no handler finds it
 * held by the very thread it interrupted. Who parks needs not: a thread whose parker handlers know, a worker, has the
 * signals blocked anyway. */
#include "port/parker.h"

#include "base/check.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

void execi_parker_init(struct execi_parker *p)
{
        pthread_condattr_t attr;
        int err = pthread_mutex_init(&p->mutex, NULL);

        CHECK(!err, "pthread_mutex_init: error %d", err);
        pthread_condattr_init(&attr);
        err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        CHECK(!err, "pthread_condattr_setclock: error %d", err);
        err = pthread_cond_init(&p->cond, &attr);
        CHECK(!err, "pthread_cond_init: error %d", err);
        pthread_condattr_destroy(&attr);
        p->token = false;
}

void execi_parker_fini(struct execi_parker *p)
{
        pthread_mutex_lock(&p->mutex);
        pthread_mutex_unlock(&p->mutex);
        pthread_cond_destroy(&p->cond);
        pthread_mutex_destroy(&p->mutex);
}

/* One wait; false: the deadline has passed. */
static bool wait_locked(struct execi_parker *p, int64_t deadline_ns)
{
        struct timespec at = {.tv_sec = 0};

        if (deadline_ns == INT64_MAX) {
                pthread_cond_wait(&p->cond, &p->mutex);
                return true;
        }
        if (deadline_ns > 0) {
                at.tv_sec = deadline_ns / 1000000000;
                at.tv_nsec = deadline_ns % 1000000000;
        }
        return pthread_cond_timedwait(&p->cond, &p->mutex, &at) != ETIMEDOUT;
}

bool execi_parker_park(struct execi_parker *p, int64_t deadline_ns)
{
        bool is_in_time = true;

        pthread_mutex_lock(&p->mutex);
        while (!p->token && is_in_time)
                is_in_time = wait_locked(p, deadline_ns);
        bool got = p->token; /* it may have come together with the deadline */
        p->token = false;
        pthread_mutex_unlock(&p->mutex);
        return got;
}

void execi_parker_unpark(struct execi_parker *p)
{
        sigset_t all, old;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        pthread_mutex_lock(&p->mutex);
        if (!p->token) {
                p->token = true;
                pthread_cond_signal(&p->cond);
        }
        pthread_mutex_unlock(&p->mutex);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
}
