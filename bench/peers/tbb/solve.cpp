// solve.cpp - the fork-join problems on oneTBB: recursions by parallel_invoke, or by a task_group where the number of
// children is not known beforehand; loops by parallel_for and parallel_reduce with the partitioner they have by default.
#include "problems.h"

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/parallel_invoke.h>
#include <oneapi/tbb/parallel_reduce.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <cstring>
#include <functional>

namespace
{

using range = tbb::blocked_range<size_t>;

uint64_t fib(unsigned n)
{
        uint64_t a, b;

        if (n < 2)
                return n;
        tbb::parallel_invoke([&] { a = fib(n - 1); }, [&] { b = fib(n - 2); });
        return a + b;
}

void fib_solve(void *state)
{
        auto *p = static_cast<struct fib *>(state);

        p->result = fib(p->n);
}

uint64_t queens(const int8_t above[], unsigned row, unsigned n)
{
        if (row == n)
                return 1;

        uint64_t counts[QUEENS_MAX] = {};
        uint64_t n_solutions = 0;
        tbb::task_group group;

        for (unsigned column = 0; column < n; column++) {
                if (!queens_fit(above, row, static_cast<int>(column)))
                        continue;
                group.run([=, &counts] {
                        int8_t columns[QUEENS_MAX];

                        std::memcpy(columns, above, row);
                        columns[row] = static_cast<int8_t>(column);
                        counts[column] = queens(columns, row + 1, n);
                });
        }
        group.wait();
        for (uint64_t count : counts)
                n_solutions += count;
        return n_solutions;
}

void queens_solve(void *state)
{
        auto *p = static_cast<struct queens *>(state);
        const int8_t nobody[1] = {};

        p->result = queens(nobody, 0, p->n);
}

uint64_t skynet(uint64_t ordinal, uint64_t n_leaves)
{
        if (n_leaves == 1)
                return ordinal;

        uint64_t each = n_leaves / SKYNET_FAN;
        uint64_t sums[SKYNET_FAN];
        uint64_t sum = 0;
        auto child = [=, &sums](uint64_t i) { return [=, &sums] { sums[i] = skynet(ordinal + i * each, each); }; };

        tbb::parallel_invoke(child(0), child(1), child(2), child(3), child(4), child(5), child(6), child(7), child(8),
                             child(9));
        for (uint64_t part : sums)
                sum += part;
        return sum;
}

void skynet_solve(void *state)
{
        auto *p = static_cast<struct skynet *>(state);

        p->result = skynet(0, p->n_leaves);
}

uint64_t uts(const struct uts *p, const uts_node &node)
{
        unsigned n_children = uts_n_children(p, &node);
        uint64_t n_nodes = 1;

        if (!n_children)
                return n_nodes;

        uint64_t counts[UTS_MAX_CHILDREN];
        tbb::task_group group;

        for (unsigned i = 0; i < n_children; i++) {
                group.run([=, &node, &counts] {
                        uts_node child;

                        uts_child(&node, i, &child);
                        counts[i] = uts(p, child);
                });
        }
        group.wait();
        for (unsigned i = 0; i < n_children; i++)
                n_nodes += counts[i];
        return n_nodes;
}

void uts_solve(void *state)
{
        auto *p = static_cast<struct uts *>(state);
        uts_node root;

        uts_root(&root);
        p->result = uts(p, root);
}

void quicksort(int32_t *data, size_t n)
{
        if (n <= QUICKSORT_SMALL) {
                quicksort_small(data, n);
                return;
        }

        size_t n_low = quicksort_partition(data, n);

        tbb::parallel_invoke([=] { quicksort(data, n_low); }, [=] { quicksort(data + n_low, n - n_low); });
}

void quicksort_solve(void *state)
{
        auto *p = static_cast<struct quicksort *>(state);

        quicksort(p->data, p->n);
}

void mandelbrot_solve(void *state)
{
        const auto *p = static_cast<struct mandelbrot *>(state);

        tbb::parallel_for(size_t(0), p->n, [=](size_t row) { mandelbrot_row(p, row); });
}

void matmul_solve(void *state)
{
        const auto *p = static_cast<struct matmul *>(state);

        tbb::parallel_for(size_t(0), matmul_n_tiles(p), [=](size_t tile) { matmul_tile(p, tile); });
}

void heat_solve(void *state)
{
        auto *p = static_cast<struct heat *>(state);

        for (unsigned step = 0; step < p->n_steps; step++) {
                tbb::parallel_for(size_t(1), p->n - 1, [=](size_t row) { heat_row(p, row); });
                heat_swap(p);
        }
}

void for_chunk_solve(void *state)
{
        const auto *p = static_cast<struct for_loop *>(state);

        tbb::parallel_for(range(0, p->n), [data = p->data](const range &part) {
                for (size_t i = part.begin(); i < part.end(); i++)
                        data[i] = for_value(data[i]);
        });
}

void for_index_solve(void *state)
{
        const auto *p = static_cast<struct for_loop *>(state);

        tbb::parallel_for(size_t(0), p->n, [data = p->data](size_t i) { data[i] = for_value(data[i]); });
}

void reduce_solve(void *state)
{
        auto *p = static_cast<struct reduce *>(state);

        p->result = tbb::parallel_reduce(
                range(0, p->n), 0.0,
                [data = p->data](const range &part, double sum) {
                        return sum + reduce_sum(data + part.begin(), part.size());
                },
                std::plus<double>());
}

struct workers {
        tbb::global_control limit;
        tbb::task_arena arena;

        explicit workers(unsigned n)
                : limit(tbb::global_control::max_allowed_parallelism, n), arena(static_cast<int>(n))
        {
        }
};

void *start(const bench *, unsigned n_workers)
{
        return new workers(n_workers);
}

void run(void *pool, void (*fn)(void *), void *arg)
{
        static_cast<workers *>(pool)->arena.execute([=] { fn(arg); });
}

void stop(void *pool)
{
        delete static_cast<workers *>(pool);
}

const bench_solver solvers[] = {
        {&fib_problem, "typed", fib_solve, 0},
        {&queens_problem, nullptr, queens_solve, 0},
        {&skynet_problem, nullptr, skynet_solve, 0},
        {&uts_problem, nullptr, uts_solve, 0},
        {&quicksort_problem, nullptr, quicksort_solve, 0},
        {&mandelbrot_problem, nullptr, mandelbrot_solve, 0},
        {&matmul_problem, nullptr, matmul_solve, 0},
        {&heat_problem, nullptr, heat_solve, 0},
        {&for_problem, "chunk", for_chunk_solve, 0},
        {&for_problem, "index", for_index_solve, 0},
        {&reduce_problem, nullptr, reduce_solve, 0},
        {nullptr, nullptr, nullptr, 0},
};

} // namespace

int main(int argc, char **argv)
{
        const bench_solution solution = {"oneTBB", "1,2", start, run, stop, solvers};

        return bench_solve_named(&solution, argc, argv);
}
