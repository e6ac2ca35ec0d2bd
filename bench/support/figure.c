/* figure.c - medians, and the two forms in which a figure is printed. Words in figures contain nothing that JSON would
 * have to escape. */
#include "figure.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a;
        double y = *(const double *)b;

        return (x > y) - (x < y);
}

void bench_add(struct bench_samples *samples, double value)
{
        if (samples->n == BENCH_MAX_ROUNDS)
                bench_die("more than %d samples", BENCH_MAX_ROUNDS);
        samples->at[samples->n++] = value;
}

double bench_quantile(double values[], size_t n, double q)
{
        size_t at = (size_t)(q * (double)n);

        qsort(values, n, sizeof(*values), compare);
        return values[at < n ? at : n - 1];
}

static double sorted_median(const double at[], unsigned n)
{
        return n % 2 ? at[n / 2] : (at[n / 2 - 1] + at[n / 2]) / 2;
}

double bench_median(const struct bench_samples *samples)
{
        struct bench_samples copy = *samples;

        qsort(copy.at, copy.n, sizeof(*copy.at), compare);
        return copy.n ? sorted_median(copy.at, copy.n) : 0;
}

void bench_report(const struct bench *b, const struct bench_figure *figure, const char *metric, const char *unit,
                  const struct bench_samples *samples)
{
        struct bench_samples s = *samples;
        const char *bench = figure->bench ? figure->bench : b->name;
        const char *impl = figure->impl ? figure->impl : b->impl;
        double median;

        if (!s.n)
                return;
        qsort(s.at, s.n, sizeof(*s.at), compare);
        median = sorted_median(s.at, s.n);
        fprintf(b->text, "%-9s %-12s %-14s %3u worker%s  %-34s %12.5g %-4s (%.5g - %.5g)\n", bench, impl,
                figure->variant, figure->workers, figure->workers == 1 ? " " : "s", metric, median, unit, s.at[0],
                s.at[s.n - 1]);
        fflush(b->text);
        if (!b->json)
                return;
        fprintf(b->json,
                "{\"bench\": \"%s\", \"impl\": \"%s\", \"variant\": \"%s\", \"workers\": %u, \"work\": %llu, "
                "\"metric\": \"%s\", \"unit\": \"%s\", \"min\": %.6g, \"median\": %.6g, \"max\": %.6g}\n",
                bench, impl, figure->variant, figure->workers, (unsigned long long)figure->work, metric, unit, s.at[0],
                median, s.at[s.n - 1]);
        fflush(b->json);
}

void bench_report_speedup(const struct bench *b, const struct bench_figure *figure, double median_on_one, double median)
{
        struct bench_samples speedup = {0};

        if (median_on_one <= 0)
                return;
        bench_add(&speedup, median_on_one / median);
        bench_report(b, figure, "speed-up over 1 worker", "x", &speedup);
}
