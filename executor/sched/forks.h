/* forks.h - the fork stacks of a pool's fibers: who may see them, who is asked to publish.
 *
 * R1 a worker shows the fork stack of the fiber it runs (worker.forks), and who looks for work looks there: at what is public,
 *    at last also at what is private (force).
 * R2 a fiber that waits publishes all its forks and goes into its worker's list (worker.left), from which everybody takes,
 *    that worker too: so a task may wait for what its own fork does.
 * R3 one who is hungry marks the stacks shown (forkstack.h G4). One that is shown later is marked by its own worker: it shows
 *    it, then reads idle.wanted; who goes to sleep counts himself there, runs a membarrier, then looks at what is shown and
 *    marks it, and again until he finds nothing unmarked: so he sleeps behind a membarrier that came after every mark. What
 *    is published takes the mark off. So who leaves with work while others sleep, and is the last who looks, does the same
 *    before he looks whether there is more.
 * R4 in a pool without membarrier, and in the precise mode of ThreadSanitizer, no fiber has a fork stack: forks are tasks. */
#ifndef EXECI_SCHED_FORKS_H
#define EXECI_SCHED_FORKS_H

#include "queue/forkarena.h"
#include "sched/pool.h"

/* Where forks run at once, and where they are tasks. */
exec_forks *execi_forks_inline(void);
exec_forks *execi_forks_as_tasks(void);
void execi_forks_init(void); /* these two */

/* Give the running fiber its fork stack. NULL: no memory. */
struct execi_forkstack *execi_forks_attach(struct execi_worker *w);

/* R1: @w runs @f from here on. */
void execi_forks_mark_shown(struct execi_worker *w, struct execi_forkstack *s);
static inline void execi_forks_show(struct execi_worker *w, const struct execi_fiber *f)
{
        struct execi_forkstack *s = f->forks;

        atom_store(&w->forks, s, RELEASE); /* @pair forks.shown */
        if (UNLIKELY(s != NULL))
                execi_forks_mark_shown(w, s);
}

/* R2: the running fiber, which has a fork stack, is about to wait; it runs again. */
void execi_forks_leave(struct execi_worker *w, struct execi_forkstack *s);
void execi_forks_return(struct execi_forkstack *s);

/* R3: ask those who run to publish. true: one was asked that nobody had asked. */
bool execi_forks_mark_all(struct execi_worker *w);
/* The same until all were, behind a membarrier each time. */
void execi_forks_settle(struct execi_worker *w);

/* The same of @v's running fiber alone, if @w is hungry. */
void execi_forks_ask(struct execi_worker *v, struct execi_worker *w);

/* One of @v's forks for @w, its root in *root. NULL: none. */
struct exec_fork *execi_forks_steal(struct execi_worker *v, struct execi_worker *w, exec_future **root);
/* Publish what @v's running fiber keeps to itself. */
bool execi_forks_force(struct execi_worker *v);
/* Could execi_forks_steal() bring something? @private: or execi_forks_force(). */
bool execi_forks_any(struct execi_worker *v, bool private);

#endif
