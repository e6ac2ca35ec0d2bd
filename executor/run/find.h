/* find.h - what a worker does next. */
#ifndef EXECI_RUN_FIND_H
#define EXECI_RUN_FIND_H

#include "sched/idle.h"
#include "sched/pool.h"

/* The next task to start or to resume (its wait word tells). Searches and sleeps when there is none. NULL: the pool
 * stops. */
exec_future *execi_find(struct execi_worker *w, bool *resume);

/* After a push or a pop: others have nothing to do, let them have some of it. */
void execi_share_slow(struct execi_worker *w);
static inline void execi_share(struct execi_worker *w)
{
        if (execi_idle_is_wanted(w->pool))
                execi_share_slow(w);
}

/* A task that found no place in a deque. */
void execi_spill(struct exec_pool *pool, exec_future *t);

#endif
