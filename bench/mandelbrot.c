/* mandelbrot.c - a picture whose rows take very different times, on the library: a loop over the rows. */
#include "pool.h"
#include "problems.h"

#include <executor/loop.h>

static int draw_row(size_t row, void *arg)
{
        mandelbrot_row(arg, row);
        return 0;
}

static void mandelbrot_solve(void *state)
{
        struct mandelbrot *p = state;

        bench_expect(exec_parallel_for_each(NULL, 0, p->n, 0, draw_row, p), "the loop");
}

int main(int argc, char **argv)
{
        const struct bench_solver solvers[] = {{&mandelbrot_problem, NULL, mandelbrot_solve, 0}, {NULL, NULL, NULL, 0}};

        return bench_solve_on_pool(solvers, argc, argv);
}
