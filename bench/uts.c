/* uts.c - unbalanced tree search, on the library: the children of a node are divided in halves, one of which is forked. */
#include "pool.h"
#include "problems.h"

#include <executor/forkjoin.h>

struct part {
        struct exec_fork fork;
        const struct uts *p;
        const struct uts_node *parent;
        unsigned begin, end;
        uint64_t count;
};

static uint64_t count_children(const struct uts *p, const struct uts_node *parent, unsigned begin, unsigned end,
                               exec_forks *at);

static void part_fork(struct exec_fork *fork, exec_forks *at)
{
        struct part *c = (struct part *)fork;

        c->count = count_children(c->p, c->parent, c->begin, c->end, at);
}

static uint64_t count_tree(const struct uts *p, const struct uts_node *node, exec_forks *at)
{
        unsigned n = uts_n_children(p, node);

        return n ? 1 + count_children(p, node, 0, n, at) : 1;
}

static uint64_t count_children(const struct uts *p, const struct uts_node *parent, unsigned begin, unsigned end,
                               exec_forks *at)
{
        unsigned middle = begin + (end - begin) / 2;
        struct part upper = {.p = p, .parent = parent, .begin = middle, .end = end};
        uint64_t lower;

        if (end - begin == 1) {
                struct uts_node child;

                uts_child(parent, begin, &child);
                return count_tree(p, &child, at);
        }
        lower = count_children(p, parent, begin, middle, exec_fork(at, &upper.fork, part_fork));
        if (exec_join(at, &upper.fork))
                upper.count = count_children(p, parent, middle, end, at);
        return lower + upper.count;
}

static void uts_solve(void *state)
{
        struct uts *p = state;
        struct uts_node root;

        uts_root(&root);
        p->result = count_tree(p, &root, exec_forks_here());
}

int main(int argc, char **argv)
{
        const struct bench_solver solvers[] = {{&uts_problem, NULL, uts_solve, 0}, {NULL, NULL, NULL, 0}};

        return bench_solve_on_pool(solvers, argc, argv);
}
