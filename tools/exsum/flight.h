/* flight.h - the files being summed: a task for each, of which a bounded number is in flight, and handed back in the order
 * in which they were started, or as they end. */
#ifndef EXSUM_FLIGHT_H
#define EXSUM_FLIGHT_H

#include "entry.h"
#include "window.h"

#include <executor/executor.h>
#include <stdbool.h>
#include <stdint.h>

/* What is done with an entry whose task has ended, and while nothing has. */
struct flight_calls {
        int (*retire)(void *ctx, struct entry *entry); /* returns 0, or why the run cannot go on */
        bool (*tick)(void *ctx);                       /* returns true to be called again */
        void *ctx;
};

struct flight {
        struct flight_calls calls;
        exec_completion *running; /* the tasks' futures, each tagged with its entry */
        struct window window;
        size_t n_running_most; /* bound on the tasks in flight */
        size_t n_running_peak;
        uint64_t n_tasks;
        bool as_completed;
        int err; /* 0; what retire() returned; -ECANCELED: a task was stopped */
};

/* flight_init - in the task that will start the others.
 * Returns   0; -ENOMEM. */
int flight_init(struct flight *flight, bool as_completed, const struct flight_calls *calls);

/* After every task has ended. Entries never retired are freed. */
void flight_fini(struct flight *flight);

/* flight_start - sum @entry, which is taken over, also when an error is returned. Waits where there are too many.
 * Returns   0; why the run cannot go on: -ECANCELED: it is to stop. */
int flight_start(struct flight *flight, struct entry *entry);

/* flight_drain - wait until every task has ended. Returns as flight_start(). */
int flight_drain(struct flight *flight);

#endif
