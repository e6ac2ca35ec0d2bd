/* await.c - waiting for one future. */
#include "future/here.h"
#include "port/sanitizer.h"
#include "run/task.h"
#include "sched/idle.h"
#include "task/extra.h"
#include "task/waitword.h"
#include "wait/block.h"
#include "wait/cancel.h"
#include "wait/circle.h"
#include "wait/single.h"

#include <executor/future.h>

/* The outcome of a future that is done, as a return value. */
static int fold(exec_future *f, void **value)
{
        if (LIKELY(f->state == EXEC_DONE)) {
                if (value)
                        *value = f->value;
                return 0;
        }
        if (f->state == EXEC_FAILED)
                atom_store(&f->seen, SEEN_ERROR, RELAXED); /* @relaxed flag; a failed future's value cannot be taken */
        return f->err;
}

static NOINLINE int fold_for_tsan(exec_future *f, void **value)
{
        execi_tsan_acquire(f);
        return fold(f, value);
}

/* The same, by one who only saw that it is done. */
static inline int fold_done(exec_future *f, void **value)
{
        return UNLIKELY(execi_sanitizer & SANITIZER_TSAN) ? fold_for_tsan(f, value) : fold(f, value);
}

/* May the child that was created last run right here, on the stack of its awaiter? Only what the caller could not have meant
 * otherwise: nobody has started it, and the whole stack promised to every task is left below. Not on top of forks, of
 * which a stack has one row: what runs there belongs to them. */
static inline bool is_direct(struct execi_worker *w, exec_future *f)
{
        return !execi_may_wait(w) && !(f->flags & CELL_OWN_STACK) &&
               execi_fiber_room(w->fiber) > w->pool->promise_bytes + w->pool->red_bytes &&
               !(atom_load(&w->pool->halt, RELAXED) & HALT_BROKEN) && /* @relaxed hint */
               (LIKELY(!execi_is_forked(w->fiber->task)) || (f->flags & CELL_FORK));
}

/* The task @f is the caller, or waits for it. */
static inline bool is_deadlock(struct execi_worker *w, exec_future *f, int64_t deadline_ns)
{
        return f == execi_here_root(w) ||
               (UNLIKELY(execi_awaits(f)) && w && deadline_ns == EXEC_FOREVER && execi_is_circle(w->fiber, f));
}

static NOINLINE int await_slow(struct execi_worker *w, exec_future *f, int64_t deadline_ns, void **value)
{
        int r = execi_may_wait(w);

        if (r)
                return r;
        if (f->kind == CELL_TASK && UNLIKELY(is_deadlock(w, f, deadline_ns)))
                return -EDEADLK;
        r = execi_wait_future(f, deadline_ns);
        return r ? r : fold(f, value);
}

/* Run it. A cancel of the awaiter reaches it as if the awaiter were suspended. */
static int await_direct(struct execi_worker *w, exec_future *f, void **value)
{
        struct execi_fiber *fiber = w->fiber;
        exec_future *t = fiber->task;

        t->awaiting = f;
        execi_wait_arm(&t->wait, WAIT_FORWARD, !w->pool->membarrier);
        if (UNLIKELY(atom_load(&t->word, SEQ_CST) & WORD_CANCEL)) /* @pair state.cancel: V5 */
                execi_cancel_deliver(w, t);
        atom_bump(&w->n_direct, 1);
        execi_task_run(w, f);
        execi_wait_disarm(&t->wait, !fiber->worker->pool->membarrier);
        execi_gather_flush(fiber->worker);
        if (UNLIKELY(fiber->forks != NULL))                                        /* @f may have forked there */
                atom_store(&fiber->forks->root, execi_fiber_root(fiber), RELAXED); /* @relaxed: before any place */
        if (UNLIKELY(!execi_state_is_done(f))) /* somebody cancels it: claimed, and not yet finished */
                return await_slow(fiber->worker, f, EXEC_FOREVER, value);
        execi_tsan_acquire(f);
        if (UNLIKELY(atom_load(&t->word, RELAXED) & WORD_CANCEL) && execi_cancel_take(t)) /* @relaxed hint */
                return -ECANCELED;
        return fold(f, value);
}

/* A task, in which nothing is in the way: suspend it. */
static NOINLINE int await_suspended(struct execi_worker *w, exec_future *f, void **value)
{
        int r;

        if (UNLIKELY(execi_may_wait(w) || (f->kind == CELL_TASK && is_deadlock(w, f, EXEC_FOREVER)) ||
                     execi_is_forked(w->fiber->task)))
                return await_slow(w, f, EXEC_FOREVER, value);
        r = execi_wait_single(w, f);
        execi_state_load(f);
        execi_tsan_acquire(f);
        return UNLIKELY(r) ? r : fold(f, value);
}

/* The task created last. */
static NOINLINE int await_newest(struct execi_worker *w, exec_future *f, void **value)
{
        if (is_direct(w, f) && execi_deque_pop(&w->deque))
                return await_direct(w, f, value);
        return await_suspended(w, f, value);
}

int exec_await(exec_future *f, void **value)
{
        struct execi_worker *w;

        if (UNLIKELY(!execi_is_future(f)))
                return -EINVAL;
        if (execi_state_is_done(f))
                return fold_done(f, value);
        w = execi_worker_current();
        if (UNLIKELY(!w))
                return await_slow(w, f, EXEC_FOREVER, value);
        if (execi_deque_peek(&w->deque) == f)
                return await_newest(w, f, value);
        return await_suspended(w, f, value);
}

int exec_await_until(exec_future *f, int64_t deadline_ns, void **value)
{
        if (UNLIKELY(!execi_is_future(f)))
                return -EINVAL;
        if (execi_state_is_done(f))
                return fold_done(f, value);
        return await_slow(execi_worker_current(), f, deadline_ns, value);
}
