/* stats.c - the counters of a pool, summed. */
#include "future/here.h"

#include <executor/pool.h>

#include <string.h>

static void add_worker(struct exec_pool_stats *s, struct execi_worker *w)
{
        s->n_created += atom_load(&w->n_created, RELAXED); /* @relaxed count, here and below */
        s->n_finished += atom_load(&w->n_finished, RELAXED);
        s->n_suspends += atom_load(&w->n_suspends, RELAXED);
        s->n_migrations += atom_load(&w->n_migrations, RELAXED);
        s->n_direct_awaits += atom_load(&w->n_direct, RELAXED);
        s->n_steals += atom_load(&w->n_steals, RELAXED);
        s->n_stolen += atom_load(&w->n_stolen, RELAXED);
        s->n_forced += atom_load(&w->n_forced, RELAXED);
        s->n_parks += atom_load(&w->n_parks, RELAXED);
        s->n_forks_stolen += atom_load(&w->n_forks_stolen, RELAXED);
        execi_spin_lock(&w->timers.lock);
        s->n_timers += execi_heap_count(&w->timers.heap);
        execi_spin_unlock(&w->timers.lock);
}

static void add_stacks(struct exec_pool_stats *s, struct execi_stacks *k)
{
        s->n_stacks += atom_load(&k->n_live, RELAXED);
        s->n_stacks_free += atom_load(&k->n_free, RELAXED);
        s->n_stacks_peak += atom_load(&k->n_peak, RELAXED);
        s->n_guards_madvise += atom_load(&k->n_guard[GUARD_MADVISE], RELAXED);
        s->n_guards_mprotect += atom_load(&k->n_guard[GUARD_MPROTECT], RELAXED);
        s->n_guards_canary += atom_load(&k->n_guard[GUARD_CANARY], RELAXED);
}

static void add_depth(struct exec_pool_stats *s, struct execi_stacks *k)
{
        uint64_t bytes = execi_stacks_depth(k);

        s->stack_peak_bytes = s->stack_peak_bytes > bytes ? s->stack_peak_bytes : bytes;
}

/* A set, once made, stays as long as the pool: looking at its stacks needs no lock. */
static void add_all_stacks(struct exec_pool_stats *s, exec_pool *pool)
{
        struct execi_stacks *classes[N_STACK_CLASSES];

        execi_spin_lock(&pool->classes_lock);
        memcpy(classes, pool->classes, sizeof classes);
        execi_spin_unlock(&pool->classes_lock);
        add_stacks(s, &pool->stacks);
        add_depth(s, &pool->stacks);
        for (unsigned i = 0; i < N_STACK_CLASSES; i++) {
                if (!classes[i])
                        continue;
                add_stacks(s, classes[i]);
                add_depth(s, classes[i]);
        }
}

int exec_pool_stats(const exec_pool *const_pool, struct exec_pool_stats *stats)
{
        exec_pool *pool = (exec_pool *)(uintptr_t)const_pool; /* NOLINT: locks are taken */
        struct exec_pool_stats s = {.size = sizeof s};
        size_t size;

        if (!pool || !stats || stats->size < sizeof s.size || stats->size > 4096)
                return -EINVAL;
        if (execi_is_child(pool))
                return -ECHILD;
        size = stats->size < sizeof s ? stats->size : sizeof s;
        s.n_workers = pool->n_workers;
        for (unsigned i = 0; i < pool->n_workers; i++)
                add_worker(&s, &pool->workers[i]);
        for (unsigned i = 0; i < pool->n_made; i++) {
                struct execi_slab *slab = &pool->arena->slabs[i];

                s.n_futures += atom_load(&slab->n_made, RELAXED) - atom_load(&slab->n_freed, RELAXED);
                s.n_futures -= execi_slab_remote_count(slab);
        }
        s.n_created += atom_load(&pool->n_outside, RELAXED);
        s.n_finished += atom_load(&pool->n_outside_finished, RELAXED);
        s.n_unparks = atom_load(&pool->idle.n_unparks, RELAXED);
        add_all_stacks(&s, pool);
        memcpy(stats, &s, size);
        stats->size = size;
        return 0;
}
