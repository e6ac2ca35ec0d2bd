/* fuzz.h - one program: decoded from bytes, run, and held against the model. Run three ways: fixed examples
 * (examples_test.c), random ones for as long as one likes (loop.c), and by libFuzzer (libfuzzer.c). See README.md. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "plan.h"

/* How a program is run, and what is said of it when it hangs: how to do that again. */
struct fuzz_how {
        unsigned n_workers; /* at most FUZZ_MAX_WORKERS */
        const char *replay;
};

enum { FUZZ_MAX_WORKERS = 8 };

/* 0; 1: it failed, and all about it was written to stderr. *n_ops grows by what was done. */
int fuzz_one(const uint8_t *data, size_t size, const struct fuzz_how *how, uint64_t *n_ops);
int fuzz_plan(const struct plan *plan, const struct fuzz_how *how, uint64_t *n_ops);

/* Free the pools. false: something was left. */
bool fuzz_end(void);

/* Bytes of a program from a seed; how many. */
size_t fuzz_bytes(uint64_t seed, uint8_t *data, size_t max);

#endif
