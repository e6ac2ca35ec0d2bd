/* problems.h - what the fork-join benches solve: how much of it, the data, and the inner kernels. Every implementation
 * in C and C++ runs these kernels, and rayon those that are functions of their own (kernels/NAME.c, compiled once for
 * all); an implementation adds only what forks, joins and divides. docs/BENCHMARKS.md defines each problem. */
#ifndef BENCH_SUPPORT_KERNELS_PROBLEMS_H
#define BENCH_SUPPORT_KERNELS_PROBLEMS_H

#include "problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How much: in full, and with --quick. */
enum {
        FIB_N = 40,
        FIB_N_QUICK = 27,
        QUEENS_N = 13,
        QUEENS_N_QUICK = 9,
        SKYNET_FAN = 10,
        SKYNET_1M_LEVELS = 6,
        SKYNET_1M_LEVELS_QUICK = 4,
        SKYNET_100M_LEVELS = 8,
        SKYNET_100M_LEVELS_QUICK = 5,
        UTS_BRANCHES = 4, /* the published tree T1: geometric, fixed shape */
        UTS_SEED = 19,
        UTS_MAX_CHILDREN = 100,
        UTS_DEPTH = 10,
        UTS_DEPTH_QUICK = 6,
        QUICKSORT_N = 50000000,
        QUICKSORT_N_QUICK = 500000,
        QUICKSORT_SMALL = 32, /* so many or fewer are sorted by insertion */
        MANDELBROT_N = 2000,
        MANDELBROT_N_QUICK = 200,
        MANDELBROT_LIMIT = 350, /* iterations */
        MATMUL_N = 1024,
        MATMUL_N_QUICK = 256,
        MATMUL_TILE = 64,
        HEAT_N = 2048,
        HEAT_N_QUICK = 256,
        HEAT_STEPS = 100,
        HEAT_STEPS_QUICK = 20,
        FOR_N = 100000000,
        FOR_N_QUICK = 1000000,
        REDUCE_N = 100000000,
        REDUCE_N_QUICK = 1000000,
        REDUCE_BLOCK = 4096, /* for those whose loops go over single indices */
};

/* fib(n) by double recursion, without a cut-off: of the two calls of each inner one, one is a fork. */
struct fib {
        unsigned n;
        uint64_t result;
};

/* Queens on an n by n board, row after row; each queen placed is a task. Counts the solutions. */
struct queens {
        unsigned n;
        uint64_t result;
};

enum { QUEENS_MAX = 16 };

/* May a queen stand in @column of row @n, below those in columns[0..n-1]? */
static inline bool queens_fit(const int8_t columns[], unsigned n, int column)
{
        for (unsigned i = 0; i < n; i++) {
                int distance = (int)(n - i);
                int other = columns[i];

                if (other == column || other == column - distance || other == column + distance)
                        return false;
        }
        return true;
}

/* A tree of ten children each; leaves return their ordinal, the others the sum of their children. */
struct skynet {
        uint64_t n_leaves;
        uint64_t result;
};

/* Unbalanced tree search: a node's children are known only from the SHA-1 in it. Counts the nodes. */
struct uts {
        unsigned depth;
        uint64_t result;
};

struct uts_node {
        uint8_t state[20];
        unsigned height;
};

void uts_root(struct uts_node *root);
unsigned uts_n_children(const struct uts *p, const struct uts_node *node);
void uts_child(const struct uts_node *parent, unsigned i, struct uts_node *child);

/* Quicksort in place. Parts of up to QUICKSORT_SMALL go to quicksort_small(); larger ones are divided. */
struct quicksort {
        int32_t *data;
        size_t n;
        uint64_t seed;
        uint64_t sum; /* of what the data were */
};

void quicksort_small(int32_t data[], size_t n);
/* Median of three, Hoare's way. Returns how many make the lower part; both have at least one. */
size_t quicksort_partition(int32_t data[], size_t n);

/* A square picture; how long a row takes differs by far. */
struct mandelbrot {
        size_t n;
        uint16_t *iterations;
};

void mandelbrot_row(const struct mandelbrot *p, size_t row);

/* c = a * b in square tiles. */
struct matmul {
        size_t n;
        float *a;
        float *b;
        float *c;
};

static inline size_t matmul_n_tiles(const struct matmul *p)
{
        size_t n_each = p->n / MATMUL_TILE;

        return n_each * n_each;
}

/* Tiles are numbered along the rows of tiles. */
void matmul_tile(const struct matmul *p, size_t tile);

/* Heat on a square plate, edge kept at 0: in each step every inner row of @to comes of three of @from. */
struct heat {
        size_t n;
        unsigned n_steps;
        double *from;
        double *to;
};

/* Inner rows are 1 to n - 2. */
void heat_row(const struct heat *p, size_t row);

static inline void heat_swap(struct heat *p)
{
        double *old = p->from;

        p->from = p->to;
        p->to = old;
}

/* data[i] = for_value(data[i]) for each index. */
struct for_loop {
        uint32_t *data;
        size_t n;
};

static inline uint32_t for_value(uint32_t x)
{
        return x * 3 + 1;
}

/* The sum of an array. Every order gives the same, as all sums are exact. */
struct reduce {
        double *data;
        size_t n;
        double result;
};

double reduce_sum(const double data[], size_t n);

extern const struct bench_problem fib_problem;
extern const struct bench_problem queens_problem;
extern const struct bench_problem skynet_problem;
extern const struct bench_problem uts_problem;
extern const struct bench_problem quicksort_problem;
extern const struct bench_problem mandelbrot_problem;
extern const struct bench_problem matmul_problem;
extern const struct bench_problem heat_problem;
extern const struct bench_problem for_problem;
extern const struct bench_problem reduce_problem;

#ifdef __cplusplus
}
#endif
#endif
