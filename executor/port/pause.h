/* pause.h - one step of a spin, and a small spin lock for sections of a few instructions: ck's, which by itself would spin
 * on against a holder that has lost the CPU. All zero is unlocked. */
#ifndef EXECI_PORT_PAUSE_H
#define EXECI_PORT_PAUSE_H

#include "port/ck.h"

#include <spinlock/fas.h>
#include <stdbool.h>

static inline void execi_pause(void)
{
        ck_pr_stall();
}

void execi_spin_yield(unsigned *turns); /* pause; after some turns give the CPU away (the holder may be preempted) */

struct execi_spin {
        struct ck_spinlock_fas held;
};

static inline bool execi_spin_try(struct execi_spin *s)
{
        return !ck_spinlock_fas_locked(&s->held) && ck_spinlock_fas_trylock(&s->held);
}

static inline void execi_spin_lock(struct execi_spin *s)
{
        unsigned turns = 0;

        while (!execi_spin_try(s))
                execi_spin_yield(&turns);
}

static inline void execi_spin_unlock(struct execi_spin *s)
{
        ck_spinlock_fas_unlock(&s->held);
}

#endif
