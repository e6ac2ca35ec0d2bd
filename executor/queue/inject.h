/* inject.h - tasks from outside: many producers, consumers one at a time, intrusive, can be closed.
 *
 * Producers push onto a lock-free stack; the consumer that holds the lock takes the whole stack, turns it round and
 * keeps it as a FIFO that others continue. It needs no memory and never refuses, unless it is closed.
 *
 * J1 a push that returned true is popped exactly once, also when it raced the close.
 * J2 after close returned no push returns true.
 * J3 pushes of one thread are popped in their order.
 * J4 a push that returned true before a consumer's execi_inject_empty() is seen by it (seq_cst on both sides). */
#ifndef EXECI_QUEUE_INJECT_H
#define EXECI_QUEUE_INJECT_H

#include "base/list.h"
#include "port/atomic.h"
#include "port/pause.h"

#include <stdbool.h>
#include <stddef.h>

struct execi_inject {
        _Atomic(struct execi_link *) head; /* A newest first; a mark of its own when closed */
        struct execi_spin lock;
        struct execi_fifo taken; /* L(lock) oldest first */
        _Atomic(size_t) n_taken; /* written under the lock: its length, or not 0 while the stack moves into it */
        bool closed;             /* L(lock) */
};

void execi_inject_init(struct execi_inject *q);
bool execi_inject_push(struct execi_inject *q, struct execi_link *l); /* false: closed, @l is the caller's. seq_cst */
/* Up to @max of the oldest into items[]; 0 also when another consumer holds the lock and @wait is false. */
size_t execi_inject_pop(struct execi_inject *q, struct execi_link *items[], size_t max, bool wait);
bool execi_inject_empty(struct execi_inject *q);
void execi_inject_close(struct execi_inject *q); /* what is inside stays and can be popped */

#endif
