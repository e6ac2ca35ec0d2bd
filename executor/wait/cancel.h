/* cancel.h - who may cancel what, and what the victim sees.
 *
 * K1 a cancel request is counted and marked in one swap of the task's word (state.h); it is delivered by whoever clears
 *    the mark: the task at a cancellation point, or the one who cancels when he passed it on.
 * K2 it is passed on along what tasks await, hand over hand, in a loop: pin the waiting task, take its mark, mark what it
 *    awaits (refused: give the mark back), unpin, go on with what it awaits. It stops where a request is pending already.
 *    The mark is taken first: else a second request would find it, think itself pending, and go with it.
 * K3 a task that awaits a gather stays pinned until every child was asked: the children's array is the waiter's. Such
 *    tasks are kept in a list through their value field, which nobody needs while they wait.
 * K4 nothing here allocates or fails. */
#ifndef EXECI_WAIT_CANCEL_H
#define EXECI_WAIT_CANCEL_H

#include "sched/pool.h"

/* true: accepted; false: @f was done. @place (debug mode): who asks, or NULL. */
bool execi_cancel(struct execi_worker *w, exec_future *f, const char *reason, const char *place);

/* The task @t only if it has not started: true: it never will. false: its body runs or has run, or somebody else ended it:
 * then nothing was changed. */
bool execi_cancel_unstarted(struct execi_worker *w, exec_future *t, const char *reason);

/* The wait of @t, which is armed but known to nobody else yet: a request came before. Pass it on, or claim the wait. */
void execi_cancel_deliver(struct execi_worker *w, exec_future *t);

/* @t, for which the caller holds a reference, was marked: wake it, or pass the request on to what it awaits. */
void execi_cancel_push(struct execi_worker *w, exec_future *t);

/* Cancel every task of the pool. */
void execi_cancel_all(struct exec_pool *pool, const char *reason);

#endif
