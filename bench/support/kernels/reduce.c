/* reduce.c - the sum of an array that is far larger than the caches: as fast as memory can be read. */
#include "problems.h"

#include <stdlib.h>

enum { LANES = 8 }; /* sums side by side: one would wait for the addition before */

double reduce_sum(const double data[], size_t n)
{
        double sums[LANES] = {0};
        double sum = 0;
        size_t i = 0;

        for (; i + LANES <= n; i += LANES) {
                for (size_t lane = 0; lane < LANES; lane++)
                        sums[lane] += data[i + lane];
        }
        for (; i < n; i++)
                sum += data[i];
        for (size_t lane = 0; lane < LANES; lane++)
                sum += sums[lane];
        return sum;
}

static void *reduce_open(const struct bench_request *request, uint64_t *work)
{
        struct reduce *p = bench_alloc(1, sizeof(*p));

        p->n = request->is_quick ? REDUCE_N_QUICK : REDUCE_N;
        p->data = bench_alloc(p->n, sizeof(*p->data));
        for (size_t i = 0; i < p->n; i++)
                p->data[i] = (double)(i % 1024);
        *work = p->n;
        return p;
}

static void reduce_prepare(void *state)
{
        struct reduce *p = state;

        p->result = 0;
}

static void reduce_check(void *state)
{
        const struct reduce *p = state;
        uint64_t n_whole = p->n / 1024;
        uint64_t n_left = p->n % 1024;
        uint64_t sum = n_whole * (1024 * 1023 / 2) + n_left * (n_left - 1) / 2;

        if (p->result != (double)sum)
                bench_die("the sum is not %.17g", p->result);
}

static void reduce_close(void *state)
{
        struct reduce *p = state;

        free(p->data);
        free(p);
}

/* What is read. */
static double gigabytes_a_second(int64_t ns, uint64_t work)
{
        return (double)(work * sizeof(double)) / (double)ns;
}

static const char *const variants[] = {"sum", NULL};

const struct bench_problem reduce_problem = {
        .name = "reduce",
        .variants = variants,
        .metric = "bandwidth",
        .unit = "GB/s",
        .open = reduce_open,
        .prepare = reduce_prepare,
        .check = reduce_check,
        .close = reduce_close,
        .value = gigabytes_a_second,
};
