/* deque.h - one worker's tasks: a private part that only the owner touches, a public part for thieves.
 *
 * Indices are 32-bit circular numbers, oldest first: top <= split <= bottom. [top, split) is public, [split, bottom)
 * private. {split, top} live in one 64-bit word, bottom apart. The owner pushes and pops at bottom with plain stores
 * and a plain load of split; thieves hold a per-victim try-lock and move top by a CAS.
 *
 * D1 every item pushed is handed out exactly once: by pop, by steal, or it is still inside.
 * D2 only the owner stores bottom; it takes the private item b only after: store bottom = b, compiler barrier, read
 *    split <= b. On every path.
 * D3 a thief reads the array and its slots only after the CAS that moved top past them, and before it stores rtop; the
 *    owner never overwrites a slot that is not below rtop + capacity. (The word may return to an old value, so what was
 *    read before the CAS proves nothing.)
 * D4 a forcing thief raises split to bottom under the lock, then runs a membarrier, then reads bottom again, and lowers
 *    split if the owner was faster: so either it sees the owner's bottom or the owner sees its split. Until then split
 *    may stand above bottom; no other thief can act on that, the lock is held.
 * D5 old arrays live until the owner sees rtop == bottom: then every item ever stolen has been read, and a later thief's
 *    CAS comes after the owner's next store of bottom, and so after the newest array.
 *
 * Bottom is one too low for an instant while a pop finds nothing private; who reads it from outside must bear that.
 *
 * With all_public (no membarrier) nobody forces, so nothing may stay private: the owner publishes after each push, and
 * pop takes back only the item it returns. */
#ifndef EXECI_QUEUE_DEQUE_H
#define EXECI_QUEUE_DEQUE_H

#include "base/compiler.h"
#include "port/atomic.h"
#include "port/pause.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct execi_deque_array {
        uint32_t capacity;
        struct execi_deque_array *older;
        _Atomic(void *) slots[];
};

struct execi_deque {
        /* written by the owner */
        _Atomic(uint32_t) bottom ALIGNED(CACHE_PAIR);
        uint32_t limit;         /* O: rtop + capacity as last seen; bottom <= limit */
        uint32_t mask;          /* O: capacity - 1 */
        bool all_public;        /* I */
        _Atomic(void *) *slots; /* O: those of array */
        _Atomic(struct execi_deque_array *) array;
        /* written by both */
        _Atomic(uint64_t) split_top ALIGNED(CACHE_PAIR);
        /* written by thieves */
        _Atomic(uint32_t) rtop ALIGNED(CACHE_PAIR);
        struct execi_spin thief;
};

/* How many items further down pop asks for the memory of the next one. */
#define EXECI_DEQUE_AHEAD 6

/* @start: the first index (tests start near the wrap). @capacity: a power of two, up to 2^30. 0 or -ENOMEM. */
int execi_deque_init(struct execi_deque *d, uint32_t capacity, uint32_t start, bool all_public);
void execi_deque_fini(struct execi_deque *d);
/* Owner: give memory back, if the deque is empty. */
void execi_deque_trim(struct execi_deque *d);

/* Owner: make half of the private part public (all of it with all_public), rounded up. seq_cst. true: some was. */
bool execi_deque_publish(struct execi_deque *d);

/* Thief: take half of the public part, at most @max (rounded up), oldest first, into items[]. Returns how many; 0 also
 * when another thief holds the lock. */
size_t execi_deque_steal(struct execi_deque *d, void *items[], size_t max);
/* Thief: publish a busy owner's private part. Needs membarrier. true: something is public now. */
bool execi_deque_force(struct execi_deque *d);

/* The other halves of push and pop; for them only. */
bool execi_deque_push_slow(struct execi_deque *d, void *item) NOINLINE;
void *execi_deque_pop_slow(struct execi_deque *d) NOINLINE;

static inline uint32_t execi_deque_top(uint64_t split_top)
{
        return (uint32_t)split_top;
}

static inline uint32_t execi_deque_split(uint64_t split_top)
{
        return (uint32_t)(split_top >> 32);
}

/* Owner. false: full and cannot grow; nothing changed. */
static inline bool execi_deque_push(struct execi_deque *d, void *item)
{
        uint32_t b = atom_load(&d->bottom, RELAXED);

        if (UNLIKELY(b == d->limit))
                return execi_deque_push_slow(d, item);
        atom_store(&d->slots[b & d->mask], item, RELAXED);
        /* release publishes the item; read by a forcing thief, which passes it on by its CAS of split_top */
        atom_store(&d->bottom, b + 1, RELEASE);
        return true;
}

/* Owner: the newest, or NULL. */
static inline void *execi_deque_pop(struct execi_deque *d)
{
        uint32_t b = atom_load(&d->bottom, RELAXED) - 1;

        /* D2: no hardware barrier here, the forcing thief's membarrier stands for it */
        atom_store(&d->bottom, b, RELEASE);
        COMPILER_BARRIER();
        if (UNLIKELY((int32_t)(b - execi_deque_split(atom_load(&d->split_top, RELAXED))) < 0)) {
                atom_store(&d->bottom, b + 1, RELEASE);
                return execi_deque_pop_slow(d);
        }
        PREFETCH(atom_load(&d->slots[(b - EXECI_DEQUE_AHEAD) & d->mask], RELAXED));
        return atom_load(&d->slots[b & d->mask], RELAXED);
}

/* Owner: the item that pop would try to return, or one that was taken already, or NULL: compare only, never touch. */
static inline void *execi_deque_peek(struct execi_deque *d)
{
        uint32_t b = atom_load(&d->bottom, RELAXED) - 1;

        return atom_load(&d->slots[b & d->mask], RELAXED);
}

/* Owner: how many items are inside. */
static inline uint32_t execi_deque_count(struct execi_deque *d)
{
        uint32_t n = atom_load(&d->bottom, RELAXED) - execi_deque_top(atom_load(&d->split_top, RELAXED));

        return (int32_t)n > 0 ? n : 0;
}

/* Anyone; exact only for the owner. seq_cst, for who has announced its sleep and looks a last time. */
static inline bool execi_deque_has_public(struct execi_deque *d)
{
        uint64_t x = atom_load(&d->split_top, SEQ_CST);

        return (int32_t)(execi_deque_split(x) - execi_deque_top(x)) > 0;
}

static inline bool execi_deque_has_private(struct execi_deque *d)
{
        uint32_t b = atom_load(&d->bottom, SEQ_CST);

        return (int32_t)(b - execi_deque_split(atom_load(&d->split_top, SEQ_CST))) > 0;
}

#endif
