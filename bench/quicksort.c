/* quicksort.c - quicksort in place, on the library: the upper part is forked. */
#include "pool.h"
#include "problems.h"

#include <executor/forkjoin.h>

struct part {
        struct exec_fork fork;
        int32_t *data;
        size_t n;
};

static void quicksort(int32_t data[], size_t n, exec_forks *at);

static void part_fork(struct exec_fork *fork, exec_forks *at)
{
        struct part *p = (struct part *)fork;

        quicksort(p->data, p->n, at);
}

static void quicksort(int32_t data[], size_t n, exec_forks *at)
{
        struct part upper;
        size_t n_low;

        if (n <= QUICKSORT_SMALL) {
                quicksort_small(data, n);
                return;
        }
        n_low = quicksort_partition(data, n);
        upper.data = data + n_low;
        upper.n = n - n_low;
        quicksort(data, n_low, exec_fork(at, &upper.fork, part_fork));
        if (exec_join(at, &upper.fork))
                quicksort(upper.data, upper.n, at);
}

static void quicksort_solve(void *state)
{
        struct quicksort *p = state;

        quicksort(p->data, p->n, exec_forks_here());
}

int main(int argc, char **argv)
{
        const struct bench_solver solvers[] = {{&quicksort_problem, NULL, quicksort_solve, 0}, {NULL, NULL, NULL, 0}};

        return bench_solve_on_pool(solvers, argc, argv);
}
