/* process.h - is this still the process that made a thing? */
#ifndef EXECI_PORT_PROCESS_H
#define EXECI_PORT_PROCESS_H

/* From now on count the forks, and call @in_child in each child, on its only thread: once for all, the same function each
 * time. It is called no more when the library is unloaded. 0; -ENOMEM. */
int execi_process_watch(void (*in_child)(void));

/* A number that differs after fork() in the child, once the forks are counted. One load: from signal handlers too. */
unsigned execi_process(void);

#endif
