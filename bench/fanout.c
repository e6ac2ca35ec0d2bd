/* fanout.c - one task fans out to 100,000 that do nothing and collects their outcomes: as asyncio programs do.
 *
 *   gather         create all, gather into an array of outcomes, unref
 *   as_completed   create all, take them out of a completion queue one by one as they finish
 *   program        gather, as a whole program: exec_run() from nothing, workers started and joined, memory new */
#include "figure.h"
#include "meter.h"
#include "pool.h"

#include <stdlib.h>

/* malloc keeps a block of such a size only from the second one on. */
enum { N_WARM = 2 };

struct job {
        size_t n;
        exec_future **futures;
        struct exec_outcome *outcomes;
        int64_t ns;
};

static int empty(void *arg, void **value)
{
        *value = arg;
        return 0;
}

static void create_all(struct job *job)
{
        for (size_t i = 0; i < job->n; i++)
                job->futures[i] = exec_create_task(empty, job);
}

static int gather(void *arg, void **value)
{
        struct job *job = arg;
        int64_t start_ns = bench_now_ns();
        int err;

        (void)value;
        create_all(job);
        err = exec_gather(job->futures, job->n, job->outcomes, 0);
        exec_future_unref_all(job->futures, job->n);
        job->ns = bench_now_ns() - start_ns;
        return err;
}

static int as_completed(void *arg, void **value)
{
        struct job *job = arg;
        int64_t start_ns = bench_now_ns();
        exec_completion *queue;
        exec_future *f;
        size_t n_seen = 0;
        int got;

        (void)value;
        create_all(job);
        queue = exec_as_completed_with(job->futures, job->n, EXEC_UNREF);
        if (!queue)
                return -ENOMEM;
        while ((got = exec_completion_next(queue, EXEC_FOREVER, &f, NULL)) > 0) {
                struct exec_outcome outcome;

                got = exec_future_outcome(f, &outcome);
                if (got || outcome.value != job)
                        return got ? got : -EIO;
                exec_future_unref(f);
                n_seen++;
        }
        exec_completion_free(queue);
        job->ns = bench_now_ns() - start_ns;
        if (!got && n_seen != job->n)
                return -EIO;
        return got;
}

static void check_outcomes(const struct job *job)
{
        for (size_t i = 0; i < job->n; i++) {
                if (job->outcomes[i].state != EXEC_DONE || job->outcomes[i].value != job)
                        bench_die("outcome %zu is wrong", i);
        }
}

static void run_on_pool(const struct bench *b, struct job *job, const char *variant, exec_task_fn fn,
                        unsigned n_workers)
{
        struct bench_figure figure = {.variant = variant, .workers = n_workers, .work = job->n};
        struct bench_samples ns = {0};
        exec_pool *pool = bench_pool_new(b, n_workers);

        for (unsigned i = 0; i < N_WARM; i++)
                bench_run_on(pool, fn, job);
        for (unsigned round = 0; round < b->n_rounds; round++) {
                bench_run_on(pool, fn, job);
                bench_add(&ns, (double)job->ns / (double)job->n);
        }
        if (fn == gather)
                check_outcomes(job);
        bench_pool_free(pool);
        bench_report(b, &figure, "time per task", "ns", &ns);
}

static void run_program(const struct bench *b, struct job *job, unsigned n_workers)
{
        struct bench_figure figure = {.variant = "program", .workers = n_workers, .work = job->n};
        struct bench_samples ns = {0};

        for (unsigned round = 0; round < b->n_rounds; round++) {
                struct exec_pool_options options;
                int64_t start_ns;

                bench_pool_options(&options, b, n_workers);
                start_ns = bench_now_ns();
                bench_expect(exec_run_with(&options, gather, job, NULL), "exec_run_with");
                bench_add(&ns, (double)(bench_now_ns() - start_ns) / (double)job->n);
                check_outcomes(job);
        }
        bench_report(b, &figure, "time per task", "ns", &ns);
}

static void job_init(struct job *job, size_t n)
{
        job->n = n;
        job->futures = calloc(n, sizeof(*job->futures));
        job->outcomes = calloc(n, sizeof(*job->outcomes));
        if (!job->futures || !job->outcomes)
                bench_die("no memory for %zu handles", n);
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"gather", "as_completed", "program", NULL};
        static const struct bench_program program = {"fanout", "executor", variants, "1,2", 5};
        struct bench b;
        struct job job;

        bench_init(&b, &program, argc, argv);
        job_init(&job, 100000);
        for (unsigned i = 0; i < b.n_worker_counts; i++) {
                if (bench_wants(&b, "gather"))
                        run_on_pool(&b, &job, "gather", gather, b.workers[i]);
                if (bench_wants(&b, "as_completed"))
                        run_on_pool(&b, &job, "as_completed", as_completed, b.workers[i]);
                if (bench_wants(&b, "program"))
                        run_program(&b, &job, b.workers[i]);
        }
        free(job.futures);
        free(job.outcomes);
        return bench_fini(&b);
}
