/* ending.h - the end of a task: out of the register, finished, counted. */
#ifndef EXECI_WAIT_ENDING_H
#define EXECI_WAIT_ENDING_H

#include "sched/pool.h"

/* By its runner, or by the one who claimed it before it started. */
void execi_task_end(struct execi_worker *w, exec_future *t, int err, void *value);

/* A task with an extra block: its body has returned, or will never run: drop its argument and its locals. */
void execi_task_let_go(exec_future *t);

/* Have all tasks ended? Exact only while every worker sleeps and nothing comes from outside. */
bool execi_pool_is_quiet(struct exec_pool *pool);

#endif
