/* task.c - see task.h. */
#include "run/task.h"

#include "port/sanitizer.h"
#include "run/fibers.h"
#include "sched/suspend.h"
#include "task/extra.h"
#include "task/register.h"
#include "task/state.h"
#include "wait/ending.h"
#include "wait/waiter.h"

static COLD void drop_arg(exec_future *t)
{
        struct execi_extra *extra = execi_extra_get(t);

        if (extra && extra->drop_arg)
                extra->drop_arg(extra->arg);
}

/* Own the task's start. false: it was cancelled before; a cell that only the queue still knew is freed. */
static inline bool start(struct execi_worker *w, exec_future *t)
{
        enum start_answer answer = execi_state_start(t);

        if (LIKELY(answer == START_RUN))
                return true;
        if (answer == START_FREE)
                execi_cell_release(w, t);
        return false;
}

/* A worker keeps finished children of one gather to itself as long as it runs children of that gather. */
static inline void flush_unless_sibling(struct execi_worker *w, exec_future *t)
{
        if (w->gather &&
            (atom_load(&t->word, RELAXED) & WORD_WAITERS) != ((uint64_t)(uintptr_t)w->gather | TAG_GATHER)) /* @relaxed hint */
                execi_gather_flush_slow(w);
}

void execi_task_run(struct execi_worker *w, exec_future *t)
{
        struct execi_fiber *fiber = w->fiber;
        exec_future *outer = fiber->task;
        exec_task_fn fn = t->fn;
        void *arg = t->arg, *value = NULL;
        uint32_t tied = t->flags & CELL_TIED;
        int err;

        flush_unless_sibling(w, t);
        if (UNLIKELY(!start(w, t)))
                return;
        execi_tsan_acquire(t);
        t->fiber = fiber;
        fiber->task = t;
        fiber->n_tied += tied;
        err = fn(arg, &value);
        w = fiber->worker; /* X2 */
        fiber->n_tied -= tied;
        if (UNLIKELY(atom_load(&t->extra, RELAXED))) /* @relaxed owner */
                drop_arg(t);
        w = fiber->worker;
        fiber->task = outer;
        if (UNLIKELY(t->flags & CELL_ALLOCATED)) {
                execi_task_end(w, t, err, value);
        } else {
                execi_task_finish(w, t, err, value);
                atom_bump(&w->n_finished, 1);
        }
}

COLD void execi_task_refuse(struct execi_worker *w, exec_future *t, int err)
{
        if (!start(w, t))
                return;
        execi_tsan_acquire(t);
        drop_arg(t);
        execi_task_end(w, t, err, NULL);
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
        execi_task_run(self->worker, self->first);
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
                execi_task_refuse(w, t, -ENOMEM);
                return;
        }
        f->first = t;
        execi_gather_flush(w);
        execi_switch(w, f, commit_put, w->fiber);
}
