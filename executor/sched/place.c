/* place.c - see place.h. */
#include "sched/place.h"

#include "port/pause.h"

#include <string.h>

enum { FREE = 0, MOVING, MOVED };

void execi_place_init(struct execi_worker *w)
{
        w->thread_number = execi_affinity_thread();
        execi_place_note(w);
}

void execi_place_note(struct execi_worker *w)
{
        atom_store(&w->cpu, execi_affinity_cpu(), RELAXED); /* @relaxed hint */
}

/* L(idle.lock) Is one that is awake on the CPU where @w slept? -1: no; else which CPU it is. */
static int find_taken(struct execi_worker *w)
{
        struct exec_pool *pool = w->pool;
        int cpu = atom_load(&w->cpu, RELAXED); /* @relaxed hint */

        for (unsigned i = 0; i < pool->n_workers; i++) {
                struct execi_worker *v = &pool->workers[i];

                if (!atom_load(&v->is_sleeper, RELAXED) && atom_load(&v->cpu, RELAXED) == cpu) /* @relaxed hints */
                        return cpu;
        }
        return -1;
}

bool execi_place_begin(struct execi_worker *w)
{
        struct execi_worker *waker = execi_worker_current();

        if (!waker || !atom_load(&w->pool->places, RELAXED)) /* @relaxed hint */
                return false;
        execi_place_note(waker);
        w->forbidden[0] = atom_load(&waker->cpu, RELAXED); /* @relaxed hint */
        w->forbidden[1] = find_taken(w);
        atom_store(&w->place, MOVING, RELAXED); /* @relaxed: before idle.woken */
        return true;
}

static bool is_same(const struct execi_affinity *a, const struct execi_affinity *b)
{
        return !memcmp(a, b, sizeof *a);
}

/* false: the kernel refuses. */
static bool narrow(struct execi_worker *w, int *state)
{
        if (!execi_affinity_get(w->thread_number, &w->allowed))
                return false;
        w->narrowed = w->allowed;
        execi_affinity_remove(&w->narrowed, w->forbidden[0]);
        execi_affinity_remove(&w->narrowed, w->forbidden[1]);
        if (execi_affinity_is_empty(&w->narrowed) || is_same(&w->narrowed, &w->allowed))
                return true;
        if (!execi_affinity_set(w->thread_number, &w->narrowed))
                return false;
        *state = MOVED;
        return true;
}

void execi_place_move(struct execi_worker *w)
{
        int state = FREE;

        if (!narrow(w, &state))
                atom_store(&w->pool->places, false, RELAXED); /* @relaxed hint: nor will it next time */
        atom_store(&w->place, state, RELEASE);                /* @pair place.moved */
}

/* Somebody else may have set its affinity meanwhile: that stays. */
void execi_place_restore(struct execi_worker *w)
{
        struct execi_affinity now;
        unsigned turns = 0;
        int state;

        while ((state = atom_load(&w->place, ACQUIRE)) == MOVING) /* @pair place.moved */
                execi_spin_yield(&turns);
        if (state == FREE)
                return;
        atom_store(&w->place, FREE, RELAXED); /* @relaxed: nobody else looks while it is awake */
        if (execi_affinity_get(w->thread_number, &now) && is_same(&now, &w->narrowed))
                execi_affinity_set(w->thread_number, &w->allowed);
}
