/* place.h - that a worker woken for a fork does not stay behind its waker.
 *
 * The kernel wakes a thread on the CPU where it slept or on the waker's, if it finds no idle one. In a virtual machine it
 * finds none: a CPU that halts is one that the host has taken away. Then the woken thread waits behind the waker, which goes
 * on computing, until the next tick: up to 4 ms, in which a loop may be over. So who wakes a worker for a fork forbids it its
 * own CPU, and the one where it slept if another worker is there now; the woken one allows itself all that it had as soon as
 * it runs. Not for tasks: where they are short, or the waker soon waits, sharing its CPU is the faster way.
 *
 * worker.place: FREE -> MOVING, by the waker under idle.lock, before is_sleeper says that it was woken; -> MOVED or FREE, by
 * the waker without the lock, before it unparks; MOVED -> FREE, by the woken one, which waits while it is MOVING: the
 * waker never touches a worker that runs tasks. */
#ifndef EXECI_SCHED_PLACE_H
#define EXECI_SCHED_PLACE_H

#include "sched/pool.h"

/* On the worker's thread: it begins; it is about to sleep, or has woken. */
void execi_place_init(struct execi_worker *w);
void execi_place_note(struct execi_worker *w);

/* L(idle.lock) @w sleeps, and a worker is about to wake it for a fork. true: execi_place_move() follows, without the lock. */
bool execi_place_begin(struct execi_worker *w);
void execi_place_move(struct execi_worker *w);
/* On its thread, when it has woken. */
void execi_place_restore(struct execi_worker *w);

#endif
