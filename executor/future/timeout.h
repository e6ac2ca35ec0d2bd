/* timeout.h - the slow half of exec_cancel_requested(): deadlines, where a task computes and nobody looks at them. */
#ifndef EXECI_FUTURE_TIMEOUT_H
#define EXECI_FUTURE_TIMEOUT_H

#include "sched/pool.h"

/* Of every 32nd poll, or oftener. Is the running task @t cancelled, now that what is due was fired? */
bool execi_timeout_poll(struct execi_worker *w, exec_future *t);

#endif
