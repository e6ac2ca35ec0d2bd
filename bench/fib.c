/* fib.c - fib by double recursion without a cut-off, on the library: what is measured is fork and join.
 *
 *   typed    the compiler sees through the fork
 *   pointer  by exec_invoke_two(), a function pointer and an argument for each call */
#include "pool.h"
#include "problems.h"

#include <executor/forkjoin.h>

struct part {
        struct exec_fork fork;
        unsigned n;
        uint64_t result;
};

static uint64_t fib(unsigned n, exec_forks *at);

static void fib_fork(struct exec_fork *fork, exec_forks *at)
{
        struct part *p = (struct part *)fork;

        p->result = fib(p->n, at);
}

static uint64_t fib(unsigned n, exec_forks *at)
{
        struct part left;
        uint64_t right;

        if (n < 2)
                return n;
        left.n = n - 1;
        right = fib(n - 2, exec_fork(at, &left.fork, fib_fork));
        if (exec_join(at, &left.fork))
                return fib(left.n, at) + right;
        return left.result + right;
}

static void fib_solve(void *state)
{
        struct fib *p = state;

        p->result = fib(p->n, exec_forks_here());
}

static int fib_call(void *arg, exec_forks *at)
{
        struct fib *p = arg;
        struct fib parts[2];

        if (p->n < 2) {
                p->result = p->n;
                return 0;
        }
        parts[0].n = p->n - 1;
        parts[1].n = p->n - 2;
        exec_invoke_two(at, fib_call, &parts[0], fib_call, &parts[1]);
        p->result = parts[0].result + parts[1].result;
        return 0;
}

static void fib_pointer_solve(void *state)
{
        fib_call(state, exec_forks_here());
}

int main(int argc, char **argv)
{
        const struct bench_solver solvers[] = {
                {&fib_problem, "typed", fib_solve, 0},
                {&fib_problem, "pointer", fib_pointer_solve, 0},
                {NULL, NULL, NULL, 0},
        };

        return bench_solve_on_pool(solvers, argc, argv);
}
