/* at_exit.c - see at_exit.h.
 *
 * The youngest pool is drained first. Two threads that come first at once may both register the handler; the second run of
 * it finds nothing left. dlclose() of the library's object runs the handler then: no pool is left at that time. */
#include "at_exit.h"

#include "port/pause.h"

#include <executor/pool.h>

#include <stdlib.h>

static _Atomic(int) is_registered;

static struct {
        struct execi_spin lock;
        struct exec_pool *first;    /* L(lock) */
        struct exec_pool *draining; /* L(lock) taken out of the list, and still used */
} pools;

static struct exec_pool *take(void)
{
        struct exec_pool *pool;

        execi_spin_lock(&pools.lock);
        pool = pools.first;
        if (pool)
                pools.first = pool->exit_next;
        pools.draining = pool;
        execi_spin_unlock(&pools.lock);
        return pool;
}

static void drain_all(void)
{
        struct exec_pool *pool;

        while ((pool = take()))
                exec_pool_shutdown(pool, EXEC_DRAIN,
                                   EXEC_FOREVER); /* refused on a worker: exit() in a task waits for none */
}

int execi_at_exit_begin(void)
{
        if (atom_load(&is_registered, ACQUIRE))
                return 0;
        if (atexit(drain_all))
                return -ENOMEM;
        atom_store(&is_registered, 1, RELEASE);
        return 0;
}

void execi_at_exit_add(struct exec_pool *pool)
{
        execi_spin_lock(&pools.lock);
        pool->exit_next = pools.first;
        pools.first = pool;
        execi_spin_unlock(&pools.lock);
}

void execi_at_exit_remove(struct exec_pool *pool)
{
        struct exec_pool **link;
        unsigned turns = 0;
        bool busy;

        do {
                execi_spin_lock(&pools.lock);
                for (link = &pools.first; *link && *link != pool;)
                        link = &(*link)->exit_next;
                if (*link)
                        *link = pool->exit_next;
                busy = pools.draining == pool;
                execi_spin_unlock(&pools.lock);
                if (busy)
                        execi_spin_yield(&turns);
        } while (busy);
}

void execi_at_exit_in_child(void)
{
        pools.first = NULL;
        pools.draining = NULL;
        execi_spin_unlock(&pools.lock); /* another thread may have held it */
}
