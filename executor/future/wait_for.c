/* wait_for.c - await with a time limit, after which the future is cancelled and its end awaited. */
#include "future/here.h"
#include "wait/block.h"

#include <executor/future.h>
#include <executor/time.h>
#include <executor/wait.h>

static int64_t deadline_after(int64_t ns)
{
        int64_t now_ns = exec_now();

        return ns < EXEC_FOREVER - now_ns ? now_ns + ns : EXEC_FOREVER;
}

/* The time is over: cancel @f, wait for its end. A request that the caller gets meanwhile goes on to @f and wins over the
 * time; how @f ends wins over both. */
static int cancel_and_wait(struct execi_worker *w, exec_future *f, void **value)
{
        exec_future *self = execi_here_task(w);
        bool asked = exec_cancel(f, "its time was over") == 1, passed = false;
        int r = 0, end;

        if (!execi_state_is_done(f)) {
                if (self)
                        atom_and(&self->seen, (uint8_t)~SEEN_PASSED,
                                 RELAXED); /* @relaxed flag, set only while it waits */
                r = execi_wait_future(f, EXEC_FOREVER);
                passed = self && (atom_load(&self->seen, RELAXED) & SEEN_PASSED); /* @relaxed: ordered by the pin */
        }
        end = exec_await(f, value); /* it is done */
        if (r || end != -ECANCELED)
                return r ? r : end;
        return asked && !passed ? -ETIMEDOUT : -ECANCELED;
}

static bool is_cancelled(struct execi_worker *w)
{
        exec_future *self = execi_here_task(w);

        return self && (atom_load(&self->word, RELAXED) & WORD_CANCEL); /* @relaxed hint */
}

int exec_wait_for(exec_future *f, int64_t timeout_ns, void **value)
{
        struct execi_worker *w = execi_worker_current();
        int r;

        if (!execi_is_future(f))
                return -EINVAL;
        if (execi_state_is_done(f) || timeout_ns == EXEC_FOREVER)
                return exec_await(f, value);
        if ((r = execi_may_wait(w)))
                return r;
        if (f == execi_here_root(w))
                return -EDEADLK;
        if (timeout_ns <= 0 && is_cancelled(w)) /* passes the request on */
                return exec_await(f, value);
        r = timeout_ns > 0 ? exec_await_until(f, deadline_after(timeout_ns), value) : -ETIMEDOUT;
        if (r != -ETIMEDOUT)
                return r;
        if (execi_state_is_done(f))
                return exec_await(f, value);
        return cancel_and_wait(execi_worker_current(), f, value);
}
