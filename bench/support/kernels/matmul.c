/* matmul.c - the product of two square matrices of floats, in tiles. The numbers are small integers, so that every sum
 * is exact. */
#include "problems.h"

#include <stdlib.h>
#include <string.h>

/* Rows i and columns j of one tile, in the order i, k, j: the innermost loop goes along rows of b and c. */
void matmul_tile(const struct matmul *p, size_t tile)
{
        size_t n_each = p->n / MATMUL_TILE;
        size_t first_row = tile / n_each * MATMUL_TILE;
        size_t first_column = tile % n_each * MATMUL_TILE;

        for (size_t i = first_row; i < first_row + MATMUL_TILE; i++) {
                float sums[MATMUL_TILE] = {0};
                const float *a = p->a + i * p->n;

                for (size_t k = 0; k < p->n; k++) {
                        const float *b = p->b + k * p->n + first_column;

                        for (size_t j = 0; j < MATMUL_TILE; j++)
                                sums[j] += a[k] * b[j];
                }
                memcpy(p->c + i * p->n + first_column, sums, sizeof(sums));
        }
}

static void *matmul_open(const struct bench_request *request, uint64_t *work)
{
        struct matmul *p = bench_alloc(1, sizeof(*p));

        p->n = request->is_quick ? MATMUL_N_QUICK : MATMUL_N;
        p->a = bench_alloc(p->n * p->n, sizeof(*p->a));
        p->b = bench_alloc(p->n * p->n, sizeof(*p->b));
        p->c = bench_alloc(p->n * p->n, sizeof(*p->c));
        for (size_t i = 0; i < p->n * p->n; i++) {
                p->a[i] = (float)(i * 7 % 13);
                p->b[i] = (float)(i * 5 % 11);
        }
        *work = p->n;
        return p;
}

static void matmul_prepare(void *state)
{
        struct matmul *p = state;

        for (size_t i = 0; i < p->n * p->n; i++)
                p->c[i] = -1;
}

/* out = m * in. */
static void apply(const float *m, const double *in, double *out, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                out[i] = 0;
                for (size_t j = 0; j < n; j++)
                        out[i] += (double)m[i * n + j] * in[j];
        }
}

/* c * x is a * (b * x), for an x in which every place has a weight of its own. */
static void matmul_check(void *state)
{
        const struct matmul *p = state;
        double *x = bench_alloc(4 * p->n, sizeof(*x));
        double *b_x = x + p->n;
        double *a_b_x = b_x + p->n;
        double *c_x = a_b_x + p->n;

        for (size_t i = 0; i < p->n; i++)
                x[i] = (double)(i * i % 1009 + 1);
        apply(p->b, x, b_x, p->n);
        apply(p->a, b_x, a_b_x, p->n);
        apply(p->c, x, c_x, p->n);
        for (size_t i = 0; i < p->n; i++) {
                if (a_b_x[i] != c_x[i])
                        bench_die("row %zu of the product is wrong", i);
        }
        free(x);
}

static void matmul_close(void *state)
{
        struct matmul *p = state;

        free(p->a);
        free(p->b);
        free(p->c);
        free(p);
}

static const char *const variants[] = {"float", NULL};

const struct bench_problem matmul_problem = {
        .name = "matmul",
        .variants = variants,
        .metric = "time",
        .unit = "s",
        .open = matmul_open,
        .prepare = matmul_prepare,
        .check = matmul_check,
        .close = matmul_close,
        .value = bench_seconds,
};
