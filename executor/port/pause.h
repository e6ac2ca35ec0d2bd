/* pause.h - one step of a spin, and a small spin lock for sections of a few instructions. */
#ifndef EXECI_PORT_PAUSE_H
#define EXECI_PORT_PAUSE_H

#include "port/atomic.h"

#include <stdbool.h>

static inline void execi_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield" ::: "memory");
#else
        __asm__ volatile("" ::: "memory");
#endif
}

void execi_spin_yield(unsigned *turns); /* pause; after some turns give the CPU away (the holder may be preempted) */

struct execi_spin {
        _Atomic(int) held;
};

static inline bool execi_spin_try(struct execi_spin *s)
{
        return !atom_load(&s->held, RELAXED) && !atom_swap(&s->held, 1, ACQUIRE);
}

static inline void execi_spin_lock(struct execi_spin *s)
{
        unsigned turns = 0;

        while (!execi_spin_try(s))
                execi_spin_yield(&turns);
}

static inline void execi_spin_unlock(struct execi_spin *s)
{
        atom_store(&s->held, 0, RELEASE);
}

#endif
