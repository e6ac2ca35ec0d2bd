/* worker_local.c - a slot for each worker. */
#include "future/here.h"
#include "port/memory.h"
#include "port/sanitizer.h"

#include <executor/worker_local.h>

#include <string.h>

struct exec_worker_local {
        uint64_t serial; /* of its pool */
        size_t n, stride, bytes;
        char *slots;
};

int exec_worker_local_new(exec_worker_local **out, exec_pool *pool, size_t bytes, exec_slot_fn init, void *arg)
{
        exec_worker_local *l;

        if (!out)
                return -EINVAL;
        *out = NULL;
        if (!pool)
                pool = execi_here_pool(execi_worker_current());
        if (!pool || !bytes)
                return -EINVAL;
        l = execi_alloc(sizeof *l);
        if (!l)
                return -ENOMEM;
        l->serial = pool->serial;
        l->n = pool->n_workers;
        if (bytes > SIZE_MAX / 2 ||
            __builtin_mul_overflow((bytes + CACHE_PAIR - 1) & ~(size_t)(CACHE_PAIR - 1), l->n, &l->bytes) ||
            !(l->slots = execi_alloc_aligned(l->bytes, CACHE_PAIR))) {
                execi_free(l, sizeof *l);
                return -ENOMEM;
        }
        l->stride = l->bytes / l->n;
        memset(l->slots, 0, l->bytes);
        if (init)
                exec_worker_local_each(l, init, arg);
        *out = l;
        return 0;
}

void *exec_worker_local_get(exec_worker_local *local)
{
        struct execi_worker *w = execi_worker_current();

        if (!local || !w || w->pool->serial != local->serial || w->in_callback || !execi_here_task(w))
                return NULL;
        if (execi_tsan_precise()) { /* the tasks of one worker hand it on */
                execi_tsan_acquire(&w->slots_edge);
                w->fiber->used_slot = true;
                execi_fiber_set_forked(w->fiber);
        }
        return local->slots + w->id * local->stride;
}

void exec_worker_local_each(exec_worker_local *local, exec_slot_fn fn, void *arg)
{
        if (!local || !fn)
                return;
        for (size_t i = 0; i < local->n; i++)
                fn(local->slots + i * local->stride, arg);
}

void exec_worker_local_free(exec_worker_local *local)
{
        if (!local)
                return;
        execi_free_aligned(local->slots, local->bytes, CACHE_PAIR);
        execi_free(local, sizeof *local);
}
