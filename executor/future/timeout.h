/* timeout.h - deadlines of timeout scopes, for those who ask: a child to be, and the slow half of exec_cancel_requested(), where
 * a task computes and nobody looks at them. */
#ifndef EXECI_FUTURE_TIMEOUT_H
#define EXECI_FUTURE_TIMEOUT_H

#include "sched/pool.h"

/* What a child inherits: the earliest deadline of the current task's scopes, also of those that have expired and not ended;
 * EXEC_FOREVER: none. */
int64_t execi_timeout_inherited(void);

/* Of every 32nd poll, or oftener. Is the running task @t cancelled, now that what is due was fired? */
bool execi_timeout_poll(struct execi_worker *w, exec_future *t);

#endif
