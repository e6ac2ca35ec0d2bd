/* tree_search.c - counting a tree of which nobody knows beforehand where it is deep: each node forks half of its children. */
#include <executor/executor.h>
#include <stdio.h>

enum { DEPTH = 70 };

struct part {
        struct exec_fork fork;
        uint64_t node;
        unsigned begin, end, depth;
        uint64_t count;
};

static uint64_t count_children(uint64_t node, unsigned begin, unsigned end, unsigned depth, exec_forks *at);

static uint64_t hash(uint64_t x)
{
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        return x ^ (x >> 31);
}

static uint64_t count(uint64_t node, unsigned depth, exec_forks *at)
{
        unsigned n = depth == DEPTH ? 8 : node % 16 < 8 ? 2 + node % 3 / 2 : 0; /* mostly none, now and then a few */

        return depth && n ? 1 + count_children(node, 0, n, depth - 1, at) : 1;
}

static void count_part(struct exec_fork *fork, exec_forks *at)
{
        struct part *p = (struct part *)fork;

        p->count = count_children(p->node, p->begin, p->end, p->depth, at);
}

static uint64_t count_children(uint64_t node, unsigned begin, unsigned end, unsigned depth, exec_forks *at)
{
        unsigned middle = begin + (end - begin) / 2;
        struct part upper = {.node = node, .begin = middle, .end = end, .depth = depth};
        uint64_t lower;

        if (end - begin == 1)
                return count(hash(node * 31 + begin + 1), depth, at);
        lower = count_children(node, begin, middle, depth, exec_fork(at, &upper.fork, count_part));
        if (exec_join(at, &upper.fork))
                upper.count = count_children(node, middle, end, depth, at);
        return lower + upper.count;
}

static int program(void *arg, void **value)
{
        (void)value;
        *(uint64_t *)arg = count(1, DEPTH, exec_forks_here());
        return 0;
}

int main(void)
{
        uint64_t n = 0;
        int err = exec_run(program, &n, NULL);

        printf("%llu nodes\n", (unsigned long long)n);
        return err || n == 0;
}
