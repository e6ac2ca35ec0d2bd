/* cancel.c - a million sleepers cancelled one by one and then awaited.
 *
 *   task     each in exec_sleep(), suspended on a stack of its own
 *   future   each an exec_sleep_future()
 *
 * The clock runs from the first request to when all have ended and have been given back. */
#include "figure.h"
#include "meter.h"
#include "pool.h"

#include <stdlib.h>
#include <sys/mman.h>

#define LONG_NS EXEC_SEC(600)

struct job {
        const exec_pool *pool;
        size_t n;
        bool is_future;
        exec_future **futures;
        struct exec_outcome *outcomes;
        int64_t ns;
};

static int sleep_body(void *arg, void **value)
{
        (void)arg;
        (void)value;
        return exec_sleep(LONG_NS);
}

/* Until all of them are asleep. */
static int create_all(struct job *job)
{
        for (size_t i = 0; i < job->n; i++)
                job->futures[i] = job->is_future ? exec_sleep_future(LONG_NS) : exec_create_task(sleep_body, NULL);
        while (bench_pool_stats(job->pool).n_timers < job->n) {
                int err = exec_sleep(EXEC_MS(1));

                if (err)
                        return err;
        }
        return 0;
}

static int cancel_main(void *arg, void **value)
{
        struct job *job = arg;
        int64_t start_ns;
        int err = create_all(job);

        (void)value;
        if (err)
                return err;
        start_ns = bench_now_ns();
        for (size_t i = 0; i < job->n; i++)
                exec_cancel(job->futures[i], NULL);
        err = exec_gather(job->futures, job->n, job->outcomes, EXEC_COLLECT | EXEC_UNREF);
        job->ns = bench_now_ns() - start_ns;
        return err;
}

static void run_round(struct job *job, exec_pool *pool)
{
        bench_run_on(pool, cancel_main, job);
        for (size_t i = 0; i < job->n; i++) {
                if (job->outcomes[i].state != EXEC_CANCELLED)
                        bench_die("sleeper %zu was not cancelled", i);
        }
}

static void run(const struct bench *b, struct job *job, unsigned n_workers)
{
        struct bench_figure figure = {
                .variant = job->is_future ? "future" : "task", .workers = n_workers, .work = job->n};
        struct bench_samples ns = {0};
        exec_pool *pool = bench_pool_new(b, n_workers);

        job->pool = pool;
        run_round(job, pool);
        for (unsigned round = 0; round < b->n_rounds; round++) {
                run_round(job, pool);
                bench_add(&ns, (double)job->ns / (double)job->n);
        }
        bench_pool_free(pool);
        bench_report(b, &figure, "time per cancel", "ns", &ns);
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"task", "future", NULL};
        static const struct bench_program program = {"cancel", "executor", variants, "1,2", 3};
        struct bench b;
        struct job job = {0};

        bench_init(&b, &program, argc, argv);
        job.n = b.is_quick ? 20000 : 1000000;
        job.futures = calloc(job.n, sizeof(*job.futures));
        job.outcomes = calloc(job.n, sizeof(*job.outcomes));
        if (!job.futures || !job.outcomes)
                bench_die("no memory for %zu handles", job.n);
        bench_back_memory(job.n * 5000, MADV_NOHUGEPAGE);
        for (unsigned i = 0; i < 2 * b.n_worker_counts; i++) {
                job.is_future = i % 2;
                if (bench_wants(&b, variants[i % 2]))
                        run(&b, &job, b.workers[i / 2]);
        }
        free(job.futures);
        free(job.outcomes);
        return bench_fini(&b);
}
