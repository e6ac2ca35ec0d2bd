/* task.h - running a task: on the frame of the loop, on the frame of its awaiter, or on a stack of its own. */
#ifndef EXECI_RUN_TASK_H
#define EXECI_RUN_TASK_H

#include "port/sanitizer.h"
#include "sched/pool.h"
#include "task/waitword.h"
#include "wait/ending.h"
#include "wait/timers.h"
#include "wait/waiter.h"

/* Run @t, which a queue gave, on the current stack; it ends here. The caller's worker may be another afterwards: it is
 * the fiber's. */
void execi_task_run_slow(struct execi_worker *w, exec_future *t);

/* A body has returned. */
void execi_task_returned(struct execi_fiber *fiber, exec_future *t, int err, void *value);

/* A plain task, as most are, needs no look at options, and no locked instruction to start (state.h W6). */
static ALWAYS_INLINE void execi_task_run(struct execi_worker *w, exec_future *t)
{
        struct execi_fiber *fiber = w->fiber;
        exec_future *outer = fiber->task;
        void *value = NULL;
        exec_task_fn fn;
        uint64_t word;
        int err;

        atom_store(&t->wait.word, WAIT_STARTED, RELAXED); /* @relaxed W6: one who cancels runs a membarrier */
        COMPILER_BARRIER();
        word = atom_load(&t->word, RELAXED); /* @relaxed W6 */
        if (UNLIKELY(t->flags || (word & (WORD_CANCEL | WORD_STARTED | WORD_RECALLED)))) {
                execi_task_run_slow(w, t);
                return;
        }
        /* A worker keeps finished children of one gather to itself as long as it runs children of that gather. */
        if (w->gather && (word & WORD_WAITERS) != ((uint64_t)(uintptr_t)w->gather | TAG_GATHER))
                execi_gather_flush_slow(w);
        fn = t->fn;
        t->fiber = fiber;
        fiber->task = t;
        err = fn(t->arg, &value);
        w = fiber->worker; /* X2 */
        fiber->task = outer;
        if (UNLIKELY(fiber->scope))
                execi_scopes_check(fiber, t);
        if (LIKELY(!err && !atom_load(&t->extra, RELAXED) && /* @relaxed owner */
                   execi_task_finish_plain(w, t, value)))
                atom_bump(&w->n_finished, 1);
        else
                execi_task_returned(fiber, t, err, value);
}

/* From the loop: run it on a stack of its own; returns when this loop fiber is used again. */
void execi_task_run_own(struct execi_worker *w, exec_future *t);
/* It will never run: end it with @err. */
void execi_task_refuse(struct execi_worker *w, exec_future *t, int err);

#endif
