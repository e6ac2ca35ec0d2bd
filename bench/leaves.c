/* leaves.c - how soon forks and loops reach the other workers, and what these use afterwards.
 *
 *   forks   8 forks of 50 ms, then 400 ms of computing before the first join: on two workers it all ends after 400 ms
 *   uneven  a loop of 200 indices, of which every 50th takes 50 ms and the others 2 ms
 *   cold    loops of 5 ms, each after 5 ms in which the thread that waits for it computed and the workers slept
 *   after   a parallel phase, then 5 s in which one task computes: the CPU time of the other workers in them */
#include "body.h"
#include "figure.h"
#include "meter.h"
#include "pool.h"

#include <time.h>

#define MS ((int64_t)1000 * 1000)
enum { LEAVES = 8, LEAF_MS = 50, INDICES = 200, LONG_EVERY = 50, LONG_MS = 50, SHORT_MS = 2, AFTER_S = 5 };
enum { COLD_LOOPS = 50, COLD_MS = 5, PARTS_OF_MS = 8 };

static uint64_t steps_for_ms(void)
{
        static _Atomic(uint64_t) known;
        uint64_t steps = known;

        if (!steps)
                known = steps = bench_steps_for_ns(1000) * 1000; /* it measures many bodies */
        return steps;
}

/* Computes for so long, by the CPU time of its thread: two on one processor take twice as long. */
static void compute_ms(int64_t ms)
{
        for (int64_t i = 0; i < ms; i++)
                bench_compute(steps_for_ms(), (uint64_t)i);
}

/* What the same takes here and now. */
static double measure_ms(int64_t ms)
{
        int64_t start_ns = bench_now_ns();

        compute_ms(ms);
        return (double)(bench_now_ns() - start_ns) / 1e6;
}

struct round {
        double ms;
        double scale; /* how long a millisecond of computing was */
};

static void run_leaf(struct exec_fork *fork, exec_forks *at)
{
        (void)fork;
        (void)at;
        compute_ms(LEAF_MS);
}

static int forks_main(void *arg, void **value)
{
        struct round *r = arg;
        struct exec_fork leaves[LEAVES];
        exec_forks *places[LEAVES + 1];
        int64_t start_ns;

        (void)value;
        r->scale = measure_ms(100) / 100;
        start_ns = bench_now_ns();
        places[0] = exec_forks_here();
        for (int i = 0; i < LEAVES; i++)
                places[i + 1] = exec_fork(places[i], &leaves[i], run_leaf);
        compute_ms(LEAVES * LEAF_MS);
        for (int i = LEAVES; i-- > 0;)
                if (exec_join(places[i], &leaves[i]))
                        compute_ms(LEAF_MS);
        r->ms = (double)(bench_now_ns() - start_ns) / 1e6;
        return 0;
}

static int index_ms(size_t i)
{
        return i % LONG_EVERY == LONG_EVERY - 1 ? LONG_MS : SHORT_MS;
}

static int run_index(size_t i, void *arg)
{
        (void)arg;
        compute_ms(index_ms(i));
        return 0;
}

static int uneven_main(void *arg, void **value)
{
        struct round *r = arg;
        int64_t start_ns;
        int err;

        (void)value;
        r->scale = measure_ms(100) / 100;
        start_ns = bench_now_ns();
        err = exec_parallel_for_each(NULL, 0, INDICES, 0, run_index, NULL);
        r->ms = (double)(bench_now_ns() - start_ns) / 1e6;
        return err;
}

static void run_timed(const struct bench *b, unsigned n_workers, const char *variant, exec_task_fn main_fn,
                      double ideal_ms)
{
        struct bench_figure figure = {.variant = variant, .workers = n_workers, .work = 1};
        struct bench_samples ms = {0}, ratio = {0};
        exec_pool *pool = bench_pool_new(b, n_workers);

        for (unsigned round = 0; round < b->n_rounds; round++) {
                struct round r;

                bench_run_on(pool, main_fn, &r);
                bench_add(&ms, r.ms);
                bench_add(&ratio, r.ms / (ideal_ms * r.scale));
        }
        bench_pool_free(pool);
        bench_report(b, &figure, "time", "ms", &ms);
        bench_report(b, &figure, "time by what is possible", "x", &ratio);
}

static double uneven_ideal_ms(unsigned n_workers)
{
        double sum = 0;

        for (size_t i = 0; i < INDICES; i++)
                sum += index_ms(i);
        return n_workers == 1 ? sum : sum / n_workers + LONG_MS;
}

static int run_part(size_t i, void *arg)
{
        (void)arg;
        bench_compute(steps_for_ms() / PARTS_OF_MS, i);
        return 0;
}

static int cold_main(void *arg, void **value)
{
        int64_t start_ns = bench_now_ns();
        int err = exec_parallel_for_each(NULL, 0, COLD_MS * PARTS_OF_MS, 0, run_part, NULL);

        (void)value;
        *(double *)arg += (double)(bench_now_ns() - start_ns) / 1e6;
        return err;
}

static void run_cold(const struct bench *b, unsigned n_workers)
{
        struct bench_figure figure = {.variant = "cold", .workers = n_workers, .work = COLD_LOOPS};
        struct bench_samples ms = {0}, ratio = {0};
        exec_pool *pool = bench_pool_new(b, n_workers);

        for (unsigned round = 0; round < b->n_rounds; round++) {
                double loops_ms = 0, alone_ms = 0;

                for (int i = 0; i < COLD_LOOPS; i++) {
                        alone_ms += measure_ms(COLD_MS);
                        bench_run_on(pool, cold_main, &loops_ms);
                }
                bench_add(&ms, loops_ms / COLD_LOOPS);
                bench_add(&ratio, loops_ms / (alone_ms / n_workers));
        }
        bench_pool_free(pool);
        bench_report(b, &figure, "time", "ms", &ms);
        bench_report(b, &figure, "time by what is possible", "x", &ratio);
}

struct after {
        int64_t seconds;
        struct bench_threads threads;
        int64_t others_ns;
};

static int after_main(void *arg, void **value)
{
        struct after *a = arg;
        struct timespec own;
        int64_t cpu_ns, own_ns, end_ns;
        int err = exec_parallel_for_each(NULL, 0, INDICES, 0, run_index, NULL);

        (void)value;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
        own_ns = own.tv_sec * 1000000000 + own.tv_nsec;
        cpu_ns = bench_threads_cpu_ns(&a->threads);
        end_ns = bench_now_ns() + a->seconds * 1000 * MS;
        bench_compute_until_ns(end_ns);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
        a->others_ns = bench_threads_cpu_ns(&a->threads) - cpu_ns - (own.tv_sec * 1000000000 + own.tv_nsec - own_ns);
        return err;
}

static void run_after(const struct bench *b, unsigned n_workers)
{
        struct after a = {.seconds = b->is_quick ? 1 : AFTER_S};
        struct bench_figure figure = {.variant = "after", .workers = n_workers, .work = (uint64_t)a.seconds};
        struct bench_samples ms = {0};
        struct bench_threads before, now;
        exec_pool *pool;

        bench_threads_list(&before);
        pool = bench_pool_new(b, n_workers);
        bench_threads_list(&now);
        bench_threads_new(&a.threads, &before, &now);
        for (unsigned round = 0; round < (b->is_quick ? 1 : b->n_rounds); round++) {
                bench_run_on(pool, after_main, &a);
                bench_add(&ms, (double)a.others_ns / 1e6);
        }
        bench_pool_free(pool);
        bench_report(b, &figure, "CPU time of the others", "ms", &ms);
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"forks", "uneven", "cold", "after", NULL};
        static const struct bench_program program = {"leaves", "executor", variants, "1,2", 3};
        struct bench b;

        bench_init(&b, &program, argc, argv);
        compute_ms(1); /* calibrates */
        for (unsigned i = 0; i < b.n_worker_counts; i++) {
                unsigned n = b.workers[i];

                if (bench_wants(&b, "forks"))
                        run_timed(&b, n, "forks", forks_main, (n == 1 ? 2 : 1) * LEAVES * LEAF_MS);
                if (bench_wants(&b, "uneven"))
                        run_timed(&b, n, "uneven", uneven_main, uneven_ideal_ms(n));
                if (bench_wants(&b, "cold"))
                        run_cold(&b, n);
                if (bench_wants(&b, "after") && n > 1)
                        run_after(&b, n);
        }
        return bench_fini(&b);
}
