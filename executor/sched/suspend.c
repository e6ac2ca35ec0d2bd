/* suspend.c - see suspend.h. */
#include "sched/suspend.h"

#include "base/check.h"
#include "port/sanitizer.h"
#include "sched/forks.h"
#include "sched/ready.h"
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

static inline void arrived(struct execi_worker *w)
{
        execi_commit_fn commit = w->commit;

        commit(w, w->commit_ctx);
}

void execi_switch_arrived(void)
{
        struct execi_worker *w = execi_worker_current();

        execi_sanitizer_after_switch(&w->fiber->sanitizer);
        arrived(w);
}

static inline void prepare(struct execi_worker *w, struct execi_fiber *to, execi_commit_fn commit, void *ctx)
{
        w->commit = commit;
        w->commit_ctx = ctx;
        w->fiber = to;
        if (UNLIKELY(to->forks != atom_load(&w->forks, RELAXED))) /* @relaxed owner */
                execi_forks_show(w, to);
        if (to->worker != w) {
                if (to->task && to->worker)
                        atom_bump(&w->n_migrations, 1);
                to->worker = w;
        }
}

void execi_switch(struct execi_worker *w, struct execi_fiber *to, execi_commit_fn commit, void *ctx)
{
        struct execi_fiber *self = w->fiber;

        prepare(w, to, commit, ctx);
        execi_sanitizer_before_switch(&self->sanitizer, &to->sanitizer, false);
        execi_context_switch(&self->context, &to->context);
        w = execi_worker_current();
        execi_sanitizer_after_switch(&self->sanitizer);
        arrived(w);
}

_Noreturn void execi_switch_last(struct execi_worker *w, struct execi_fiber *to, execi_commit_fn commit, void *ctx)
{
        struct execi_fiber *self = w->fiber;

        prepare(w, to, commit, ctx);
        execi_sanitizer_before_switch(&self->sanitizer, &to->sanitizer, true);
        execi_context_switch(&self->context, &to->context);
        execi_panic("a fiber that had ended went on");
}

static COLD void check(struct execi_worker *w, struct execi_fiber *f)
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

static COLD void resumed(struct execi_fiber *f)
{
        if (f->forks)
                execi_forks_return(f->forks);
        execi_step_resume(f->worker);
}

void execi_suspend(struct execi_worker *w, execi_commit_fn commit, void *ctx)
{
        struct execi_fiber *self = w->fiber, *to;
        exec_future *t = self->task, *next = NULL;
        int saved_errno = *w->errno_location;

        if (UNLIKELY(self->checked))
                check(w, self);
        execi_state_settle(t); /* so that one who cancels it needs no membarrier to learn that it has started */
        t->since_ms = atom_load(&w->coarse_ms, RELAXED); /* @relaxed owner */
        atom_bump(&w->n_suspends, 1);
        if (w->n_handoffs < MAX_HANDOFFS && (next = execi_ready_take_next(w))) {
                w->n_handoffs++;
                w->tick++;
                to = next->fiber;
        } else {
                to = w->spare;
                w->spare = NULL;
                CHECK(to, "a task waits on a worker without a spare fiber");
        }
        execi_switch(w, to, commit, ctx);
        execi_tsan_acquire(self->worker); /* its start hook */
        if (UNLIKELY(self->checked))
                resumed(self);
        *self->worker->errno_location = saved_errno; /* of the thread it runs on now */
}
