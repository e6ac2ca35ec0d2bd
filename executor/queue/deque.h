/* deque.h - one worker's tasks: a private part that only the owner touches, a public part for thieves.
 *
 * Indices grow downwards in age: top <= split <= bottom (as 32-bit circular numbers). [top, split) is public,
 * [split, bottom) private. {split, top} live in one 64-bit word; bottom apart. The owner pushes and pops at bottom with
 * plain stores and a plain load of split; thieves hold a per-victim try-lock and move top by a CAS.
 *
 * D1 every item pushed is handed out exactly once: by pop, by steal, or it is still inside.
 * D2 only the owner stores bottom; it takes the private item b only after: store bottom = b, compiler barrier, read
 *    split <= b. On every path.
 * D3 a thief reads a slot only after the CAS that moved top past it, and before it stores rtop; the owner never
 *    overwrites a slot that is not below rtop + capacity.
 * D4 a forcing thief raises split to bottom under the lock, then runs a membarrier, then reads bottom again, and lowers
 *    split if the owner was faster: so either it sees the owner's bottom or the owner sees its split.
 * D5 old arrays live until fini. */
#ifndef EXECI_QUEUE_DEQUE_H
#define EXECI_QUEUE_DEQUE_H

#include "base/compiler.h"
#include "port/atomic.h"
#include "port/pause.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct execi_deque_array {
        uint32_t mask;
        struct execi_deque_array *older;
        _Atomic(void *) slots[];
};

struct execi_deque {
        /* written by the owner */
        _Atomic(uint32_t) bottom ALIGNED(CACHE_PAIR);
        _Atomic(struct execi_deque_array *) array;
        bool all_public; /* no membarrier: publish everything, take back one at a time */
        /* written by both */
        _Atomic(uint64_t) split_top ALIGNED(CACHE_PAIR);
        /* written by thieves */
        _Atomic(uint32_t) rtop ALIGNED(CACHE_PAIR);
        struct execi_spin thief;
};

/* @start: the first index (tests start near the wrap). @capacity: a power of two. 0 or -ENOMEM. */
int execi_deque_init(struct execi_deque *d, uint32_t capacity, uint32_t start, bool all_public);
void execi_deque_fini(struct execi_deque *d);

/* Owner. false: full and cannot grow; nothing changed. */
static inline bool execi_deque_push(struct execi_deque *d, void *item);
/* Owner: the newest, or NULL. */
static inline void *execi_deque_pop(struct execi_deque *d);
/* Owner: the item that pop would try to return, or one that was taken already, or NULL: compare only, never touch. */
static inline void *execi_deque_peek(struct execi_deque *d);
/* Owner: make half of the private part public (all of it with all_public), rounded up. seq_cst. true: some was. */
bool execi_deque_publish(struct execi_deque *d);

/* Thief: take half of the public part, at most @max (rounded up), oldest first, into items[]. Returns how many; 0 also
 * when another thief holds the lock. */
size_t execi_deque_steal(struct execi_deque *d, void *items[], size_t max);
/* Thief: publish a busy owner's private part. Needs membarrier. true: something became public. */
bool execi_deque_force(struct execi_deque *d);

/* Anyone; exact only for the owner. */
static inline bool execi_deque_has_public(struct execi_deque *d);
static inline bool execi_deque_has_private(struct execi_deque *d);

#endif
