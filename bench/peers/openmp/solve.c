/* solve.c - the fork-join problems on OpenMP, for libgomp (gcc) and libomp (clang): recursions fork a task and wait by
 * taskwait, loops are "parallel for". */
#include "problems.h"

#include <omp.h>
#include <string.h>

#ifdef __clang__
#define IMPL "libomp"
#else
#define IMPL "libgomp"
#endif

enum { FIB_N_HERE = 34 }; /* fib(40) takes a minute */

static int n_threads;

static uint64_t fib(unsigned n)
{
        uint64_t a;
        uint64_t b;

        if (n < 2)
                return n;
#pragma omp task default(none) shared(a) firstprivate(n)
        a = fib(n - 1);
        b = fib(n - 2);
#pragma omp taskwait
        return a + b;
}

static void fib_solve(void *state)
{
        struct fib *p = state;

#pragma omp parallel num_threads(n_threads)
#pragma omp single
        p->result = fib(p->n);
}

static uint64_t queens(const int8_t above[], unsigned row, unsigned n)
{
        uint64_t counts[QUEENS_MAX] = {0};
        uint64_t n_solutions = 0;

        if (row == n)
                return 1;
        for (unsigned column = 0; column < n; column++) {
                if (!queens_fit(above, row, (int)column))
                        continue;
#pragma omp task default(none) shared(counts) firstprivate(above, row, n, column)
                {
                        int8_t columns[QUEENS_MAX];

                        memcpy(columns, above, row);
                        columns[row] = (int8_t)column;
                        counts[column] = queens(columns, row + 1, n);
                }
        }
#pragma omp taskwait
        for (unsigned column = 0; column < n; column++)
                n_solutions += counts[column];
        return n_solutions;
}

static void queens_solve(void *state)
{
        static const int8_t nobody[1];
        struct queens *p = state;

#pragma omp parallel num_threads(n_threads)
#pragma omp single
        p->result = queens(nobody, 0, p->n);
}

static uint64_t skynet(uint64_t ordinal, uint64_t n_leaves)
{
        uint64_t sums[SKYNET_FAN];
        uint64_t sum = 0;

        if (n_leaves == 1)
                return ordinal;
        n_leaves /= SKYNET_FAN;
        for (unsigned i = 0; i < SKYNET_FAN; i++) {
#pragma omp task default(none) shared(sums) firstprivate(i, ordinal, n_leaves)
                sums[i] = skynet(ordinal + i * n_leaves, n_leaves);
        }
#pragma omp taskwait
        for (unsigned i = 0; i < SKYNET_FAN; i++)
                sum += sums[i];
        return sum;
}

static void skynet_solve(void *state)
{
        struct skynet *p = state;

#pragma omp parallel num_threads(n_threads)
#pragma omp single
        p->result = skynet(0, p->n_leaves);
}

static uint64_t uts(const struct uts *p, const struct uts_node *node)
{
        uint64_t counts[UTS_MAX_CHILDREN];
        unsigned n_children = uts_n_children(p, node);
        uint64_t n_nodes = 1;

        for (unsigned i = 0; i < n_children; i++) {
#pragma omp task default(none) shared(counts) firstprivate(i, p, node)
                {
                        struct uts_node child;

                        uts_child(node, i, &child);
                        counts[i] = uts(p, &child);
                }
        }
#pragma omp taskwait
        for (unsigned i = 0; i < n_children; i++)
                n_nodes += counts[i];
        return n_nodes;
}

static void uts_solve(void *state)
{
        struct uts *p = state;
        struct uts_node root;

        uts_root(&root);
#pragma omp parallel num_threads(n_threads)
#pragma omp single
        p->result = uts(p, &root);
}

static void quicksort(int32_t data[], size_t n)
{
        size_t n_low;

        if (n <= QUICKSORT_SMALL) {
                quicksort_small(data, n);
                return;
        }
        n_low = quicksort_partition(data, n);
#pragma omp task default(none) firstprivate(data, n_low)
        quicksort(data, n_low);
        quicksort(data + n_low, n - n_low);
#pragma omp taskwait
}

static void quicksort_solve(void *state)
{
        struct quicksort *p = state;

#pragma omp parallel num_threads(n_threads)
#pragma omp single
        quicksort(p->data, p->n);
}

/* Rows differ by far: each thread takes the next one. */
static void mandelbrot_solve(void *state)
{
        const struct mandelbrot *p = state;

#pragma omp parallel for num_threads(n_threads) schedule(dynamic)
        for (size_t row = 0; row < p->n; row++)
                mandelbrot_row(p, row);
}

static void matmul_solve(void *state)
{
        const struct matmul *p = state;

#pragma omp parallel for num_threads(n_threads)
        for (size_t tile = 0; tile < matmul_n_tiles(p); tile++)
                matmul_tile(p, tile);
}

static void heat_solve(void *state)
{
        struct heat *p = state;

        for (unsigned step = 0; step < p->n_steps; step++) {
#pragma omp parallel for num_threads(n_threads)
                for (size_t row = 1; row < p->n - 1; row++)
                        heat_row(p, row);
                heat_swap(p);
        }
}

static void for_solve(void *state)
{
        const struct for_loop *p = state;
        uint32_t *data = p->data;
        size_t n = p->n;

#pragma omp parallel for num_threads(n_threads) default(none) firstprivate(data, n)
        for (size_t i = 0; i < n; i++)
                data[i] = for_value(data[i]);
}

static void reduce_solve(void *state)
{
        struct reduce *p = state;
        const double *data = p->data;
        size_t n = p->n;
        double sum = 0;

#pragma omp parallel for num_threads(n_threads) default(none) firstprivate(data, n) reduction(+ : sum)
        for (size_t i = 0; i < n; i += REDUCE_BLOCK)
                sum += reduce_sum(data + i, n - i < REDUCE_BLOCK ? n - i : REDUCE_BLOCK);
        p->result = sum;
}

/* The threads start with the first parallel region and stay; waiting ones spin, as they do by default. */
static void *start(const struct bench *b, unsigned n_workers)
{
        (void)b;
        n_threads = (int)n_workers;
        return NULL;
}

int main(int argc, char **argv)
{
        static const struct bench_solver solvers[] = {
                {&fib_problem, "typed", fib_solve, FIB_N_HERE},
                {&queens_problem, NULL, queens_solve, 0},
                {&skynet_problem, NULL, skynet_solve, 0},
                {&uts_problem, NULL, uts_solve, 0},
                {&quicksort_problem, NULL, quicksort_solve, 0},
                {&mandelbrot_problem, NULL, mandelbrot_solve, 0},
                {&matmul_problem, NULL, matmul_solve, 0},
                {&heat_problem, NULL, heat_solve, 0},
                {&for_problem, NULL, for_solve, 0},
                {&reduce_problem, NULL, reduce_solve, 0},
                {NULL, NULL, NULL, 0},
        };
        static const struct bench_solution solution = {IMPL, "1,2", start, NULL, NULL, solvers};

        omp_set_dynamic(0);
        return bench_solve_named(&solution, argc, argv);
}
