/* timeouts.c - timeout scopes armed and disarmed: begun with a deadline far away, and ended in time.
 *
 *   scope     one after the other in one task for each worker, with no other timer around
 *   crowded   the same while many sleep futures are armed as well
 *
 * The deadline is read off the clock for each scope, as programs do. */
#include "figure.h"
#include "meter.h"
#include "pool.h"

#include <stdlib.h>

#define DEADLINE_NS EXEC_SEC(30)

struct job {
        size_t n_scopes; /* of all workers */
        size_t n_sleeps;
        unsigned n_workers;
        int64_t ns;
};

static int scopes_body(void *arg, void **value)
{
        const struct job *job = arg;

        (void)value;
        for (size_t i = 0; i < job->n_scopes / job->n_workers; i++) {
                struct exec_timeout scope;
                int err = exec_timeout_begin(&scope, exec_now() + DEADLINE_NS);

                if (!err)
                        err = exec_timeout_end(&scope, 0);
                if (err)
                        return err;
        }
        return 0;
}

static int scopes_main(void *arg, void **value)
{
        struct job *job = arg;
        exec_future **sleeps = malloc((job->n_sleeps + 1) * sizeof(*sleeps));
        exec_future *tasks[BENCH_MAX_WORKERS];
        int64_t start_ns;
        int err;

        (void)value;
        if (!sleeps)
                return -ENOMEM;
        for (size_t i = 0; i < job->n_sleeps; i++) /* half of them are due before the scopes are, half after */
                sleeps[i] =
                        exec_sleep_future(DEADLINE_NS * 2 / (int64_t)job->n_sleeps * (int64_t)(i + 1) + EXEC_SEC(10));
        start_ns = bench_now_ns();
        for (unsigned i = 0; i < job->n_workers; i++)
                tasks[i] = exec_create_task(scopes_body, job);
        err = exec_gather(tasks, job->n_workers, NULL, EXEC_UNREF);
        job->ns = bench_now_ns() - start_ns;
        for (size_t i = 0; i < job->n_sleeps; i++)
                exec_cancel(sleeps[i], NULL);
        exec_future_unref_all(sleeps, job->n_sleeps);
        free(sleeps);
        return err;
}

static void run(const struct bench *b, const char *variant, size_t n_sleeps, unsigned n_workers)
{
        struct job job = {.n_scopes = b->is_quick ? 100000 : 10000000, .n_sleeps = n_sleeps, .n_workers = n_workers};
        struct bench_figure figure = {.variant = variant, .workers = n_workers, .work = job.n_scopes};
        struct bench_samples ns = {0};
        exec_pool *pool = bench_pool_new(b, n_workers);

        bench_run_on(pool, scopes_main, &job);
        for (unsigned round = 0; round < b->n_rounds; round++) {
                bench_run_on(pool, scopes_main, &job);
                bench_add(&ns, (double)job.ns / (double)job.n_scopes);
        }
        bench_pool_free(pool);
        bench_report(b, &figure, "time per scope", "ns", &ns);
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"scope", "crowded", NULL};
        static const struct bench_program program = {"timeouts", "executor", variants, "1,2", 5};
        struct bench b;

        bench_init(&b, &program, argc, argv);
        for (unsigned i = 0; i < b.n_worker_counts; i++) {
                if (bench_wants(&b, "scope"))
                        run(&b, "scope", 0, b.workers[i]);
                if (bench_wants(&b, "crowded"))
                        run(&b, "crowded", b.is_quick ? 10000 : 100000, b.workers[i]);
        }
        return bench_fini(&b);
}
