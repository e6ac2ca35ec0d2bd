/* leave.h - the body of execi_suspend() (suspend.h), for the wait that is inlined around it. */
#ifndef EXECI_SCHED_LEAVE_H
#define EXECI_SCHED_LEAVE_H

#include "base/check.h"
#include "port/sanitizer.h"
#include "sched/forks.h"
#include "sched/ready.h"
#include "sched/suspend.h"
#include "task/state.h"

static inline void execi_switch_commit(struct execi_worker *w)
{
        execi_commit_fn commit = w->commit;

        commit(w, w->commit_ctx);
}

static inline void execi_switch_prepare(struct execi_worker *w, struct execi_fiber *to, execi_commit_fn commit,
                                        void *ctx)
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

static ALWAYS_INLINE void execi_switch_inline(struct execi_worker *w, struct execi_fiber *to, execi_commit_fn commit,
                                              void *ctx)
{
        struct execi_fiber *self = w->fiber;

        execi_switch_prepare(w, to, commit, ctx);
        execi_sanitizer_before_switch(&self->sanitizer, &to->sanitizer, false);
        execi_context_switch(&self->context, &to->context);
        w = execi_worker_current();
        execi_sanitizer_after_switch(&self->sanitizer);
        execi_switch_commit(w);
}

/* Something is to be looked at before and after. */
void execi_leave_checked(struct execi_worker *w, struct execi_fiber *f);
void execi_leave_resumed(struct execi_fiber *f);

#ifdef EXEC_MODEL
#define execi_leave execi_suspend /* the checker's */
#else
static ALWAYS_INLINE void execi_leave(struct execi_worker *w, execi_commit_fn commit, void *ctx)
{
        struct execi_fiber *self = w->fiber, *to;
        exec_future *t = self->task, *next = NULL;
        int saved_errno = *w->errno_location;

        if (UNLIKELY(self->checked))
                execi_leave_checked(w, self);
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
        execi_switch_inline(w, to, commit, ctx);
        execi_tsan_acquire(self->worker); /* its start hook */
        if (UNLIKELY(self->checked))
                execi_leave_resumed(self);
        *self->worker->errno_location = saved_errno; /* of the thread it runs on now */
}
#endif

#endif
