/* fibers.h - a worker's fibers: the spare one, a small cache, and making more. */
#ifndef EXECI_RUN_FIBERS_H
#define EXECI_RUN_FIBERS_H

#include "sched/pool.h"

/* See that there is a spare. false: no memory; then no task may be started. */
bool execi_fibers_need_spare(struct execi_worker *w);
/* @f is at its loop and was left. */
void execi_fibers_put(struct execi_worker *w, struct execi_fiber *f);
/* Take the spare, for good. */
struct execi_fiber *execi_fibers_take_spare(struct execi_worker *w);
/* A fiber of its own for a task that wants at least @bytes of stack. @tsan as in execi_fiber_make(). NULL: no
 * memory. */
struct execi_fiber *execi_fibers_make_own(struct exec_pool *pool, size_t bytes, void (*main)(void *), void *tsan);
/* Give everything but the spare back. */
void execi_fibers_trim(struct execi_worker *w);
void execi_fibers_fini(struct execi_worker *w);
void execi_fibers_fini_pool(struct exec_pool *pool);

#endif
