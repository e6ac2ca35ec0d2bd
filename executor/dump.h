/* dump.h - every live task, in words. */
#ifndef EXECI_DUMP_H
#define EXECI_DUMP_H

#include <executor/pool.h>

void execi_dump_to_log(exec_pool *pool);
/* For the overflow handler: the running task's name if @address is in its stack's guard. Async-signal-safe. */
bool execi_describe_overflow(const void *address, char *buffer, size_t size);

#endif
