/* solve.c - the fork-join problems in plain functions and loops, on one thread: what their work alone takes. */
#include "problems.h"

#include <string.h>

static void fib_solve(void *state)
{
        fib_problem.plain(state);
}

static uint64_t queens(const int8_t above[], unsigned row, unsigned n)
{
        uint64_t n_solutions = 0;

        if (row == n)
                return 1;
        for (unsigned column = 0; column < n; column++) {
                int8_t columns[QUEENS_MAX];

                if (!queens_fit(above, row, (int)column))
                        continue;
                memcpy(columns, above, row);
                columns[row] = (int8_t)column;
                n_solutions += queens(columns, row + 1, n);
        }
        return n_solutions;
}

static void queens_solve(void *state)
{
        static const int8_t nobody[1];
        struct queens *p = state;

        p->result = queens(nobody, 0, p->n);
}

static uint64_t skynet(uint64_t ordinal, uint64_t n_leaves)
{
        uint64_t sum = 0;

        if (n_leaves == 1)
                return ordinal;
        n_leaves /= SKYNET_FAN;
        for (unsigned i = 0; i < SKYNET_FAN; i++)
                sum += skynet(ordinal + i * n_leaves, n_leaves);
        return sum;
}

static void skynet_solve(void *state)
{
        struct skynet *p = state;

        p->result = skynet(0, p->n_leaves);
}

static uint64_t uts(const struct uts *p, const struct uts_node *node)
{
        unsigned n_children = uts_n_children(p, node);
        uint64_t n_nodes = 1;

        for (unsigned i = 0; i < n_children; i++) {
                struct uts_node child;

                uts_child(node, i, &child);
                n_nodes += uts(p, &child);
        }
        return n_nodes;
}

static void uts_solve(void *state)
{
        struct uts *p = state;
        struct uts_node root;

        uts_root(&root);
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
        quicksort(data, n_low);
        quicksort(data + n_low, n - n_low);
}

static void quicksort_solve(void *state)
{
        struct quicksort *p = state;

        quicksort(p->data, p->n);
}

static void mandelbrot_solve(void *state)
{
        const struct mandelbrot *p = state;

        for (size_t row = 0; row < p->n; row++)
                mandelbrot_row(p, row);
}

static void matmul_solve(void *state)
{
        const struct matmul *p = state;

        for (size_t tile = 0; tile < matmul_n_tiles(p); tile++)
                matmul_tile(p, tile);
}

static void heat_solve(void *state)
{
        struct heat *p = state;

        for (unsigned step = 0; step < p->n_steps; step++) {
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

        for (size_t i = 0; i < n; i++)
                data[i] = for_value(data[i]);
}

static void reduce_solve(void *state)
{
        struct reduce *p = state;

        p->result = reduce_sum(p->data, p->n);
}

int main(int argc, char **argv)
{
        static const struct bench_solver solvers[] = {
                {&fib_problem, NULL, fib_solve, 0},
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
        static const struct bench_solution solution = {"sequential", "1", NULL, NULL, NULL, solvers};

        return bench_solve_named(&solution, argc, argv);
}
