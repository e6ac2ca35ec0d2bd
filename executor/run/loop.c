/* loop.c - see loop.h. */
#include "run/loop.h"

#include "base/check.h"
#include "port/overflow.h"
#include "port/sanitizer.h"
#include "run/fibers.h"
#include "run/find.h"
#include "run/task.h"
#include "sched/place.h"
#include "sched/suspend.h"
#include "task/state.h"
#include "wait/waiter.h"

enum { MAX_BATCH = 32 };

static void commit_put(struct execi_worker *w, void *fiber)
{
        execi_fibers_put(w, fiber);
}

static void resume(struct execi_worker *w, struct execi_fiber *self, exec_future *t)
{
        execi_gather_flush(w);
        execi_switch(w, t->fiber, commit_put, self);
}

static void start(struct execi_worker *w, exec_future *t)
{
        if (UNLIKELY((atom_load(&w->pool->halt, RELAXED) & HALT_BROKEN) && !(t->flags & CELL_FORK))) /* @relaxed hint */
                execi_task_refuse(w, t, -EPIPE);
        else if (UNLIKELY(t->flags & CELL_OWN_STACK))
                execi_task_run_own(w, t);
        else
                execi_task_run(w, t);
}

/* Go on with own new tasks while nothing else wants to run. The polls of execi_find() keep their distance. */
static void run_batch(struct execi_fiber *self)
{
        struct execi_worker *w = self->worker;
        uint32_t n = w->poll_every < MAX_BATCH ? w->poll_every : MAX_BATCH;
        exec_future *t;

        while (n-- && !atom_load(&w->next, RELAXED) && !atom_load(&w->n_ready, RELAXED) && /* @relaxed hints */
               !atom_load(&w->n_inbox, RELAXED) && !atom_load(&w->pool->halt, RELAXED) && w->spare &&
               (t = execi_deque_pop(&w->deque))) {
                execi_share(w);
                w->tick++;
                if (UNLIKELY(t->flags & CELL_OWN_STACK))
                        execi_task_run_own(w, t);
                else
                        execi_task_run(w, t);
                w = self->worker;
        }
}

static void commit_nothing(struct execi_worker *w, void *ctx)
{
        (void)w;
        (void)ctx;
}

void execi_fiber_loop(void *fiber)
{
        struct execi_fiber *self = fiber;
        struct execi_worker *w;
        exec_future *t;
        bool is_resume;

        execi_switch_arrived();
        while ((t = execi_find((w = self->worker), &is_resume))) {
                if (is_resume)
                        resume(w, self, t);
                else
                        start(w, t);
                run_batch(self);
        }
        w->last_fiber = self;
        execi_switch_last(self->worker, &self->worker->thread_fiber, commit_nothing, NULL);
}

static void run_start_hook(struct execi_worker *w)
{
        if (w->pool->start_hook && w->pool->start_hook(w->id, w->pool->start_ctx))
                atom_or(&w->pool->halt, HALT_BROKEN, ACQ_REL);
        CHECK(execi_worker_current() == w, "a start hook returned in the child of a fork()");
        execi_tsan_release(w); /* the hook is before every task of this worker */
}

void *execi_worker_main(void *worker)
{
        struct execi_worker *w = worker;
        struct execi_fiber *first;

        while (!atom_load(&w->pool->started, ACQUIRE)) /* @pair pool.started */
                execi_parker_park(&w->parker, INT64_MAX);
        execi_worker_set_current(w);
        w->errno_location = exec_errno_location();
        execi_tsan_exempt_errno(w->errno_location);
        w->altstack = (w->pool->flags & EXEC_POOL_NO_OVERFLOW_HANDLER) ? NULL : execi_overflow_thread_start();
        execi_place_init(w);
        run_start_hook(w);
        w->thread_fiber.worker = w;
        execi_sanitizer_thread_stack(&w->thread_fiber.sanitizer);
        first = execi_fibers_take_spare(w); /* made by exec_pool_new() */
        w->fiber = &w->thread_fiber;
        execi_switch(w, first, commit_nothing, NULL);
        execi_fiber_free(w->last_fiber);
        execi_fibers_fini(w);
        execi_slab_flush(w->slab);
        if (w->altstack)
                execi_overflow_thread_end(w->altstack);
        execi_worker_set_current(NULL);
        return NULL;
}
