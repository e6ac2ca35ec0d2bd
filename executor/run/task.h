/* task.h - running a task: on the frame of the loop, on the frame of its awaiter, or on a stack of its own. */
#ifndef EXECI_RUN_TASK_H
#define EXECI_RUN_TASK_H

#include "sched/pool.h"

/* Run @t, which a queue gave, on the current stack; it ends here. The caller's worker may be another afterwards. */
void execi_task_run(struct execi_worker *w, exec_future *t);
/* From the loop: run it on a stack of its own; returns when this loop fiber is used again. */
void execi_task_run_own(struct execi_worker *w, exec_future *t);
/* It will never run: end it with @err. */
void execi_task_refuse(struct execi_worker *w, exec_future *t, int err);

#endif
