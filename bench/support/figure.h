/* figure.h - samples of one thing measured, and the figure made of them: a line of text and a line of JSON. */
#ifndef BENCH_SUPPORT_FIGURE_H
#define BENCH_SUPPORT_FIGURE_H

#include "bench.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One number a round. All zero is empty. */
struct bench_samples {
        unsigned n;
        double at[BENCH_MAX_ROUNDS];
};

void bench_add(struct bench_samples *samples, double value);
double bench_median(const struct bench_samples *samples);
/* The value below which the share @q (0..1) of @n values lies; sorts them. */
double bench_quantile(double values[], size_t n, double q);

struct bench_figure {
        const char *bench; /* NULL: the program's name */
        const char *impl;  /* NULL: the program's */
        const char *variant;
        unsigned workers;
        uint64_t work; /* what one round did: tasks, round trips, sleepers, wakes */
};

/* Print the figure's minimum, median and maximum over the rounds. Without a sample nothing is printed. */
void bench_report(const struct bench *b, const struct bench_figure *figure, const char *metric, const char *unit,
                  const struct bench_samples *samples);
/* How much faster @median is than @median_on_one, that of one worker. Prints nothing where the latter is 0: unknown. */
void bench_report_speedup(const struct bench *b, const struct bench_figure *figure, double median_on_one,
                          double median);

#ifdef __cplusplus
}
#endif
#endif
