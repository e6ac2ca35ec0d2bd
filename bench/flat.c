/* flat.c - tasks created as futures by one task, which then waits for all of them. Nobody suspends but that one task,
 * so this is the price of a task: create, hand over, run, complete, wait, give back.
 *
 *   batch        empty tasks in batches of 10,000: create, gather, unref
 *   alive        the same with all of them alive at once; the first round of a pool ("cold") touches new memory
 *   batch-200ns, batch-1us   bodies of that much arithmetic; "plain" is the same loop without tasks
 *   hidden       a task creates a child and then computes without calling the library: when does the child start on the
 *                other worker, which is asleep ("asleep") or which was busy and has just run dry ("dry")? */
#include "body.h"
#include "figure.h"
#include "meter.h"
#include "pool.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

struct shape {
        const char *variant;
        size_t n_tasks;
        size_t n_tasks_quick;
        size_t batch; /* 0: all at once */
        uint64_t body_ns;
};

static const struct shape shapes[] = {
        {"batch", 10000000, 1000000, 10000, 0},
        {"alive", 10000000, 500000, 0, 0},
        {"batch-200ns", 2000000, 100000, 10000, 200},
        {"batch-1us", 500000, 30000, 10000, 1000},
};

/* One round: what to do, and what came of it. */
struct job {
        size_t n_tasks;
        size_t batch;
        uint64_t n_steps; /* of arithmetic in each body */
        exec_future **futures;
        int64_t ns;
        size_t resident_bytes; /* with the last batch finished and not yet given back */
        struct bench_share share;
};

static int empty(void *arg, void **value)
{
        (void)arg;
        (void)value;
        return 0;
}

static int empty_counted(void *arg, void **value)
{
        struct job *job = arg;

        (void)value;
        bench_share_count(&job->share, exec_pool_worker());
        return 0;
}

static int compute(void *arg, void **value)
{
        struct job *job = arg;

        (void)value;
        bench_compute(job->n_steps, 1);
        return 0;
}

static int compute_counted(void *arg, void **value)
{
        empty_counted(arg, value);
        return compute(arg, value);
}

static void create_batch(struct job *job)
{
        exec_task_fn fn = job->n_steps ? compute : empty;
        exec_task_fn counted_fn = job->n_steps ? compute_counted : empty_counted;

        for (size_t i = 0; i < job->batch; i++)
                job->futures[i] = exec_create_task(i % BENCH_SHARE_EVERY ? fn : counted_fn, job);
}

static int produce(void *arg, void **value)
{
        struct job *job = arg;
        int64_t start_ns = bench_now_ns();

        (void)value;
        for (size_t done = 0; done < job->n_tasks; done += job->batch) {
                int home = exec_pool_worker();
                int err;

                create_batch(job);
                err = exec_gather(job->futures, job->batch, NULL, 0);
                if (err)
                        return err;
                if (done + job->batch >= job->n_tasks)
                        job->resident_bytes = bench_resident_bytes();
                exec_future_unref_all(job->futures, job->batch);
                bench_share_sum(&job->share, home);
        }
        job->ns = bench_now_ns() - start_ns;
        return 0;
}

static void job_init(struct job *job, const struct bench *b, const struct shape *shape)
{
        job->n_tasks = b->is_quick ? shape->n_tasks_quick : shape->n_tasks;
        job->batch = shape->batch ? shape->batch : job->n_tasks;
        job->n_steps = shape->body_ns ? bench_steps_for_ns(shape->body_ns) : 0;
        job->futures = malloc(job->batch * sizeof(*job->futures));
        if (!job->futures)
                bench_die("no memory for %zu handles", job->batch);
        for (size_t i = 0; i < job->batch; i++)
                job->futures[i] = NULL; /* touched before the clock runs */
}

static void job_run(struct job *job, exec_pool *pool)
{
        bench_share_init(&job->share, exec_pool_n_workers(pool));
        bench_run_on(pool, produce, job);
}

static double job_ns_per_task(const struct job *job)
{
        return (double)job->ns / (double)job->n_tasks;
}

/* What the bodies alone take, called in a loop. */
static double plain_ns_per_call(const struct job *job)
{
        int64_t start_ns = bench_now_ns();

        for (size_t i = 0; i < job->n_tasks; i++)
                bench_compute(job->n_steps, 1);
        return (double)(bench_now_ns() - start_ns) / (double)job->n_tasks;
}

/* The first round on a new pool: for "alive" a figure of its own, else the warm-up. */
static void run_cold(const struct bench *b, struct job *job, exec_pool *pool, struct bench_figure figure, bool is_alive)
{
        struct bench_samples cold = {0};
        struct bench_samples bytes = {0};
        size_t before = bench_resident_bytes();

        job_run(job, pool);
        if (!is_alive)
                return;
        bench_add(&cold, job_ns_per_task(job));
        bench_add(&bytes, ((double)job->resident_bytes - (double)before) / (double)job->n_tasks);
        bench_report(b, &figure, "time per task, cold", "ns", &cold);
        bench_report(b, &figure, "resident memory per task", "B", &bytes);
}

/* Returns the median time per task. */
static double run_warm(const struct bench *b, struct job *job, exec_pool *pool, struct bench_figure figure)
{
        struct bench_samples ns = {0};
        struct bench_samples share = {0};

        for (unsigned round = 0; round < b->n_rounds; round++) {
                job_run(job, pool);
                bench_add(&ns, job_ns_per_task(job));
                bench_add(&share, bench_share_percent(&job->share));
        }
        bench_report(b, &figure, "time per task", "ns", &ns);
        if (figure.workers > 1)
                bench_report(b, &figure, "share run elsewhere", "%", &share);
        return bench_median(&ns);
}

static void report_plain(const struct bench *b, const struct job *job, struct bench_figure figure)
{
        struct bench_samples ns = {0};

        for (unsigned round = 0; round < b->n_rounds; round++)
                bench_add(&ns, plain_ns_per_call(job));
        figure.impl = "plain";
        figure.workers = 1;
        bench_report(b, &figure, "time per task", "ns", &ns);
}

static void run_shape(const struct bench *b, const struct shape *shape)
{
        struct job job;
        double ns_on_one = 0;

        job_init(&job, b, shape);
        if (!shape->batch)
                bench_back_memory(job.n_tasks * 200, MADV_HUGEPAGE);
        for (unsigned i = 0; i < b->n_worker_counts; i++) {
                struct bench_figure figure = {.variant = shape->variant, .workers = b->workers[i], .work = job.n_tasks};
                exec_pool *pool = bench_pool_new(b, b->workers[i]);
                double ns;

                run_cold(b, &job, pool, figure, !shape->batch);
                ns = run_warm(b, &job, pool, figure);
                if (b->workers[i] == 1)
                        ns_on_one = ns;
                else if (shape->batch)
                        bench_report_speedup(b, &figure, ns_on_one, ns);
                bench_pool_free(pool);
        }
        if (shape->body_ns)
                report_plain(b, &job, (struct bench_figure){.variant = shape->variant, .work = job.n_tasks});
        free(job.futures);
}

/* Times at which things happened, 0: not yet. */
struct hidden {
        int64_t compute_ns;
        bool is_dry;
        _Atomic int64_t busy_start_ns;
        _Atomic int64_t busy_end_ns;
        int64_t created_ns;
        _Atomic int64_t started_ns;
};

static int hidden_child(void *arg, void **value)
{
        struct hidden *h = arg;

        (void)value;
        atomic_store_explicit(&h->started_ns, bench_now_ns(), memory_order_release);
        return 0;
}

static int hidden_busy(void *arg, void **value)
{
        struct hidden *h = arg;

        (void)value;
        atomic_store_explicit(&h->busy_start_ns, bench_now_ns(), memory_order_release);
        bench_compute_until_ns(bench_now_ns() + 3000000);
        atomic_store_explicit(&h->busy_end_ns, bench_now_ns(), memory_order_release);
        return 0;
}

/* Let the other worker take a task of 3 ms, and return while it is at it. */
static exec_future *occupy(struct hidden *h)
{
        exec_future *busy = exec_create_task(hidden_busy, h);
        int64_t deadline_ns = bench_now_ns() + 1000000000;

        while (!atomic_load_explicit(&h->busy_start_ns, memory_order_acquire)) {
                if (bench_now_ns() > deadline_ns)
                        bench_die("hidden: no other worker takes a task within 1 s");
                bench_compute(1000, 1);
        }
        return busy;
}

static int hidden_parent(void *arg, void **value)
{
        struct hidden *h = arg;
        exec_future *both[2] = {NULL, NULL};
        size_t n = 0;

        (void)value;
        if (h->is_dry) {
                both[n++] = occupy(h);
                /* whatever made the first task visible to the other worker is used up by these */
                for (int i = 0; i < 4; i++)
                        exec_future_unref(exec_create_task(empty, NULL));
        }
        h->created_ns = bench_now_ns();
        both[n++] = exec_create_task(hidden_child, h);
        bench_compute_until_ns(h->created_ns + h->compute_ns);
        return exec_gather(both, n, NULL, EXEC_UNREF);
}

/* From the moment when the other worker could have taken the child. */
static double hidden_delay_us(const struct hidden *h)
{
        int64_t from_ns = h->is_dry ? h->busy_end_ns : h->created_ns;

        return (double)(h->started_ns - from_ns) / 1e3;
}

static void run_hidden(const struct bench *b, const char *state, bool is_dry)
{
        unsigned n_workers = bench_most_workers(b) > 1 ? bench_most_workers(b) : 2;
        unsigned n_times = b->is_quick ? 10 : 3 * b->n_rounds;
        exec_pool *pool = bench_pool_new(b, n_workers);
        struct bench_samples delay = {0};
        struct bench_figure figure = {.bench = "hidden", .variant = state, .workers = n_workers, .work = n_times};

        for (unsigned i = 0; i < n_times; i++) {
                struct hidden h = {.compute_ns = b->is_quick ? 30000000 : 1000000000, .is_dry = is_dry};

                bench_pause_ns(20000000); /* long enough for every worker to fall asleep */
                bench_run_on(pool, hidden_parent, &h);
                bench_add(&delay, hidden_delay_us(&h));
        }
        bench_report(b, &figure, is_dry ? "from running dry to start" : "from creation to start", "us", &delay);
        bench_pool_free(pool);
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"batch", "alive", "batch-200ns", "batch-1us", "hidden", NULL};
        static const struct bench_program program = {"flat", "executor", variants, "1,2", 5};
        struct bench b;

        bench_init(&b, &program, argc, argv);
        for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
                if (bench_wants(&b, shapes[i].variant))
                        run_shape(&b, &shapes[i]);
        }
        if (bench_wants(&b, "hidden")) {
                run_hidden(&b, "asleep", false);
                run_hidden(&b, "dry", true);
        }
        return bench_fini(&b);
}
