/* check.h - the one panic path, always-on CHECK and debug-only ASSERT. */
#ifndef EXECI_BASE_CHECK_H
#define EXECI_BASE_CHECK_H

#include "base/compiler.h"

/* Writes "executor: ..." to stderr with write(2) and aborts. Takes no lock and allocates nothing. */
_Noreturn void execi_panic(const char *format, ...) PRINTF(1, 2) COLD;

#define CHECK(cond, ...)                                                                                               \
        do {                                                                                                           \
                if (UNLIKELY(!(cond)))                                                                                 \
                        execi_panic(__VA_ARGS__);                                                                      \
        } while (0)

#ifdef EXEC_DEBUG
#define ASSERT(cond) CHECK(cond, "%s:%d: %s", __FILE__, __LINE__, #cond)
#else
#define ASSERT(cond) ((void)sizeof(cond))
#endif

#endif
