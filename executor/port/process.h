/* process.h - is this still the process that made a thing? */
#ifndef EXECI_PORT_PROCESS_H
#define EXECI_PORT_PROCESS_H

/* A number that differs after fork() in the child. Cheap: no system call. */
unsigned execi_process(void);

#endif
