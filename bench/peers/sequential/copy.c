/* copy.c - the yardstick of reduce: how fast as much memory as it reads can be copied, by one or more threads. Counted
 * are the bytes read and the bytes written. */
#include "figure.h"
#include "meter.h"
#include "problems.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct part {
        pthread_t thread;
        double *to;
        const double *from;
        size_t n;
};

static void *copy_part(void *arg)
{
        struct part *part = arg;

        memcpy(part->to, part->from, part->n * sizeof(*part->to));
        return NULL;
}

/* Returns nanoseconds. The calling thread copies a part too. */
static int64_t copy(double *to, const double *from, size_t n, unsigned n_threads)
{
        struct part parts[BENCH_MAX_WORKERS];
        int64_t start_ns = bench_now_ns();

        for (unsigned i = 0; i < n_threads; i++) {
                size_t first = n / n_threads * i;

                parts[i] = (struct part){.to = to + first, .from = from + first, .n = n / n_threads};
                if (i == n_threads - 1)
                        parts[i].n = n - first;
                else if (pthread_create(&parts[i].thread, NULL, copy_part, &parts[i]))
                        bench_die("no thread");
        }
        copy_part(&parts[n_threads - 1]);
        for (unsigned i = 0; i < n_threads - 1; i++)
                pthread_join(parts[i].thread, NULL);
        return bench_now_ns() - start_ns;
}

static void run(const struct bench *b, struct reduce *p, double *to, unsigned n_threads)
{
        struct bench_figure figure = {.variant = "sum", .workers = n_threads, .work = p->n};
        struct bench_samples bandwidth = {0};

        copy(to, p->data, p->n, n_threads);
        for (unsigned round = 0; round < b->n_rounds; round++) {
                int64_t ns = copy(to, p->data, p->n, n_threads);

                bench_add(&bandwidth, 2.0 * (double)(p->n * sizeof(double)) / (double)ns);
                if (memcmp(to, p->data, p->n * sizeof(*to)))
                        bench_die("the copy differs");
        }
        bench_report(b, &figure, reduce_problem.metric, reduce_problem.unit, &bandwidth);
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"sum", NULL};
        static const struct bench_program program = {"reduce", "copy", variants, "1,2", 5};
        struct bench_request request = {.variant = "sum"};
        struct bench b;
        struct reduce *p;
        uint64_t n;
        double *to;

        bench_init(&b, &program, argc, argv);
        request.is_quick = b.is_quick;
        p = reduce_problem.open(&request, &n);
        to = bench_alloc(n, sizeof(*to));
        for (unsigned i = 0; i < b.n_worker_counts; i++)
                run(&b, p, to, b.workers[i]);
        free(to);
        reduce_problem.close(p);
        return bench_fini(&b);
}
