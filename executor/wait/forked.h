/* forked.h - cancellation while forks are out: it stays for all of them to see.
 *
 * Q1 while a task has forks that are not joined, and in every carrier (run/strand.h), a wait that is cancelled says so but
 *    leaves the request where it is; so the next one says it too, and a join passes it on to the fork it waits for. When all
 *    are joined the task's next cancellation point delivers it.
 * Q2 a request that went on to what such a task awaited is given back after the wait.
 * Q3 who goes on waiting though he was cancelled (a group's end) hushes the request first, and puts it back in the end. */
#ifndef EXECI_WAIT_FORKED_H
#define EXECI_WAIT_FORKED_H

#include "queue/forkstack.h"
#include "sched/pool.h"
#include "task/state.h"

static inline bool execi_fiber_has_forks(const struct execi_fiber *f)
{
        return UNLIKELY(f->forked) && (f->n_forked || (f->forks && execi_forkstack_any(f->forks)));
}

/* Of the running task @t: is Q1 about it? */
static inline bool execi_is_forked(const exec_future *t)
{
        return UNLIKELY(t->fiber->forked) && ((t->flags & CELL_FORK) || execi_fiber_has_forks(t->fiber));
}

/* The running task on @f; for a carrier's the one whose fork it is. */
static inline exec_future *execi_fiber_root(const struct execi_fiber *f)
{
        return f->task && UNLIKELY(f->task->flags & CELL_FORK) ? f->root : f->task;
}

/* The running task's undelivered request, to be delivered now: Q1. */
static inline bool execi_cancel_take(exec_future *t)
{
        if (UNLIKELY(execi_is_forked(t)))
                return execi_state_load(t) & WORD_CANCEL;
        return execi_state_take_cancel(t);
}

/* Q2: around a wait that passes requests on. */
static inline void execi_pass_begin(exec_future *t)
{
        atom_and(&t->seen, (uint8_t)~SEEN_PASSED, RELAXED); /* @relaxed flag, set only while it waits */
}

static inline void execi_pass_end(exec_future *t)
{
        if (atom_load(&t->seen, RELAXED) & SEEN_PASSED) /* @relaxed: ordered by the pin */
                execi_state_give_cancel_back(t);
}

/* Q3, for the running task, if there is one. */
static inline bool execi_cancel_hush(struct execi_worker *w)
{
        exec_future *t = w && w->fiber ? w->fiber->task : NULL;

        return t && UNLIKELY(execi_is_forked(t)) && execi_state_take_cancel(t);
}

static inline void execi_cancel_unhush(struct execi_worker *w, bool hushed)
{
        if (UNLIKELY(hushed))
                execi_state_give_cancel_back(w->fiber->task);
}

#endif
