/* sleep.c - sleeping, as a task, as a thread, as a future without a stack; giving way. */
#include "future/create.h"
#include "future/failed.h"
#include "future/here.h"
#include "port/clock.h"
#include "sched/choose.h"
#include "wait/block.h"
#include "wait/timers.h"

#include <executor/time.h>

#include <sched.h>

static int64_t now_here(struct execi_worker *w)
{
        return execi_now(w ? w->pool->chooser : NULL);
}

int64_t exec_now(void)
{
        return now_here(execi_worker_current());
}

int exec_yield(void)
{
        struct execi_worker *w = execi_worker_current();
        int r = execi_may_wait(w);

        if (r)
                return r;
        if (w)
                return execi_give_way(UINT32_MAX);
        sched_yield();
        return 0;
}

int exec_sleep_until(int64_t deadline_ns)
{
        struct execi_worker *w = execi_worker_current();
        int r = execi_may_wait(w);

        return r ? r : execi_wait_until(deadline_ns);
}

int exec_sleep(int64_t ns)
{
        if (ns <= 0)
                return exec_yield();
        return exec_sleep_until(execi_time_add(now_here(execi_worker_current()), ns));
}

/* A plain thread spreads its sleeps over the workers' heaps. */
static struct execi_worker *heap_for(struct execi_worker *w, struct exec_pool *pool, const exec_future *f)
{
        return w ? w : &pool->workers[((uintptr_t)f >> 7) % pool->n_workers];
}

exec_future *exec_sleep_future_until(int64_t deadline_ns)
{
        struct execi_worker *w = execi_worker_current();
        struct exec_pool *pool = execi_here_pool(w);
        exec_future *f;

        if (!pool)
                return execi_failed(-EINVAL);
        if (execi_is_child(pool))
                return execi_failed(-ECHILD);
        if (!w)
                atom_add(&pool->n_visitors, 1, SEQ_CST);
        if (atom_load(&pool->state, SEQ_CST) == POOL_STOPPED) {
                f = execi_failed(-ESHUTDOWN);
        } else {
                f = execi_cell_new(w, CELL_SLEEP, 0);
                if (f && (f->flags & CELL_ALLOCATED))
                        execi_cell_prefix(f)->pool = pool;
                if (f)
                        execi_sleep_start(heap_for(w, pool, f), f, deadline_ns);
                else
                        f = execi_failed(-ENOMEM);
        }
        if (!w)
                atom_sub(&pool->n_visitors, 1, RELEASE); /* last touch; @pair pool.visitors */
        return f;
}

exec_future *exec_sleep_future(int64_t ns)
{
        return exec_sleep_future_until(execi_time_add(now_here(execi_worker_current()), ns < 0 ? 0 : ns));
}
