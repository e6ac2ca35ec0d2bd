/* state.h - the cell's word: every transition of it, and what each obliges the caller to do.
 *
 *   63..56 flags                                             55..48 count   47..0 waiters
 *   ASKING RECALLED DETACHED QUEUED STARTED CANCEL LOCK DONE cancels        a node, or a gather's cell | 1
 *
 *   QUEUED ---------- run, finish ----------> DONE      a plain task: its start is a store to the wait word (W6)
 *   QUEUED -> STARTED ---- run, finish -----> DONE      one that suspends, or is special: execi_state_settle, _start
 *   QUEUED -> QUEUED|STARTED -> DONE|QUEUED -> DONE     cancelled before it started: execi_state_claim, then _start
 *   0      ---------------------------------> DONE      a promise, a sleep, a gather
 *
 * W1 the word changes only by compare-and-swap, and by nobody but the holder while LOCK is set; so the holder may
 *    unlock with a plain release store.
 * W2 DONE is set once. Outcome fields are written before, by the one who will set it: a task's runner, or the holder of
 *    LOCK who saw DONE clear.
 * W3 the list of waiters is changed under LOCK, but for the first waiter, which a compare-and-swap from "none" puts; one
 *    that the word itself says is alone (TAG_ENTRY) another swap takes out again.
 * W4 a cell is freed when DONE, DETACHED and not QUEUED (a queue still points to it) have come together, by whoever
 *    made the last of the three true.
 * W5 CANCEL (not yet delivered) and the count are in one word, so withdrawing the last request and delivering it
 *    exclude each other.
 * W6 a task has started when its wait word is not 0. Its runner stores that and then reads this word; one who cancels
 *    marks this word, runs a membarrier, and then reads the wait word. So at least one of them sees the other: a runner
 *    that sees CANCEL does not run the body, one who cancels and sees no start may claim the task and finish it; should
 *    both, the swap that sets STARTED decides. Without membarrier every start is that swap.
 *    A request withdrawn before the start leaves RECALLED: nobody who cancels may claim the task any more, for a runner may
 *    have looked just then; a later request is for the swap that sets STARTED to find, or for the task.
 *    One who would cancel it only if it has not started marks it RECALLED too, and finds out as any other who cancels. A
 *    runner that sees RECALLED starts the task by the swap. So if no start is seen, the swap that sets STARTED decides,
 *    and he may claim; if one is seen, the body runs, and has been told of nothing.
 * W7 refs falls to 0, and rises from 0, only under LOCK or by the running task itself: so it happens once that the last
 *    reference goes and none is left to others.
 * ASKING is a gather's: somebody passes a request on to its children. */
#ifndef EXECI_TASK_STATE_H
#define EXECI_TASK_STATE_H

#include "port/pause.h"
#include "task/cell.h"

#define WORD_WAITERS  (((uint64_t)1 << 48) - 1)
#define WORD_COUNT    ((uint64_t)0xff << 48)
#define WORD_ONE      ((uint64_t)1 << 48)
#define WORD_DONE     ((uint64_t)1 << 56)
#define WORD_LOCK     ((uint64_t)1 << 57)
#define WORD_CANCEL   ((uint64_t)1 << 58)
#define WORD_STARTED  ((uint64_t)1 << 59)
#define WORD_QUEUED   ((uint64_t)1 << 60)
#define WORD_DETACHED ((uint64_t)1 << 61)
#define WORD_RECALLED ((uint64_t)1 << 62)
#define WORD_ASKING   ((uint64_t)1 << 63)
#define TAG_GATHER    ((uint64_t)1) /* tag: the waiter is a gather's cell, without a node */
#define TAG_ENTRY     ((uint64_t)2) /* tag: the node is the oldest, and an entry of an upper layer */
#define WAITER_TAGS   ((uint64_t)15)

/* The word without LOCK: waits until the holder is through. */
static inline uint64_t execi_state_load(const exec_future *f)
{
        uint64_t w = atom_load(&((exec_future *)f)->word, ACQUIRE);
        unsigned turns = 0;

        while (UNLIKELY(w & WORD_LOCK)) {
                execi_spin_yield(&turns);
                w = atom_load(&((exec_future *)f)->word, ACQUIRE);
        }
        return w;
}

/* One look, no waiting. @pair state.done: acquire, sees the outcome behind DONE */
static inline bool execi_state_is_done(const exec_future *f)
{
        return atom_load(&((exec_future *)f)->word, ACQUIRE) & WORD_DONE;
}

/* Take LOCK. The word as it was. */
static inline uint64_t execi_state_lock(exec_future *f)
{
        uint64_t w;

        do
                w = execi_state_load(f);
        while (!atom_cas(&f->word, &w, w | WORD_LOCK, ACQUIRE));
        return w;
}

static inline void execi_state_unlock(exec_future *f, uint64_t w)
{
        atom_store(&f->word, w & ~WORD_LOCK, RELEASE); /* W1 */
}

enum start_answer { START_RUN, START_SKIP, START_FREE, START_CANCELLED };

/* A queue gave the task to this thread. RUN: its body. CANCELLED: it never ran and is the caller's to finish. Else somebody
 * claimed it before: SKIP, or FREE the cell: nobody else will. */
static inline enum start_answer execi_state_start(exec_future *f)
{
        uint64_t w = execi_state_load(f);

        while ((w & WORD_LOCK) || !atom_cas(&f->word, &w, (w & ~WORD_QUEUED) | WORD_STARTED, ACQ_REL))
                if (w & WORD_LOCK)
                        w = execi_state_load(f);
        if (!(w & WORD_STARTED))
                return (w & WORD_CANCEL) ? START_CANCELLED : START_RUN;
        return (w & WORD_DETACHED) && (w & WORD_DONE) ? START_FREE : START_SKIP;
}

/* Its runner: the queue is forgotten; from now on the flags alone tell that it has started. */
static inline void execi_state_settle(exec_future *f)
{
        uint64_t w = atom_load(&f->word, RELAXED); /* @relaxed recheck */

        while (w & WORD_QUEUED)
                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (atom_cas(&f->word, &w, (w & ~WORD_QUEUED) | WORD_STARTED, ACQ_REL))
                        return;
}

/* One who cancels, and knows that it has not started, takes it for himself, to finish it. false: its runner has it, or it
 * will be the runner's to honour the request (W6). */
static inline bool execi_state_claim(exec_future *f)
{
        uint64_t w = execi_state_load(f);

        while ((w & (WORD_QUEUED | WORD_STARTED | WORD_RECALLED)) == WORD_QUEUED) {
                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (atom_cas(&f->word, &w, w | WORD_STARTED, ACQ_REL))
                        return true;
        }
        return false;
}

/* One who wants it only unstarted: from here on its start is a swap. false: it has started, or somebody has claimed it. */
static inline bool execi_state_recall(exec_future *f)
{
        uint64_t w = execi_state_load(f);

        while ((w & (WORD_QUEUED | WORD_STARTED | WORD_DONE)) == WORD_QUEUED) {
                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (atom_cas(&f->word, &w, w | WORD_RECALLED, SEQ_CST))
                        return true;
        }
        return false;
}

/* The same, once he knows that it has not started: take it, with a request counted. false: its runner was first. */
static inline bool execi_state_claim_recalled(exec_future *f)
{
        uint64_t w = execi_state_load(f);

        while ((w & (WORD_QUEUED | WORD_STARTED | WORD_DONE)) == WORD_QUEUED) {
                uint64_t to = (w & WORD_COUNT) == WORD_COUNT ? w : w + WORD_ONE;

                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (atom_cas(&f->word, &w, to | WORD_STARTED, ACQ_REL))
                        return true;
        }
        return false;
}

enum cancel_answer { CANCEL_TOO_LATE, CANCEL_QUEUED, CANCEL_AGAIN, CANCEL_MARKED };

/* Count one cancel request of a task.
 * TOO_LATE: it is done. QUEUED: it may not have started; the caller finds out (W6). AGAIN: one is pending already, nothing
 * more to do. MARKED: it has started; the caller looks at its wait. seq_cst (@pair state.cancel). */
static inline enum cancel_answer execi_state_cancel(exec_future *f)
{
        uint64_t w = execi_state_load(f);

        for (;;) {
                uint64_t to = (w & WORD_COUNT) == WORD_COUNT ? w : w + WORD_ONE;

                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (w & WORD_DONE)
                        return CANCEL_TOO_LATE;
                else if (atom_cas(&f->word, &w, to | WORD_CANCEL, SEQ_CST))
                        return (w & WORD_CANCEL) ? CANCEL_AGAIN : (w & WORD_STARTED) ? CANCEL_MARKED : CANCEL_QUEUED;
        }
}

/* Take an undelivered cancel for delivery (or because it was passed on). false: there is none. */
static inline bool execi_state_take_cancel(exec_future *f)
{
        uint64_t w = execi_state_load(f);

        while (w & WORD_CANCEL)
                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (atom_cas(&f->word, &w, w & ~WORD_CANCEL, ACQ_REL))
                        return true;
        return false;
}

/* What was taken could not be passed on; but nothing is left of a request that was withdrawn meanwhile. */
static inline void execi_state_give_cancel_back(exec_future *f)
{
        uint64_t w = execi_state_load(f);

        while ((w & WORD_COUNT) && !(w & WORD_DONE))
                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (atom_cas(&f->word, &w, w | WORD_CANCEL, ACQ_REL))
                        return;
}

/* Withdraw one request; with the last one goes an undelivered cancel. The number left. */
static inline int execi_state_uncancel(exec_future *f)
{
        uint64_t w = execi_state_load(f);

        for (;;) {
                uint64_t to = (w & WORD_COUNT) ? w - WORD_ONE : w;

                if (w & WORD_LOCK) {
                        w = execi_state_load(f);
                        continue;
                }
                if (!(to & WORD_COUNT) && (to & WORD_CANCEL)) {
                        to &= ~WORD_CANCEL;
                        if ((to & (WORD_QUEUED | WORD_STARTED)) == WORD_QUEUED)
                                to |= WORD_RECALLED;
                }
                if (atom_cas(&f->word, &w, to, ACQ_REL))
                        return (int)((to & WORD_COUNT) >> 48);
        }
}

/* A cell of a slab, which may be anything by now: if it is a task that has not ended, make a reference to it. */
static inline bool execi_state_hold_task(exec_future *f)
{
        uint64_t w = atom_load(&f->word, ACQUIRE);

        for (;;) {
                if (!(w & (WORD_QUEUED | WORD_STARTED)) || (w & WORD_DONE))
                        return false; /* free, done, or no task */
                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (atom_cas(&f->word, &w, w | WORD_LOCK, ACQUIRE))
                        break;
        }
        atom_add(&f->refs, 1, RELAXED); /* @relaxed count: under LOCK it cannot finish */
        execi_state_unlock(f, w & ~WORD_DETACHED);
        return true;
}

/* The requests that were delivered and not withdrawn. One that was not delivered yet will be so inside a scope or group that
 * begins now: as if it came there. */
static inline unsigned execi_state_n_delivered(const exec_future *f)
{
        uint64_t w = execi_state_load(f);

        return (unsigned)((w & WORD_COUNT) / WORD_ONE) - ((w & WORD_CANCEL) != 0);
}

/* The running task's own: withdraw the request of a timeout scope. When no more are left than @n_before goes an undelivered
 * cancel too, which then is the scope's. Returns whether that is so. */
static inline bool execi_state_uncancel_since(exec_future *f, unsigned n_before)
{
        uint64_t w = execi_state_load(f);

        for (;;) {
                uint64_t to = (w & WORD_COUNT) ? w - WORD_ONE : w;
                bool last = (to & WORD_COUNT) / WORD_ONE <= n_before;

                if (last)
                        to &= ~WORD_CANCEL;
                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (atom_cas(&f->word, &w, to, ACQ_REL))
                        return last;
        }
}

/* The last reference went. true: the caller frees the cell. */
static inline bool execi_state_detach(exec_future *f)
{
        uint64_t w = execi_state_load(f);

        for (;;) {
                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (atom_cas(&f->word, &w, w | WORD_DETACHED, ACQ_REL))
                        return (w & WORD_DONE) && !(w & WORD_QUEUED);
        }
}

/* A reference was made where there was none (by the task itself, or under LOCK). */
static inline void execi_state_attach(exec_future *f)
{
        uint64_t w = execi_state_load(f);

        for (;;) {
                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (atom_cas(&f->word, &w, w & ~WORD_DETACHED, ACQ_REL))
                        return;
        }
}

#endif
