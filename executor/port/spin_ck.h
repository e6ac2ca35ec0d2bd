/* spin_ck.h - the word of the spin lock (port/pause.h): ck's. */
#ifndef EXECI_PORT_SPIN_CK_H
#define EXECI_PORT_SPIN_CK_H

#include "port/ck.h"

#include <spinlock/fas.h>
#include <stdbool.h>

static inline void execi_pause(void)
{
        ck_pr_stall();
}

struct execi_spin {
        struct ck_spinlock_fas held;
};

static inline void execi_spin_init(struct execi_spin *s)
{
        ck_spinlock_fas_init(&s->held);
}

static inline bool execi_spin_try(struct execi_spin *s)
{
        return !ck_spinlock_fas_locked(&s->held) && ck_spinlock_fas_trylock(&s->held);
}

static inline void execi_spin_unlock(struct execi_spin *s)
{
        ck_spinlock_fas_unlock(&s->held);
}

#endif
