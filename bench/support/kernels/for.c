/* for.c - a loop with next to nothing in its body: what is measured is what dividing it costs. */
#include "problems.h"

#include <stdlib.h>

static void *for_open(const struct bench_request *request, uint64_t *work)
{
        struct for_loop *p = bench_alloc(1, sizeof(*p));

        p->n = request->is_quick ? FOR_N_QUICK : FOR_N;
        p->data = bench_alloc(p->n, sizeof(*p->data));
        *work = p->n;
        return p;
}

static void for_prepare(void *state)
{
        struct for_loop *p = state;

        for (size_t i = 0; i < p->n; i++)
                p->data[i] = (uint32_t)i;
}

static void for_check(void *state)
{
        const struct for_loop *p = state;

        for (size_t i = 0; i < p->n; i++) {
                if (p->data[i] != for_value((uint32_t)i))
                        bench_die("index %zu was not done once", i);
        }
}

static void for_plain(void *state)
{
        struct for_loop *p = state;
        uint32_t *data = p->data;

        for (size_t i = 0; i < p->n; i++)
                data[i] = for_value(data[i]);
}

static void for_close(void *state)
{
        struct for_loop *p = state;

        free(p->data);
        free(p);
}

static const char *const variants[] = {"chunk", "index", NULL};

const struct bench_problem for_problem = {
        .name = "for",
        .variants = variants,
        .metric = "time per index",
        .unit = "ns",
        .open = for_open,
        .prepare = for_prepare,
        .check = for_check,
        .close = for_close,
        .value = bench_ns_each,
        .plain = for_plain,
};
