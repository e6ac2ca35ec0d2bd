/* wait.c - which of several futures have ended. */
#include "future/several.h"

#include <executor/future.h>
#include <executor/wait.h>

static int count_done(exec_future *const f[], size_t n)
{
        int n_done = 0;

        for (size_t i = 0; i < n; i++)
                n_done += exec_future_done(f[i]);
        return n_done;
}

int exec_wait(exec_future *const f[], size_t n, enum exec_wait_mode mode, int64_t deadline_ns, bool done[])
{
        static const enum several_until until[] = {
                [EXEC_ALL_COMPLETED] = UNTIL_ALL,
                [EXEC_FIRST_COMPLETED] = UNTIL_ONE,
                [EXEC_FIRST_EXCEPTION] = UNTIL_FAILURE,
        };
        struct execi_several how = {.deadline_ns = deadline_ns, .done = done};
        struct execi_several_end e;
        int r = n == 0 || (unsigned)mode > EXEC_FIRST_EXCEPTION ? -EINVAL : execi_several_check(f, n);

        if (r)
                return r;
        how.until = until[mode];
        r = execi_several_wait(f, n, &how, &e);
        if (r && r != -ETIMEDOUT)
                return r;
        return done ? (int)e.n_done : count_done(f, n);
}
