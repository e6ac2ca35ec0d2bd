/* choose.h - the seam: every reading of the clock and every random choice of the scheduler goes through here, so that a
 * test can replace them. */
#ifndef EXECI_SCHED_CHOOSE_H
#define EXECI_SCHED_CHOOSE_H

#include "base/compiler.h"
#include "port/clock.h"

#include <stdint.h>

struct execi_chooser {
        int64_t (*now)(void *ctx);
        /* one of 0..n-1: the victim to begin with, the queue to look at first */
        uint32_t (*pick)(void *ctx, uint32_t n);
        void *ctx;
};

static inline int64_t execi_now(const struct execi_chooser *c)
{
        return LIKELY(!c) ? execi_clock_now() : c->now(c->ctx);
}

/* @state: the caller's own generator. */
static inline uint32_t execi_pick(const struct execi_chooser *c, uint64_t *state, uint32_t n)
{
        if (UNLIKELY(c))
                return c->pick(c->ctx, n);
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(((*state >> 32) * n) >> 32);
}

#endif
