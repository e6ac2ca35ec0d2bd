/* single.h - a task waits for one future, without a deadline: the wait that is most frequent, to be inlined. */
#ifndef EXECI_WAIT_SINGLE_H
#define EXECI_WAIT_SINGLE_H

#include "sched/leave.h"
#include "task/waitword.h"
#include "wait/forked.h"
#include "wait/waiter.h"

struct execi_single_wait {
        struct execi_task_waiter waiter;
        exec_future *future;
};

/* Its commit (block.c). */
void execi_commit_single(struct execi_worker *w, void *ctx);

/* The running task, of which execi_is_forked() is false, or whose caller sees to forked.h Q2. 0: @f is done; its finisher may still hold LOCK.
 * -ECANCELED: likewise, but a request was delivered. */
static ALWAYS_INLINE int execi_wait_single(struct execi_worker *w, exec_future *f)
{
        exec_future *t = w->fiber->task;
        struct execi_single_wait sw;

        sw.waiter.task = t;
        sw.future = f;
        t->awaiting = f;
        execi_gather_flush(w);
        execi_leave(w, execi_commit_single, &sw);
        execi_wait_clear(&t->wait);
        return UNLIKELY(atom_load(&t->word, SEQ_CST) & WORD_CANCEL) && execi_cancel_take(t)
                       ? -ECANCELED
                       : 0; /* @pair state.cancel: V5 */
}

#endif
