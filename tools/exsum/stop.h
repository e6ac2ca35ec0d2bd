/* stop.h - SIGINT asks the run to stop; a second one ends the process, as without this. */
#ifndef EXSUM_STOP_H
#define EXSUM_STOP_H

#include <stdbool.h>

/* stop_install - listen from now on, unless SIGINT is ignored (as in a shell's background). Call once. */
void stop_install(void);

bool stop_is_requested(void);

/* A file descriptor that becomes readable with the request, to be polled beside what may never come; or -1. */
int stop_fd(void);

#endif
