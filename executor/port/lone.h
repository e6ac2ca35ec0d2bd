/* lone.h - a stack that is never used again: alone in its mapping, which ends with it. */
#ifndef EXECI_PORT_LONE_H
#define EXECI_PORT_LONE_H

#include "port/guard.h"

#include <stddef.h>

/* The low end of @bytes of stack, guarded by @rung or what comes next. NULL: no memory, or no such guard. */
char *execi_lone_new(size_t bytes, enum execi_guard rung);
void execi_lone_free(char *low, size_t bytes);
enum execi_guard execi_lone_guard(const char *low);

#endif
