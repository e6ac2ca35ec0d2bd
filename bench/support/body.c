/* body.c - arithmetic of a known length, and a count of who runs the tasks. */
#include "body.h"
#include "meter.h"

#include <string.h>

uint64_t bench_compute(uint64_t n_steps, uint64_t start)
{
        uint64_t x = start;

        for (uint64_t i = 0; i < n_steps; i++) {
                x = x * 6364136223846793005u + 1442695040888963407u;
                __asm__ volatile("" : "+r"(x)); /* neither folded nor vectorised */
        }
        return x;
}

/* What one body of @n_steps takes when it is called again and again: a processor overlaps the end of one with the
 * beginning of the next, so this is less than a single one takes. The fastest of many short runs: what disturbs a run
 * only makes it longer. */
static double measure_ns(uint64_t n_steps)
{
        enum { N_CALLS = 500, N_RUNS = 40 };
        int64_t best_ns = INT64_MAX;

        for (int run = 0; run < N_RUNS; run++) {
                int64_t start_ns = bench_now_ns();
                int64_t ns;

                for (int i = 0; i < N_CALLS; i++)
                        bench_compute(n_steps, 1);
                ns = bench_now_ns() - start_ns;
                best_ns = ns < best_ns ? ns : best_ns;
        }
        return (double)best_ns / N_CALLS;
}

uint64_t bench_steps_for_ns(uint64_t ns)
{
        double n_steps = (double)ns;

        for (int i = 0; i < 4; i++)
                n_steps *= (double)ns / measure_ns((uint64_t)(n_steps + 0.5));
        return (uint64_t)(n_steps + 0.5);
}

void bench_compute_until_ns(int64_t deadline_ns)
{
        uint64_t x = 1;

        while (bench_now_ns() < deadline_ns)
                x = bench_compute(1000, x);
}

void bench_share_init(struct bench_share *share, unsigned n_workers)
{
        memset(share, 0, sizeof(*share));
        share->n_workers = n_workers;
}

void bench_share_sum(struct bench_share *share, int home)
{
        for (int i = 0; i < (int)share->n_workers; i++) {
                share->n_all += share->by_worker[i].n;
                if (i != home)
                        share->n_elsewhere += share->by_worker[i].n;
                share->by_worker[i].n = 0;
        }
}

double bench_share_percent(const struct bench_share *share)
{
        return share->n_all ? 100.0 * (double)share->n_elsewhere / (double)share->n_all : 0;
}
