/* block.c - see block.h.
 *
 * A commit runs on the next fiber, after the switch. It arms the task's wait word and only then tells the sources, the
 * timer first: it holds the heap's lock until it is through, and a wait that ends otherwise takes that lock to remove its
 * timer, so a commit is over before the wait returns (T1). Until the first source is told nobody can end a FORWARD wait. A
 * wait for a future alone ends only through the future, to
 * which the commit links it as its very last step. */
#include "wait/block.h"

#include "port/sanitizer.h"
#include "sched/ready.h"
#include "sched/suspend.h"
#include "task/waitword.h"
#include "wait/cancel.h"
#include "wait/single.h"
#include "wait/timers.h"
#include "wait/waiter.h"

struct future_wait {
        struct execi_task_waiter waiter;
        exec_future *future;
        struct execi_deadline deadline;
};

static bool is_cancel_pending(exec_future *t)
{
        return UNLIKELY(atom_load(&t->word, SEQ_CST) & WORD_CANCEL); /* @pair state.cancel: V5 */
}

static NOINLINE void link_slow(struct execi_worker *w, struct execi_single_wait *sw)
{
        exec_future *t = sw->waiter.task;

        if (!execi_waiter_link_slow(sw->future, &sw->waiter.node) &&
            execi_wait_claim(&t->wait, BY_COMPLETION) == CLAIM_WON)
                execi_wake(w, t, WAKE_NEXT);
}

static NOINLINE void link_cancelled(struct execi_worker *w, struct execi_single_wait *sw)
{
        execi_cancel_deliver(w, sw->waiter.task);
        link_slow(w, sw);
}

/* Without a frame of its own, as most often; all else is a last call. */
void execi_commit_single(struct execi_worker *w, void *ctx)
{
        struct execi_single_wait *sw = ctx;
        exec_future *t = sw->waiter.task;

        execi_wait_arm(&t->wait, WAIT_FORWARD | WAIT_SOLE, !w->pool->membarrier);
        sw->waiter.node.kind = WAITER_TASK;
        if (is_cancel_pending(t))
                link_cancelled(w, sw);
        else if (UNLIKELY(!execi_waiter_link_first(sw->future, &sw->waiter.node)))
                link_slow(w, sw);
}

static void commit_timed(struct execi_worker *w, void *ctx)
{
        struct future_wait *fw = ctx;
        exec_future *t = fw->waiter.task;
        bool done;

        execi_wait_arm(&t->wait, WAIT_FORWARD | WAIT_TIMED, !w->pool->membarrier);
        if (is_cancel_pending(t))
                execi_cancel_deliver(w, t); /* outside the heap's lock: it may go on to a sleep */
        execi_deadline_begin(w, &fw->deadline);
        done = !execi_waiter_link(fw->future, &fw->waiter.node);
        if (done)
                done = execi_wait_claim(&t->wait, BY_COMPLETION) == CLAIM_WON;
        else
                execi_deadline_insert(&fw->deadline);
        execi_deadline_end(&fw->deadline);
        if (done)
                execi_wake(w, t, WAKE_NEXT);
}

/* The request that came while it waited, or the deadline. */
static inline int result(exec_future *t, enum wait_by by)
{
        if (is_cancel_pending(t) && execi_cancel_take(t))
                return -ECANCELED;
        return by == BY_DEADLINE ? -ETIMEDOUT : 0;
}

/* forked.h Q2 */
static NOINLINE int task_waits_forked(struct execi_worker *w, exec_future *f)
{
        exec_future *t = w->fiber->task;
        int r;

        execi_pass_begin(t);
        r = execi_wait_single(w, f);
        execi_pass_end(t);
        return r;
}

static inline int task_waits(struct execi_worker *w, exec_future *f)
{
        return UNLIKELY(execi_is_forked(w->fiber->task)) ? task_waits_forked(w, f) : execi_wait_single(w, f);
}

/* A deadline ends the wait, unless a request went on to @f before: then the caller hears of @f's end, as of any awaited
 * future that was cancelled. A request that found the wait ended by the deadline already, and @f not done, is still to go on:
 * by another wait, which begins with that. */
static inline int task_waits_until_alone(struct execi_worker *w, exec_future *f, int64_t deadline_ns)
{
        exec_future *t = w->fiber->task;
        bool is_done, passed;
        enum wait_by by;

        do {
                struct future_wait fw = {
                        .waiter = {.node.kind = WAITER_TASK, .task = t}, .future = f, .deadline.task = t};

                w = execi_worker_current();
                execi_timer_init(&fw.deadline.timer, deadline_ns, 0);
                t->awaiting = f;
                atom_and(&t->seen, (uint8_t)~SEEN_PASSED, RELAXED); /* @relaxed flag, set only while it waits */
                execi_gather_flush(w);
                execi_suspend(w, commit_timed, &fw);
                by = execi_wait_clear(&t->wait);
                if (by != BY_DEADLINE) {
                        execi_deadline_remove(&fw.deadline);
                        return result(t, by);
                }
                is_done = !execi_waiter_unlink(f, &fw.waiter.node);
                passed = atom_load(&t->seen, RELAXED) & SEEN_PASSED; /* @relaxed: ordered by the pin */
                if (is_done)
                        return result(t, passed ? BY_COMPLETION : by);
                if (passed)
                        return execi_wait_single(execi_worker_current(), f);
        } while (is_cancel_pending(t));
        return -ETIMEDOUT;
}

static NOINLINE int task_waits_until(struct execi_worker *w, exec_future *f, int64_t deadline_ns)
{
        exec_future *t = w->fiber->task;
        int r = task_waits_until_alone(w, f, deadline_ns);

        if (UNLIKELY(execi_is_forked(t)))
                execi_pass_end(t); /* forked.h Q2 */
        return r;
}

static int thread_waits(exec_future *f, int64_t deadline_ns)
{
        struct execi_thread_waiter tw = {.node.kind = WAITER_THREAD};
        int r = 0;

        execi_parker_init(&tw.parker);
        execi_wait_arm(&tw.wait, 0, false);
        if (execi_waiter_link(f, &tw.node) && !execi_parker_park(&tw.parker, deadline_ns)) {
                if (execi_waiter_unlink(f, &tw.node))
                        r = -ETIMEDOUT;
                else /* claimed: the token is on its way */
                        execi_parker_park(&tw.parker, EXEC_FOREVER);
        }
        execi_parker_fini(&tw.parker);
        return r;
}

int execi_wait_future(exec_future *f, int64_t deadline_ns)
{
        struct execi_worker *w = execi_worker_current();
        int r;

        if (LIKELY(w && deadline_ns == EXEC_FOREVER))
                r = task_waits(w, f);
        else
                r = w ? task_waits_until(w, f, deadline_ns) : thread_waits(f, deadline_ns);
        if (r != -ETIMEDOUT) {       /* @f has ended, also where the caller was cancelled */
                execi_state_load(f); /* an unpinner may have woken the task before the finisher let go of LOCK */
                execi_tsan_acquire(f);
        }
        return r;
}

static void commit_sleep(struct execi_worker *w, void *ctx)
{
        struct execi_deadline *d = ctx;
        exec_future *t = d->task;
        bool cancelled = false;

        execi_deadline_begin(w, d);
        execi_wait_arm(&t->wait, 0, !w->pool->membarrier);
        if (is_cancel_pending(t))
                cancelled = execi_wait_claim(&t->wait, BY_CANCEL) == CLAIM_WON;
        else
                execi_deadline_insert(d);
        execi_deadline_end(d);
        if (cancelled)
                execi_wake(w, t, WAKE_QUEUE);
}

static int thread_sleeps(int64_t deadline_ns)
{
        struct execi_parker parker;

        execi_parker_init(&parker);
        execi_parker_park(&parker, deadline_ns);
        execi_parker_fini(&parker);
        return 0;
}

int execi_wait_until(int64_t deadline_ns)
{
        struct execi_worker *w = execi_worker_current();
        exec_future *t;
        enum wait_by by;

        if (!w)
                return thread_sleeps(deadline_ns);
        t = w->fiber->task;
        do {
                struct execi_deadline d = {.task = t};

                w = execi_worker_current();
                if (execi_cancellation_point(w))
                        return -ECANCELED;
                execi_timer_init(&d.timer, deadline_ns, 0);
                execi_gather_flush(w);
                execi_suspend(w, commit_sleep, &d);
                by = execi_wait_clear(&t->wait);
                if (by != BY_DEADLINE)
                        execi_deadline_remove(&d);
                if (is_cancel_pending(t) && execi_cancel_take(t))
                        return -ECANCELED;
        } while (by == BY_CANCEL); /* V6: the request was withdrawn */
        return 0;
}

enum { MAX_READY_BEHIND_NEW = 64 };

struct way {
        exec_future *task;
        uint32_t n_new;
};

static void commit_yield(struct execi_worker *w, void *ctx)
{
        struct way way = *(struct way *)ctx; /* the task may go on from the wake on */

        /* What was queued before runs first; but with many ready already, live stacks must not pile up. */
        if (atom_load(&w->n_ready, RELAXED) < MAX_READY_BEHIND_NEW) { /* @relaxed hint */
                uint32_t n = execi_deque_count(&w->deque);

                w->n_new_first = n < way.n_new ? n : way.n_new;
        }
        execi_wake(w, way.task, WAKE_QUEUE);
}

int execi_give_way(uint32_t n_new)
{
        struct execi_worker *w = execi_worker_current();
        exec_future *t = w->fiber->task;
        struct way way = {t, n_new};

        if (execi_cancellation_point(w))
                return -ECANCELED;
        execi_gather_flush(w);
        execi_suspend(w, commit_yield, &way);
        return is_cancel_pending(t) && execi_cancel_take(t) ? -ECANCELED : 0;
}
