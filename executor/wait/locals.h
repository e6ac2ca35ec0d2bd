/* locals.h - the values of task-locals that running code sees: a counted map, passed on by reference.
 *
 * A task's map hangs on its extra block, a done callback's on its node, a plain thread's on the thread.
 *
 * M1 a map that has several references is not changed: whoever sets a value makes a map of his own first. With one
 *    reference it is the caller's alone, for nobody else could make a second one.
 * M2 each map is one user of each of its values. The last user's end drops the value, outside any task.
 * M3 code that has a map runs on a pool's workers only when plain_create is off in all of them: so the short cut for
 *    creating tasks never has one to pass on. It stays off.
 * M4 a task's map is touched by the task alone, and by whoever ends it. */
#ifndef EXECI_WAIT_LOCALS_H
#define EXECI_WAIT_LOCALS_H

#include "sched/pool.h"

struct execi_locals;

/* What the caller sees, borrowed; or NULL. */
struct execi_locals *execi_locals_here(struct execi_worker *w);
void *execi_locals_get(struct execi_worker *w, uint64_t key);
/* -ENOMEM; -EPERM. */
int execi_locals_set(struct execi_worker *w, uint64_t key, void *value, exec_drop_fn drop);

/* NULL allowed. */
struct execi_locals *execi_locals_ref(struct execi_locals *m);
void execi_locals_unref_slow(struct execi_locals *m);
static inline void execi_locals_unref(struct execi_locals *m)
{
        if (UNLIKELY(m != NULL))
                execi_locals_unref_slow(m);
}

/* A new task, which nobody knows yet, begins with a reference to @m, not NULL. -ENOMEM. */
int execi_locals_pass(struct execi_locals *m, exec_future *t, struct exec_pool *pool);

/* This thread, one of the library's, begins with @m, which others keep meanwhile; NULL: no more. */
void execi_locals_borrow(struct execi_locals *m);

/* Around a done callback: *@map is what it sees. */
void execi_locals_enter(struct execi_worker *w, struct execi_locals **map);
void execi_locals_leave(void);

#endif
