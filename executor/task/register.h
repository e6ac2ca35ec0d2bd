/* register.h - the unfinished cells of a pool that did not come from its slabs, so that they can be listed and cancelled.
 *
 * G1 a cell stands in it from before its task can run until before it is done. */
#ifndef EXECI_TASK_REGISTER_H
#define EXECI_TASK_REGISTER_H

#include "task/slab.h"

void execi_register_add(struct execi_register *r, exec_future *f);
void execi_register_remove(struct execi_register *r, exec_future *f);
/* Begin to go through all of them; then each, with a reference, one that is added meanwhile too. NULL: that was all. */
void execi_register_sweep(struct execi_register *r);
exec_future *execi_register_next(struct execi_register *r);
/* @visit under the lock: a cell in the register is not done before it returns. */
void execi_register_visit(struct execi_register *r, void (*visit)(exec_future *f, void *arg), void *arg);

/* Which of @n registers a cell belongs to. */
static inline unsigned execi_register_index(const exec_future *f, unsigned n)
{
        return (unsigned)(((uintptr_t)f >> 7) * 2654435761u >> 16) % n;
}

#endif
