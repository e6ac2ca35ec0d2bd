/* ending.c - see ending.h. */
#include "wait/ending.h"

#include "port/sanitizer.h"
#include "task/extra.h"
#include "task/register.h"
#include "wait/locals.h"
#include "wait/outside.h"
#include "wait/waiter.h"

static void end_from_outside(struct execi_worker *w, struct exec_pool *pool, exec_future *t, int err, void *value)
{
        atom_add(&pool->n_visitors, 1, SEQ_CST); /* the pool stays until this thread is through */
        execi_task_finish(w, t, err, value);
        atom_add(&pool->n_outside_finished, 1, SEQ_CST);
        execi_spin_lock(&pool->drain_lock);
        if (atom_load(&pool->drain_waiter, RELAXED)) /* @relaxed locked */
                execi_parker_unpark(atom_load(&pool->drain_waiter, RELAXED));
        execi_spin_unlock(&pool->drain_lock);
        atom_sub(&pool->n_visitors, 1, RELEASE); /* last touch; @pair pool.visitors */
}

void execi_task_end(struct execi_worker *w, exec_future *t, int err, void *value)
{
        struct exec_pool *pool = execi_cell_pool(t);

        if (UNLIKELY(t->flags & CELL_ALLOCATED))
                execi_register_remove(&pool->registers[execi_register_index(t, N_REGISTERS)], t);
        execi_tsan_release(pool); /* @pair pool.end: whoever shut the pool down comes after all its tasks */
        if (UNLIKELY(!w || w->pool != pool)) {
                end_from_outside(w, pool, t, err, value);
                return;
        }
        execi_task_finish(w, t, err, value);
        atom_bump(&w->n_finished, 1);
}

COLD void execi_task_let_go(exec_future *t)
{
        struct execi_extra *e = execi_extra_get(t);
        struct execi_locals *locals;

        if (!e)
                return;
        execi_drop(e->drop_arg, e->arg);
        locals = e->locals;
        e->locals = NULL;
        execi_locals_unref(locals);
}

bool execi_pool_is_quiet(struct exec_pool *pool)
{
        uint64_t finished = atom_load(&pool->n_outside_finished, SEQ_CST), created;

        for (unsigned i = 0; i < pool->n_workers; i++)
                finished += atom_load(&pool->workers[i].n_finished, ACQUIRE);
        created = atom_load(&pool->n_outside, SEQ_CST);
        for (unsigned i = 0; i < pool->n_workers; i++)
                created += atom_load(&pool->workers[i].n_created, ACQUIRE);
        return created == finished;
}
