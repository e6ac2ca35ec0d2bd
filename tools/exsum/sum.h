/* sum.h - the run itself: one task finds the files, many tasks sum them, the first one prints. */
#ifndef EXSUM_SUM_H
#define EXSUM_SUM_H

#include "digest.h"
#include "options.h"
#include "walk.h"
#include "window.h"

#include <executor/executor.h>
#include <stdbool.h>
#include <stdint.h>

struct sum {
        const struct options *options;
        struct digester *digester;
        exec_completion *running; /* the tasks' futures, each tagged with its entry */
        struct walk walk;
        struct window window;
        size_t n_running_most; /* bound on the tasks in flight */
        int64_t start_ns;
        uint64_t n_files, n_bytes, n_tasks;
        size_t n_running_peak;
        bool has_failed; /* something could not be read */
        int write_err;   /* stdout could not be written: 0 or a negative errno value */
};

int sum_init(struct sum *sum, const struct options *options, struct digester *digester);

/* After every task has ended. */
void sum_fini(struct sum *sum);

/* sum_run - the main task: @arg is the struct sum.
 * Returns   0, also when files were unreadable (has_failed); a negative errno value. */
int sum_run(void *arg, void **value);

#endif
