/* body.h - bodies of tasks: arithmetic of a known length, and a count of who runs them. The peers use the same. */
#ifndef BENCH_SUPPORT_BODY_H
#define BENCH_SUPPORT_BODY_H

#include "bench.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A chain of @n_steps multiplications and additions, each waiting for the one before. */
uint64_t bench_compute(uint64_t n_steps, uint64_t start);
/* How many steps take @ns when such bodies follow each other. Measured, in some 50 ms. */
uint64_t bench_steps_for_ns(uint64_t ns);
/* Compute until that time, never leaving this file for anything but the clock. */
void bench_compute_until_ns(int64_t deadline_ns);

/* Who ran the tasks of a batch. Each worker writes a slot of its own, and only every BENCH_SHARE_EVERY-th task counts
 * itself, so that counting does not change what is counted. */
enum { BENCH_SHARE_EVERY = 64 };

struct bench_share {
        struct {
                uint64_t n __attribute__((aligned(128)));
        } by_worker[BENCH_MAX_WORKERS];
        unsigned n_workers;
        uint64_t n_elsewhere; /* counted tasks that ran on a worker that did not create them */
        uint64_t n_all;
};

static inline void bench_share_count(struct bench_share *share, int worker)
{
        share->by_worker[worker].n++;
}

void bench_share_init(struct bench_share *share, unsigned n_workers);
/* All tasks that worker @home created have ended: add them up. */
void bench_share_sum(struct bench_share *share, int home);
double bench_share_percent(const struct bench_share *share);

#ifdef __cplusplus
}
#endif
#endif
