/* queens.c - small tasks of uneven number and length. */
#include "problems.h"

#include <stdlib.h>

/* Solutions, and how many queens the search places. */
enum { SOLUTIONS = 73712, PLACED = 4674889, SOLUTIONS_QUICK = 352, PLACED_QUICK = 8393 };

static void *queens_open(const struct bench_request *request, uint64_t *work)
{
        struct queens *p = bench_alloc(1, sizeof(*p));

        p->n = request->is_quick ? QUEENS_N_QUICK : QUEENS_N;
        *work = request->is_quick ? PLACED_QUICK : PLACED;
        return p;
}

static void queens_prepare(void *state)
{
        struct queens *p = state;

        p->result = 0;
}

static void queens_check(void *state)
{
        const struct queens *p = state;

        if (p->result != (p->n == QUEENS_N ? SOLUTIONS : SOLUTIONS_QUICK))
                bench_die("%u queens do not have %llu solutions", p->n, (unsigned long long)p->result);
}

static const char *const variants[] = {"queens", NULL};

const struct bench_problem queens_problem = {
        .name = "nqueens",
        .variants = variants,
        .metric = "time per queen placed",
        .unit = "ns",
        .open = queens_open,
        .prepare = queens_prepare,
        .check = queens_check,
        .close = free,
        .value = bench_ns_each,
};
