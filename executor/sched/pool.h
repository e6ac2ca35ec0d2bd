/* pool.h - the data of a pool and of its workers; who may touch which field.
 *
 * Letters: I set before the workers start; O the owner worker only; A atomic, any; L(x) under lock x. */
#ifndef EXECI_SCHED_POOL_H
#define EXECI_SCHED_POOL_H

#include "port/affinity.h"
#include "port/parker.h"
#include "port/thread.h"
#include "port/threadlocal.h"
#include "queue/deque.h"
#include "queue/forkarena.h"
#include "queue/heap.h"
#include "queue/inject.h"
#include "sched/choose.h"
#include "task/fiber.h"
#include "task/slab.h"

#include <executor/pool.h>

enum { MAX_WORKERS = 1024, N_REGISTERS = 16, N_STACK_CLASSES = 32, MAX_LOOT = 256, STACK_BATCH = 32 };
enum { MAX_HANDOFFS = 32 }; /* next slots taken in a row before the worker's other tasks have a turn */

struct execi_worker;
/* What is left to do for the fiber that was left, done on the next one: only then may others resume it. */
typedef void (*execi_commit_fn)(struct execi_worker *w, void *ctx);

struct execi_seen {
        uint32_t turn;
        int64_t since_ns;
};

struct execi_timers {
        struct execi_spin lock;
        struct execi_heap heap;  /* L(lock) */
        _Atomic(int64_t) min_ns; /* A: written under the lock */
};

struct execi_worker {
        struct exec_pool *pool;     /* I */
        unsigned id;                /* I */
        _Atomic(bool) plain_create; /* A: the pool is plain, and no task of it has locals to pass on: locals.h M3 */
        /* O */
        struct execi_fiber *fiber; /* running */
        struct execi_fiber *spare; /* there is one whenever user code runs */
        struct execi_fiber *cache; /* more free ones */
        unsigned n_cache;
        char *stacks[STACK_BATCH]; /* bare stacks, for fibers to be made */
        size_t n_stacks, stack_batch;
        execi_commit_fn commit;
        void *commit_ctx;
        exec_future *gather; /* finished children of one gather, not told yet */
        int64_t n_gather;
        struct execi_slab *slab;
        uint32_t tick, poll_tick, poll_every;
        uint32_t own_turn;    /* looks at its own queues */
        uint32_t n_handoffs;  /* next slots taken in a row */
        uint32_t n_from_long; /* about so many of the ready tasks came from a long queue: ready.c */
        uint32_t n_new_first; /* tasks to start before the next ready fiber */
        int64_t polled_ns;
        int64_t search_ns;  /* how long to search when it runs dry */
        int64_t gave_up_ns; /* when it last went to sleep */
        int64_t trim_ns;    /* when to give memory back if it stays idle; 0: it has had work since */
        uint64_t random;
        uint32_t polls_left, polls_every; /* exec_cancel_requested(): until it looks at the clock */
        int64_t polls_ns;                 /* when it did */
        bool searching, hungry;
        bool inbox_first;                /* it has its turn */
        bool wakes_first;                /* likewise, of the pool's two queues from outside */
        bool asleep;                     /* in the books of idle.c */
        char slots_edge;                 /* of its worker-local memory, for ThreadSanitizer */
        bool in_callback;                /* a done callback runs: no waits */
        int *errno_location;             /* of its thread */
        struct execi_fiber thread_fiber; /* the pthread's own stack */
        struct execi_fiber *last_fiber;  /* the loop that ended */
        struct execi_thread thread;
        void *altstack;
        /* counters: written by the owner, read by all */
        _Atomic(uint64_t) n_created, n_finished, n_suspends, n_migrations, n_direct, n_steals, n_stolen, n_forced,
                n_parks, n_forks_stolen;
        _Atomic(uint32_t) coarse_ms; /* since the pool's start, at the last poll */

        struct execi_deque deque;
        _Atomic(struct execi_forkstack *)
                forks ALIGNED(CACHE_PAIR); /* of the running fiber: forks.h R1; written by the owner */
        _Atomic(uint32_t) n_left;          /* written under the lock */
        struct execi_spin forks_lock;
        struct execi_forkstack *left; /* L(forks_lock): of fibers that wait: forks.h R2 */
        /* written by others too */
        _Atomic(exec_future *) next ALIGNED(CACHE_PAIR); /* next to run: the one woken last; ready.h R3 */
        _Atomic(uint32_t) next_turn;                     /* changes with it */
        _Atomic(int) next_wanted;    /* a thief is at it, or locked instructions are needed anyway */
        struct execi_spin next_lock; /* thieves, and the owner when it sees one */
        exec_future *next_stolen;    /* L(next_lock): what this thief took */
        struct execi_spin ready_lock ALIGNED(CACHE_PAIR);
        struct execi_fifo ready;   /* L(ready_lock): suspended tasks that may go on, oldest first */
        _Atomic(uint32_t) n_ready; /* written under the lock */
        struct execi_fifo inbox;   /* L(ready_lock): the same, for this worker alone */
        _Atomic(uint32_t) n_inbox;
        struct execi_timers timers ALIGNED(CACHE_PAIR);
        struct execi_parker parker ALIGNED(CACHE_PAIR);
        struct execi_worker *sleeper_next, *sleeper_prev; /* L(idle.lock) */
        _Atomic(bool) is_sleeper;                         /* written under idle.lock; false: this worker was woken */
        bool trimmed;                                     /* O: nothing worth giving back since */
        struct execi_seen *seen;                          /* O: of each worker, its next slot as last seen */
        void *loot[MAX_LOOT];                             /* O: what one steal brought */
        /* place.h */
        int thread_number;              /* the kernel's; set before it first sleeps */
        _Atomic(int) cpu;               /* A: where it last fell asleep, woke, or woke another; -1: not known */
        _Atomic(int) place;             /* A */
        int forbidden[2];               /* the waker's, while MOVING; so are the next two */
        struct execi_affinity narrowed; /* what it set */
        struct execi_affinity allowed;  /* what there was before */
};

/* idle.h */
struct execi_idle {
        _Atomic(uint64_t) counts ALIGNED(CACHE_PAIR); /* sleepers, searchers << 32 */
        _Atomic(uint32_t) wanted ALIGNED(CACHE_PAIR); /* workers that found nothing: publish what you have */
        struct execi_spin lock ALIGNED(CACHE_PAIR);
        struct execi_worker *sleepers; /* L(lock) */
        struct execi_worker *keeper;   /* L(lock): the sleeper that looks after the timers */
        _Atomic(int64_t) keeper_ns;    /* until when it sleeps; INT64_MIN: nobody */
        _Atomic(uint64_t) n_unparks;
        _Atomic(int) watching;     /* it wakes every millisecond, to look after next slots */
        _Atomic(uint32_t) n_quiet; /* hints of the keeper's: ticks in a row without a change of any slot */
        _Atomic(uint32_t) turns;   /* of all slots, at its last tick */
};

enum {
        HALT_STOP = 1,   /* leave the loop */
        HALT_BROKEN = 2, /* a start hook failed: tasks end with -EPIPE */
        HALT_WISH = 4,   /* exec_pool_request_stop() was called */
};

enum pool_state { POOL_OPEN = 0, POOL_CLOSED = 1, POOL_STOPPED = 2 };

struct exec_pool {
        struct execi_worker *workers; /* I */
        unsigned n_workers;           /* I */
        unsigned flags;               /* I */
        bool membarrier;              /* I */
        _Atomic(bool) places; /* A: workers woken for forks are moved, place.h; false: never, or the kernel refused */
        bool slotless;        /* I: EXEC_POOL_FORCE_MIGRATE or no membarrier: next slots are not used */
        _Atomic(bool) binds;  /* A: some of its tasks go on only where they are bound to; ready.h R2 */
        bool plain;           /* I: tasks without options may take the short cuts */
        const struct execi_chooser *chooser;
        size_t promise_bytes; /* I: every task's stack */
        size_t red_bytes;     /* I: below a promised stack: signal frames, ours */
        bool recycle_own;     /* I: stacks of single tasks are used again (not in precise TSan) */
        struct execi_arena *arena;
        struct execi_register registers[N_REGISTERS];
        struct execi_forkarena forkarena;
        struct execi_stacks stacks;                    /* loops and ordinary tasks */
        struct execi_stacks *classes[N_STACK_CLASSES]; /* L(classes_lock): for tasks with stack_bytes */
        struct execi_spin classes_lock;
        void (*fiber_main)(void *);                /* I: run/loop.c */
        void (*stop_wish)(struct exec_pool *pool); /* I: wait/cancel.c, when exec_pool_request_stop() was called */
        int (*start_hook)(unsigned worker, void *ctx);
        void *start_ctx;
        int64_t start_ns;
        int64_t slow_ns;      /* I: debug mode: a step so long is told (step.h); 0: not in debug mode */
        unsigned process;     /* I: a forked child is refused */
        uint64_t serial;      /* I: of all pools of this process; addresses come again */
        unsigned n_made;      /* I: workers with data; n_workers of them have a thread */
        _Atomic(int) started; /* threads run on from here */
        char name[12];
        struct execi_inject outside; /* new tasks; closed by shutdown */
        struct execi_inject wakes;   /* suspended tasks, woken from outside */
        struct execi_idle idle;
        _Atomic(int) state ALIGNED(CACHE_PAIR);
        _Atomic(unsigned) halt;      /* HALT_ bits: looked at in every turn of a worker's loop */
        _Atomic(uint64_t) n_outside; /* tasks created by plain threads */
        _Atomic(uint64_t) n_outside_finished;
        _Atomic(int64_t) n_visitors; /* threads from outside inside a wake or a submit */
        _Atomic(struct execi_parker *) drain_waiter;
        struct execi_spin drain_lock;
        struct exec_pool *exit_next; /* at_exit.c */
};

/* The calling thread's worker, or NULL. Read again after every possible suspension: a compiler may compute a
 * thread-local's address once per function, so it never sees the variable. */
#ifdef EXECI_THREAD_LOCAL_READ
extern _Thread_local struct execi_worker *execi_current_worker
        __attribute__((visibility("hidden"), tls_model("initial-exec")));
static inline struct execi_worker *execi_worker_current(void)
{
        return EXECI_THREAD_LOCAL_READ(struct execi_worker *, execi_current_worker);
}
#else
struct execi_worker *execi_worker_current(void);
#endif
void execi_worker_set_current(struct execi_worker *w);

/* The task that runs on @f leaves its worker: the next one may have the worker-local memory. */
static inline void execi_worker_slots_release(struct execi_fiber *f)
{
        if (UNLIKELY(f->used_slot)) {
                execi_tsan_release(&f->worker->slots_edge);
                f->used_slot = false;
        }
}

#endif
