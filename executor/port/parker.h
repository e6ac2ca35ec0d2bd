/* parker.h - one thread's sleep token: unpark leaves a token, park waits for one and takes it.
 * Exactly one thread parks; any may unpark. Two backends, chosen by CMake: parker_futex.c, parker_cond.c (a condition
 * variable with one waiter).
 *
 * P1 an unpark before, during or after the park is never lost; several unparks leave one token.
 * P2 what the unparker did before is visible to the parker that took the token.
 * P3 unpark touches the parker for the last time before the parked thread can return from park, or the parker's memory
 *    is still mapped (a futex wake on an address that is gone is harmless); parker_cond.c holds its mutex instead, and
 *    fini waits for it. */
#ifndef EXECI_PORT_PARKER_H
#define EXECI_PORT_PARKER_H

#include "port/atomic.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct execi_parker {
#ifdef EXECI_PARKER_COND
        pthread_mutex_t mutex;
        pthread_cond_t cond;
        bool token;
#else
        _Atomic(uint32_t) token; /* 0 none, 1 token, 2 parked */
#endif
};

void execi_parker_init(struct execi_parker *p);
void execi_parker_fini(struct execi_parker *p);
/* true: took a token; false: the deadline (absolute, monotonic; INT64_MAX: none) passed without one. */
bool execi_parker_park(struct execi_parker *p, int64_t deadline_ns);
void execi_parker_unpark(struct execi_parker *p);

#endif
