/* ready.h - suspended tasks that may go on: where a wake puts them, and how workers get them.
 *
 * R1 a task is in at most one of: a next slot, a ready queue, an inbox, the pool's wakes.
 * R3 the owner empties its next slot with a plain store and then looks for a thief; a thief, under the slot's lock,
 *    announces itself, runs a membarrier, and only then looks at the slot. So an owner that sees no thief has the task: the
 *    thief will find the slot empty. One that sees a thief waits for the lock and learns who got it. A thief that took
 *    something leaves its announcement standing until the owner has learnt of it, before its next look or fill: the
 *    owner may have read the slot already and not yet have looked for a thief. Until then the slot is empty, and
 *    other thieves leave it alone.
 * R2 a tied task, and every task in the forced-migration mode, goes through an inbox, from which nobody steals. A pool
 *    that never had one is told from its own mark: who claimed a task's wait sees what was stored before it waited. */
#ifndef EXECI_SCHED_READY_H
#define EXECI_SCHED_READY_H

#include "sched/idle.h"
#include "sched/pool.h"

enum wake_where {
        WAKE_NEXT,  /* next on the waking worker: it was awaited singly */
        WAKE_QUEUE, /* behind the others of the waking worker */
        WAKE_HOME,  /* behind the others of the worker it last ran on */
};

/* @t is suspended and the caller has claimed its wait. @w: the calling thread's worker, or NULL. Last touch of @t. */
void execi_wake_slow(struct execi_worker *w, exec_future *t, enum wake_where where);

/* The owner saw next_wanted: who got @t? And it has learnt of a theft. */
exec_future *execi_ready_take_next_slow(struct execi_worker *w, exec_future *t);

/* Into the empty next slot of the waking worker, as most often. */
static inline void execi_wake(struct execi_worker *w, exec_future *t, enum wake_where where)
{
        struct execi_fiber *f = t->fiber;

        if (UNLIKELY(where != WAKE_NEXT || !w || w->pool != f->worker->pool || f->n_tied || w->pool->slotless ||
                     atom_load(&w->next, RELAXED))) { /* @relaxed only the owner fills it */
                execi_wake_slow(w, t, where);
                return;
        }
        COMPILER_BARRIER();                                  /* R3: first the slot, then its thief */
        if (UNLIKELY(atom_load(&w->next_wanted, RELAXED))) { /* @relaxed R3 */
                execi_wake_slow(w, t, where);
                return;
        }
        atom_bump(&w->next_turn, 1);
        atom_store(&w->next, t, RELEASE); /* @pair ready.next */
        execi_idle_watch(w->pool);
}

/* The owner: from its slot; from its inbox and queue. NULL: none. */
static inline exec_future *execi_ready_take_next(struct execi_worker *w)
{
        exec_future *t = atom_load(&w->next, RELAXED); /* @relaxed only the owner fills it */

        if (!t)
                return NULL;
        atom_store(&w->next, NULL, RELAXED); /* @relaxed R3 */
        COMPILER_BARRIER();
        if (UNLIKELY(atom_load(&w->next_wanted, RELAXED))) /* @relaxed R3 */
                return execi_ready_take_next_slow(w, t);
        return t;
}
exec_future *execi_ready_pop(struct execi_worker *w);
/* A thief: half of the victim's queue, one to run, the rest into the own queue. */
exec_future *execi_ready_steal(struct execi_worker *victim, struct execi_worker *w);
/* A thief: the victim's next slot, when it has stood unchanged for a while. */
exec_future *execi_ready_steal_next(struct execi_worker *victim, struct execi_worker *w, int64_t now_ns);
/* The owner: a task that yields goes to the end. */
void execi_ready_push(struct execi_worker *w, exec_future *t);

#endif
