/* skynet.c - a tree of ten children each, on the library: nine of them are forked, the last is called. */
#include "pool.h"
#include "problems.h"

#include <executor/forkjoin.h>

struct child {
        struct exec_fork fork;
        uint64_t ordinal, n_leaves, sum;
};

static uint64_t skynet(uint64_t ordinal, uint64_t n_leaves, exec_forks *at);

static void skynet_fork(struct exec_fork *fork, exec_forks *at)
{
        struct child *c = (struct child *)fork;

        c->sum = skynet(c->ordinal, c->n_leaves, at);
}

static uint64_t skynet(uint64_t ordinal, uint64_t n_leaves, exec_forks *at)
{
        struct child children[SKYNET_FAN - 1];
        exec_forks *places[SKYNET_FAN - 1];
        uint64_t each, sum;

        if (n_leaves == 1)
                return ordinal;
        each = n_leaves / SKYNET_FAN;
        for (unsigned i = 0; i < SKYNET_FAN - 1; i++) {
                struct child *c = &children[i];

                c->ordinal = ordinal + i * each;
                c->n_leaves = each;
                places[i] = at;
                at = exec_fork(at, &c->fork, skynet_fork);
        }
        sum = skynet(ordinal + (SKYNET_FAN - 1) * each, each, at);
        for (unsigned i = SKYNET_FAN - 1; i-- > 0;) {
                struct child *c = &children[i];

                if (exec_join(places[i], &c->fork))
                        sum += skynet(ordinal + i * each, each, places[i]);
                else
                        sum += c->sum;
        }
        return sum;
}

static void skynet_solve(void *state)
{
        struct skynet *p = state;

        p->result = skynet(0, p->n_leaves, exec_forks_here());
}

int main(int argc, char **argv)
{
        const struct bench_solver solvers[] = {{&skynet_problem, NULL, skynet_solve, 0}, {NULL, NULL, NULL, 0}};

        return bench_solve_on_pool(solvers, argc, argv);
}
