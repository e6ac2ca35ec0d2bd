/* dump.h - every live task, in words. */
#ifndef EXECI_DUMP_H
#define EXECI_DUMP_H

#include <executor/pool.h>

void execi_dump_to_log(exec_pool *pool);
/* A future's name, or its kind and address. */
void execi_dump_name(const exec_future *f, char *buffer, size_t size);
/* For the overflow handler: the running task's name if @address is in its stack's guard. Async-signal-safe. */
bool execi_describe_overflow(const void *address, char *buffer, size_t size);

#endif
