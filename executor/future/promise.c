/* promise.c - futures finished by hand. */
#include "future/create.h"
#include "future/failed.h"
#include "future/here.h"
#include "sched/ready.h"
#include "task/extra.h"
#include "task/waitword.h"
#include "wait/waiter.h"

#include <executor/future.h>

exec_future *exec_promise_new(exec_drop_fn drop_value)
{
        struct execi_worker *w = execi_worker_current();
        exec_future *f = execi_cell_new(w, CELL_PROMISE, 0);
        struct execi_extra *e;

        if (!f)
                return execi_failed(-ENOMEM);
        if (!drop_value)
                return f;
        e = execi_extra_need(f, 0);
        if (!e) {
                f->state = EXEC_CANCELLED;
                execi_cell_release(w, f);
                return execi_failed(-ENOMEM);
        }
        e->drop_value = drop_value;
        return f;
}

/* The only waiter of @word, if it is a suspended task. */
static inline struct execi_task_waiter *sole_task(uint64_t word)
{
        struct execi_task_waiter *n = (struct execi_task_waiter *)execi_waiter_at(word & WORD_WAITERS);

        if (!n || (word & (TAG_GATHER | TAG_ENTRY)) || n->node.next || n->node.kind != WAITER_TASK)
                return NULL;
        return n;
}

/* One task waits, as most often: claim it under LOCK, wake it after. */
static inline void finish_for(struct execi_worker *w, exec_future *f, uint64_t word, struct execi_task_waiter *n)
{
        exec_future *t = n->task;
        bool won = execi_wait_claim(&t->wait, BY_COMPLETION) == CLAIM_WON;

        execi_tsan_release(f);
        /* @pair state.done: release; last touch */
        atom_store(&f->word, (word & ~(WORD_WAITERS | WORD_CANCEL)) | WORD_DONE, RELEASE);
        if (LIKELY(won))
                execi_wake(w, t, WAKE_NEXT);
}

static ALWAYS_INLINE int settle(exec_future *f, int state, int err, void *value)
{
        struct execi_worker *w = execi_worker_current();
        struct execi_task_waiter *n;
        uint64_t word;

        if (UNLIKELY(!f || f->kind != CELL_PROMISE))
                return -EINVAL;
        if (f->flags & CELL_STATIC)
                return -EALREADY;
        word = execi_state_lock(f);
        if (UNLIKELY(word & WORD_DONE)) {
                execi_state_unlock(f, word);
                return -EALREADY;
        }
        f->state = (uint8_t)state;
        f->err = err;
        f->value = value;
        if (LIKELY(!(word & WORD_DETACHED) && (n = sole_task(word)))) {
                finish_for(w, f, word, n);
        } else {
                execi_finish_locked(w, f, word);
                if (w)
                        execi_gather_flush(w);
        }
        return 0;
}

int exec_promise_set(exec_future *promise, void *value)
{
        return settle(promise, EXEC_DONE, 0, value);
}

int exec_promise_fail(exec_future *promise, int err)
{
        if (err >= 0)
                return -EINVAL;
        return settle(promise, err == -ECANCELED ? EXEC_CANCELLED : EXEC_FAILED, err, NULL);
}
