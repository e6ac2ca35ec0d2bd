/* around.c - see around.h. */
#include "future/around.h"

#include "future/here.h"
#include "sched/step.h"
#include "task/extra.h"

#include <executor/timeout.h>

static int run_until(const struct execi_extra *e, void *arg, void **value)
{
        struct exec_timeout scope = {{0}};
        int err;

        if (e->deadline_ns == EXEC_FOREVER)
                return e->fn(arg, value);
        err = exec_timeout_begin(&scope, e->deadline_ns);
        return err ? err : exec_timeout_end(&scope, e->fn(arg, value));
}

/* The fiber stays the same from here to the end of the body; the worker may not. */
static int body(void *arg, void **value)
{
        struct execi_worker *w = execi_worker_current();
        struct execi_fiber *fiber = w->fiber;
        exec_future *t = fiber->task, *outer;
        const struct execi_extra *e = execi_extra_get(t);
        int err;

        if (!e->is_debug)
                return run_until(e, arg, value);
        outer = execi_step_begin(w, t);
        err = run_until(e, arg, value);
        execi_step_end(fiber->worker, outer);
        return err;
}

int execi_around_put(exec_future *t, struct exec_pool *pool, int64_t deadline_ns, const char *place)
{
        struct execi_extra *e;

        if (deadline_ns == EXEC_FOREVER && !pool->slow_ns)
                return 0;
        e = execi_extra_need(t, 0);
        if (!e)
                return -ENOMEM;
        e->fn = t->fn;
        e->deadline_ns = deadline_ns;
        e->is_debug = pool->slow_ns != 0;
        if (e->is_debug)
                e->place = place;
        t->fn = body;
        return 0;
}
