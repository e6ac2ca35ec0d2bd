/* log.c - the log hook. The pair {function, context} is set and read under a spin lock; the function runs outside. */
#include "port/log.h"

#include <executor/types.h>

#include "port/pause.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 512 };

static struct {
        struct execi_spin lock;
        exec_log_fn fn;
        void *ctx;
} hook;

void exec_set_log(exec_log_fn fn, void *ctx)
{
        execi_spin_lock(&hook.lock);
        hook.fn = fn;
        hook.ctx = ctx;
        execi_spin_unlock(&hook.lock);
}

void execi_log(int level, const char *format, ...)
{
        static const char prefix[] = "executor: ";
        const size_t head = sizeof prefix - 1;
        char line[LINE_BYTES];
        va_list args;

        memcpy(line, prefix, head);
        va_start(args, format);
        int n = vsnprintf(line + head, sizeof line - head - 1, format, args); /* keeps a byte for the newline */
        va_end(args);
        if (n < 0)
                return;

        execi_spin_lock(&hook.lock);
        exec_log_fn fn = hook.fn;
        void *ctx = hook.ctx;
        execi_spin_unlock(&hook.lock);
        if (fn) {
                fn(level, line + head, ctx);
                return;
        }
        size_t used = strlen(line);
        line[used++] = '\n';
        if (write(STDERR_FILENO, line, used) < 0)
                return; /* no stderr: nobody to tell */
}
