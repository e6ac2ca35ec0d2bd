/* step.c - see step.h. */
#include "sched/step.h"

#include "port/log.h"
#include "task/extra.h"

#include <stdio.h>

/* Its own frame: a name and a line are not to stay on the stack of a task that goes on. */
static NOINLINE void tell(exec_future *t, int64_t ns)
{
        struct execi_extra *e = execi_extra_get(t);
        char name[EXTRA_NAME_BYTES];

        execi_extra_title(t, name, sizeof name);
        execi_log(EXEC_LOG_WARN, "task %s%s%s%s ran for %lld ms without a wait", name,
                  e && e->place ? ", created at " : "", e && e->place ? e->place : "", e && e->place ? "," : "",
                  (long long)(ns / 1000000));
}

/* The step of whoever ran until now is over. */
static void turn(struct execi_worker *w, exec_future *next)
{
        struct execi_fiber *fiber = w->fiber;
        int64_t now_ns = execi_now(w->pool->chooser);

        if (fiber->step_task && now_ns - fiber->step_ns >= w->pool->slow_ns)
                tell(fiber->step_task, now_ns - fiber->step_ns);
        fiber->step_task = next;
        fiber->step_ns = now_ns;
}

exec_future *execi_step_begin(struct execi_worker *w, exec_future *t)
{
        exec_future *outer = w->fiber->step_task;

        turn(w, t);
        w->fiber->checked = true;
        return outer;
}

void execi_step_end(struct execi_worker *w, exec_future *outer)
{
        turn(w, outer);
        w->fiber->checked = w->fiber->has_canary || w->fiber->forked || outer;
}

void execi_step_suspend(struct execi_worker *w)
{
        if (w->fiber->step_task)
                turn(w, w->fiber->step_task);
}

void execi_step_resume(struct execi_worker *w)
{
        if (w->fiber->step_task)
                w->fiber->step_ns = execi_now(w->pool->chooser);
}
