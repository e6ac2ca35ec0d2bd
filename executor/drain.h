/* drain.h - waiting until a pool has nothing left to do. */
#ifndef EXECI_DRAIN_H
#define EXECI_DRAIN_H

#include "sched/pool.h"

/* No task is left, queued or suspended, and every worker sleeps. */
bool execi_drain_is_over(struct exec_pool *pool);
/* Wait for that; from several threads at once. false: the deadline has passed. */
bool execi_drain_wait(struct exec_pool *pool, int64_t deadline_ns);
/* Wait for the threads from outside that are inside a submit, a wake or a sleep of the pool. */
void execi_drain_visitors(struct exec_pool *pool);

#endif
