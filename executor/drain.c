/* drain.c - see drain.h. */
#include "drain.h"

#include "sched/idle.h"
#include "wait/ending.h"

void execi_drain_visitors(struct exec_pool *pool)
{
        unsigned turns = 0;

        while (atom_load(&pool->n_visitors,
                         SEQ_CST)) /* @pair pool.visitors; against a sleep made meanwhile: pool.state */
                execi_spin_yield(&turns);
}

bool execi_drain_is_over(struct exec_pool *pool)
{
        return execi_idle_all_asleep(pool) && execi_inject_empty(&pool->outside) && execi_inject_empty(&pool->wakes) &&
               execi_pool_is_quiet(pool);
}

/* A thread in exec_pool_shutdown(). The pool tells the first of them only, and knows it by its parker; the first, when it
 * leaves, tells the next. */
struct drainer {
        struct execi_parker parker; /* first */
        struct drainer *next;       /* L(drain_lock) */
};

/* L(drain_lock) */
static struct drainer *first_drainer(struct exec_pool *pool)
{
        return (struct drainer *)(void *)atom_load(&pool->drain_waiter, RELAXED); /* @relaxed locked */
}

static void add_drainer(struct exec_pool *pool, struct drainer *d)
{
        struct drainer *first;

        execi_spin_lock(&pool->drain_lock);
        first = first_drainer(pool);
        if (first) {
                d->next = first->next;
                first->next = d;
        } else {
                d->next = NULL;
                atom_store(&pool->drain_waiter, &d->parker, SEQ_CST); /* @pair idle.drain */
        }
        execi_spin_unlock(&pool->drain_lock);
}

static void remove_drainer(struct exec_pool *pool, struct drainer *d)
{
        struct drainer *at;

        execi_spin_lock(&pool->drain_lock);
        at = first_drainer(pool);
        if (at == d) {
                atom_store(&pool->drain_waiter, d->next ? &d->next->parker : NULL, SEQ_CST);
                if (d->next)
                        execi_parker_unpark(&d->next->parker);
        } else {
                while (at->next != d)
                        at = at->next;
                at->next = d->next;
        }
        execi_spin_unlock(&pool->drain_lock);
}

/* Every worker that goes to sleep last tells the waiter; so does who ends a task from outside. */
bool execi_drain_wait(struct exec_pool *pool, int64_t deadline_ns)
{
        bool drained, in_time = true;
        struct drainer d;

        execi_parker_init(&d.parker);
        add_drainer(pool, &d);
        while (!(drained = execi_drain_is_over(pool)) && in_time)
                in_time = execi_parker_park(&d.parker, deadline_ns);
        remove_drainer(pool, &d);
        execi_parker_fini(&d.parker);
        return drained;
}
