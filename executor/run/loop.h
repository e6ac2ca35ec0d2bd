/* loop.h - a worker's thread and its loop. */
#ifndef EXECI_RUN_LOOP_H
#define EXECI_RUN_LOOP_H

#include "sched/pool.h"

void *execi_worker_main(void *worker); /* of its thread */
void execi_fiber_loop(void *fiber);    /* of its fibers */

#endif
