/* nqueens.c - queens on a board, on the library: each queen placed is a fork, of which a row makes as many as fit. */
#include "pool.h"
#include "problems.h"

#include <executor/forkjoin.h>

#include <string.h>

struct placed {
        struct exec_fork fork;
        unsigned row, n;
        uint64_t count;
        int8_t columns[QUEENS_MAX];
};

static uint64_t queens(const int8_t above[], unsigned row, unsigned n, exec_forks *at);

static void queens_fork(struct exec_fork *fork, exec_forks *at)
{
        struct placed *p = (struct placed *)fork;

        p->count = queens(p->columns, p->row, p->n, at);
}

static uint64_t queens(const int8_t above[], unsigned row, unsigned n, exec_forks *at)
{
        struct placed placed[QUEENS_MAX];
        exec_forks *places[QUEENS_MAX];
        unsigned n_placed = 0;
        uint64_t count = 0;

        if (row == n)
                return 1;
        for (unsigned column = 0; column < n; column++) {
                struct placed *p = &placed[n_placed];

                if (!queens_fit(above, row, (int)column))
                        continue;
                memcpy(p->columns, above, QUEENS_MAX);
                p->columns[row] = (int8_t)column;
                p->row = row + 1;
                p->n = n;
                places[n_placed++] = at;
                at = exec_fork(at, &p->fork, queens_fork);
        }
        while (n_placed--) {
                struct placed *p = &placed[n_placed];

                if (exec_join(places[n_placed], &p->fork))
                        p->count = queens(p->columns, row + 1, n, places[n_placed]);
                count += p->count;
        }
        return count;
}

static void queens_solve(void *state)
{
        struct queens *p = state;
        const int8_t nobody[QUEENS_MAX] = {0};

        p->result = queens(nobody, 0, p->n, exec_forks_here());
}

int main(int argc, char **argv)
{
        const struct bench_solver solvers[] = {{&queens_problem, NULL, queens_solve, 0}, {NULL, NULL, NULL, 0}};

        return bench_solve_on_pool(solvers, argc, argv);
}
