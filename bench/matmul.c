/* matmul.c - a product of matrices, on the library: a loop over its tiles. */
#include "pool.h"
#include "problems.h"

#include <executor/loop.h>

static int multiply_tile(size_t tile, void *arg)
{
        matmul_tile(arg, tile);
        return 0;
}

static void matmul_solve(void *state)
{
        struct matmul *p = state;

        bench_expect(exec_parallel_for_each(NULL, 0, matmul_n_tiles(p), 0, multiply_tile, p), "the loop");
}

int main(int argc, char **argv)
{
        const struct bench_solver solvers[] = {{&matmul_problem, NULL, matmul_solve, 0}, {NULL, NULL, NULL, 0}};

        return bench_solve_on_pool(solvers, argc, argv);
}
