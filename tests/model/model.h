/* model.h - a model checker for the library's own sources: it runs two to four threads of real C code one step at a
 * time and tries all orders of their steps, up to a bound.
 *
 * A step is one atomic access. The sources are compiled with EXEC_MODEL, which makes the macros of port/atomic.h calls
 * of the checker (model_atomic.h); every thread has its own stack, and before each access the checker decides who goes
 * on. The search is depth first over these decisions, by running the program again and again from its start with one
 * decision changed. So a program must do the same whenever the decisions are the same. Who has run for long while
 * others could must let them go on, so that polling ends.
 *
 * The bound: to go on with the running thread costs nothing, every departure from that costs one, and an execution may
 * spend its bound of them, and as many more as the environment variable MODEL_DEEPER says. A departure is: another
 * thread goes on although this one could; a load of the weak memory reads something else than the newest store. When
 * the running thread waits or has ended, who comes next is free; and so is when the stores of others leave their
 * buffers.
 *
 * Two memories. A program is run in both.
 *   MODEL_TSO    x86: each thread's stores go through a FIFO buffer; a seq_cst store and every read-modify-write empty
 *                the own buffer first; a membarrier empties all.
 *   MODEL_WEAK   the C11 orders: each object keeps all its stores, a load may read any that is not older than one its
 *                thread knows of; acquire loads learn what a release store knew; seq_cst accesses of one object are
 *                totally ordered; a membarrier lets everybody know all that anybody knew.
 * What it does not cover: a load that is executed before an earlier load or store of its thread has its value in hand
 * (load buffering; x86 never does that), stores that overtake others to the same object in its modification order
 * (MODEL_TSO tries both orders of two that are in buffers where one buffer is emptied by its own thread or by a
 * membarrier, not where it is by the load of another object), compilers that break the rules, and plain memory, except
 * through model_read() and model_write().
 *
 * A spin (execi_spin_yield) is modelled as waiting until some other thread changed something; if nobody can any more,
 * that is a deadlock, and a failure: so lost wake-ups are found. Parkers are modelled too. A deadline, where one is
 * given, may pass at any time, which is one departure, but never has to: what only a deadline would end is a deadlock,
 * so that rescuers hide nothing. Or, where a program asks for it, time passes when nobody can go on, and then only.
 *
 * A checker that finds nothing proves nothing until it has found something. So a program comes with mutations: hooks
 * that see each access and may weaken it, skip it or answer it wrongly, without a word in the sources. */
#ifndef EXECI_MODEL_H
#define EXECI_MODEL_H

#include "model_atomic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_THREADS 4

enum model_memory { MODEL_TSO, MODEL_WEAK };

enum model_kind { MODEL_LOAD, MODEL_STORE, MODEL_RMW, MODEL_CAS, MODEL_MEMBARRIER };

struct model_access {
        enum model_kind kind;
        unsigned thread;
        void *object;
        size_t size;
        enum model_order order; /* a hook may weaken it */
        uint64_t expected;      /* CAS */
        uint64_t operand;       /* what is stored, swapped in, added, ... */
        uint64_t value;         /* after: what was read */
        bool ok;                /* after a CAS */
        bool skip;              /* set by a hook before: do nothing, @value and @ok are the answer */
};

typedef void (*model_hook_fn)(struct model_access *access);

struct model_mutation {
        const char *name;
        model_hook_fn before, after; /* NULL allowed. They may call the model_ functions; those are not hooked again. */
        bool weak_only;              /* x86 does not care */
};

enum model_time {
        MODEL_ANY_TIME,  /* a deadline may pass at any time, or never */
        MODEL_LAST_TIME, /* the earliest deadline passes when nobody can go on */
};

struct model_program {
        const char *name;
        unsigned n_threads;
        unsigned bound[2]; /* by memory */
        enum model_time time;
        void (*thread[MODEL_THREADS])(void);
        void (*setup)(void);  /* before each execution, alone */
        void (*verify)(void); /* after each, alone: all buffers are empty */
};

struct model_result {
        const char *failure; /* NULL: none */
        bool gave_up;        /* the failure is a limit of the checker */
        uint64_t n_executions;
        unsigned max_steps;
};

/* Try all executions until one fails. Prints its steps when @trace. */
struct model_result model_explore(const struct model_program *program, enum model_memory memory,
                                  const struct model_mutation *mutation, bool trace);

/* Inside a thread, setup or verify. */
void model_fail(const char *what) __attribute__((noreturn));
#define MODEL_CHECK(cond)                                                                                              \
        do {                                                                                                           \
                if (!(cond))                                                                                           \
                        model_fail(#cond);                                                                             \
        } while (0)
/* A function that the sources refer to and no program here comes to. */
#define MODEL_UNUSED(declaration)                                                                                      \
        declaration                                                                                                    \
        {                                                                                                              \
                model_fail(#declaration);                                                                              \
        }
unsigned model_self(void);         /* number of the running thread */
unsigned model_choose(unsigned n); /* 0 .. n - 1, all tried, free of cost */
void model_wait_for_change(void);  /* until another thread changed something */
/* Until an object has another value. false: the deadline passed. INT64_MAX: there is none. */
bool model_wait_while(const void *object, size_t size, uint64_t value, int64_t deadline_ns);
void model_sleep_until(int64_t deadline_ns);           /* MODEL_LAST_TIME */
void model_step(void);                                 /* others may come first, as before each access */
void model_name(const void *object, const char *name); /* for traces; in setup */
void model_without_membarrier(void);                   /* in setup: the system has none */
/* Freed: who touches it from now on fails. Memory that the model's port gives back is forgotten by itself. */
void model_forget(const void *object, size_t size);

/* A plain object that threads hand to each other. A read that is not ordered behind the newest write fails
 * (MODEL_WEAK). */
void model_write(uint64_t *object, uint64_t value);
uint64_t model_read(uint64_t *object);

/* What the hooks of mutations are made of: the newest value of an object, which no thread need know yet. */
uint64_t model_newest(const void *object, size_t size);

#endif
