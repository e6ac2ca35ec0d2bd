/* cell.h - the 64-byte object behind every exec_future: a task, a promise, a sleep, a gather or a shield.
 *
 * One cache line, so that creating and running a task touches one line. What only some cells need lives in an extra
 * block (extra.h), or in the prefix of a cell that did not come from a slab (slab.h). Fields that are never needed at
 * the same time share their place; who may touch what:
 *   word   A    state.h: waiters, cancel count, undelivered cancel, lock, started, queued, detached, done
 *   refs   A    users' references only; the last one gone sets DETACHED
 *   err, value, state   H   written by whoever finishes the cell, before DONE is set; then read by anyone who saw DONE
 *   arg, fn     H   written by the creator, read by whoever started the task
 *   fiber  O    the fiber the task runs on, from its start to its end
 *   link   H    while the cell is in a queue: the queue's
 *   awaiting    while the task waits for a future (wait word FORWARD): that future; read under a pin (waitword.h)
 *   wait   A    waitword.h: what ends the wait of a task
 *   seen   A    SEEN_ bits: an error that somebody looked at, a value that somebody took */
#ifndef EXECI_TASK_CELL_H
#define EXECI_TASK_CELL_H

#include "base/compiler.h"
#include "base/list.h"
#include "port/atomic.h"
#include "queue/heap.h"
#include "task/waitword.h"

#include <executor/forkjoin.h>

struct execi_fiber;
struct execi_shield_link;

enum cell_kind { CELL_FREE = 0, CELL_TASK, CELL_PROMISE, CELL_SLEEP, CELL_GATHER, CELL_SHIELD, CELL_KINDS };

/* Bits of cell.flags, set at creation. */
enum {
        CELL_TIED = 1,
        CELL_OWN_STACK = 2,
        CELL_COLLECT = 4,
        CELL_FORK = 8, /* a task that carries a fork: run/strand.h */
        CELL_OWNS_CHILDREN = 16,
        CELL_WATCHED = 32,   /* no short cuts: ThreadSanitizer must be told, or there is no membarrier */
        CELL_ALLOCATED = 64, /* not from a slab: it has a prefix */
        CELL_STATIC = 128,   /* one of the futures that have already failed: never freed */
};

enum {
        SEEN_ERROR = 1,
        SEEN_TAKEN = 2,
        SEEN_PASSED = 4,  /* a task: its cancel went on to what it awaits */
        SEEN_UNBEGUN = 8, /* a task: it was cancelled before its body began */
};

struct exec_future {
        _Atomic(uint64_t) word;
        union {
                struct {
                        _Atomic(uint32_t) refs;
                        int32_t err;
                };
                uint64_t refs_err; /* to initialise both in one store */
        };
        union {
                void *arg;
                void *value;
        };
        union {
                struct { /* a task */
                        union {
                                exec_task_fn fn;
                                exec_fork_fn fork_fn; /* CELL_FORK */
                                struct execi_fiber *fiber;
                        };
                        union {
                                struct execi_link link;
                                exec_future *awaiting;
                        };
                        union {
                                struct execi_wait wait;
                                uint64_t wait_all; /* to initialise it in one store */
                        };
                };
                struct {                         /* a gather */
                        _Atomic(int64_t) n_left; /* children not heard of, and 1 while registering */
                        _Atomic(exec_future *) first_failed;
                        exec_future *const *children;
                };
                struct execi_timer timer; /* a sleep */
                struct {                  /* a shield */
                        void *no_link;    /* next_free, while the shield is being freed */
                        exec_future *inner;
                        struct execi_shield_link *shield_link;
                };
                exec_future *next_free; /* a free cell */
        };
        _Atomic(uintptr_t) extra; /* struct execi_extra *, or a cancel reason: extra.h */
        union {
                struct {
                        uint8_t kind;
                        uint8_t state; /* enum exec_state, once DONE */
                        uint8_t flags;
                        _Atomic(uint8_t) seen;
                        union {
                                uint32_t since_ms;   /* a task: when it began to wait, on its worker's coarse clock */
                                uint32_t n_children; /* a gather */
                                uint32_t heap_owner; /* a sleep: the worker whose heap it is in */
                        };
                };
                uint64_t kind_to_since; /* to initialise all of these in one store */
        };
};

/* The two wide fields of a new cell; kind is the first byte in memory. */
#define CELL_REFS_ERR(n)                                                                                               \
        ((union {                                                                                                      \
                 uint32_t half[2];                                                                                     \
                 uint64_t all;                                                                                         \
         }){.half = {(n), 0}}                                                                                          \
                 .all)
#define CELL_KIND_TO_SINCE(kind, flags)                                                                                \
        ((union {                                                                                                      \
                 uint8_t byte[8];                                                                                      \
                 uint64_t all;                                                                                         \
         }){.byte = {(kind), 0, (flags)}}                                                                              \
                 .all)

_Static_assert(sizeof(struct exec_future) == 64, "a cell is one cache line");

/* A task or promise from a slab that succeeded and has nothing special about it (but perhaps an extra block). */
static inline bool execi_is_plain_success(const exec_future *f)
{
        uint32_t x = (uint32_t)f->kind_to_since - (uint32_t)CELL_KIND_TO_SINCE(CELL_TASK, 0) - (EXEC_DONE << 8);

        return x <= CELL_PROMISE - CELL_TASK;
}

/* Neither NULL nor zero-filled nor freed, where that can be told. */
static inline bool execi_is_future(const exec_future *f)
{
        return f && f->kind > CELL_FREE && f->kind < CELL_KINDS;
}

static inline exec_future *execi_cell_of_link(struct execi_link *l)
{
        return CONTAINER_OF(l, exec_future, link);
}

#endif
