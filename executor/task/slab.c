/* slab.c - see slab.h. */
#include "task/slab.h"

#include "base/check.h"
#include "port/memory.h"
#include "task/state.h"

#define CLOSED     ((exec_future *)CACHE_LINE) /* remote stack: the arena was closed */
#define OUT_BIAS   ((int64_t)1 << 60)
#define HEAD_BYTES CACHE_LINE
#define KEPT_BYTES 4096 /* the page of the head stays when a chunk's pages are given back */

_Static_assert(sizeof(struct execi_chunk) <= HEAD_BYTES, "a chunk's head takes one cell");
_Static_assert(sizeof(struct execi_prefix) == CACHE_LINE, "cells stay aligned behind their prefix");

static void arena_free(struct execi_arena *a)
{
        for (unsigned i = 0; i < a->n_slabs; i++)
                for (struct execi_chunk *c = atom_load(&a->slabs[i].chunks, RELAXED), *next; c; c = next) {
                        next = c->next;
                        execi_unmap(c, SLAB_CHUNK_BYTES);
                }
        execi_free_aligned(a->slabs, a->n_slabs * sizeof *a->slabs, CACHE_PAIR);
        execi_free(a, sizeof *a);
}

struct execi_arena *execi_arena_new(unsigned n_slabs, struct exec_pool *pool)
{
        struct execi_arena *a = execi_alloc(sizeof *a);

        if (!a)
                return NULL;
        a->slabs = execi_alloc_aligned(n_slabs * sizeof *a->slabs, CACHE_PAIR);
        if (!a->slabs) {
                execi_free(a, sizeof *a);
                return NULL;
        }
        a->n_slabs = n_slabs;
        a->pool = pool;
        atom_store(&a->n_out, OUT_BIAS, RELAXED); /* @relaxed init */
        for (unsigned i = 0; i < n_slabs; i++)
                a->slabs[i].arena = a;
        return a;
}

static uint64_t chain_length(const exec_future *f)
{
        uint64_t n = 0;

        for (; f; f = f->next_free)
                n++;
        return n;
}

void execi_arena_close(struct execi_arena *a)
{
        int64_t out = 0;

        a->pool = NULL;
        for (unsigned i = 0; i < a->n_slabs; i++)
                execi_slab_flush(&a->slabs[i]);
        for (unsigned i = 0; i < a->n_slabs; i++) {
                struct execi_slab *s = &a->slabs[i];

                out += (int64_t)(atom_load(&s->n_made, RELAXED) -
                                 atom_load(&s->n_freed, RELAXED)); /* @relaxed joined */
                /* @pair slab.remote: acquire, what the freeing threads did to the cells is over */
                out -= (int64_t)chain_length(atom_swap(&s->remote, CLOSED, ACQ_REL));
        }
        if (atom_add(&a->n_out, out - OUT_BIAS, ACQ_REL) + out - OUT_BIAS == 0)
                arena_free(a);
}

/* Start to cut a chunk: one whose pages were given back, else a new one. */
static bool add_chunk(struct execi_slab *s)
{
        struct execi_chunk *c = s->empty;

        if (c) {
                s->empty = c->next_empty;
        } else {
                c = execi_map(SLAB_CHUNK_BYTES, SLAB_CHUNK_BYTES);
                if (!c)
                        return false;
                if (atom_load(&s->chunks, RELAXED)) /* small programs stay small; @relaxed owner */
                        execi_hugepages(c, SLAB_CHUNK_BYTES);
                c->slab = s;
                c->next = atom_load(&s->chunks, RELAXED); /* @relaxed owner */
                atom_store(&s->chunks, c, RELEASE);       /* @pair slab.chunks: release publishes the head */
        }
        s->bump = (char *)c + HEAD_BYTES;
        s->bump_end = (char *)c + SLAB_CHUNK_BYTES;
        return true;
}

/* Cells came home. */
static void count_home(struct execi_slab *s, const exec_future *f)
{
        uint64_t n = chain_length(f);

        atom_sub(&s->n_remote, (int64_t)n, RELAXED); /* @relaxed count */
        atom_bump(&s->n_freed, n);
}

COLD exec_future *execi_slab_alloc_slow(struct execi_slab *s)
{
        exec_future *f = atom_load(&s->remote, RELAXED); /* @relaxed hint */

        if (f) {
                /* @pair slab.remote: acquire */
                f = atom_swap(&s->remote, NULL, ACQUIRE);
                count_home(s, f);
                s->free = f->next_free;
                atom_bump(&s->n_made, 1);
                return f;
        }
        if (s->bump == s->bump_end && !add_chunk(s))
                return NULL;
        f = (exec_future *)(void *)s->bump;
        s->bump += sizeof *f;
        atom_bump(&s->n_made, 1);
        return f;
}

/* Push a chain of @n cells; a closed arena counts them instead. */
static void send_home(struct execi_slab *of, exec_future *first, exec_future *last, unsigned n)
{
        exec_future *head = atom_load(&of->remote, RELAXED); /* @relaxed recheck */

        atom_add(&of->n_remote, n, RELAXED); /* @relaxed count; before the push, after which the arena may go */
        do {
                if (head == CLOSED) {
                        struct execi_arena *a = of->arena;

                        if (atom_sub(&a->n_out, n, ACQ_REL) == n) /* A3: last touch */
                                arena_free(a);
                        return;
                }
                last->next_free = head;
        } while (!atom_cas(&of->remote, &head, first, RELEASE)); /* @pair slab.remote: release */
}

void execi_slab_flush(struct execi_slab *own)
{
        struct execi_slab *of = own->home_slab;

        if (!of)
                return;
        own->home_slab = NULL;
        send_home(of, own->home_first, own->home_last, own->n_home);
}

void execi_slab_free_remote(struct execi_slab *own, struct execi_slab *of, exec_future *f)
{
        if (!own || own->arena != of->arena) {
                send_home(of, f, f, 1);
                return;
        }
        if (own->home_slab != of) {
                execi_slab_flush(own);
                own->home_slab = of;
                own->home_first = NULL;
                own->home_last = f;
                own->n_home = 0;
        }
        f->next_free = own->home_first;
        own->home_first = f;
        if (++own->n_home == SLAB_REMOTE_BATCH)
                execi_slab_flush(own);
}

static struct execi_chunk *chunk_of(const exec_future *f)
{
        return (struct execi_chunk *)((uintptr_t)f & ~(SLAB_CHUNK_BYTES - 1)); /* NOLINT */
}

/* The chunk that is being cut keeps its pages: its rest was never handed out. */
static bool is_all_free(const struct execi_slab *s, const struct execi_chunk *c)
{
        return c->n_free == SLAB_CHUNK_BYTES / sizeof(exec_future) - 1 &&
               s->bump_end != (const char *)c + SLAB_CHUNK_BYTES;
}

void execi_slab_trim(struct execi_slab *s)
{
        exec_future *f, *kept = NULL;

        f = atom_load(&s->remote, RELAXED) ? atom_swap(&s->remote, NULL, ACQUIRE) : NULL; /* @pair slab.remote */
        count_home(s, f);
        while (f) {
                exec_future *next = f->next_free;

                f->next_free = s->free;
                s->free = f;
                f = next;
        }
        for (struct execi_chunk *c = atom_load(&s->chunks, RELAXED); c; c = c->next) /* @relaxed owner */
                c->n_free = 0;
        for (f = s->free; f; f = f->next_free)
                chunk_of(f)->n_free++;
        while ((f = s->free)) {
                struct execi_chunk *c = chunk_of(f);

                s->free = f->next_free;
                if (!is_all_free(s, c)) {
                        f->next_free = kept;
                        kept = f;
                }
        }
        s->free = kept;
        for (struct execi_chunk *c = atom_load(&s->chunks, RELAXED); c; c = c->next) /* @relaxed owner */
                if (is_all_free(s, c)) {
                        execi_unback((char *)c + KEPT_BYTES, SLAB_CHUNK_BYTES - KEPT_BYTES);
                        c->next_empty = s->empty;
                        s->empty = c;
                }
}

/* Every cell that was ever handed out, free ones among them, also while others allocate and free (the memory keeps its
 * type): @visit looks at the cell's word first. */
void execi_slab_visit(struct execi_slab *s, void (*visit)(exec_future *f, void *arg), void *arg)
{
        struct execi_chunk *c = atom_load(&s->chunks, ACQUIRE); /* @pair slab.chunks */

        for (; c; c = c->next)
                for (char *p = (char *)c + HEAD_BYTES; p < (char *)c + SLAB_CHUNK_BYTES; p += sizeof(exec_future))
                        visit((exec_future *)(void *)p, arg);
}

exec_future *execi_cell_alloc(struct exec_pool *pool)
{
        struct execi_prefix *p = execi_alloc_aligned(sizeof *p + sizeof(exec_future), CACHE_LINE);

        if (!p)
                return NULL;
        p->pool = pool;
        return (exec_future *)(void *)(p + 1);
}

void execi_cell_free_allocated(exec_future *f)
{
        f->kind = CELL_FREE;
        execi_free_aligned(execi_cell_prefix(f), sizeof(struct execi_prefix) + sizeof *f, CACHE_LINE);
}
