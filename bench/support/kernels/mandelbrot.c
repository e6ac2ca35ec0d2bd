/* mandelbrot.c - a loop whose bodies differ by far: rows across the set take the most iterations in nearly every point,
 * rows at the edge of the picture hardly any. */
#include "problems.h"

#include <stdlib.h>
#include <string.h>

enum { NOT_YET = 0xffff };

static unsigned escape(double x0, double y0)
{
        double x = 0;
        double y = 0;

        for (unsigned i = 0; i < MANDELBROT_LIMIT; i++) {
                double xx = x * x;
                double yy = y * y;

                if (xx + yy > 4)
                        return i;
                y = 2 * x * y + y0;
                x = xx - yy + x0;
        }
        return MANDELBROT_LIMIT;
}

static double coordinate(double low, double high, size_t i, size_t n)
{
        return low + (high - low) * (double)i / (double)n;
}

void mandelbrot_row(const struct mandelbrot *p, size_t row)
{
        double y = coordinate(-1.25, 1.25, row, p->n);

        for (size_t i = 0; i < p->n; i++)
                p->iterations[row * p->n + i] = (uint16_t)escape(coordinate(-2, 0.5, i, p->n), y);
}

static void *mandelbrot_open(const struct bench_request *request, uint64_t *work)
{
        struct mandelbrot *p = bench_alloc(1, sizeof(*p));

        p->n = request->is_quick ? MANDELBROT_N_QUICK : MANDELBROT_N;
        p->iterations = bench_alloc(p->n * p->n, sizeof(*p->iterations));
        *work = p->n;
        return p;
}

static void mandelbrot_prepare(void *state)
{
        struct mandelbrot *p = state;

        memset(p->iterations, NOT_YET & 0xff, p->n * p->n * sizeof(*p->iterations));
}

/* Some rows are computed once more; the others must at least be there. */
static void mandelbrot_check(void *state)
{
        struct mandelbrot *p = state;
        uint16_t *again = bench_alloc(p->n, sizeof(*again));

        for (size_t row = 0; row < p->n; row++) {
                uint16_t *line = p->iterations + row * p->n;

                for (size_t i = 0; i < p->n; i++) {
                        if (line[i] == NOT_YET)
                                bench_die("row %zu is missing", row);
                }
                if (row % 37)
                        continue;
                memcpy(again, line, p->n * sizeof(*line));
                mandelbrot_row(p, row);
                if (memcmp(again, line, p->n * sizeof(*line)))
                        bench_die("row %zu is wrong", row);
        }
        free(again);
}

static void mandelbrot_close(void *state)
{
        struct mandelbrot *p = state;

        free(p->iterations);
        free(p);
}

static const char *const variants[] = {"rows", NULL};

const struct bench_problem mandelbrot_problem = {
        .name = "mandelbrot",
        .variants = variants,
        .metric = "time",
        .unit = "s",
        .open = mandelbrot_open,
        .prepare = mandelbrot_prepare,
        .check = mandelbrot_check,
        .close = mandelbrot_close,
        .value = bench_seconds,
};
