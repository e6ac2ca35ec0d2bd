/* ending.h - the end of a task: out of the register, finished, counted. */
#ifndef EXECI_WAIT_ENDING_H
#define EXECI_WAIT_ENDING_H

#include "sched/pool.h"

/* By its runner, or by the one who claimed it before it started. */
void execi_task_end(struct execi_worker *w, exec_future *t, int err, void *value);

/* Have all tasks ended? Exact only while every worker sleeps and nothing comes from outside. */
bool execi_pool_is_quiet(struct exec_pool *pool);

#endif
