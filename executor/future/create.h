/* create.h - making cells. */
#ifndef EXECI_FUTURE_CREATE_H
#define EXECI_FUTURE_CREATE_H

#include "sched/pool.h"
#include "task/state.h"

#include <executor/forkjoin.h>

/* A cell of @kind with one reference, not a task; from the calling worker's slab or the allocator. NULL: no memory. */
exec_future *execi_cell_new(struct execi_worker *w, enum cell_kind kind, unsigned flags);

/* Queue a task of this worker's pool that carries @fork (run/strand.h). NULL: no memory. */
exec_future *execi_create_fork(struct execi_worker *w, exec_fork_fn fn, struct exec_fork *fork, exec_future *root);

#endif
