/* pause.h - one step of a spin, and a small spin lock for sections of a few instructions: ck's word, tried in a loop of our
 * own, for ck's would spin on against a holder that has lost the CPU. All zero is unlocked. The word and execi_pause() have
 * backends, chosen by CMake: spin_ck.h, spin_atomic.h. */
#ifndef EXECI_PORT_PAUSE_H
#define EXECI_PORT_PAUSE_H

#ifdef EXECI_SPIN_ATOMIC
#include "port/spin_atomic.h"
#else
#include "port/spin_ck.h"
#endif

void execi_spin_yield(unsigned *turns); /* pause; after some turns give the CPU away (the holder may be preempted) */

static inline void execi_spin_lock(struct execi_spin *s)
{
        unsigned turns = 0;

        while (!execi_spin_try(s))
                execi_spin_yield(&turns);
}

#endif
