/* for.c - a loop over trivial indices, on the library.
 *
 *   chunk  the body is given a range
 *   index  the body is given an index, and inlined into a chunk body by EXEC_CHUNKS_OF() */
#include "pool.h"
#include "problems.h"

#include <executor/loop.h>

static int chunk(size_t begin, size_t end, void *arg)
{
        uint32_t *data = ((struct for_loop *)arg)->data;

        for (size_t i = begin; i < end; i++)
                data[i] = for_value(data[i]);
        return 0;
}

static inline int one(size_t i, void *arg)
{
        uint32_t *data = arg;

        data[i] = for_value(data[i]);
        return 0;
}

EXEC_CHUNKS_OF(each, one)

static void chunk_solve(void *state)
{
        struct for_loop *p = state;

        bench_expect(exec_parallel_for(NULL, 0, p->n, 0, chunk, p), "the loop");
}

static void index_solve(void *state)
{
        struct for_loop *p = state;

        bench_expect(exec_parallel_for(NULL, 0, p->n, 0, each, p->data), "the loop");
}

int main(int argc, char **argv)
{
        const struct bench_solver solvers[] = {
                {&for_problem, "chunk", chunk_solve, 0},
                {&for_problem, "index", index_solve, 0},
                {NULL, NULL, NULL, 0},
        };

        return bench_solve_on_pool(solvers, argc, argv);
}
