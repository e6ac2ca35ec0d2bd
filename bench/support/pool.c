/* pool.c - the pool that a bench of the library measures. */
#include "pool.h"

#include <string.h>

static unsigned pool_flags(const struct bench *b)
{
        static const struct {
                const char *name;
                unsigned flags;
        } known[] = {
                {"no-membarrier", EXEC_POOL_NO_MEMBARRIER},
                {"guard-madvise", EXEC_POOL_GUARD_MADVISE},
                {"guard-mprotect", EXEC_POOL_GUARD_MPROTECT},
                {"guard-canary", EXEC_POOL_GUARD_CANARY},
                {"tied", EXEC_POOL_TIED},
                {"keep-affinity", EXEC_POOL_KEEP_AFFINITY},
                {"migrate", EXEC_POOL_FORCE_MIGRATE},
        };

        if (!b->impl_variant)
                return 0;
        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
                if (!strcmp(known[i].name, b->impl_variant))
                        return known[i].flags;
        }
        bench_die("--impl: no variant \"%s\"", b->impl_variant);
}

void bench_pool_options(struct exec_pool_options *options, const struct bench *b, unsigned n_workers)
{
        exec_pool_options_init(options, sizeof(*options));
        options->n_workers = n_workers;
        options->flags = pool_flags(b);
}

exec_pool *bench_pool_new(const struct bench *b, unsigned n_workers)
{
        struct exec_pool_options options;
        exec_pool *pool;
        int err;

        bench_pool_options(&options, b, n_workers);
        err = exec_pool_new(&pool, &options);
        if (err)
                bench_die("no pool of %u workers: %s", n_workers, strerror(-err));
        if (exec_pool_n_workers(pool) != n_workers)
                bench_die("a pool of %u workers instead of %u", exec_pool_n_workers(pool), n_workers);
        return pool;
}

exec_future *bench_create_on(exec_pool *pool, exec_task_fn fn, void *arg)
{
        struct exec_task_options options;

        exec_task_options_init(&options, sizeof(options));
        options.pool = pool;
        return exec_create_task_with(fn, arg, &options);
}

void bench_expect(int err, const char *what)
{
        if (err)
                bench_die("%s: %s", what, strerror(-err));
}

/* Run @fn as a task of @pool and wait for its end. */
void bench_run_on(exec_pool *pool, exec_task_fn fn, void *arg)
{
        exec_future *f = bench_create_on(pool, fn, arg);

        bench_expect(exec_await(f, NULL), "the measuring task failed");
        exec_future_unref(f);
}

void bench_pool_free(exec_pool *pool)
{
        bench_expect(exec_pool_free(pool), "exec_pool_free");
}

struct exec_pool_stats bench_pool_stats(const exec_pool *pool)
{
        struct exec_pool_stats stats = {.size = sizeof(stats)};

        bench_expect(exec_pool_stats(pool, &stats), "exec_pool_stats");
        return stats;
}

static void *start(const struct bench *b, unsigned n_workers)
{
        return bench_pool_new(b, n_workers);
}

struct call {
        void (*fn)(void *arg);
        void *arg;
};

static int call_body(void *arg, void **value)
{
        const struct call *call = arg;

        (void)value;
        call->fn(call->arg);
        return 0;
}

static void run(void *pool, void (*fn)(void *), void *arg)
{
        struct call call = {fn, arg};

        bench_run_on(pool, call_body, &call);
}

static void stop(void *pool)
{
        bench_pool_free(pool);
}

int bench_solve_on_pool(const struct bench_solver *solvers, int argc, char **argv)
{
        struct bench_solution solution = {"executor", "1,2", start, run, stop, solvers};

        return bench_solve(&solution, solvers->problem, argc, argv);
}
