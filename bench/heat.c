/* heat.c - heat on a plate, on the library: in each step a loop over the rows. */
#include "pool.h"
#include "problems.h"

#include <executor/loop.h>

static int heat_one_row(size_t row, void *arg)
{
        heat_row(arg, row);
        return 0;
}

static void heat_solve(void *state)
{
        struct heat *p = state;

        for (unsigned step = 0; step < p->n_steps; step++) {
                bench_expect(exec_parallel_for_each(NULL, 1, p->n - 1, 0, heat_one_row, p), "the loop");
                heat_swap(p);
        }
}

int main(int argc, char **argv)
{
        const struct bench_solver solvers[] = {{&heat_problem, NULL, heat_solve, 0}, {NULL, NULL, NULL, 0}};

        return bench_solve_on_pool(solvers, argc, argv);
}
