/* reduce.c - the sum of an array, on the library. */
#include "pool.h"
#include "problems.h"

#include <executor/loop.h>

static int add_part(size_t begin, size_t end, void *acc, void *arg)
{
        *(double *)acc += reduce_sum((const double *)arg + begin, end - begin);
        return 0;
}

static void add_sums(void *acc, void *right, void *arg)
{
        (void)arg;
        *(double *)acc += *(double *)right;
}

static void reduce_solve(void *state)
{
        struct reduce *p = state;
        const struct exec_reduce how = {.size = sizeof how,
                                        .acc_bytes = sizeof p->result,
                                        .body = add_part,
                                        .combine = add_sums,
                                        .arg = p->data};

        bench_expect(exec_parallel_reduce(NULL, 0, p->n, &p->result, &how), "the reduction");
}

int main(int argc, char **argv)
{
        const struct bench_solver solvers[] = {{&reduce_problem, NULL, reduce_solve, 0}, {NULL, NULL, NULL, 0}};

        return bench_solve_on_pool(solvers, argc, argv);
}
