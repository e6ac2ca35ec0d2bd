/* fork.h - exec_fork() for the library's own forks: it may be compiled without ThreadSanitizer and yet run under it. */
#ifndef EXECI_FORK_FORK_H
#define EXECI_FORK_FORK_H

#include "port/sanitizer.h"

#include <executor/forkjoin.h>

static inline exec_forks *execi_fork(exec_forks *at, struct exec_fork *fork, exec_fork_fn fn)
{
        execi_tsan_release(fork);
        return exec_fork(at, fork, fn);
}

/* Somebody is idle: can he take something of what was forked here before, @at the place of the next fork? Where forks are not
 * tasks it is published. */
bool execi_fork_offer(exec_forks *at);

#endif
