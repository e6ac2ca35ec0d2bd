/* flat.c - the flat bench on OpenMP tasks, for libgomp (gcc) and libomp (clang): one thread creates tasks in batches
 * and waits for each batch. OpenMP has no futures; its tasks give nothing back. */
#include "body.h"
#include "figure.h"
#include "meter.h"

#include <omp.h>

#ifdef __clang__
#define IMPL "libomp"
#else
#define IMPL "libgomp"
#endif

struct shape {
        const char *variant;
        size_t n_tasks;
        size_t n_tasks_quick;
        uint64_t body_ns;
};

static const struct shape shapes[] = {
        {"batch", 10000000, 1000000, 0},
        {"batch-200ns", 2000000, 100000, 200},
        {"batch-1us", 500000, 30000, 1000},
};

enum { BATCH = 10000 };

static struct bench_share share;

/* The body behind a call that the compiler cannot look into, as a task of the library is. */
__attribute__((noinline)) static void empty(void)
{
        __asm__ volatile("" ::: "memory");
}

static void create_batch(uint64_t n_steps)
{
        for (size_t i = 0; i < BATCH; i++) {
                bool is_counted = i % BENCH_SHARE_EVERY == 0;

#pragma omp task firstprivate(n_steps, is_counted)
                {
                        if (is_counted)
                                bench_share_count(&share, omp_get_thread_num());
                        if (n_steps)
                                bench_compute(n_steps, 1);
                        else
                                empty();
                }
        }
#pragma omp taskwait
}

/* Returns nanoseconds per task. */
static double run_round(unsigned n_workers, size_t n_tasks, uint64_t n_steps)
{
        int64_t ns = 0;

        bench_share_init(&share, n_workers);
#pragma omp parallel num_threads(n_workers)
#pragma omp single
        {
                int64_t start_ns = bench_now_ns();

                for (size_t done = 0; done < n_tasks; done += BATCH) {
                        create_batch(n_steps);
                        bench_share_sum(&share, omp_get_thread_num());
                }
                ns = bench_now_ns() - start_ns;
        }
        return (double)ns / (double)n_tasks;
}

static double run_workers(const struct bench *b, const struct shape *shape, unsigned n_workers)
{
        size_t n_tasks = b->is_quick ? shape->n_tasks_quick : shape->n_tasks;
        uint64_t n_steps = shape->body_ns ? bench_steps_for_ns(shape->body_ns) : 0;
        struct bench_figure figure = {.variant = shape->variant, .workers = n_workers, .work = n_tasks};
        struct bench_samples ns = {0};
        struct bench_samples elsewhere = {0};

        run_round(n_workers, n_tasks, n_steps);
        for (unsigned round = 0; round < b->n_rounds; round++) {
                bench_add(&ns, run_round(n_workers, n_tasks, n_steps));
                bench_add(&elsewhere, bench_share_percent(&share));
        }
        bench_report(b, &figure, "time per task", "ns", &ns);
        if (n_workers > 1)
                bench_report(b, &figure, "share run elsewhere", "%", &elsewhere);
        return bench_median(&ns);
}

static void run_shape(const struct bench *b, const struct shape *shape)
{
        double ns_on_one = 0;

        for (unsigned i = 0; i < b->n_worker_counts; i++) {
                struct bench_figure figure = {.variant = shape->variant, .workers = b->workers[i]};
                double ns = run_workers(b, shape, b->workers[i]);

                figure.work = b->is_quick ? shape->n_tasks_quick : shape->n_tasks;
                if (b->workers[i] == 1)
                        ns_on_one = ns;
                else
                        bench_report_speedup(b, &figure, ns_on_one, ns);
        }
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"batch", "batch-200ns", "batch-1us", NULL};
        static const struct bench_program program = {"flat", IMPL, variants, "1,2", 5};
        struct bench b;

        bench_init(&b, &program, argc, argv);
        omp_set_dynamic(0);
        for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
                if (bench_wants(&b, shapes[i].variant))
                        run_shape(&b, &shapes[i]);
        }
        return bench_fini(&b);
}
