/* place.c - see place.h. */
#include "sched/place.h"

void execi_place_init(struct execi_worker *w)
{
        w->thread_number = execi_affinity_thread();
        execi_place_note(w);
}

void execi_place_note(struct execi_worker *w)
{
        atom_store(&w->cpu, execi_affinity_cpu(), RELAXED); /* @relaxed hint */
}

void execi_place_spread(struct execi_worker *w)
{
        struct exec_pool *pool = w->pool;
        struct execi_worker *waker = execi_worker_current();
        struct execi_affinity mask;

        if (!execi_affinity_get(w->thread_number, &w->allowed))
                return;
        mask = w->allowed;
        execi_affinity_remove(&mask, execi_affinity_cpu());
        for (unsigned i = 0; i < pool->n_workers; i++) {
                struct execi_worker *v = &pool->workers[i];

                if (v != waker && !atom_load(&v->is_sleeper, RELAXED))             /* @relaxed locked */
                        execi_affinity_remove(&mask, atom_load(&v->cpu, RELAXED)); /* @relaxed hint */
        }
        w->is_spread = !execi_affinity_is_empty(&mask) && execi_affinity_set(w->thread_number, &mask);
}

void execi_place_restore(struct execi_worker *w)
{
        if (!w->is_spread)
                return;
        w->is_spread = false;
        execi_affinity_set(w->thread_number, &w->allowed);
}
