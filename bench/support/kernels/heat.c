/* heat.c - many short parallel loops, one after the other: each step of the stencil is one over rows. */
#include "problems.h"

#include <math.h>
#include <stdlib.h>

#define PI 3.14159265358979323846

/* Waves along each side: a pattern that a step multiplies by a number known beforehand. */
enum { WAVES = 16 };

static const double conduction = 0.2;

void heat_row(const struct heat *p, size_t row)
{
        const double *above = p->from + (row - 1) * p->n;
        const double *here = above + p->n;
        const double *below = here + p->n;
        double *restrict out = p->to + row * p->n;

        for (size_t i = 1; i < p->n - 1; i++)
                out[i] = here[i] + conduction * (above[i] + below[i] + here[i - 1] + here[i + 1] - 4 * here[i]);
}

static double wave(const struct heat *p, size_t i)
{
        return i && i < p->n - 1 ? sin(PI * WAVES * (double)i / (double)(p->n - 1)) : 0;
}

static void *heat_open(const struct bench_request *request, uint64_t *work)
{
        struct heat *p = bench_alloc(1, sizeof(*p));

        p->n = request->is_quick ? HEAT_N_QUICK : HEAT_N;
        p->n_steps = request->is_quick ? HEAT_STEPS_QUICK : HEAT_STEPS;
        p->from = bench_alloc(p->n * p->n, sizeof(*p->from));
        p->to = bench_alloc(p->n * p->n, sizeof(*p->to));
        *work = p->n_steps;
        return p;
}

static double *waves(const struct heat *p)
{
        double *table = bench_alloc(p->n, sizeof(*table));

        for (size_t i = 0; i < p->n; i++)
                table[i] = wave(p, i);
        return table;
}

static void heat_prepare(void *state)
{
        struct heat *p = state;
        double *table = waves(p);

        for (size_t i = 0; i < p->n * p->n; i++) {
                p->from[i] = table[i / p->n] * table[i % p->n];
                p->to[i] = 0;
        }
        free(table);
}

/* A row left out in one step, or done twice, would be a thousand times further off than rounding is. */
static void heat_check(void *state)
{
        const struct heat *p = state;
        double step = 1 + 4 * conduction * (cos(PI * WAVES / (double)(p->n - 1)) - 1);
        double factor = pow(step, p->n_steps);
        double *table = waves(p);

        for (size_t i = 0; i < p->n * p->n; i++) {
                double expected = factor * table[i / p->n] * table[i % p->n];

                if (fabs(p->from[i] - expected) > 1e-11)
                        bench_die("row %zu is wrong", i / p->n);
        }
        free(table);
}

static void heat_close(void *state)
{
        struct heat *p = state;

        free(p->from);
        free(p->to);
        free(p);
}

static const char *const variants[] = {"steps", NULL};

const struct bench_problem heat_problem = {
        .name = "heat",
        .variants = variants,
        .metric = "time",
        .unit = "s",
        .open = heat_open,
        .prepare = heat_prepare,
        .check = heat_check,
        .close = heat_close,
        .value = bench_seconds,
};
