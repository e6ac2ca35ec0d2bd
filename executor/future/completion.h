/* completion.h - a completion queue: what has finished, and who waits for it. Who adds, finishes and takes: completion.c;
 * who waits: consumer.c.
 *
 * Q1 an entry is in exactly one of: its future's list of waiters, the hands of the thread that finishes that future, the
 *    stack of finished ones, the queue of taken ones, or handed over.
 * Q2 a finished future goes to exactly one consumer: consumers take under the lock. A consumer that was woken and leaves
 *    empty-handed (cancelled, late) wakes another one.
 * Q3 the finishing thread touches the queue for the last time when it pushes the entry by a swap of the stack's head; or,
 *    when consumers wait, when it drops the lock under which it pushed (or wakes the consumer that it has claimed).
 * Q4 WAITED stands in the head exactly while consumers wait. It comes by a swap of an empty head, so either that consumer
 *    sees the entry or the finishing thread sees WAITED; then that one takes the lock. It goes under the lock. */
#ifndef EXECI_FUTURE_COMPLETION_H
#define EXECI_FUTURE_COMPLETION_H

#include "port/pause.h"
#include "wait/waiter.h"

#include <executor/combine.h>

struct execi_worker;
struct execi_consumer;

struct execi_entry {
        struct execi_waiter node; /* its next: also the next in the stack, and in the queue of taken ones */
        exec_completion *queue;
        exec_future *future; /* NULL once it is handed over */
};

/* One that was added singly. */
struct execi_added {
        struct execi_entry entry;
        void *tag;
        struct execi_added *next, *prev; /* L(lock) */
};

#define WAITED ((uintptr_t)1)

struct exec_completion {
        _Atomic(uintptr_t) finished; /* a stack of entries, newest first; and WAITED */
        char pad[CACHE_PAIR];        /* who finishes does not disturb who takes */
        struct execi_spin lock;
        struct execi_entry *taken, *last_taken;            /* L(lock) finished, oldest first */
        _Atomic(size_t) n_pending;                         /* written under the lock: added and not handed over */
        struct execi_consumer *consumers, *consumers_last; /* L(lock) oldest first */
        struct execi_added *added;                         /* L(lock) those not handed over */
        struct execi_entry *block;                         /* the entries of a closed queue; the tag is the number */
        size_t n_block, n_linked;                          /* those of the block that have a future */
};

static inline struct execi_entry *execi_entry_at(uintptr_t finished)
{
        return (struct execi_entry *)(finished & ~WAITED); /* NOLINT */
}

/* Cancel every future in it. By its only user: nobody adds or takes meanwhile. */
void execi_completion_cancel_all(exec_completion *c, const char *reason);

/* L(lock): the oldest consumer whose wait this thread could claim, or NULL; it is to be woken after the lock. */
struct execi_consumer *execi_consumer_claim(exec_completion *c);

/* Wake the one that was claimed, if any. */
void execi_consumer_wake(struct execi_worker *w, struct execi_consumer *k);

/* The calling task or thread waits until something may have finished, or nothing is left that could.
 * 0: look again; -ETIMEDOUT; -ECANCELED. On an error a finished one may have been meant for it: Q2. */
int execi_consumer_wait(struct execi_worker *w, exec_completion *c, int64_t deadline_ns);

#endif
