/* gather_call.c - one function over an array of arguments, with a bound on how many calls run at once.
 *
 * H1 every call that was started is waited for, and its outcome noted, also when the queue has no room for it. */
#include "future/completion.h"
#include "future/here.h"

#include <executor/combine.h>
#include <executor/future.h>
#include <executor/task.h>

struct call {
        exec_task_fn fn;
        char *args;
        size_t n, stride, limit;
        struct exec_outcome *out;
        bool collect;
        /* progress */
        exec_completion *queue;
        size_t next, n_running;
        int err;
};

static void note(struct call *k, exec_future *f, size_t i)
{
        struct exec_outcome o;

        exec_future_outcome(f, &o);
        if (o.state == EXEC_DONE && k->out)
                exec_take(f, &o.value); /* the caller's own now */
        if (k->out)
                k->out[i] = o;
        if (o.state != EXEC_DONE && !k->err && !k->collect)
                k->err = o.err;
}

static int start_one(struct call *k)
{
        size_t i = k->next++;
        exec_future *f = exec_create_task(k->fn, k->args ? k->args + i * k->stride : NULL);
        int r = exec_completion_add(k->queue, f, (void *)i); /* NOLINT: an index */

        if (r) { /* H1 */
                exec_cancel(f, "no memory");
                exec_await(f, NULL);
                note(k, f, i);
        } else {
                k->n_running++;
        }
        exec_future_unref(f);
        return r;
}

/* Wait for one to end. A cancel of the caller is passed on to all that run, which are still waited for. */
static void finish_one(struct call *k, int *cancelled, bool *hushed)
{
        exec_future *f;
        void *tag;
        int r = exec_completion_next(k->queue, EXEC_FOREVER, &f, &tag);

        if (r == 1) {
                k->n_running--;
                note(k, f, (size_t)tag); /* NOLINT */
                exec_future_unref(f);
        } else if (r == -ECANCELED) {
                *cancelled = r;
                *hushed |= execi_cancel_hush(execi_worker_current());
                execi_completion_cancel_all(k->queue, exec_cancel_reason(execi_here_cell()));
        }
}

static int run(struct call *k)
{
        int cancelled = 0, told = 0, r = 0;
        bool hushed = false;

        while (k->n_running || (k->next < k->n && !k->err && !cancelled && !r)) {
                while (k->next < k->n && k->n_running < k->limit && !k->err && !cancelled && !r)
                        r = start_one(k);
                if (k->n_running)
                        finish_one(k, &cancelled, &hushed);
                if ((k->err || r) && !told++)
                        execi_completion_cancel_all(k->queue, "another call failed");
        }
        execi_cancel_unhush(execi_worker_current(), hushed);
        return cancelled ? cancelled : r ? r : k->err;
}

int exec_gather_call(exec_task_fn fn, void *args, size_t n, size_t stride, struct exec_outcome out[], size_t limit,
                     unsigned flags)
{
        struct execi_worker *w = execi_worker_current();
        struct call k = {fn,   args, n, stride, limit ? limit : SIZE_MAX, out, (flags & EXEC_COLLECT) != 0,
                         NULL, 0,    0, 0};
        size_t bytes;
        int r;

        if (n > SIZE_MAX / sizeof *out || __builtin_mul_overflow(n, stride, &bytes)) /* no arrays are so long */
                return -EINVAL;
        for (size_t i = 0; out && i < n; i++)
                out[i] = (struct exec_outcome){EXEC_PENDING, 0, NULL};
        if (!fn || (n && !args && stride) || (flags & ~(unsigned)EXEC_COLLECT) || !execi_here_pool(w))
                return -EINVAL;
        r = execi_may_wait(w);
        if (!r)
                r = exec_completion_new(&k.queue);
        if (r)
                return r;
        r = run(&k);
        exec_completion_free(k.queue);
        return r;
}
