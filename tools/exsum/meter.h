/* meter.h - how much was read so far: written by the tasks while they read, for the progress line. */
#ifndef EXSUM_METER_H
#define EXSUM_METER_H

#include <stdatomic.h>
#include <stdint.h>

struct meter {
        _Atomic uint64_t n_bytes;
};

static inline void meter_add(struct meter *meter, uint64_t n_bytes)
{
        atomic_fetch_add_explicit(&meter->n_bytes, n_bytes, memory_order_relaxed); /* @relaxed count */
}

static inline uint64_t meter_bytes(const struct meter *meter)
{
        return atomic_load_explicit(&meter->n_bytes, memory_order_relaxed); /* @relaxed count */
}

#endif
