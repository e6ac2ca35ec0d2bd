/* sleepers.c - a million tasks asleep at once: what a suspended task costs in time and memory.
 *
 *   task     each in exec_sleep(), so each holds a stack; "bare" is the same number of stacks mapped, guarded and
 *            touched by a plain loop in the same process
 *   future   each an exec_sleep_future(), which needs no stack
 *
 * "beyond the sleep" is what the total takes more than one sleep; resident memory is that at the moment when most
 * slept; the caller's own array of handles is touched before and does not count. */
#include "figure.h"
#include "meter.h"
#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define MIB ((double)(1 << 20))

enum {
        STACK_BYTES = 64 << 10,
        GUARD_BYTES = 64 << 10,
        MPROTECT_BUDGET = 16000, /* stacks; each takes two of the 65,530 mappings that the kernel allows */
};

struct job {
        size_t n;
        int64_t sleep_ns;
        bool is_future;
        exec_future **futures;
        int64_t ns;
};

/* Looks at the process every few milliseconds, and remembers it as it was when most were asleep. */
struct sampler {
        exec_pool *pool;
        pthread_t thread;
        _Atomic bool is_over;
        size_t resident_bytes;
        uint64_t n_asleep;
};

static int sleep_body(void *arg, void **value)
{
        const struct job *job = arg;

        (void)value;
        return exec_sleep(job->sleep_ns);
}

static int sleepers_main(void *arg, void **value)
{
        struct job *job = arg;
        int64_t start_ns = bench_now_ns();
        int err;

        (void)value;
        for (size_t i = 0; i < job->n; i++) {
                job->futures[i] = job->is_future ? exec_sleep_future(job->sleep_ns) : exec_create_task(sleep_body, job);
        }
        err = exec_gather(job->futures, job->n, NULL, 0);
        job->ns = bench_now_ns() - start_ns;
        exec_future_unref_all(job->futures, job->n);
        return err;
}

static void *sample(void *arg)
{
        struct sampler *s = arg;

        while (!atomic_load_explicit(&s->is_over, memory_order_acquire)) {
                uint64_t n_asleep = bench_pool_stats(s->pool).n_timers;

                if (n_asleep > s->n_asleep) {
                        s->n_asleep = n_asleep;
                        s->resident_bytes = bench_resident_bytes();
                }
                bench_pause_ns(5000000);
        }
        return NULL;
}

static void sampler_start(struct sampler *s, exec_pool *pool)
{
        memset(s, 0, sizeof(*s));
        s->pool = pool;
        if (pthread_create(&s->thread, NULL, sample, s))
                bench_die("no thread to look at the memory");
}

static void sampler_stop(struct sampler *s)
{
        atomic_store_explicit(&s->is_over, true, memory_order_release);
        pthread_join(s->thread, NULL);
}

/* The bare cost of a guard: returns how the kernel does it, or NULL when it is out of means. */
static const char *guard(char *low, size_t i)
{
        if (!madvise(low, GUARD_BYTES, MADV_GUARD_INSTALL))
                return "MADV_GUARD_INSTALL";
        if (i < MPROTECT_BUDGET && !mprotect(low, GUARD_BYTES, PROT_NONE))
                return "mprotect";
        return NULL;
}

/* Map, guard and touch @n stacks; returns the nanoseconds. *each_bytes: resident memory of one. */
static int64_t bare_stacks(const struct bench *b, size_t n, double *each_bytes)
{
        size_t stride = STACK_BYTES + GUARD_BYTES;
        size_t before = bench_resident_bytes();
        int64_t start_ns = bench_now_ns();
        const char *last_guard = NULL;
        int64_t ns;
        char *base = mmap(NULL, n * stride, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (base == MAP_FAILED)
                bench_die("%zu stacks: %s", n, strerror(errno));
        madvise(base, n * stride, MADV_NOHUGEPAGE);
        for (size_t i = 0; i < n; i++) {
                last_guard = guard(base + i * stride, i);
                base[(i + 1) * stride - 64 * (1 + i % 19)] =
                        1; /* tops differ, as the library's do, to spread over the cache */
        }
        ns = bench_now_ns() - start_ns;
        *each_bytes = ((double)bench_resident_bytes() - (double)before) / (double)n;
        fprintf(b->text, "# bare stacks: the last one's guard is %s\n", last_guard ? last_guard : "none");
        munmap(base, n * stride);
        return ns;
}

static void run_bare(const struct bench *b, const struct job *job)
{
        struct bench_figure figure = {.impl = "bare", .variant = "task", .workers = 1, .work = job->n};
        struct bench_samples ns = {0};
        struct bench_samples bytes = {0};

        for (unsigned round = 0; round < b->n_rounds; round++) {
                double each_bytes;

                bench_add(&ns, (double)bare_stacks(b, job->n, &each_bytes) / (double)job->n);
                bench_add(&bytes, each_bytes);
        }
        bench_report(b, &figure, "beyond the sleep, each", "ns", &ns);
        bench_report(b, &figure, "resident memory, each", "B", &bytes);
}

/* How much is still resident above @before after @limit_ns; *back_ns: when it was last within 64 MiB of it. */
static double memory_left_mib(size_t before, int64_t limit_ns, int64_t *back_ns)
{
        int64_t start_ns = bench_now_ns();
        double left_mib = 0;
        bool is_back = false;

        *back_ns = limit_ns;
        while (bench_now_ns() < start_ns + limit_ns) {
                left_mib = ((double)bench_resident_bytes() - (double)before) / MIB;
                if (left_mib <= 64 && !is_back)
                        *back_ns = bench_now_ns() - start_ns;
                is_back = left_mib <= 64;
                bench_pause_ns(5000000);
        }
        return left_mib;
}

struct results {
        struct bench_samples total_s;
        struct bench_samples beyond_ns;
        struct bench_samples each_bytes;
        struct bench_samples back_s;
        struct bench_samples left_mib;
};

static int nothing(void *arg, void **value)
{
        (void)arg;
        (void)value;
        return 0;
}

static void run_round(const struct bench *b, struct job *job, unsigned n_workers, struct results *r)
{
        exec_pool *pool = bench_pool_new(b, n_workers);
        struct sampler sampler;
        size_t before;
        int64_t back_ns;

        bench_run_on(pool, nothing, NULL);
        before = bench_resident_bytes();
        sampler_start(&sampler, pool);
        bench_run_on(pool, sleepers_main, job);
        sampler_stop(&sampler);
        if (!sampler.n_asleep)
                bench_die("nobody was seen asleep");
        if (sampler.n_asleep < job->n)
                fprintf(b->text, "# at most %llu of %zu were seen asleep at once\n",
                        (unsigned long long)sampler.n_asleep, job->n);
        bench_add(&r->total_s, (double)job->ns / 1e9);
        bench_add(&r->beyond_ns, (double)(job->ns - job->sleep_ns) / (double)job->n);
        bench_add(&r->each_bytes, ((double)sampler.resident_bytes - (double)before) / (double)sampler.n_asleep);
        bench_add(&r->left_mib, memory_left_mib(before, b->is_quick ? 300000000 : 2000000000, &back_ns));
        bench_add(&r->back_s, (double)back_ns / 1e9);
        bench_pool_free(pool);
}

static void run(const struct bench *b, struct job *job, unsigned n_workers)
{
        struct bench_figure figure = {
                .variant = job->is_future ? "future" : "task", .workers = n_workers, .work = job->n};
        struct results r;

        memset(&r, 0, sizeof(r));
        for (unsigned round = 0; round < b->n_rounds; round++)
                run_round(b, job, n_workers, &r);
        bench_report(b, &figure, "total", "s", &r.total_s);
        bench_report(b, &figure, "beyond the sleep, each", "ns", &r.beyond_ns);
        bench_report(b, &figure, "resident memory, each", "B", &r.each_bytes);
        bench_report(b, &figure, "until memory is within 64 MiB", "s", &r.back_s);
        bench_report(b, &figure, b->is_quick ? "memory left after 0.3 s" : "memory left after 2 s", "MiB", &r.left_mib);
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"task", "future", NULL};
        static const struct bench_program program = {"sleepers", "executor", variants, "2", 3};
        struct bench b;
        struct job job = {0};

        bench_init(&b, &program, argc, argv);
        job.n = b.is_quick ? 20000 : 1000000;
        job.sleep_ns = b.is_quick ? 200000000 : 3000000000;
        job.futures = malloc(job.n * sizeof(*job.futures));
        if (!job.futures)
                bench_die("no memory for %zu handles", job.n);
        memset(job.futures, 0xff, job.n * sizeof(*job.futures)); /* touched, and not by calloc's zero page */
        bench_back_memory(job.n * 5000, MADV_NOHUGEPAGE);
        if (bench_wants(&b, "task"))
                run_bare(&b, &job);
        for (unsigned i = 0; i < 2 * b.n_worker_counts; i++) {
                job.is_future = i % 2;
                if (bench_wants(&b, variants[i % 2]))
                        run(&b, &job, b.workers[i / 2]);
        }
        free(job.futures);
        return bench_fini(&b);
}
