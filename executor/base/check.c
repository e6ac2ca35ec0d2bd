/* check.c - the panic path: format on the stack, write(2), abort(3).
 *
 * It may run anywhere, also in a signal handler and on a stack that is almost full: hence the small buffer, no lock,
 * no allocation and no stdio stream. */
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 400 };

_Noreturn void execi_panic(const char *format, ...)
{
        static const char prefix[] = "executor: ";
        char line[LINE_BYTES];
        size_t used = sizeof prefix - 1;
        va_list args;

        memcpy(line, prefix, used);
        va_start(args, format);
        int n = vsnprintf(line + used, sizeof line - used - 1, format, args); /* keeps a byte for the newline */
        va_end(args);
        if (n > 0)
                used += (size_t)n < sizeof line - used - 2 ? (size_t)n : sizeof line - used - 2;
        line[used++] = '\n';
        if (write(STDERR_FILENO, line, used) < 0)
                abort(); /* nothing better is left to do */
        abort();
}
