/* skynet.c - a regular tree of ten tasks each, with almost no work in the leaves. */
#include "problems.h"

#include <stdlib.h>
#include <string.h>

static uint64_t n_leaves(unsigned levels)
{
        uint64_t n = 1;

        for (unsigned i = 0; i < levels; i++)
                n *= SKYNET_FAN;
        return n;
}

static void *skynet_open(const struct bench_request *request, uint64_t *work)
{
        struct skynet *p = bench_alloc(1, sizeof(*p));

        if (!strcmp(request->variant, "1M"))
                p->n_leaves = n_leaves(request->is_quick ? SKYNET_1M_LEVELS_QUICK : SKYNET_1M_LEVELS);
        else
                p->n_leaves = n_leaves(request->is_quick ? SKYNET_100M_LEVELS_QUICK : SKYNET_100M_LEVELS);
        *work = p->n_leaves;
        return p;
}

static void skynet_prepare(void *state)
{
        struct skynet *p = state;

        p->result = 0;
}

static void skynet_check(void *state)
{
        const struct skynet *p = state;

        if (p->result != p->n_leaves * (p->n_leaves - 1) / 2)
                bench_die("the ordinals of %llu leaves do not add up to %llu", (unsigned long long)p->n_leaves,
                          (unsigned long long)p->result);
}

static const char *const variants[] = {"1M", "100M", NULL};

const struct bench_problem skynet_problem = {
        .name = "skynet",
        .variants = variants,
        .metric = "time per leaf",
        .unit = "ns",
        .open = skynet_open,
        .prepare = skynet_prepare,
        .check = skynet_check,
        .close = free,
        .value = bench_ns_each,
};
