/* step.h - debug mode: how long a task runs without a wait, as asyncio's slow_callback_duration.
 *
 * A fiber's step is from where a task on it begins or goes on to where it waits, awaits a child on its own stack, or ends.
 * All of it is the running task's own (letter O); outside debug mode no function here is called. */
#ifndef EXECI_SCHED_STEP_H
#define EXECI_SCHED_STEP_H

#include "sched/pool.h"

/* @t begins on the running fiber. The task whose step ends thereby: its awaiter; NULL: none. */
exec_future *execi_step_begin(struct execi_worker *w, exec_future *t);
/* It has returned; @outer, which execi_step_begin() gave, goes on. */
void execi_step_end(struct execi_worker *w, exec_future *outer);
/* The running task is about to leave its fiber; and it is back. */
void execi_step_suspend(struct execi_worker *w);
void execi_step_resume(struct execi_worker *w);

#endif
