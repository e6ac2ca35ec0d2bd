/* block.h - the waits themselves: a task suspends, a plain thread parks. */
#ifndef EXECI_WAIT_BLOCK_H
#define EXECI_WAIT_BLOCK_H

#include "sched/pool.h"
#include "wait/forked.h"

/* Wait until @f is done. 0: it is. -ETIMEDOUT. -ECANCELED: a request to the calling task was delivered here. */
int execi_wait_future(exec_future *f, int64_t deadline_ns);

/* Sleep until @deadline_ns. 0; -ECANCELED. */
int execi_wait_until(int64_t deadline_ns);

/* Let others of this worker go first: those that are ready, and at most @n_new new tasks. 0; -ECANCELED. */
int execi_give_way(uint32_t n_new);

/* The running task's undelivered request is delivered now: -ECANCELED; 0: there is none. */
static inline int execi_cancellation_point(struct execi_worker *w)
{
        exec_future *t = w->fiber->task;

        if (LIKELY(!(atom_load(&t->word, RELAXED) & WORD_CANCEL))) /* @relaxed hint */
                return 0;
        return execi_cancel_take(t) ? -ECANCELED : 0;
}

#endif
