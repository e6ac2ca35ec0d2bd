/* suspend.h - the only place where a task leaves its worker and comes back. See SUSPEND.md.
 *
 * X1 everything that hands the left stack to somebody else happens in the commit, on the next fiber, after the switch.
 * X2 after a suspension the worker is another: read it again. */
#ifndef EXECI_SCHED_SUSPEND_H
#define EXECI_SCHED_SUSPEND_H

#include "sched/pool.h"

/* Go on in @to; when this fiber runs again, return. @commit(worker, ctx) runs on @to first. */
void execi_switch(struct execi_worker *w, struct execi_fiber *to, execi_commit_fn commit, void *ctx);
/* The first thing on a fiber that runs for the first time. */
void execi_switch_arrived(void);
/* For good: this fiber's stack is given up by the commit. */
_Noreturn void execi_switch_last(struct execi_worker *w, struct execi_fiber *to, execi_commit_fn commit, void *ctx);

/* Leave the worker: the running task waits for what @commit arms. On return it runs again, perhaps on another worker;
 * errno is as before. Needs no memory: the spare fiber takes over, or the task in the next slot at once. */
void execi_suspend(struct execi_worker *w, execi_commit_fn commit, void *ctx);

#endif
