/* enter.h - into a task, for calls that may be made from a plain thread too. */
#ifndef EXECI_FORK_ENTER_H
#define EXECI_FORK_ENTER_H

#include <executor/forkjoin.h>

typedef int (*execi_enter_fn)(void *job, exec_forks *at);

/* @fn(@job, place): at @at; NULL: at the caller's place, or from a plain thread in a task of the default pool. What it
 * returns; or why there is no such task. */
int execi_enter(exec_forks *at, execi_enter_fn fn, void *job);

#endif
