/* outside.h - the program's own functions that run outside its tasks: drops, done callbacks, the hook for errors that
 * nobody looked at. They run in the middle of calls that hold a worker, so no wait is allowed in them: a wait could
 * change the worker.
 *
 * Z1 whoever calls one marks the thread (on a worker: the worker) before, and puts the mark back as it was after. */
#ifndef EXECI_WAIT_OUTSIDE_H
#define EXECI_WAIT_OUTSIDE_H

#include <executor/types.h>

/* Z1. The mark as it was, for execi_outside_end(). */
bool execi_outside_begin(void);
void execi_outside_end(bool was);

/* @drop(@ptr) between the two; @drop may be NULL. */
void execi_drop(exec_drop_fn drop, void *ptr);

#endif
