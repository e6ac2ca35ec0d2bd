/* wake.c - the pool as plain threads outside see it.
 *
 *   wake      one task every 10 ms into a sleeping pool: from before the call to the body's first instruction. "futex"
 *             is a bare thread that sleeps on a futex, woken in turns with the pool; and the CPU time of both
 *   idle      the CPU time of a pool that has nothing to do
 *   outside   throughput of tasks from 1, 4 and 16 plain threads, each in batches of 1,000 created and gathered */
#include "figure.h"
#include "meter.h"
#include "pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WAKE_PERIOD_NS = 10000000, MAX_WAKES = 1000, BATCH = 1000, MAX_OUTSIDE = 16 };

/* A thread that sleeps on @word until it changes, and says when it saw that. */
struct bare {
        pthread_t thread;
        _Atomic uint32_t word;
        _Atomic bool is_over;
        _Atomic int64_t woken_ns;
};

static void *bare_thread(void *arg)
{
        struct bare *bare = arg;
        uint32_t seen = 0;

        for (;;) {
                while (atomic_load_explicit(&bare->word, memory_order_acquire) == seen)
                        syscall(SYS_futex, &bare->word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
                atomic_store_explicit(&bare->woken_ns, bench_now_ns(), memory_order_release);
                seen++;
                if (atomic_load_explicit(&bare->is_over, memory_order_acquire))
                        return NULL;
        }
}

static void bare_wake(struct bare *bare)
{
        atomic_fetch_add_explicit(&bare->word, 1, memory_order_release);
        syscall(SYS_futex, &bare->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void bare_start(struct bare *bare)
{
        memset(bare, 0, sizeof(*bare));
        if (pthread_create(&bare->thread, NULL, bare_thread, bare))
                bench_die("no thread");
}

static void bare_stop(struct bare *bare)
{
        atomic_store_explicit(&bare->is_over, true, memory_order_release);
        bare_wake(bare);
        pthread_join(bare->thread, NULL);
}

static int stamp(void *arg, void **value)
{
        int64_t *at_ns = arg;

        (void)value;
        *at_ns = bench_now_ns();
        return 0;
}

/* Latencies of one side over a round, and its CPU time. */
struct side {
        struct bench_threads threads;
        int64_t cpu_ns;
        double latency_us[MAX_WAKES];
        struct bench_samples p50;
        struct bench_samples p99;
        struct bench_samples cpu_us;
};

static double wake_pool_us(int64_t until_ns)
{
        int64_t woken_ns = 0;
        int64_t start_ns = bench_now_ns();
        exec_future *f = exec_create_task(stamp, &woken_ns);

        bench_pause_until_ns(until_ns);
        bench_expect(exec_await(f, NULL), "the woken task");
        exec_future_unref(f);
        return (double)(woken_ns - start_ns) / 1e3;
}

static double wake_bare_us(struct bare *bare, int64_t until_ns)
{
        int64_t start_ns;
        int64_t woken_ns;

        atomic_store_explicit(&bare->woken_ns, 0, memory_order_relaxed);
        start_ns = bench_now_ns();
        bare_wake(bare);
        bench_pause_until_ns(until_ns);
        while (!(woken_ns = atomic_load_explicit(&bare->woken_ns, memory_order_acquire)))
                bench_pause_ns(100000);
        return (double)(woken_ns - start_ns) / 1e3;
}

/* Up to a millisecond, so that the wakes do not keep step with the kernel's tick. */
static int64_t jitter_ns(uint64_t *random)
{
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        return (int64_t)((*random >> 33) % 1000000);
}

static void side_begin(struct side *side)
{
        side->cpu_ns = bench_threads_cpu_ns(&side->threads);
}

static void side_end(struct side *side, size_t n)
{
        int64_t cpu_ns = bench_threads_cpu_ns(&side->threads) - side->cpu_ns;

        bench_add(&side->cpu_us, (double)cpu_ns / 1e3 / (double)n);
        bench_add(&side->p50, bench_quantile(side->latency_us, n, 0.50));
        bench_add(&side->p99, bench_quantile(side->latency_us, n, 0.99));
}

static void wake_round(struct bare *bare, struct side *pool, struct side *futex, size_t n, uint64_t *random)
{
        int64_t at_ns = bench_now_ns() + WAKE_PERIOD_NS;

        bench_pause_until_ns(at_ns);
        side_begin(pool);
        side_begin(futex);
        for (size_t i = 0; i < n; i++, at_ns += WAKE_PERIOD_NS) {
                pool->latency_us[i] = wake_pool_us(at_ns + WAKE_PERIOD_NS / 2 + jitter_ns(random));
                futex->latency_us[i] = wake_bare_us(bare, at_ns + WAKE_PERIOD_NS + jitter_ns(random));
        }
        side_end(pool, n);
        side_end(futex, n);
}

static void side_report(const struct bench *b, const struct side *side, struct bench_figure figure)
{
        bench_report(b, &figure, "latency p50", "us", &side->p50);
        bench_report(b, &figure, "latency p99", "us", &side->p99);
        bench_report(b, &figure, "CPU time per wake", "us", &side->cpu_us);
}

/* The threads started since @before, all of them: without one the CPU time would be a lie. */
static void new_threads(struct bench_threads *out, const struct bench_threads *before, unsigned n_expected)
{
        struct bench_threads after;

        bench_threads_list(&after);
        bench_threads_new(out, before, &after);
        if (out->n < n_expected)
                bench_die("%u threads are to be seen instead of %u", out->n, n_expected);
}

static void run_wake(const struct bench *b, unsigned n_workers)
{
        static struct side pool_side, futex_side;
        struct bench_figure figure = {.variant = "submit", .workers = n_workers, .work = b->is_quick ? 100 : MAX_WAKES};
        uint64_t random = b->seed;
        struct bench_threads before;
        struct bare bare;
        exec_pool *pool;

        memset(&pool_side, 0, sizeof(pool_side));
        memset(&futex_side, 0, sizeof(futex_side));
        bench_threads_list(&before);
        pool = bench_pool_new(b, n_workers);
        new_threads(&pool_side.threads, &before, n_workers);
        bench_threads_list(&before);
        bare_start(&bare);
        new_threads(&futex_side.threads, &before, 1);
        bench_expect(exec_pool_set_default(pool), "exec_pool_set_default");
        for (unsigned round = 0; round < b->n_rounds; round++)
                wake_round(&bare, &pool_side, &futex_side, figure.work, &random);
        bench_pool_free(pool);
        bare_stop(&bare);
        side_report(b, &pool_side, figure);
        figure.impl = "futex";
        side_report(b, &futex_side, figure);
}

static int fan_out(void *arg, void **value)
{
        exec_future *f[BATCH];

        (void)arg;
        (void)value;
        for (size_t i = 0; i < BATCH; i++)
                f[i] = exec_sleep_future((int64_t)i * 1000);
        return exec_gather(f, BATCH, NULL, EXEC_UNREF);
}

/* The pool has worked, slept and had timers before it is watched. */
static void run_idle(const struct bench *b, unsigned n_workers)
{
        unsigned n_seconds = b->is_quick ? 1 : 10;
        struct bench_figure figure = {.bench = "idle", .variant = "used pool", .workers = n_workers, .work = n_seconds};
        struct bench_samples cpu_ms = {0};
        struct bench_threads before, threads;
        exec_pool *pool;

        bench_threads_list(&before);
        pool = bench_pool_new(b, n_workers);
        bench_run_on(pool, fan_out, NULL);
        new_threads(&threads, &before, n_workers);
        for (unsigned round = 0; round < b->n_rounds; round++) {
                int64_t cpu_ns;

                bench_run_on(pool, fan_out, NULL);
                bench_pause_ns(500000000);
                cpu_ns = bench_threads_cpu_ns(&threads);
                bench_pause_ns(n_seconds * INT64_C(1000000000));
                bench_add(&cpu_ms, (double)(bench_threads_cpu_ns(&threads) - cpu_ns) / 1e6);
        }
        bench_pool_free(pool);
        bench_report(b, &figure, b->is_quick ? "CPU time in 1 s" : "CPU time in 10 s", "ms", &cpu_ms);
}

/* One plain thread that feeds the default pool. */
struct feeder {
        pthread_t thread;
        pthread_barrier_t *start;
        size_t n_batches;
};

static int empty(void *arg, void **value)
{
        (void)arg;
        (void)value;
        return 0;
}

static void *feed(void *arg)
{
        struct feeder *feeder = arg;
        exec_future *f[BATCH];

        pthread_barrier_wait(feeder->start);
        for (size_t done = 0; done < feeder->n_batches; done++) {
                for (size_t i = 0; i < BATCH; i++)
                        f[i] = exec_create_task(empty, NULL);
                bench_expect(exec_gather(f, BATCH, NULL, EXEC_UNREF), "gather from a plain thread");
        }
        return NULL;
}

/* Returns nanoseconds for all of @n_threads * @n_batches batches. */
static int64_t feed_round(unsigned n_threads, size_t n_batches)
{
        struct feeder feeders[MAX_OUTSIDE];
        pthread_barrier_t start;
        int64_t start_ns;

        pthread_barrier_init(&start, NULL, n_threads + 1);
        for (unsigned i = 0; i < n_threads; i++) {
                feeders[i] = (struct feeder){.start = &start, .n_batches = n_batches};
                if (pthread_create(&feeders[i].thread, NULL, feed, &feeders[i]))
                        bench_die("no thread");
        }
        start_ns = bench_now_ns();
        pthread_barrier_wait(&start);
        for (unsigned i = 0; i < n_threads; i++)
                pthread_join(feeders[i].thread, NULL);
        pthread_barrier_destroy(&start);
        return bench_now_ns() - start_ns;
}

static void run_outside(const struct bench *b, unsigned n_workers, unsigned n_threads)
{
        size_t n_batches = (b->is_quick ? 96 : 960) / n_threads;
        size_t n_tasks = n_batches * n_threads * BATCH;
        char variant[32];
        struct bench_figure figure = {.bench = "outside", .variant = variant, .workers = n_workers, .work = n_tasks};
        struct bench_samples rate = {0};
        exec_pool *pool = bench_pool_new(b, n_workers);

        snprintf(variant, sizeof(variant), "%u thread%s", n_threads, n_threads == 1 ? "" : "s");
        bench_expect(exec_pool_set_default(pool), "exec_pool_set_default");
        feed_round(n_threads, n_batches);
        for (unsigned round = 0; round < b->n_rounds; round++)
                bench_add(&rate, (double)n_tasks * 1e3 / (double)feed_round(n_threads, n_batches));
        bench_pool_free(pool);
        bench_report(b, &figure, "throughput", "M/s", &rate);
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"wake", "idle", "outside", NULL};
        static const struct bench_program program = {"wake", "executor", variants, "2", 3};
        struct bench b;

        bench_init(&b, &program, argc, argv);
        for (unsigned i = 0; i < b.n_worker_counts; i++) {
                if (bench_wants(&b, "wake"))
                        run_wake(&b, b.workers[i]);
                if (bench_wants(&b, "idle"))
                        run_idle(&b, b.workers[i]);
                for (unsigned n_threads = 1; n_threads <= MAX_OUTSIDE && bench_wants(&b, "outside"); n_threads *= 4)
                        run_outside(&b, b.workers[i], n_threads);
        }
        return bench_fini(&b);
}
