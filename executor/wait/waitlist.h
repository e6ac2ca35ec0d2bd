/* waitlist.h - tasks and plain threads that wait for something which a lock of the caller's protects.
 *
 * Y1 who waits stands in the list from the moment it looked, under the lock, and found that it must wait; so whoever changes
 *    that something under the lock, and then claims, leaves nobody asleep.
 * Y2 a claim is made under the lock, the wake after it: one that has been claimed stays, with its entry, until it is woken.
 * Y3 one that was claimed and leaves for another reason (cancelled, late) has taken the claim from others: the caller looks
 *    whether another is to be woken in its place. */
#ifndef EXECI_WAIT_WAITLIST_H
#define EXECI_WAIT_WAITLIST_H

#include "port/parker.h"
#include "sched/ready.h"
#include "task/state.h"
#include "wait/timers.h"

/* On the stack of the one who waits. */
struct execi_listed {
        struct execi_listed *next, *prev; /* L(lock) */
        bool waits;                       /* L(lock) it is in the list */
        exec_future *task;                /* or a thread: */
        struct execi_parker parker;
        struct execi_wait wait;
        struct execi_deadline deadline;
};

/* All zero is empty. */
struct execi_waitlist {
        struct execi_listed *first, *last; /* L(lock) oldest first */
};

/* What somebody waits for: @must_wait(@ctx) is asked under @lock. */
struct execi_waiting {
        struct execi_waitlist *list;
        struct execi_spin *lock;
        bool (*must_wait)(void *ctx);
        void *ctx;
};

/* 0: look again; -ETIMEDOUT; -ECANCELED: a request to the calling task was delivered here. */
int execi_waitlist_wait(const struct execi_waiting *what, int64_t deadline_ns);

/* L(lock): the oldest whose wait this thread could claim, to be woken after the lock; NULL. */
struct execi_listed *execi_waitlist_claim(struct execi_waitlist *list);
void execi_waitlist_wake(struct execi_worker *w, struct execi_listed *k, enum wake_where where);

#endif
