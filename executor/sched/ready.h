/* ready.h - suspended tasks that may go on: where a wake puts them, and how workers get them.
 *
 * R1 a task is in at most one of: a next slot, a ready queue, an inbox, the pool's wakes.
 * R2 a tied task, and every task in the forced-migration mode, goes through an inbox, from which nobody steals. */
#ifndef EXECI_SCHED_READY_H
#define EXECI_SCHED_READY_H

#include "sched/pool.h"

enum wake_where {
        WAKE_NEXT,  /* next on the waking worker: it was awaited singly */
        WAKE_QUEUE, /* behind the others of the waking worker */
        WAKE_HOME,  /* behind the others of the worker it last ran on */
};

/* @t is suspended and the caller has claimed its wait. @w: the calling thread's worker, or NULL. Last touch of @t. */
void execi_wake(struct execi_worker *w, exec_future *t, enum wake_where where);

/* The owner: from its slot; from its inbox and queue. NULL: none. */
exec_future *execi_ready_take_next(struct execi_worker *w);
exec_future *execi_ready_pop(struct execi_worker *w);
/* A thief: half of the victim's queue, one to run, the rest into the own queue. */
exec_future *execi_ready_steal(struct execi_worker *victim, struct execi_worker *w);
/* A thief: the victim's next slot, when it has stood unchanged for a while. */
exec_future *execi_ready_steal_next(struct execi_worker *victim, struct execi_worker *w, int64_t now_ns);
/* The owner: a task that yields goes to the end. */
void execi_ready_push(struct execi_worker *w, exec_future *t);

#endif
