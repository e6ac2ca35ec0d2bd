/* promise.c - futures finished by hand. */
#include "future/create.h"
#include "future/failed.h"
#include "future/here.h"
#include "sched/ready.h"
#include "task/extra.h"
#include "task/waitword.h"
#include "wait/waiter.h"

#include <executor/future.h>

static NOINLINE exec_future *promise_new(struct execi_worker *w, exec_drop_fn drop_value)
{
        exec_future *f = execi_cell_new_slow(w, CELL_PROMISE, 0);
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

exec_future *exec_promise_new(exec_drop_fn drop_value)
{
        struct execi_worker *w = execi_worker_current();

        if (LIKELY(!drop_value && execi_cell_is_at_hand(w)))
                return execi_cell_new(w, CELL_PROMISE, 0);
        return promise_new(w, drop_value);
}

/* The only waiter of @word, if it is a suspended task. */
static inline struct execi_task_waiter *sole_task(uint64_t word)
{
        struct execi_task_waiter *n = (struct execi_task_waiter *)execi_waiter_at(word & WORD_WAITERS);

        if (!n || (word & (TAG_GATHER | TAG_ENTRY)) || n->node.next || n->node.kind != WAITER_TASK)
                return NULL;
        return n;
}

/* The second half: the outcome is written, LOCK is held, the waiter's claim is decided. */
static ALWAYS_INLINE void finish_for(struct execi_worker *w, exec_future *f, uint64_t word, exec_future *t, bool won)
{
        execi_tsan_release(f);
        /* @pair state.done: release; last touch */
        atom_store(&f->word, (word & ~(WORD_WAITERS | WORD_CANCEL)) | WORD_DONE, RELEASE);
        if (LIKELY(won))
                execi_wake(w, t, WAKE_NEXT);
}

/* The outcome is written, LOCK is held. */
static NOINLINE int finish_locked(struct execi_worker *w, exec_future *f, uint64_t word)
{
        struct execi_task_waiter *n = (word & WORD_DETACHED) ? NULL : sole_task(word);

        if (n) { /* claim it under LOCK, wake it after */
                exec_future *t = n->task;

                finish_for(w, f, word, t, execi_wait_claim(&t->wait, BY_COMPLETION) == CLAIM_WON);
        } else {
                execi_finish_locked(w, f, word);
                if (w)
                        execi_gather_flush(w);
        }
        return 0;
}

static NOINLINE int finish_pinned(struct execi_worker *w, exec_future *f, uint64_t word, exec_future *t)
{
        finish_for(w, f, word, t, execi_wait_defer(&t->wait) == CLAIM_WON);
        return 0;
}

static NOINLINE int settle(struct execi_worker *w, exec_future *f, int state, int err, void *value)
{
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
        return finish_locked(w, f, word);
}

/* One task waits for it and for nothing else, as most often; without a frame of its own, so all else is a last call. */
int exec_promise_set(exec_future *promise, void *value)
{
        struct execi_worker *w = execi_worker_current();
        struct execi_task_waiter *n;
        exec_future *t;
        uint64_t word;

        if (UNLIKELY(!promise || promise->kind != CELL_PROMISE || (promise->flags & CELL_STATIC)))
                return settle(w, promise, EXEC_DONE, 0, value);
        word = atom_load(&promise->word, RELAXED); /* @relaxed recheck */
        if (UNLIKELY(!word || (word & ~(WORD_WAITERS & ~WAITER_TAGS)) ||
                     !atom_cas(&promise->word, &word, word | WORD_LOCK, ACQUIRE)))
                return settle(w, promise, EXEC_DONE, 0, value);
        promise->state = EXEC_DONE;
        promise->value = value;
        n = (struct execi_task_waiter *)execi_waiter_at(word);
        if (UNLIKELY(n->node.next || n->node.kind != WAITER_TASK))
                return finish_locked(w, promise, word);
        t = n->task;
        if (UNLIKELY(!execi_wait_is_sole(&t->wait)))
                return finish_locked(w, promise, word);
        execi_wait_claim_sole(&t->wait);
        if (UNLIKELY(atom_load(&t->wait.pin, SEQ_CST)))
                return finish_pinned(w, promise, word, t);
        finish_for(w, promise, word, t, true);
        return 0;
}

int exec_promise_fail(exec_future *promise, int err)
{
        if (err >= 0)
                return -EINVAL;
        return settle(execi_worker_current(), promise, err == -ECANCELED ? EXEC_CANCELLED : EXEC_FAILED, err, NULL);
}
