/* run.h - what summing and checking share: files in flight, what was done, what is said meanwhile. */
#ifndef EXSUM_RUN_H
#define EXSUM_RUN_H

#include "digest.h"
#include "flight.h"
#include "options.h"
#include "progress.h"
#include "roots.h"
#include "scan.h"
#include "totals.h"

#include <stdbool.h>

struct check;

struct run {
        const struct options *options;
        struct anchor *here; /* the current directory */
        struct flight flight;
        struct meter meter;
        struct totals totals;
        struct progress progress;
        struct scan scan;
        struct check *check;                     /* in a check: the rest of it */
        uint64_t n_list_bytes, n_list_bytes_all; /* in a check: how much of the lists was read */
        bool has_failed;                         /* something could not be read, or is not as it should be */
        bool is_stopped;                         /* by SIGINT, before all was done */
        int write_err;                           /* stdout could not be written: 0 or a negative errno value */
};

/* run_init - in the run's first task; @retire gets the run and an entry (flight.h).
 * Returns   0; -ENOMEM. */
int run_init(struct run *run, const struct options *options, int (*retire)(void *run, struct entry *entry));

/* run_end - wait for what is in flight; then say what the options ask for. @err is why nothing more was started, or 0.
 * Returns   0, also when the run was stopped; or why it could not go on. */
int run_end(struct run *run, int err);

/* After every task has ended. */
void run_fini(struct run *run);

/* run_start - sum @item by @digester; in a check its sum should be @wanted, otherwise NULL. Waits where there are too many.
 * Returns   0; why the run cannot go on: -ECANCELED: it is to stop. */
int run_start(struct run *run, const struct item *item, struct digester *digester, const unsigned char *wanted);

/* run_prepare_output - before anything is written to stdout. */
void run_prepare_output(struct run *run);

/* run_note_written - @err is what the print_ function returned. Returns it, as retire() does. */
int run_note_written(struct run *run, int err);

/* run_flush - what was printed is to be seen now. An error is noted. */
void run_flush(struct run *run);

/* run_report - @name could not be read. */
void run_report(struct run *run, const char *name, int err);

#endif
