/* task.c - see task.h. */
#include "run/task.h"

#include "base/check.h"
#include "port/sanitizer.h"
#include "run/fibers.h"
#include "run/strand.h"
#include "sched/suspend.h"
#include "task/extra.h"
#include "task/register.h"
#include "task/state.h"
#include "wait/ending.h"
#include "wait/outside.h"
#include "wait/waiter.h"

/* One with options or a message. Its end may drop its value too (waiter.c): outside any task, as all drops. */
static COLD void returned_with_extra(struct execi_fiber *fiber, exec_future *t, int err, void *value)
{
        bool was = execi_outside_begin();

        execi_task_let_go(t);
        execi_task_end(fiber->worker, t, err, value);
        execi_outside_end(was);
}

/* It never ran: end it with @err. */
static void end_unstarted(struct execi_worker *w, exec_future *t, int err)
{
        execi_tsan_acquire(t);
        execi_task_let_go(t);
        atom_or(&t->seen, SEEN_UNBEGUN, RELAXED); /* @relaxed flag, read behind DONE */
        execi_task_end(w, t, err, NULL);
}

/* Own the task's start. false: it was cancelled before. */
static bool start(struct execi_worker *w, exec_future *t)
{
        switch (execi_state_start(t)) {
        case START_RUN:
                return true;
        case START_CANCELLED:
                if (t->flags & CELL_FORK) /* J1 */
                        return true;
                end_unstarted(w, t, -ECANCELED);
                return false;
        case START_FREE:
                execi_cell_release(w, t);
                return false;
        case START_SKIP:
                break;
        }
        return false;
}

void execi_task_returned(struct execi_fiber *fiber, exec_future *t, int err, void *value)
{
        execi_state_settle(t);
        if (execi_extra_get(t))
                returned_with_extra(fiber, t, err, value);
        else
                execi_task_end(fiber->worker, t, err, value);
}

void execi_task_run_slow(struct execi_worker *w, exec_future *t)
{
        struct execi_fiber *fiber = w->fiber;
        exec_future *outer = fiber->task;
        void *value = NULL;
        bool tied = t->flags & CELL_TIED;
        exec_task_fn fn;
        exec_fork_fn fork_fn;
        int err;

        execi_gather_flush(w);
        if (!start(w, t))
                return;
        execi_tsan_acquire(t);
        execi_tsan_acquire(w);                            /* its start hook */
        atom_store(&t->wait.word, WAIT_STARTED, RELAXED); /* @relaxed owner */
        fn = t->fn;
        fork_fn = t->fork_fn;
        t->fiber = fiber;
        fiber->task = t;
        if (tied) {
                if (UNLIKELY(!atom_load(&w->pool->binds, RELAXED))) /* @relaxed: the line is everybody's */
                        atom_store(&w->pool->binds, true, RELAXED); /* @relaxed: before its waits, ready.h R2 */
                fiber->n_tied++;
        }
        if (UNLIKELY(t->flags & CELL_FORK)) {
                execi_strand_run(fiber, t, fork_fn, t->arg);
                err = 0;
        } else {
                err = fn(t->arg, &value);
        }
        CHECK(outer || !fiber->forks || !execi_forkstack_any(fiber->forks),
              "a task returned before it had joined its forks");
        if (tied)
                fiber->n_tied--;
        execi_worker_slots_release(fiber);
        fiber->task = outer;
        if (UNLIKELY(fiber->scope))
                execi_scopes_check(fiber, t);
        execi_task_returned(fiber, t, err, value);
}

COLD void execi_task_refuse(struct execi_worker *w, exec_future *t, int err)
{
        if (start(w, t))
                end_unstarted(w, t, err);
}

static void commit_free(struct execi_worker *w, void *fiber)
{
        (void)w;
        execi_fiber_free(fiber);
}

static void own_main(void *arg)
{
        struct execi_fiber *self = arg;

        execi_switch_arrived();
        execi_task_run_slow(self->worker, self->first);
        CHECK(execi_worker_current(),
              "a task returned in the child of a fork(): end the child in the task, by _exit()"); /* pool.c after_fork */
        execi_switch_last(self->worker, execi_fibers_take_spare(self->worker), commit_free, self);
}

static void commit_put(struct execi_worker *w, void *fiber)
{
        execi_fibers_put(w, fiber);
}

COLD void execi_task_run_own(struct execi_worker *w, exec_future *t)
{
        struct execi_extra *extra = execi_extra_get(t);
        size_t bytes = extra && extra->stack_bytes ? extra->stack_bytes : w->pool->promise_bytes;
        void *tsan = NULL;
        struct execi_fiber *f;

        if (t->flags & CELL_ALLOCATED) { /* precise mode: the context that the creator made */
                tsan = execi_cell_prefix(t)->tsan;
                execi_cell_prefix(t)->tsan = NULL;
        }
        f = execi_fibers_make_own(w->pool, bytes, own_main, tsan);
        if (!f) {
                if (tsan)
                        execi_tsan_context_free(tsan);
                if (t->flags & CELL_FORK) /* J1: here then */
                        execi_task_run_slow(w, t);
                else
                        execi_task_refuse(w, t, -ENOMEM);
                return;
        }
        f->first = t;
        execi_gather_flush(w);
        execi_switch(w, f, commit_put, w->fiber);
}
