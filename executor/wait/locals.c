/* locals.c - see locals.h. */
#include "wait/locals.h"

#include "port/memory.h"
#include "port/sanitizer.h"
#include "task/extra.h"
#include "wait/forked.h"
#include "wait/outside.h"
#include "wait/waiter.h"

#include <pthread.h>
#include <string.h>

struct value {
        _Atomic(uint64_t) refs; /* maps */
        exec_drop_fn drop;
        void *ptr;
};

struct entry {
        uint64_t key;
        struct value *value;
};

struct execi_locals {
        _Atomic(uint64_t) refs;
        size_t n, room;
        struct entry entries[]; /* by key */
};

static __thread struct {
        struct execi_locals *own;       /* of a plain thread; of a worker's, what its start hook set */
        struct execi_locals **callback; /* while a done callback runs */
} here __attribute__((tls_model("initial-exec")));

static size_t map_bytes(size_t room)
{
        return sizeof(struct execi_locals) + room * sizeof(struct entry);
}

/* ---- counting ---- */

static void value_unref(struct value *v)
{
        execi_tsan_release(v);
        /* release of each user, acquire of the last */
        if (atom_sub(&v->refs, 1, ACQ_REL) != 1)
                return;
        execi_tsan_acquire(v);
        execi_drop(v->drop, v->ptr);
        execi_free(v, sizeof *v);
}

struct execi_locals *execi_locals_ref(struct execi_locals *m)
{
        if (m)
                atom_add(&m->refs, 1, RELAXED); /* @relaxed count: the caller has one */
        return m;
}

COLD void execi_locals_unref_slow(struct execi_locals *m)
{
        execi_tsan_release(m);
        /* @pair locals.map: release of each user, acquire of the last */
        if (atom_sub(&m->refs, 1, ACQ_REL) != 1)
                return;
        execi_tsan_acquire(m);
        for (size_t i = 0; i < m->n; i++)
                value_unref(m->entries[i].value);
        execi_free(m, map_bytes(m->room));
}

/* ---- maps ---- */

/* Where @key stands, or would stand. */
static size_t place_of(const struct execi_locals *m, uint64_t key)
{
        size_t low = 0, high = m ? m->n : 0;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (m->entries[middle].key < key)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static bool is_at(const struct execi_locals *m, size_t i, uint64_t key)
{
        return m && i < m->n && m->entries[i].key == key;
}

/* A map of the caller's own with the values of @m, and room for one more. */
static struct execi_locals *copy(const struct execi_locals *m)
{
        size_t n = m ? m->n : 0, room = n + 1 + n / 2;
        struct execi_locals *c = execi_alloc(map_bytes(room));

        if (!c)
                return NULL;
        atom_store(&c->refs, 1, RELAXED); /* @relaxed init */
        c->n = n;
        c->room = room;
        for (size_t i = 0; i < n; i++) {
                c->entries[i] = m->entries[i];
                atom_add(&c->entries[i].value->refs, 1, RELAXED); /* @relaxed count: @m has one */
        }
        return c;
}

/* Change @at, which is the caller's alone and has room; what stood there is returned. @v NULL: nothing shall. */
static struct value *change(struct execi_locals *m, uint64_t key, struct value *v)
{
        size_t i = place_of(m, key);
        struct value *old = NULL;

        if (is_at(m, i, key)) {
                old = m->entries[i].value;
                m->entries[i].value = v;
                if (v)
                        return old;
                m->n--;
                memmove(&m->entries[i], &m->entries[i + 1], (m->n - i) * sizeof m->entries[i]);
        } else if (v) {
                memmove(&m->entries[i + 1], &m->entries[i], (m->n - i) * sizeof m->entries[i]);
                m->entries[i] = (struct entry){key, v};
                m->n++;
        }
        return old;
}

/* Set @key in *@map. -ENOMEM: nothing was changed. */
static int set(struct execi_locals **map, uint64_t key, struct value *v)
{
        struct execi_locals *old = *map, *m = old;
        struct value *dropped;

        /* @pair locals.map: those who had it before have done with it */
        if (!m || m->n == m->room || atom_load(&m->refs, ACQUIRE) != 1) {
                m = copy(old);
                if (!m)
                        return -ENOMEM;
        }
        dropped = change(m, key, v);
        *map = m->n ? m : NULL;
        if (m != old)
                execi_locals_unref(old);
        if (!m->n)
                execi_locals_unref(m);
        if (dropped)
                value_unref(dropped); /* last: it may come back here */
        return 0;
}

/* ---- whose ---- */

/* At the end of a thread. */
static void end_thread(void *map)
{
        (void)map;
        while (here.own) { /* what is dropped may set others */
                struct execi_locals *m = here.own;

                here.own = NULL;
                execi_locals_unref(m);
        }
}

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static bool is_key_made;

static void make_key(void)
{
        is_key_made = !pthread_key_create(&thread_key, end_thread);
}

/* The library is unloaded. */
static __attribute__((destructor)) void delete_key(void)
{
        if (is_key_made)
                pthread_key_delete(thread_key);
}

/* This thread's values will be dropped when it ends. */
static bool watch_thread(void)
{
        int saved_errno = errno;
        bool ok = !pthread_once(&key_once, make_key) && is_key_made && !pthread_setspecific(thread_key, &here);

        errno = saved_errno;
        return ok;
}

static bool is_outside(struct execi_worker *w)
{
        return w ? w->in_callback : execi_callback_is_running();
}

/* The running task, or NULL. */
static exec_future *task_here(struct execi_worker *w)
{
        return w && !w->in_callback && w->fiber ? execi_fiber_root(w->fiber) : NULL;
}

NOINLINE struct execi_locals *execi_locals_here(struct execi_worker *w)
{
        exec_future *t = task_here(w);
        struct execi_extra *e;

        if (t) {
                e = execi_extra_get(t);
                return e ? e->locals : NULL;
        }
        if (is_outside(w))
                return here.callback ? *here.callback : NULL;
        return here.own;
}

NOINLINE void *execi_locals_get(struct execi_worker *w, uint64_t key)
{
        struct execi_locals *m = execi_locals_here(w);
        size_t i = place_of(m, key);

        return is_at(m, i, key) ? m->entries[i].value->ptr : NULL;
}

/* M3 */
static void no_short_cuts(struct exec_pool *pool)
{
        if (!atom_load(&pool->workers[0].plain_create, ACQUIRE)) /* @pair locals.plain */
                return;
        for (unsigned i = pool->n_workers; i--;)                            /* the first one last */
                atom_store(&pool->workers[i].plain_create, false, RELEASE); /* @pair locals.plain */
}

/* The map that the caller may change. */
static struct execi_locals **map_here(struct execi_worker *w, int *error)
{
        exec_future *t = task_here(w);
        struct execi_extra *e;

        if (t) {
                e = execi_extra_need(t, 0);
                *error = -ENOMEM;
                return e ? &e->locals : NULL;
        }
        *error = -EPERM;
        if (is_outside(w))
                return here.callback;
        *error = -ENOMEM;
        return watch_thread() ? &here.own : NULL;
}

NOINLINE int execi_locals_set(struct execi_worker *w, uint64_t key, void *ptr, exec_drop_fn drop)
{
        struct execi_locals **map;
        struct value *v = NULL;
        int r;

        if (!ptr && !execi_locals_here(w))
                return is_outside(w) && !here.callback ? -EPERM : 0;
        if (task_here(w) && execi_is_forked(w->fiber->task)) /* others may be looking at it */
                return -EPERM;
        map = map_here(w, &r);
        if (!map)
                return r;
        if (ptr) {
                v = execi_alloc(sizeof *v);
                if (!v)
                        return -ENOMEM;
                atom_store(&v->refs, 1, RELAXED); /* @relaxed init */
                v->ptr = ptr;
                v->drop = drop;
        } else if (!is_at(*map, place_of(*map, key), key)) {
                return 0;
        }
        r = set(map, key, v);
        if (r)
                execi_free(v, sizeof *v);
        else if (w)
                no_short_cuts(w->pool);
        return r;
}

int execi_locals_pass(struct execi_locals *m, exec_future *t, struct exec_pool *pool)
{
        struct execi_extra *e = execi_extra_need(t, 0);

        if (!e)
                return -ENOMEM;
        e->locals = execi_locals_ref(m);
        no_short_cuts(pool);
        return 0;
}

NOINLINE void execi_locals_borrow(struct execi_locals *m)
{
        here.own = m;
}

NOINLINE void execi_locals_enter(struct execi_worker *w, struct execi_locals **map)
{
        here.callback = map;
        if (*map && w)
                no_short_cuts(w->pool);
}

NOINLINE void execi_locals_leave(void)
{
        here.callback = NULL;
}
