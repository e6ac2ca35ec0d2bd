/* at_exit.h - pools that exit() lets end their tasks: EXEC_POOL_DRAIN_AT_EXIT. */
#ifndef EXECI_AT_EXIT_H
#define EXECI_AT_EXIT_H

#include "sched/pool.h"

/* Before the first pool is added: 0 or -ENOMEM. */
int execi_at_exit_begin(void);
void execi_at_exit_add(struct exec_pool *pool);
/* The pool is about to be freed; waits while exit() is at it. */
void execi_at_exit_remove(struct exec_pool *pool);
/* In the child of a fork(), whose pools are its parent's. */
void execi_at_exit_in_child(void);

#endif
