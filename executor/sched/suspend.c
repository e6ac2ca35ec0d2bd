/* suspend.c - see suspend.h. */
#include "sched/suspend.h"

#include "base/check.h"
#include "port/sanitizer.h"
#include "sched/forks.h"
#include "sched/leave.h"
#include "sched/step.h"
#include "task/extra.h"
#include "task/state.h"

#ifdef EXECI_THREAD_LOCAL_READ
_Thread_local struct execi_worker *execi_current_worker __attribute__((used));
#else
static _Thread_local struct execi_worker *execi_current_worker;

NOINLINE struct execi_worker *execi_worker_current(void)
{
        COMPILER_BARRIER();
        return execi_current_worker;
}
#endif

NOINLINE void execi_worker_set_current(struct execi_worker *w)
{
        COMPILER_BARRIER();
        execi_current_worker = w;
}

void execi_switch_arrived(void)
{
        struct execi_worker *w = execi_worker_current();

        execi_sanitizer_after_switch(&w->fiber->sanitizer);
        execi_switch_commit(w);
}

void execi_switch(struct execi_worker *w, struct execi_fiber *to, execi_commit_fn commit, void *ctx)
{
        execi_switch_inline(w, to, commit, ctx);
}

_Noreturn void execi_switch_last(struct execi_worker *w, struct execi_fiber *to, execi_commit_fn commit, void *ctx)
{
        struct execi_fiber *self = w->fiber;

        execi_switch_prepare(w, to, commit, ctx);
        execi_sanitizer_before_switch(&self->sanitizer, &to->sanitizer, true);
        execi_context_switch(&self->context, &to->context);
        execi_panic("a fiber that had ended went on");
}

COLD void execi_leave_checked(struct execi_worker *w, struct execi_fiber *f)
{
        const struct execi_extra *e;

        execi_step_suspend(w);
        if (f->forks)
                execi_forks_leave(w, f->forks);
        execi_worker_slots_release(f);
        if (LIKELY(!f->has_canary || execi_stack_intact(f->stacks, f->low)))
                return;
        e = execi_extra_get(f->task);
        execi_panic("stack overflow in task %s: it overran its stack of %zu bytes; raise stack_bytes",
                    e && e->name[0] ? e->name : "without a name", f->stacks->bytes);
}

COLD void execi_leave_resumed(struct execi_fiber *f)
{
        if (f->forks)
                execi_forks_return(f->forks);
        execi_step_resume(f->worker);
}

void execi_suspend(struct execi_worker *w, execi_commit_fn commit, void *ctx)
{
        execi_leave(w, commit, ctx);
}
