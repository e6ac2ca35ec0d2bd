/* fibers.c - see fibers.h. */
#include "run/fibers.h"

#include "port/memory.h"

#include <string.h>

enum { MAX_CACHE = 64, KEEP_STACKS = 64 };
#define OWN_OVERHEAD ((size_t)8 << 10) /* the record, a colour, the loop's frames */
#define LEAST_CLASS  14                /* 16 KiB */

static bool get_stacks(struct execi_worker *w)
{
        w->stack_batch = w->stack_batch ? w->stack_batch * 2 : 1;
        if (w->stack_batch > STACK_BATCH)
                w->stack_batch = STACK_BATCH;
        w->n_stacks = execi_stacks_get(&w->pool->stacks, w->stacks, w->stack_batch);
        return w->n_stacks > 0;
}

static struct execi_fiber *make(struct execi_worker *w)
{
        struct execi_fiber *f;
        char *low;

        if (!w->n_stacks && !get_stacks(w))
                return NULL;
        low = w->stacks[--w->n_stacks];
        f = execi_fiber_make(&w->pool->stacks, low, w->pool->fiber_main, NULL);
        if (!f)
                w->stacks[w->n_stacks++] = low;
        return f;
}

bool execi_fibers_need_spare(struct execi_worker *w)
{
        if (LIKELY(w->spare != NULL))
                return true;
        w->spare = w->cache;
        if (w->spare) {
                w->cache = w->spare->next;
                w->n_cache--;
        } else {
                w->spare = make(w);
        }
        return w->spare;
}

/* Keep its stack with the bare ones; of too many the older half goes back, at once. */
static void put_stack(struct execi_worker *w, struct execi_fiber *f)
{
        enum { HALF = STACK_BATCH / 2 };

        if (w->n_stacks == STACK_BATCH) {
                execi_stacks_put(&w->pool->stacks, w->stacks, HALF);
                memcpy(w->stacks, w->stacks + HALF, HALF * sizeof *w->stacks);
                w->n_stacks = HALF;
        }
        w->stacks[w->n_stacks++] = execi_fiber_strip(f);
}

void execi_fibers_put(struct execi_worker *w, struct execi_fiber *f)
{
        if (!w->spare) {
                w->spare = f;
        } else if (w->n_cache < MAX_CACHE) {
                f->next = w->cache;
                w->cache = f;
                w->n_cache++;
        } else {
                put_stack(w, f);
        }
}

struct execi_fiber *execi_fibers_take_spare(struct execi_worker *w)
{
        struct execi_fiber *f = w->spare;

        w->spare = NULL;
        return f;
}

static struct execi_stacks *need_class(struct exec_pool *pool, unsigned class, size_t bytes)
{
        struct execi_stacks *s;

        execi_spin_lock(&pool->classes_lock);
        s = pool->classes[class];
        if (!s && (s = execi_alloc(sizeof *s))) {
                if (execi_stacks_init(s, bytes, pool->stacks.rung, pool->recycle_own)) {
                        execi_free(s, sizeof *s);
                        s = NULL;
                }
                pool->classes[class] = s;
        }
        execi_spin_unlock(&pool->classes_lock);
        return s;
}

struct execi_fiber *execi_fibers_make_own(struct exec_pool *pool, size_t bytes, void (*main)(void *), void *tsan)
{
        unsigned class = LEAST_CLASS;
        struct execi_stacks *s;
        struct execi_fiber *f;
        char *low;

        if (__builtin_add_overflow(bytes, OWN_OVERHEAD, &bytes))
                return NULL;
        while (class - LEAST_CLASS < N_STACK_CLASSES && ((size_t)1 << class) < bytes)
                class ++;
        if (class - LEAST_CLASS == N_STACK_CLASSES)
                return NULL;
        s = need_class(pool, class - LEAST_CLASS, (size_t)1 << class);
        if (!s || !execi_stacks_get(s, &low, 1))
                return NULL;
        f = execi_fiber_make(s, low, main, tsan);
        if (!f)
                execi_stacks_put(s, &low, 1);
        return f;
}

static void free_cache(struct execi_worker *w)
{
        while (w->cache) {
                struct execi_fiber *f = w->cache;

                w->cache = f->next;
                execi_fiber_free(f);
        }
        w->n_cache = 0;
        if (w->n_stacks)
                execi_stacks_put(&w->pool->stacks, w->stacks, w->n_stacks);
        w->n_stacks = w->stack_batch = 0;
}

void execi_fibers_trim(struct execi_worker *w)
{
        struct execi_stacks *classes[N_STACK_CLASSES];
        struct exec_pool *pool = w->pool;

        free_cache(w);
        execi_stacks_trim(&pool->stacks, KEEP_STACKS);
        execi_spin_lock(&pool->classes_lock); /* not across the trims' system calls; a class stays once it is there */
        memcpy(classes, pool->classes, sizeof classes);
        execi_spin_unlock(&pool->classes_lock);
        for (unsigned i = 0; i < N_STACK_CLASSES; i++)
                if (classes[i])
                        execi_stacks_trim(classes[i], 0);
}

void execi_fibers_fini(struct execi_worker *w)
{
        free_cache(w);
        if (w->spare)
                execi_fiber_free(w->spare);
        w->spare = NULL;
}

void execi_fibers_fini_pool(struct exec_pool *pool)
{
        for (unsigned i = 0; i < N_STACK_CLASSES; i++)
                if (pool->classes[i]) {
                        execi_stacks_fini(pool->classes[i]);
                        execi_free(pool->classes[i], sizeof *pool->classes[i]);
                }
        execi_stacks_fini(&pool->stacks);
}
