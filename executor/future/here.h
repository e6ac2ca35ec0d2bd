/* here.h - where a public call was made from: which worker, which pool, may it wait. */
#ifndef EXECI_FUTURE_HERE_H
#define EXECI_FUTURE_HERE_H

#include "sched/pool.h"
#include "wait/forked.h"
#include "wait/waiter.h"

struct exec_pool *execi_default_pool(void);
void execi_default_pool_unset(struct exec_pool *pool);

/* The pool that creates for the caller, or NULL. */
static inline struct exec_pool *execi_here_pool(struct execi_worker *w)
{
        return w ? w->pool : execi_default_pool();
}

/* The running task, or NULL: on a worker outside tasks user code runs too (callbacks, hooks, drop functions). */
static inline exec_future *execi_here_task(struct execi_worker *w)
{
        return w && w->fiber ? w->fiber->task : NULL;
}

/* The same, but in a fork that runs elsewhere the task whose fork it is: what the program knows as the current one. */
static inline exec_future *execi_here_root(struct execi_worker *w)
{
        return w && w->fiber ? execi_fiber_root(w->fiber) : NULL;
}

/* The caller's own cell: exec_current_task(), but in a fork that runs elsewhere its carrier. */
static inline exec_future *execi_here_cell(void)
{
        struct execi_worker *w = execi_worker_current();

        return w && !w->in_callback ? execi_here_task(w) : NULL;
}

/* 0; -EPERM outside any task: in the program's other functions (outside.h), and in a start hook, which runs before the
 * worker has a fiber. */
static inline int execi_may_wait(struct execi_worker *w)
{
        if (LIKELY(w))
                return UNLIKELY(w->in_callback || !w->fiber) ? -EPERM : 0;
        return execi_callback_is_running() ? -EPERM : 0;
}

/* Made after a fork()? */
bool execi_is_child(const struct exec_pool *pool);

#endif
