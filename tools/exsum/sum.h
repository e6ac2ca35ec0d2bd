/* sum.h - the run that makes checksums: one task finds the files, many tasks sum them, the first one prints. */
#ifndef EXSUM_SUM_H
#define EXSUM_SUM_H

#include "run.h"

/* sum_run - the first task's work, between run_init() with sum_retire() and run_end().
 * Returns   0, also when files were unreadable; what run_start() returned; -EINVAL: no such algorithm; -ENOMEM. */
int sum_run(struct run *run, struct digester *digester);

int sum_retire(void *run, struct entry *entry);

#endif
