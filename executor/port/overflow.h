/* overflow.h - a SIGSEGV handler on an alternate stack that says which task overran its stack.
 *
 * Installed by the first pool over SIG_DFL only; removed by the last, unless somebody else's handler stands there by
 * then. After its line, or when @describe does not know the address, it restores the default action and returns, so
 * that the fault happens again under it. */
#ifndef EXECI_PORT_OVERFLOW_H
#define EXECI_PORT_OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>

/* Runs in the handler: is @address in the guard of this thread's current stack? Then write a line (async-signal-safe)
 * into @buffer, without newline. */
typedef bool (*execi_overflow_fn)(const void *address, char *buffer, size_t size);

void execi_overflow_install(execi_overflow_fn describe); /* counted */
void execi_overflow_remove(void);

/* The calling thread's alternate stack. */
void *execi_overflow_thread_start(void); /* NULL: no memory, or the thread has one; the handler may then not run */
void execi_overflow_thread_end(void *altstack);

#endif
