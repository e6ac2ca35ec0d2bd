/* slab.h - where cells come from: per-worker slabs in an arena that outlives its pool, or the allocator.
 *
 * A slab cuts 2 MiB chunks into cells; its owner allocates and frees without an atomic instruction, others push chains
 * of freed cells onto its remote stack. A chunk is aligned to its size, so a cell's slab is found from its address.
 * Cells made by plain threads, and all cells in the precise mode of ThreadSanitizer, come from the allocator instead,
 * with a prefix in front; while unfinished they stand in their pool's register.
 *
 * A1 only the owner touches a slab's free list, bump range and chunk list while the pool lives.
 * A2 a slab's memory keeps its type while the arena lives: whoever holds a stale address of a cell may read its word.
 * A3 when the pool ends, execi_arena_close() closes every remote stack and learns how many cells are still out; the one
 *    who frees the last of them frees the arena. */
#ifndef EXECI_TASK_SLAB_H
#define EXECI_TASK_SLAB_H

#include "port/pause.h"
#include "task/cell.h"

#include <stdbool.h>

#define SLAB_CHUNK_BYTES  ((size_t)2 << 20)
#define SLAB_REMOTE_BATCH 64

struct exec_pool;
struct execi_arena;

struct execi_slab {
        exec_future *free; /* O */
        char *bump, *bump_end;
        _Atomic(struct execi_chunk *) chunks; /* newest first; written by the owner */
        struct execi_chunk *empty;            /* chunks whose pages were given back */
        struct execi_arena *arena;
        _Atomic(uint64_t) n_made, n_freed; /* written by the owner */
        /* cells of one other slab, freed here and not yet sent home */
        struct execi_slab *home_slab;
        exec_future *home_first, *home_last;
        unsigned n_home;
        _Atomic(exec_future *) remote ALIGNED(CACHE_PAIR);
        _Atomic(int64_t) n_remote; /* cells on it */
};

struct execi_chunk { /* the head of a chunk */
        struct execi_slab *slab;
        struct execi_chunk *next, *next_empty;
        uint32_t n_free; /* while trimming */
};

struct execi_arena {
        struct execi_slab *slabs;
        unsigned n_slabs;
        struct exec_pool *pool; /* NULL once closed */
        _Atomic(int64_t) n_out;
};

/* In front of a cell from the allocator. */
struct execi_prefix {
        struct exec_pool *pool;
        exec_future *prev, *next; /* L(register) */
        void *tsan;               /* precise mode: the task's context until it has a stack */
        uint32_t swept;           /* L(register) */
        bool registered;          /* L(register) */
        char pad[CACHE_LINE - 4 * sizeof(void *) - 8];
};

struct execi_register {
        struct execi_spin lock;
        exec_future *head, *tail; /* L(lock) */
        uint32_t sweep;           /* L(lock) */
};

struct execi_arena *execi_arena_new(unsigned n_slabs, struct exec_pool *pool);
void execi_arena_close(struct execi_arena *a);

exec_future *execi_slab_alloc_slow(struct execi_slab *s);
void execi_slab_free_remote(struct execi_slab *own, struct execi_slab *of, exec_future *f);
void execi_slab_flush(struct execi_slab *own); /* send what is kept for another slab home */
void execi_slab_trim(struct execi_slab *s);    /* give whole free chunks' pages back */
void execi_slab_visit(struct execi_slab *s, void (*visit)(exec_future *f, void *arg), void *arg);
/* Cells that are not from a slab. */
exec_future *execi_cell_alloc(struct exec_pool *pool); /* NULL: no memory */
void execi_cell_free_allocated(exec_future *f);

static inline uint64_t execi_slab_remote_count(struct execi_slab *s)
{
        int64_t n = atom_load(&s->n_remote, RELAXED); /* @relaxed count */

        return n > 0 ? (uint64_t)n : 0;
}

/* So many that they may fill a chunk. */
static inline bool execi_slab_has_many_remote(struct execi_slab *s)
{
        return execi_slab_remote_count(s) >= SLAB_CHUNK_BYTES / sizeof(exec_future);
}

static inline struct execi_prefix *execi_cell_prefix(const exec_future *f)
{
        return (struct execi_prefix *)(void *)((char *)(uintptr_t)f - sizeof(struct execi_prefix));
}

static inline struct execi_slab *execi_cell_slab(const exec_future *f)
{
        return ((struct execi_chunk *)((uintptr_t)f & ~(SLAB_CHUNK_BYTES - 1)))->slab; /* NOLINT */
}

static inline struct exec_pool *execi_cell_pool(const exec_future *f)
{
        return (f->flags & CELL_ALLOCATED) ? execi_cell_prefix(f)->pool : execi_cell_slab(f)->arena->pool;
}

static inline exec_future *execi_slab_alloc(struct execi_slab *s)
{
        exec_future *f = s->free;

        if (UNLIKELY(!f))
                return execi_slab_alloc_slow(s);
        s->free = f->next_free;
        PREFETCH(s->free);
        atom_bump(&s->n_made, 1);
        return f;
}

/* @own: the slab of the calling worker, or NULL. */
static inline void execi_slab_free(struct execi_slab *own, exec_future *f)
{
        struct execi_slab *of = execi_cell_slab(f);

        f->kind = CELL_FREE;
        if (LIKELY(of == own)) {
                f->next_free = own->free;
                own->free = f;
                atom_bump(&own->n_freed, 1);
        } else {
                execi_slab_free_remote(own, of, f);
        }
}

#endif
