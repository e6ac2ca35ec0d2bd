/* all_tasks.c - references to every task of a pool that has not ended. Works while the pool runs: each task is looked at
 * in a moment of its own. */
#include "future/here.h"
#include "task/register.h"
#include "task/state.h"

#include <executor/executor.h>

struct list {
        exec_future **out;
        size_t max;
        int64_t n;
};

/* @f is referenced. */
static void take(struct list *l, exec_future *f)
{
        if ((size_t)l->n < l->max)
                l->out[l->n] = f;
        else
                execi_unref(execi_worker_current(), f);
        l->n++;
}

static void visit(exec_future *f, void *arg)
{
        if (!execi_state_hold_task(f))
                return;
        if (f->flags & CELL_FORK) /* part of another one */
                execi_unref(execi_worker_current(), f);
        else
                take(arg, f);
}

/* L(register): it is not done before this returns, and the reference that take() gives back is not the last: the register
 * would be waited for by the end of the task. So none is made in vain. */
static void visit_registered(exec_future *f, void *arg)
{
        struct list *l = arg;

        if (f->flags & CELL_FORK)
                return;
        if ((size_t)l->n < l->max) {
                if (!execi_state_hold_task(f))
                        return;
                l->out[l->n] = f;
        }
        l->n++;
}

int64_t exec_all_tasks(exec_pool *pool, exec_future **out, size_t max)
{
        struct list l = {.out = out, .max = max};

        if (!pool)
                pool = execi_here_pool(execi_worker_current());
        if (!pool || (max && !out))
                return -EINVAL;
        if (execi_is_child(pool))
                return -ECHILD;
        for (unsigned i = 0; i < pool->arena->n_slabs; i++)
                execi_slab_visit(&pool->arena->slabs[i], visit, &l);
        for (unsigned i = 0; i < N_REGISTERS; i++)
                execi_register_visit(&pool->registers[i], visit_registered, &l);
        return l.n;
}
