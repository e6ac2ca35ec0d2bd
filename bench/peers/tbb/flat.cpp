// flat.cpp - the flat bench on oneTBB: one thread runs tasks in a task_group, in batches or all alive at once, and
// waits. A task_group gives nothing back from its tasks, and has no future for each.
#include "body.h"
#include "figure.h"
#include "meter.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

namespace
{

struct shape {
        const char *variant;
        size_t n_tasks;
        size_t n_tasks_quick;
        size_t batch; // 0: all at once
        uint64_t body_ns;
};

const shape shapes[] = {
        {"batch", 10000000, 1000000, 10000, 0},
        {"alive", 10000000, 500000, 0, 0},
        {"batch-200ns", 2000000, 100000, 10000, 200},
        {"batch-1us", 500000, 30000, 10000, 1000},
};

bench_share share;

__attribute__((noinline)) void empty()
{
        __asm__ volatile("" ::: "memory");
}

void create_batch(tbb::task_group &group, size_t batch, uint64_t n_steps)
{
        for (size_t i = 0; i < batch; i++) {
                bool is_counted = i % BENCH_SHARE_EVERY == 0;

                group.run([n_steps, is_counted] {
                        if (is_counted)
                                bench_share_count(&share, tbb::this_task_arena::current_thread_index());
                        if (n_steps)
                                bench_compute(n_steps, 1);
                        else
                                empty();
                });
        }
        group.wait();
}

// Returns nanoseconds per task.
double run_round(tbb::task_arena &arena, unsigned n_workers, size_t n_tasks, size_t batch, uint64_t n_steps)
{
        int64_t ns = 0;

        bench_share_init(&share, n_workers);
        arena.execute([&] {
                tbb::task_group group;
                int64_t start_ns = bench_now_ns();

                for (size_t done = 0; done < n_tasks; done += batch) {
                        create_batch(group, batch, n_steps);
                        bench_share_sum(&share, tbb::this_task_arena::current_thread_index());
                }
                ns = bench_now_ns() - start_ns;
        });
        return static_cast<double>(ns) / static_cast<double>(n_tasks);
}

double run_workers(const bench *b, const shape &shape, unsigned n_workers)
{
        tbb::global_control limit(tbb::global_control::max_allowed_parallelism, n_workers);
        tbb::task_arena arena(static_cast<int>(n_workers));
        size_t n_tasks = b->is_quick ? shape.n_tasks_quick : shape.n_tasks;
        size_t batch = shape.batch ? shape.batch : n_tasks;
        uint64_t n_steps = shape.body_ns ? bench_steps_for_ns(shape.body_ns) : 0;
        bench_figure figure = {};
        bench_samples cold = {}, ns = {}, elsewhere = {};

        figure.variant = shape.variant;
        figure.workers = n_workers;
        figure.work = n_tasks;
        bench_add(&cold, run_round(arena, n_workers, n_tasks, batch, n_steps));
        for (unsigned round = 0; round < b->n_rounds; round++) {
                bench_add(&ns, run_round(arena, n_workers, n_tasks, batch, n_steps));
                bench_add(&elsewhere, bench_share_percent(&share));
        }
        if (!shape.batch && n_workers == b->workers[0]) // the next number of workers finds the memory warm
                bench_report(b, &figure, "time per task, cold", "ns", &cold);
        bench_report(b, &figure, "time per task", "ns", &ns);
        if (n_workers > 1)
                bench_report(b, &figure, "share run elsewhere", "%", &elsewhere);
        return bench_median(&ns);
}

void run_shape(const bench *b, const shape &shape)
{
        double ns_on_one = 0;

        for (unsigned i = 0; i < b->n_worker_counts; i++) {
                double ns = run_workers(b, shape, b->workers[i]);
                bench_figure figure = {};

                figure.variant = shape.variant;
                figure.workers = b->workers[i];
                figure.work = b->is_quick ? shape.n_tasks_quick : shape.n_tasks;
                if (b->workers[i] == 1)
                        ns_on_one = ns;
                else if (shape.batch)
                        bench_report_speedup(b, &figure, ns_on_one, ns);
        }
}

} // namespace

int main(int argc, char **argv)
{
        static const char *const variants[] = {"batch", "alive", "batch-200ns", "batch-1us", nullptr};
        static const bench_program program = {"flat", "oneTBB", variants, "1,2", 5};
        bench b;

        bench_init(&b, &program, argc, argv);
        for (const shape &shape : shapes) {
                if (bench_wants(&b, shape.variant))
                        run_shape(&b, shape);
        }
        return bench_fini(&b);
}
