/* around.h - what goes around the bodies of some tasks: an inherited deadline, in debug mode a watch on the time. The task's
 * function is then one of ours, which calls its own. */
#ifndef EXECI_FUTURE_AROUND_H
#define EXECI_FUTURE_AROUND_H

#include "sched/pool.h"

#include <stdint.h>

/* @t, made for @pool and not yet queued, gets what it needs of that. @deadline_ns: EXEC_FOREVER: none. @place: where it
 * is created, or NULL. 0 or -ENOMEM. */
int execi_around_put(exec_future *t, struct exec_pool *pool, int64_t deadline_ns, const char *place);

#endif
