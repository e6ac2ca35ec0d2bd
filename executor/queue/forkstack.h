/* forkstack.h - the forks of one fiber, oldest first: its owner forks and joins at the young end, thieves take the oldest.
 *
 * A fork is a place in an array: a pointer to the fork in its caller's frame, and whether the place is watched. The place
 * is a number that the owner's functions pass down; nobody stores how many forks are out: a place whose pointer is not 0 has
 * one. A fork or a join at a place that is watched takes the slow way, where one word in the head of the block decides. A
 * block is aligned to its size, so its head is found from the address of a place:
 *
 *   32        31..16 split     15..0 top
 *   hungry    first private    first that is not taken
 *
 *        taken          public          private       none
 *   |............|...............|................|0 0 0 0 ...
 *   first       top            split            head
 *
 * G1 fork: store the function, the place (release), then read watched. join: store 0, then read watched. All plain; whoever
 *    raises split on the owner's behalf (force) has the places watched, runs a membarrier after, and looks at the places
 *    again, from the first raised on: he lowers split to the first that is 0. So of every place that was raised either he
 *    sees the 0, or the owner that it is watched.
 * G2 below split a fork belongs to whoever moves split down or top up past it, in one swap of the word: owner and thieves
 *    cannot both have it. Only the owner lowers split below a fork (takes it back), only a thief, under the lock, raises top.
 *    The lock keeps thieves from forks that another thief has raised and not yet looked at again.
 * G3 a thief reads the place after he has taken it. The owner may have stored 0 there on the way into his join: he puts the
 *    fork back before he waits, and the thief waits for that.
 * G4 hungry: the owner's next fork or join publishes. Set by who finds nothing to take, who then has the first private place
 *    watched, and those where the owner seems to be: with no private fork the first is where the next one goes, with some
 *    it is a guess, and force is what helps if it was wrong. The owner, who swaps the word, leaves it on as long as somebody
 *    is hungry (asked after the word was read) and nothing is public. If he leaves it off he asks again after the swap, and
 *    marks it himself if nothing is public: who became hungry meanwhile may have found it on, or something public.
 * G5 the owner alone resets: when the oldest taken fork is joined, top and split go down to it.
 * G6 each place below split is watched, but in the owner's own slow half, and for what a thief under the lock has raised and
 *    not yet looked at again. A place is watched after the swap that raises split above it; the owner ends that before a
 *    swap of his own, and begins it again if that shows the place public. So a place stays unwatched only behind a swap of
 *    the owner that has seen every one before it.
 * G7 blocks keep their type while the pool lives: a thief may look into one that has a new owner meanwhile. */
#ifndef EXECI_QUEUE_FORKSTACK_H
#define EXECI_QUEUE_FORKSTACK_H

#include "base/compiler.h"
#include "port/atomic.h"
#include "port/pause.h"

#include <executor/forkjoin.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORK_BLOCK_BYTES ((size_t)1 << 17)
#define FORK_TAKEN       ((uintptr_t)1 << 63) /* in a fork's word: somebody took it; with the address of a future, or 0 */
#define FORK_HUNGRY      ((uint64_t)1 << 32)

enum { FORK_HEAD_AT = 64, FORK_FIRST = 8 }; /* the head's offset; the first place, as an index */

/* Where forks of a place go. */
enum execi_fork_kind {
        FORK_BLOCK,  /* into this block */
        FORK_INLINE, /* they run where they are forked: the block is full, or there is none */
        FORK_TASKS,  /* they are tasks: precise ThreadSanitizer, no membarrier */
};

struct exec_pool;
struct execi_forkarena;
struct execi_forkstack { /* in a block, at FORK_HEAD_AT */
        _Atomic(uint64_t) word;
        enum execi_fork_kind kind;
        struct execi_spin lock;       /* thieves */
        struct exec_pool *pool;       /* I */
        struct execi_forkarena *home; /* I: where it goes when its fiber is freed */
        _Atomic(exec_future *) root;  /* the task whose forks these are; set when the first is forked */
        struct execi_forkstack *next; /* L(arena) in the list of free ones; L(worker's forks_lock) of those left */
        struct execi_forkstack *prev; /* likewise */
        _Atomic(int) left_on;         /* 1 + the worker in whose list it is; 0: none. Written under that lock */
};

_Static_assert(sizeof(struct execi_forkstack) <= CACHE_LINE, "the head of a block is one cache line");
_Static_assert(sizeof(exec_forks) * FORK_FIRST >= FORK_HEAD_AT + CACHE_LINE, "the head is before the first place");

/* ---- places ---- */

static inline struct execi_forkstack *execi_forkstack_of(const exec_forks *at)
{
        return (struct execi_forkstack *)(((uintptr_t)at & ~(FORK_BLOCK_BYTES - 1)) + FORK_HEAD_AT); /* NOLINT */
}

static inline exec_forks *execi_forkstack_place(struct execi_forkstack *s, unsigned i)
{
        return (exec_forks *)((char *)s - FORK_HEAD_AT) + i;
}

static inline unsigned execi_forkstack_index(const exec_forks *at)
{
        return (unsigned)(((uintptr_t)at & (FORK_BLOCK_BYTES - 1)) / sizeof *at);
}

static inline _Atomic(void *) *execi_fork_at(exec_forks *at)
{
        return (_Atomic(void *) *)&at->fork;
}

static inline _Atomic(uint32_t) *execi_fork_watched(exec_forks *at)
{
        return (_Atomic(uint32_t) *)&at->watched;
}

static inline void *execi_forkstack_look(struct execi_forkstack *s, unsigned i)
{
        return atom_load(execi_fork_at(execi_forkstack_place(s, i)), ACQUIRE); /* @pair fork.place */
}

static inline _Atomic(uintptr_t) *execi_fork_word(struct exec_fork *f)
{
        return (_Atomic(uintptr_t) *)&f->word;
}

/* ---- the word ---- */

static inline unsigned execi_fork_top(uint64_t w)
{
        return (unsigned)(w & 0xffff);
}

static inline unsigned execi_fork_split(uint64_t w)
{
        return (unsigned)(w >> 16 & 0xffff);
}

static inline uint64_t execi_fork_pack(unsigned top, unsigned split, bool hungry)
{
        return (hungry ? FORK_HUNGRY : 0) | (uint64_t)split << 16 | top;
}

/* ---- the owner ---- */

/* Everything of a new block is 0 but this. */
void execi_forkstack_init(struct execi_forkstack *s, enum execi_fork_kind kind, struct exec_pool *pool);

/* The fast halves, as they stand in executor/forkjoin.h too. true: the slow half must decide. */
static inline bool execi_forkstack_push(exec_forks *at, struct exec_fork *f, exec_fork_fn fn)
{
        f->word = (uintptr_t)fn;
        atom_store(execi_fork_at(at), f, RELEASE);                   /* @pair fork.place */
        COMPILER_BARRIER();                                          /* G1 */
        return UNLIKELY(atom_load(execi_fork_watched(at), RELAXED)); /* @relaxed G1 */
}

static inline bool execi_forkstack_pop(exec_forks *at)
{
        atom_store(execi_fork_at(at), NULL, RELAXED); /* @relaxed G1 */
        COMPILER_BARRIER();
        return UNLIKELY(atom_load(execi_fork_watched(at), RELAXED)); /* @relaxed G1 */
}

/* The slow halves; @hungry: somebody asks for work. FORK_BLOCK only. true: a fork was published for them, who must be told. */
bool execi_forkstack_pushed(exec_forks *at, const _Atomic(uint32_t) *hungry);
enum execi_pop { POP_OWN, POP_OWN_TELL /* and one was published */, POP_TAKEN };
enum execi_pop execi_forkstack_popped(exec_forks *at, struct exec_fork *f, const _Atomic(uint32_t) *hungry);
/* The owner, of whom somebody asks for work, @at the place of the next fork: is there one that can be taken? *told: one was
 * published for that. */
bool execi_forkstack_offer(exec_forks *at, bool *told);
/* A fork that was taken has ended: the place is free again. */
void execi_forkstack_joined(exec_forks *at, const _Atomic(uint32_t) *hungry);
/* The place of the next fork, found by looking. */
unsigned execi_forkstack_head(struct execi_forkstack *s);
static inline bool execi_forkstack_any(struct execi_forkstack *s)
{
        return atom_load(execi_fork_at(execi_forkstack_place(s, FORK_FIRST)), RELAXED); /* @relaxed owner */
}
/* Everything becomes public, for good: not while a thief looks again at what it raised. true: there is something to take. */
bool execi_forkstack_publish(struct execi_forkstack *s);

/* ---- thieves, and who looks for work ---- */

/* Take the oldest public fork. NULL: none, or another thief is at it. */
struct exec_fork *execi_forkstack_steal(struct execi_forkstack *s);
/* Publish what the owner keeps to itself. true: there is something to take now. */
bool execi_forkstack_force(struct execi_forkstack *s);
/* G4. false: it was on, or needs not be. */
bool execi_forkstack_mark(struct execi_forkstack *s);
bool execi_forkstack_has_public(struct execi_forkstack *s);
bool execi_forkstack_has_private(struct execi_forkstack *s);

#endif
