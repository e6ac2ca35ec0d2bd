/* waiter.c - see waiter.h. */
#include "wait/waiter.h"

#include "port/memory.h"
#include "port/sanitizer.h"
#include "sched/ready.h"
#include "task/extra.h"
#include "task/waitword.h"
#include "wait/shield.h"

static uint64_t address_of(const struct execi_waiter *n)
{
        return (uint64_t)(uintptr_t)n;
}

bool execi_waiter_link_slow(exec_future *f, struct execi_waiter *n)
{
        uint64_t w = atom_load(&f->word, ACQUIRE); /* @pair state.done */

        n->prev = NULL;
        for (;;) {
                if (w & WORD_LOCK) {
                        w = execi_state_load(f);
                } else if (w & WORD_DONE) {
                        return false;
                } else if (!(w & WORD_WAITERS)) {
                        n->next = 0;
                        if (atom_cas(&f->word, &w, w | execi_waiter_as_oldest(n), ACQ_REL)) /* W3 */
                                return true;
                } else if (atom_cas(&f->word, &w, w | WORD_LOCK, ACQUIRE)) {
                        n->next = w & WORD_WAITERS;
                        if (!(n->next & TAG_GATHER))
                                execi_waiter_at(n->next)->prev = n;
                        execi_state_unlock(f, (w & ~WORD_WAITERS) | address_of(n));
                        return true;
                }
        }
}

/* L(LOCK). The word without the node. */
static uint64_t take_out(uint64_t w, struct execi_waiter *n)
{
        if (n->prev)
                n->prev->next = n->next;
        else
                w = (w & ~WORD_WAITERS) | n->next;
        if (n->next && !(n->next & TAG_GATHER))
                execi_waiter_at(n->next)->prev = n->prev;
        return w;
}

bool execi_waiter_unlink(exec_future *f, struct execi_waiter *n)
{
        uint64_t w = execi_state_lock(f);

        if (!(w & WORD_DONE))
                w = take_out(w, n);
        execi_state_unlock(f, w);
        return !(w & WORD_DONE);
}

struct execi_callback_waiter *execi_callbacks_unlink(exec_future *f, void (*fn)(exec_future *f, void *arg), void *arg)
{
        struct execi_callback_waiter *removed = NULL;
        uint64_t w = execi_state_lock(f);
        uint64_t at = (w & WORD_DONE) ? 0 : w & WORD_WAITERS;

        while (at && !(at & TAG_GATHER)) {
                struct execi_callback_waiter *c = (struct execi_callback_waiter *)execi_waiter_at(at);

                at = c->node.next;
                if (c->node.kind != WAITER_CALLBACK || c->fn != fn || c->arg != arg)
                        continue;
                w = take_out(w, &c->node);
                c->next_run = removed;
                removed = c;
        }
        execi_state_unlock(f, w);
        return removed;
}

/* Under LOCK: is the waiter to be told after LOCK has fallen? */
static bool claim(struct execi_waiter *n)
{
        if (n->kind == WAITER_TASK)
                return execi_wait_claim(&((struct execi_task_waiter *)n)->task->wait, BY_COMPLETION) == CLAIM_WON;
        if (n->kind == WAITER_THREAD)
                return execi_wait_claim(&((struct execi_thread_waiter *)n)->wait, BY_COMPLETION) == CLAIM_WON;
        return true;
}

/* A child of @gather has ended; @gather may be gone after. A gather that is being cancelled ends when all its children
 * have. */
static void tell_gather(struct execi_worker *w, exec_future *gather, exec_future *child, int state, int err,
                        struct execi_telling *t)
{
        exec_future *none = NULL;

        if (state != EXEC_DONE && !(gather->flags & CELL_COLLECT) &&
            atom_cas(&gather->first_failed, &none, child, ACQ_REL) && !(execi_state_load(gather) & WORD_CANCEL))
                execi_finish_into(w, gather, EXEC_FAILED, err, NULL, t);
        execi_gather_count(w, gather, t);
}

static void tell_node(struct execi_worker *w, struct execi_waiter *node, struct execi_telling *t)
{
        struct execi_gather_waiter n;

        if (UNLIKELY(node->kind == WAITER_SHIELD)) {
                execi_shield_tell(w, node, t);
                return;
        }
        n = *(struct execi_gather_waiter *)node;
        execi_free(node, sizeof n);
        tell_gather(w, n.gather, n.child, n.state, n.err, t);
}

void execi_tell_all(struct execi_worker *w, struct execi_telling *t)
{
        for (;;) {
                struct execi_telling now = *t;

                if (now.gather) {
                        t->gather = NULL;
                        tell_gather(w, now.gather, now.child, now.state, now.err, t);
                } else if (now.nodes) {
                        t->nodes = execi_waiter_at(now.nodes->next);
                        tell_node(w, now.nodes, t);
                } else {
                        break;
                }
        }
        if (t->callbacks)
                execi_callbacks_run();
}

static void tell(struct execi_worker *w, struct execi_waiter *n, enum wake_where where)
{
        switch (n->kind) {
        case WAITER_TASK:
                execi_wake(w, ((struct execi_task_waiter *)n)->task, where);
                break;
        case WAITER_THREAD:
                execi_parker_unpark(&((struct execi_thread_waiter *)n)->parker);
                break;
        case WAITER_ENTRY:
                n->finished(w, n);
                break;
        case WAITER_CALLBACK:
                execi_callback_defer((struct execi_callback_waiter *)n);
                break;
        case WAITER_GATHER:
        case WAITER_SHIELD:
                break;
        }
}

static void add_node(struct execi_telling *t, struct execi_waiter *node, exec_future *f)
{
        node->next = address_of(t->nodes);
        t->nodes = node;
        if (LIKELY(node->kind == WAITER_GATHER)) {
                struct execi_gather_waiter *n = (struct execi_gather_waiter *)node;

                n->child = f;
                n->state = f->state;
                n->err = f->err;
                if (n->state == EXEC_FAILED)
                        atom_or(&f->seen, SEEN_ERROR, RELAXED); /* @relaxed flag */
        }
}

/* L(LOCK), which falls: detach and claim everyone who waits, set DONE, tell all but the gathers. */
static void finish_into(struct execi_worker *w, exec_future *f, uint64_t word, struct execi_telling *t)
{
        uint64_t at = word & WORD_WAITERS, done = (word & ~(WORD_WAITERS | WORD_CANCEL | WORD_LOCK)) | WORD_DONE;
        enum wake_where where = f->kind == CELL_GATHER ? WAKE_HOME : WAKE_NEXT;
        struct execi_waiter *todo = NULL;

        while (at && !(at & TAG_GATHER)) {
                struct execi_waiter *n = execi_waiter_at(at);

                at = n->next;
                if (n->kind >= WAITER_GATHER) {
                        add_node(t, n, f);
                        continue;
                }
                if (n->kind == WAITER_CALLBACK) { /* each borrows the future while it runs */
                        t->callbacks = true;
                        atom_add(&f->refs, 1, RELAXED); /* @relaxed locked */
                        done &= ~WORD_DETACHED;
                }
                if (claim(n)) {
                        n->next = address_of(todo); /* N3: turns the list round */
                        todo = n;
                }
        }
        if (at) {
                if (f->state == EXEC_FAILED)
                        atom_or(&f->seen, SEEN_ERROR, RELAXED);           /* @relaxed flag */
                t->gather = (exec_future *)(uintptr_t)(at & ~TAG_GATHER); /* NOLINT */
                t->child = f;
                t->state = f->state;
                t->err = f->err;
        }
        execi_tsan_release(f);
        atom_store(&f->word, done, RELEASE); /* @pair state.done; last touch, unless nobody refers to it any more */
        while (todo) {
                struct execi_waiter *n = todo;

                todo = execi_waiter_at(n->next);
                tell(w, n, where);
        }
        if ((done & WORD_DETACHED) && !(done & WORD_QUEUED))
                execi_cell_release(w, f);
}

void execi_finish_locked(struct execi_worker *w, exec_future *f, uint64_t word)
{
        struct execi_telling t = {.gather = NULL};

        finish_into(w, f, word, &t);
        execi_tell_all(w, &t);
}

bool execi_finish_into(struct execi_worker *w, exec_future *f, int state, int err, void *value, struct execi_telling *t)
{
        uint64_t word = execi_state_lock(f);

        if (word & WORD_DONE) {
                execi_state_unlock(f, word);
                return false;
        }
        f->state = (uint8_t)state;
        f->err = err;
        f->value = value;
        finish_into(w, f, word, t);
        return true;
}

bool execi_finish(struct execi_worker *w, exec_future *f, int state, int err, void *value)
{
        struct execi_telling t = {.gather = NULL};
        bool first = execi_finish_into(w, f, state, err, value, &t);

        execi_tell_all(w, &t);
        return first;
}

/* The outcome of a body that returned @err and @value, given the word @word. */
static inline void set_outcome(exec_future *f, uint64_t word, int err, void *value)
{
        if (UNLIKELY(err > 0))
                err = -EINVAL;
        if (UNLIKELY(err == 0 && (word & WORD_CANCEL))) /* cancelled, and never looked */
                err = -ECANCELED;
        f->err = err;
        f->value = err ? NULL : value;
        f->state = LIKELY(err == 0) ? EXEC_DONE : err == -ECANCELED ? EXEC_CANCELLED : EXEC_FAILED;
}

static void tell_one_gather(struct execi_worker *w, exec_future *gather, exec_future *child, int state, int err)
{
        struct execi_telling t = {.gather = NULL};

        if (LIKELY(state == EXEC_DONE)) {
                execi_gather_tell(w, gather, 1);
                return;
        }
        tell_gather(w, gather, child, state, err, &t);
        execi_tell_all(w, &t);
}

void execi_task_finish(struct execi_worker *w, exec_future *f, int err, void *value)
{
        struct execi_extra *extra = execi_extra_get(f);
        exec_drop_fn drop = extra ? extra->drop_value : NULL;
        uint64_t word = atom_load(&f->word, RELAXED); /* @relaxed recheck */
        bool dropped;

        for (;;) {
                uint64_t waiters = word & WORD_WAITERS;
                uint64_t done = (word & ~(WORD_WAITERS | WORD_CANCEL)) | WORD_DONE;

                if (UNLIKELY(word & WORD_LOCK)) {
                        word = execi_state_load(f);
                        continue;
                }
                set_outcome(f, word, err, value);
                dropped = value && !f->value;
                if (LIKELY(!waiters || (waiters & (TAG_GATHER | TAG_ENTRY)))) {
                        int state = f->state, end = f->err;

                        if (UNLIKELY((waiters & TAG_GATHER) && state == EXEC_FAILED))
                                atom_or(&f->seen, SEEN_ERROR, RELAXED); /* @relaxed flag */
                        execi_tsan_release(f);
                        /* @pair state.done: release publishes the outcome; last touch, but for the detached */
                        if (UNLIKELY(!atom_cas(&f->word, &word, done, ACQ_REL)))
                                continue;
                        if (UNLIKELY(done & WORD_DETACHED) && !(done & WORD_QUEUED))
                                execi_cell_release(w, f);
                        if (waiters & TAG_ENTRY)
                                execi_waiter_at(waiters)->finished(w, execi_waiter_at(waiters));
                        else if (waiters)
                                tell_one_gather(w, (exec_future *)(uintptr_t)(waiters & ~TAG_GATHER), f, state,
                                                end); /* NOLINT */
                        break;
                }
                if (atom_cas(&f->word, &word, word | WORD_LOCK, ACQUIRE)) {
                        execi_finish_locked(w, f, word);
                        break;
                }
        }
        if (UNLIKELY(dropped) && drop)
                drop(value);
}
