/* check.h - the run that reads lists of checksums and checks the files they name, as sha256sum -c does. */
#ifndef EXSUM_CHECK_H
#define EXSUM_CHECK_H

#include "line.h"
#include "list.h"
#include "run.h"

#include <stdbool.h>

struct tagged;

struct check {
        struct run *run;
        struct digester *digester; /* for lines without a tag; borrowed */
        struct tagged *tagged;     /* for the tags seen so far */
        /* Of the list that is being read: */
        const char *name, *shown;
        struct list list;
        enum line_form form;
        uint64_t n_formatted, n_misformatted, n_matched, n_mismatched, n_unreadable;
};

/* check_run - the first task's work, between run_init() with check_retire() and run_end(). All of @check is made here.
 * Returns   0, also when a list or a file was unreadable; what run_start() returned. */
int check_run(struct check *check, struct run *run, struct digester *digester);

/* After every task has ended; also where check_run() was not called, when all in it is 0. */
void check_fini(struct check *check);

int check_retire(void *run, struct entry *entry);

#endif
