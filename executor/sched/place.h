/* place.h - that a worker woken for a fork gets a CPU of its own.
 *
 * The kernel wakes a thread on the CPU where it slept or on the waker's, if it finds no idle one. In a virtual machine it
 * finds none: a CPU that halts is one that the host has taken away. Then the woken thread waits behind the waker, which goes
 * on computing, until the next tick: up to 4 ms, in which a loop may be over. So who wakes a worker for a fork forbids it the
 * CPUs of those who are awake, and it allows itself all that it had as soon as it runs. Not for tasks: where they are short,
 * or the waker soon waits, sharing its CPU is the faster way. */
#ifndef EXECI_SCHED_PLACE_H
#define EXECI_SCHED_PLACE_H

#include "sched/pool.h"

/* On the worker's thread: it begins; it is about to sleep, or has woken. */
void execi_place_init(struct execi_worker *w);
void execi_place_note(struct execi_worker *w);

/* L(idle.lock) @w sleeps and is about to be woken, by a worker. */
void execi_place_spread(struct execi_worker *w);
/* On its thread, when it has woken. */
void execi_place_restore(struct execi_worker *w);

#endif
