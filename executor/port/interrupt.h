/* interrupt.h - one SIGINT for whoever runs a main task.
 *
 * The handler is there between start and stop, and only where the program leaves SIGINT alone. The first signal takes it
 * away again (SA_RESETHAND), so the second one finds the default action: it ends the process.
 *
 * N1 one at a time in a process; others are told that it is not theirs.
 * N2 the handler makes one swap and one sem_post() on memory that is never freed. A thread, started for it, does the rest.
 * N3 no signal is lost: one that comes too late to be taken is raised again when the handler is gone. */
#ifndef EXECI_PORT_INTERRUPT_H
#define EXECI_PORT_INTERRUPT_H

#include <stdbool.h>

/* @fn(@arg) runs once, on that thread, when the signal comes. It says whether it has taken it. */
typedef bool (*execi_interrupt_fn)(void *arg);

/* 1: it is there; 0: the program has a handler, ignores the signal, or somebody else has started; -EAGAIN: no thread. */
int execi_interrupt_start(execi_interrupt_fn fn, void *arg);
/* After start has returned 1. Take the handler away; @fn is over or never runs. A signal not taken is raised again. */
void execi_interrupt_stop(void);
/* In the child of a fork(), which has not inherited the thread. */
void execi_interrupt_in_child(void);

#endif
