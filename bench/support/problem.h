/* problem.h - a problem that many implementations solve, and the rounds in which one of them does: the frame of the
 * fork-join benches. Knows nothing of the library, so that the peers in C, C++ and Rust use it too.
 *
 * For each number of workers and each variant: the implementation starts its workers, solves small amounts for a while
 * to warm up, then in each round the data are made, the solving is timed, and what came of it is checked. The clock is
 * read by the worker that solves: starting workers, and waking the first one, is not part of a figure. */
#ifndef BENCH_SUPPORT_PROBLEM_H
#define BENCH_SUPPORT_PROBLEM_H

#include "bench.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a problem is opened for. */
struct bench_request {
        const char *variant;
        bool is_quick;
        unsigned amount; /* 0, or less than usual, where the problem knows what to make of that */
        uint64_t seed;
};

struct bench_problem {
        const char *name; /* of the bench */
        const char *const *variants;
        const char *metric;
        const char *unit;
        void *(*open)(const struct bench_request *request, uint64_t *work); /* returns the state */
        void (*prepare)(void *state);                                       /* before each round; NULL: nothing to do */
        void (*check)(void *state); /* after each round; dies of a wrong result */
        void (*close)(void *state);
        double (*value)(int64_t ns, uint64_t work); /* of the metric */
        /* The same without dividing it. Timed on the same memory and thread, before and after each round: a second figure.
         * NULL: no such figure. */
        void (*plain)(void *state);
};

/* Values of metrics. */
double bench_ns_each(int64_t ns, uint64_t work);
double bench_seconds(int64_t ns, uint64_t work);

/* How an implementation solves one variant, or all of a problem's. */
struct bench_solver {
        const struct bench_problem *problem; /* NULL ends a list */
        const char *variant;                 /* NULL: every one */
        void (*solve)(void *state);
        unsigned amount; /* 0: the problem's */
};

struct bench_solution {
        const char *impl;
        const char *workers;
        void *(*start)(const struct bench *b, unsigned n_workers); /* NULL: nothing to start */
        void (*run)(void *pool, void (*fn)(void *), void *arg); /* on a worker, until its end; NULL: on this thread */
        void (*stop)(void *pool);                               /* NULL: nothing to stop */
        const struct bench_solver *solvers;
};

/* The main function of a program that solves one problem. */
int bench_solve(const struct bench_solution *solution, const struct bench_problem *problem, int argc, char **argv);
/* The main function of a program that solves the problem that its first argument names. */
int bench_solve_named(const struct bench_solution *solution, int argc, char **argv);

/* Memory for @n things of that size, aligned for vectors; dies when there is none. free() takes it. */
void *bench_alloc(size_t n, size_t size);

#ifdef __cplusplus
}
#endif
#endif
