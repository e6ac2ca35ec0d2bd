/* strand.h - a fork that runs elsewhere: the task that carries it.
 *
 * J1 a carrier always runs: a cancellation is seen inside it, and never ends it before. Its word in the fork names it from
 *    when it was taken; its reference is the joiner's.
 * J2 the task whose fork it is (the root) waits for it before it ends. */
#ifndef EXECI_RUN_STRAND_H
#define EXECI_RUN_STRAND_H

#include "queue/forkstack.h"
#include "sched/pool.h"

/* For @w: one of @v's forks, as a task to be run now. NULL: none, or no memory. */
exec_future *execi_strand_steal(struct execi_worker *v, struct execi_worker *w);

/* The body of a carrier, started as execi_task_run_slow() does. */
void execi_strand_run(struct execi_fiber *fiber, exec_future *t, exec_fork_fn fn, struct exec_fork *fork);

/* The running task's place; its root is noted. */
exec_forks *execi_strand_place(struct execi_worker *w);

#endif
