/* group.c - task groups.
 *
 *   children   one group, 100,000 children that do nothing, its end
 *   tree       groups in groups: each task begins one with five children, six levels deep */
#include "figure.h"
#include "meter.h"
#include "pool.h"

enum { FAN = 5, LEVELS = 6, N_TREE = 19531 };

struct job {
        size_t n;
        int64_t ns;
};

static int empty(void *arg, void **value)
{
        *value = arg;
        return 0;
}

static int children(void *arg, void **value)
{
        struct job *job = arg;
        int64_t start_ns = bench_now_ns();
        exec_group *g;
        int err = exec_group_begin(&g, NULL);

        (void)value;
        if (err)
                return err;
        for (size_t i = 0; !err && i < job->n; i++)
                err = exec_group_start(g, empty, job);
        err = exec_group_end(g, err);
        exec_group_free(g);
        job->ns = bench_now_ns() - start_ns;
        return err;
}

static int branch(void *arg, void **value)
{
        size_t level = (size_t)arg;
        exec_group *g;
        int err;

        *value = NULL;
        if (!level)
                return 0;
        err = exec_group_begin(&g, NULL);
        if (err)
                return err;
        for (int i = 0; !err && i < FAN; i++)
                err = exec_group_start(g, branch, (void *)(level - 1)); /* NOLINT: a number */
        err = exec_group_end(g, err);
        exec_group_free(g);
        return err;
}

static int tree(void *arg, void **value)
{
        struct job *job = arg;
        int64_t start_ns = bench_now_ns();
        int err = branch((void *)LEVELS, value); /* NOLINT: a number */

        job->ns = bench_now_ns() - start_ns;
        return err;
}

static void measure(const struct bench *b, const char *variant, exec_task_fn fn, size_t n, unsigned n_workers)
{
        struct bench_figure figure = {.variant = variant, .workers = n_workers, .work = n};
        struct bench_samples ns = {0};
        struct job job = {n, 0};
        exec_pool *pool;

        if (!bench_wants(b, variant))
                return;
        pool = bench_pool_new(b, n_workers);
        bench_run_on(pool, fn, &job);
        for (unsigned round = 0; round < b->n_rounds; round++) {
                bench_run_on(pool, fn, &job);
                bench_add(&ns, (double)job.ns / (double)n);
        }
        bench_pool_free(pool);
        bench_report(b, &figure, "time per task", "ns", &ns);
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"children", "tree", NULL};
        static const struct bench_program program = {"group", "executor", variants, "1,2", 5};
        struct bench b;

        bench_init(&b, &program, argc, argv);
        for (unsigned i = 0; i < b.n_worker_counts; i++) {
                measure(&b, "children", children, 100000, b.workers[i]);
                measure(&b, "tree", tree, N_TREE, b.workers[i]);
        }
        return bench_fini(&b);
}
