/* create.h - making cells. */
#ifndef EXECI_FUTURE_CREATE_H
#define EXECI_FUTURE_CREATE_H

#include "sched/pool.h"
#include "task/state.h"

#include <executor/forkjoin.h>

static inline void execi_cell_init(exec_future *f, enum cell_kind kind, unsigned flags)
{
        f->refs_err = CELL_REFS_ERR(1);
        f->kind_to_since = CELL_KIND_TO_SINCE((uint8_t)kind, (uint8_t)flags);
        atom_store(&f->extra, 0, RELAXED); /* @relaxed init */
}

/* A cell of @kind with one reference, not a task; from the calling worker's slab or the allocator. NULL: no memory. */
static inline bool execi_cell_is_at_hand(const struct execi_worker *w)
{
        return w && w->pool->plain && w->slab->free;
}
exec_future *execi_cell_new_slow(struct execi_worker *w, enum cell_kind kind, unsigned flags);
static inline exec_future *execi_cell_new(struct execi_worker *w, enum cell_kind kind, unsigned flags)
{
        exec_future *f;

        if (UNLIKELY(!execi_cell_is_at_hand(w)))
                return execi_cell_new_slow(w, kind, flags);
        f = execi_slab_alloc(w->slab);
        execi_cell_init(f, kind, flags);
        f->value = NULL;
        atom_store(&f->word, 0, RELEASE);
        return f;
}

/* Queue a task of this worker's pool that carries @fork (run/strand.h). NULL: no memory. */
exec_future *execi_create_fork(struct execi_worker *w, exec_fork_fn fn, struct exec_fork *fork, exec_future *root);

#endif
