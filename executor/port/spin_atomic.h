/* spin_atomic.h - the word of the spin lock (port/pause.h) without ck, for a build that has nothing but a C compiler: the
 * amalgamation, and EXEC_SPIN=atomic. Same instructions, same orders. */
#ifndef EXECI_PORT_SPIN_ATOMIC_H
#define EXECI_PORT_SPIN_ATOMIC_H

#include "port/atomic.h"

#include <stdbool.h>

static inline void execi_pause(void)
{
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield" ::: "memory");
#endif
}

struct execi_spin {
        _Atomic(unsigned) held;
};

static inline void execi_spin_init(struct execi_spin *s)
{
        atom_store(&s->held, 0, RELEASE);
}

/* @pair spin.held: the swap acquires what the store in execi_spin_unlock() released. */
static inline bool execi_spin_try(struct execi_spin *s)
{
        return !atom_load(&s->held, RELAXED) && !atom_swap(&s->held, 1, SEQ_CST); /* @relaxed recheck */
}

static inline void execi_spin_unlock(struct execi_spin *s)
{
        atom_store(&s->held, 0, RELEASE); /* @pair spin.held */
}

#endif
