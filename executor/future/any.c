/* any.c - the first of several futures that succeeds. */
#include "future/here.h"
#include "future/several.h"
#include "port/atomic.h"
#include "task/cell.h"

#include <executor/combine.h>
#include <executor/future.h>
#include <executor/task.h>
#include <executor/wait.h>

/* All but f[but]; @n: all, for the reason for which the caller was cancelled. */
static void cancel_rest(exec_future *const f[], size_t n, size_t but)
{
        const char *reason = but == n ? exec_cancel_reason(execi_here_cell()) : "another one succeeded first";

        for (size_t i = 0; i < n; i++)
                if (but == n || f[i] != f[but])
                        exec_cancel(f[i], reason);
}

/* Who asks for any success cares for no single error, not for a later one either. */
static void note_seen(exec_future *const f[], size_t n)
{
        for (size_t i = 0; i < n; i++)
                atom_or(&f[i]->seen, SEEN_ERROR, RELAXED); /* @relaxed flag */
}

/* None has succeeded. */
static int fail(exec_future *const f[], size_t n, size_t *index)
{
        size_t i = 0;

        while (i < n && f[i]->state != EXEC_FAILED)
                i++;
        *index = i < n ? i : 0;
        return f[*index]->err;
}

static int check(exec_future *const f[], size_t n, unsigned flags)
{
        if (n == 0 || (flags & ~(unsigned)EXEC_CANCEL_REST))
                return -EINVAL;
        return execi_several_check(f, n);
}

static int any(exec_future *const f[], size_t n, size_t *index, void **value, unsigned flags)
{
        const struct execi_several how = {.until = UNTIL_SUCCESS, .deadline_ns = EXEC_FOREVER};
        struct execi_several_end e;
        int r = check(f, n, flags);

        *index = n;
        if (!r)
                r = execi_several_wait(f, n, &how, &e);
        if (r == -ECANCELED && (flags & EXEC_CANCEL_REST))
                cancel_rest(f, n, n);
        if (r)
                return r;
        note_seen(f, n);
        if (e.first == n)
                return fail(f, n, index);
        *index = e.first;
        exec_future_done(f[e.first]); /* for ThreadSanitizer */
        if (value)
                *value = f[e.first]->value;
        if (flags & EXEC_CANCEL_REST)
                cancel_rest(f, n, e.first);
        return 0;
}

int exec_any(exec_future *const f[], size_t n, size_t *index, void **value, unsigned flags)
{
        size_t i;
        int r = any(f, n, &i, value, flags);

        if (index)
                *index = i;
        return r;
}
