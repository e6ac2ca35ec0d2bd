/* totals.c - see totals.h. */
#include "totals.h"

#include <executor/executor.h>
#include <stdio.h>

static double seconds_since(int64_t start_ns)
{
        return (double)(exec_now() - start_ns) / 1e9;
}

static void print_words(const struct totals *totals, double seconds, const struct exec_pool_stats *stats,
                        const struct flight *flight)
{
        fprintf(stderr,
                "exsum: %llu files, %llu bytes in %.3f s, %.1f MB/s; "
                "%llu tasks on %llu workers, %llu steals, %zu in flight at most\n",
                (unsigned long long)totals->n_files, (unsigned long long)totals->n_bytes, seconds,
                seconds > 0 ? (double)totals->n_bytes / 1e6 / seconds : 0.0, (unsigned long long)flight->n_tasks,
                (unsigned long long)stats->n_workers, (unsigned long long)stats->n_steals, flight->n_running_peak);
}

static void print_json(const struct totals *totals, double seconds, const struct exec_pool_stats *stats,
                       const struct flight *flight)
{
        fprintf(stderr,
                "{\"files\": %llu, \"bytes\": %llu, \"problems\": %llu, \"seconds\": %.6f, \"tasks\": %llu, "
                "\"workers\": %llu, \"steals\": %llu, \"in_flight_most\": %zu}\n",
                (unsigned long long)totals->n_files, (unsigned long long)totals->n_bytes,
                (unsigned long long)totals->n_problems, seconds, (unsigned long long)flight->n_tasks,
                (unsigned long long)stats->n_workers, (unsigned long long)stats->n_steals, flight->n_running_peak);
}

void totals_print_stats(const struct totals *totals, const struct options *options, const struct flight *flight)
{
        struct exec_pool_stats stats = {.size = sizeof stats};
        double seconds = seconds_since(totals->start_ns);

        exec_pool_stats(exec_pool_current(), &stats);
        if (options->json)
                print_json(totals, seconds, &stats, flight);
        else
                print_words(totals, seconds, &stats, flight);
}

void totals_print_interrupted(const struct totals *totals)
{
        fprintf(stderr, "exsum: interrupted after %llu files, %llu bytes in %.3f s\n",
                (unsigned long long)totals->n_files, (unsigned long long)totals->n_bytes,
                seconds_since(totals->start_ns));
}
