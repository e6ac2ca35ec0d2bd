/* bench.h - one run of a bench program: its options and where its output goes. Knows nothing of the library, so that
 * the peers in C and C++ use it too.
 *
 *   --quick            small amounts of work: proves that the bench works, its figures are rough
 *   --workers 1,2      numbers of workers, one after another
 *   --rounds N         measured rounds of each figure, after a warm-up round
 *   --only A,B         variants to run; the default is all
 *   --impl VARIANT     a variant of the implementation (executor: see pool.h); figures then say "executor:VARIANT"
 *   --seed N           of everything random
 *   --json FILE        one JSON line a figure; "-" is stdout, and the text goes to stderr
 */
#ifndef BENCH_SUPPORT_BENCH_H
#define BENCH_SUPPORT_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_MAX_WORKER_COUNTS = 8, BENCH_MAX_WORKERS = 256, BENCH_MAX_ROUNDS = 99 };

struct bench {
        const char *name;         /* of the program */
        const char *impl;         /* "executor", "executor:variant", or the peer */
        const char *impl_variant; /* NULL: the default one */
        const char *only;         /* NULL: every variant */
        const char *const *variants;
        unsigned workers[BENCH_MAX_WORKER_COUNTS];
        unsigned n_worker_counts;
        unsigned n_rounds;
        bool is_quick;
        uint64_t seed;
        FILE *text;
        FILE *json; /* NULL: not asked for */
};

/* What a program says about itself; @workers and @n_rounds are its defaults. */
struct bench_program {
        const char *name;
        const char *impl;
        const char *const *variants; /* ended by NULL */
        const char *workers;
        unsigned n_rounds;
};

/* Read the options and print what machine, compiler and seed this is. Exits on --help and on a bad option. */
void bench_init(struct bench *b, const struct bench_program *program, int argc, char **argv);
/* Returns the exit status of the program. */
int bench_fini(struct bench *b);

bool bench_wants(const struct bench *b, const char *variant);
unsigned bench_most_workers(const struct bench *b);

/* A bench that cannot measure says why and ends: no figure is better than a wrong one. */
#ifdef __cplusplus
[[noreturn]]
#else
_Noreturn
#endif
void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif
#endif
