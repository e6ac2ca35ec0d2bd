/* pieces.h - how many pieces a range is worth, and when to cut further. Shared by the loops and the reductions. */
#ifndef EXECI_FORK_PIECES_H
#define EXECI_FORK_PIECES_H

#include "future/here.h"

#include <executor/loop.h>
#include <executor/task.h>

enum { PIECES_A_WORKER = 32, STEPS_A_PIECE = 8 };

/* One run over a range. */
struct execi_pieces {
        const _Atomic(uint32_t) *wanted; /* idle workers */
        uint32_t n_nobody;               /* *wanted when there are none */
        size_t leaf;                     /* in units; so long a piece is no longer divided without need */
        size_t share;                    /* in units, of each worker */
        _Atomic(int) stop;               /* not 0: begin nothing more; a body's answer, or -ECANCELED */
};

/* For @n units. On a worker, or where everything is run at once. */
static inline void execi_pieces_init(struct execi_pieces *p, size_t n)
{
        static const _Atomic(uint32_t) nobody;
        struct execi_worker *w = execi_worker_current();
        size_t n_pieces = w ? (size_t)w->pool->n_workers * PIECES_A_WORKER : 1;

        p->wanted = w ? &w->pool->idle.wanted : &nobody;
        p->n_nobody = w && !w->pool->membarrier;
        p->leaf = n < n_pieces ? 1 : n / n_pieces;
        p->share = w ? n / w->pool->n_workers : 0;
        atom_store(&p->stop, 0, RELAXED); /* @relaxed init */
}

static inline bool execi_pieces_wanted(const struct execi_pieces *p)
{
        return atom_load((_Atomic(uint32_t) *)(uintptr_t)p->wanted, RELAXED) > p->n_nobody; /* NOLINT @relaxed hint */
}

/* Where this worker's share of the range begins. */
static inline size_t execi_pieces_home(const struct execi_pieces *p)
{
        struct execi_worker *w = execi_worker_current();

        return w ? w->id * p->share : 0;
}

/* A body answered. */
static inline void execi_pieces_answer(struct execi_pieces *p, int answer)
{
        int none = 0;

        if (UNLIKELY(answer > EXEC_LOOP_STOP)) /* as a task's */
                answer = -EINVAL;
        if (UNLIKELY(answer))
                atom_cas(&p->stop, &none, answer, ACQ_REL);
}

/* Between two chunks. */
static inline bool execi_pieces_stopped(struct execi_pieces *p)
{
        if (UNLIKELY(atom_load(&p->stop, RELAXED))) /* @relaxed hint */
                return true;
        if (LIKELY(!exec_cancel_requested()))
                return false;
        execi_pieces_answer(p, -ECANCELED);
        return true;
}

/* What the whole returns. Where that is -ECANCELED a request to the caller's task has thereby been delivered. */
static inline int execi_pieces_end(struct execi_pieces *p)
{
        exec_future *t = execi_here_cell();
        int stop = atom_load(&p->stop, RELAXED); /* @relaxed: behind the joins */

        if (UNLIKELY(stop == -ECANCELED && t))
                execi_cancel_take(t);
        return stop > 0 ? 0 : stop;
}

#endif
