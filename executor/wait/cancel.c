/* cancel.c - see cancel.h. */
#include "wait/cancel.h"

#include "port/membarrier.h"
#include "sched/ready.h"
#include "task/extra.h"
#include "task/register.h"
#include "task/waitword.h"
#include "wait/ending.h"
#include "wait/outside.h"
#include "wait/shield.h"
#include "wait/timers.h"
#include "wait/waiter.h"

struct work {
        struct execi_worker *w;
        const char *reason;
        const char *place;   /* debug mode: who asked, or NULL */
        exec_future *pinned; /* tasks that await a gather whose children must be asked; linked by value */
};

/* What marking a future tells. */
enum mark { MARK_REFUSED, MARK_ACCEPTED, MARK_PUSH };

/* What a gather says to a request. ELSEWHERE: somebody passes one on just now. */
enum asked { ASKED_REFUSED, ASKED_ACCEPTED, ASKED_ELSEWHERE };

static enum asked cancel_gather(struct work *k, exec_future *g);

/* An unstarted task that this thread has claimed. */
static void finish_unstarted(struct execi_worker *w, exec_future *t)
{
        execi_tsan_acquire(t);
        execi_task_let_go(t);
        atom_or(&t->seen, SEEN_UNBEGUN, RELAXED); /* @relaxed flag, read behind DONE */
        execi_task_end(w, t, -ECANCELED, NULL);
}

/* A task that carries the mark and may not have started: W6. What cannot be claimed its runner will end, or start and tell
 * of the mark. (No pool is asked for here: @t may end, and its pool go, at any time.) */
static enum mark mark_queued(struct work *k, exec_future *t)
{
        execi_membarrier_if_any();
        if (atom_load(&t->wait.word, ACQUIRE))
                return MARK_PUSH;
        if (!(t->flags & CELL_FORK) && execi_state_claim(t)) /* a fork always runs */
                finish_unstarted(k->w, t);
        return MARK_ACCEPTED;
}

/* A refused request leaves no reason. */
static bool cancel_promise(struct execi_worker *w, exec_future *f, const char *reason)
{
        uint64_t word = execi_state_lock(f);

        if (word & WORD_DONE) {
                execi_state_unlock(f, word);
                return false;
        }
        execi_reason_set(f, reason);
        f->state = EXEC_CANCELLED;
        f->err = -ECANCELED;
        f->value = NULL;
        execi_finish_locked(w, f, word);
        return true;
}

static enum mark mark(struct work *k, exec_future *f)
{
        switch (f->kind) {
        case CELL_PROMISE:
                return cancel_promise(k->w, f, k->reason) ? MARK_ACCEPTED : MARK_REFUSED;
        case CELL_SLEEP:
                return execi_sleep_cancel(k->w, f, k->reason) ? MARK_ACCEPTED : MARK_REFUSED;
        case CELL_SHIELD:
                return execi_shield_cancel(k->w, f, k->reason) ? MARK_ACCEPTED : MARK_REFUSED;
        case CELL_GATHER:
                return cancel_gather(k, f) == ASKED_REFUSED ? MARK_REFUSED : MARK_ACCEPTED;
        default:
                break;
        }
        if (execi_state_is_done(f))
                return MARK_REFUSED;
        execi_reason_set(f, k->reason);
        execi_cancel_place_set(f, k->place);
        execi_tsan_release(f);
        switch (execi_state_cancel(f)) {
        case CANCEL_TOO_LATE:
                return MARK_REFUSED;
        case CANCEL_QUEUED:
                return mark_queued(k, f);
        case CANCEL_AGAIN:
                return MARK_ACCEPTED;
        case CANCEL_MARKED:
                break;
        }
        return MARK_PUSH;
}

/* Pin or claim the wait of @t, which carries an undelivered request. A task that is just about to wait has its wait word
 * in a store buffer, or will see the mark after it: a barrier on every thread decides which. */
static enum interrupt_answer interrupt(exec_future *t)
{
        enum interrupt_answer answer = execi_wait_interrupt(&t->wait);

        if (answer != INTERRUPT_NOT_WAITING)
                return answer;
        execi_membarrier_if_any();
        return execi_wait_interrupt(&t->wait);
}

/* The caller holds a reference. true: V7, another request came in between. */
static bool unpin(struct work *k, exec_future *t)
{
        enum unpin_answer answer = execi_wait_unpin(&t->wait);

        if (answer == UNPIN_WAKE)
                execi_wake(k->w, t, WAKE_QUEUE);
        return answer == UNPIN_AGAIN;
}

/* What @t awaits has taken its request over. */
static void passed_on(exec_future *t)
{
        atom_or(&t->seen, SEEN_PASSED, RELAXED); /* @relaxed flag, read when the pin is gone */
}

/* @t, for which the caller holds a reference, was marked. Returns what it awaits, marked and referenced, if the request
 * must go on from there; else NULL. *again: V7. */
static exec_future *push_once(struct work *k, exec_future *t, bool *again)
{
        exec_future *f;
        enum mark m;

        *again = false;
        switch (interrupt(t)) {
        case INTERRUPT_NOT_WAITING:
                return NULL; /* it runs, and will see the mark; or V7 */
        case INTERRUPT_CLAIMED:
                execi_wake(k->w, t, WAKE_QUEUE);
                return NULL;
        case INTERRUPT_PINNED:
                break;
        }
        f = t->awaiting;
        if (!execi_state_take_cancel(t)) { /* delivered or withdrawn meanwhile */
                *again = unpin(k, t);
                return NULL;
        }
        if (f->kind == CELL_GATHER) { /* K3 */
                execi_ref(t);
                t->value = k->pinned;
                k->pinned = t;
                return NULL;
        }
        execi_ref(f);
        m = mark(k, f);
        if (m != MARK_REFUSED)
                passed_on(t);
        else
                execi_state_give_cancel_back(t);
        *again = unpin(k, t);
        if (m == MARK_PUSH)
                return f;
        execi_unref(k->w, f);
        return NULL;
}

static void push_chain(struct work *k, exec_future *t);

/* As often as requests come in between; what @t awaits is mostly the same each time. */
static exec_future *push(struct work *k, exec_future *t)
{
        exec_future *next = NULL;
        bool again;

        do {
                exec_future *f = push_once(k, t, &again);

                if (f && next && f != next)
                        push_chain(k, next);
                if (f && next)
                        execi_unref(k->w, next);
                next = f ? f : next;
        } while (again);
        return next;
}

/* @t was marked; the caller holds a reference. */
static void push_chain(struct work *k, exec_future *t)
{
        exec_future *f = push(k, t);

        while (f) {
                exec_future *next = push(k, f);

                execi_unref(k->w, f);
                f = next;
        }
}

static bool cancel_one(struct work *k, exec_future *f)
{
        enum mark m = mark(k, f);

        if (m == MARK_PUSH)
                push_chain(k, f);
        return m != MARK_REFUSED;
}

/* Mark @g as being cancelled, and this thread as the one that asks. *was: had a request been accepted before? */
static enum asked set_request(exec_future *g, bool *was)
{
        uint64_t w = execi_state_load(g);

        for (;;) {
                *was = (w & WORD_CANCEL) != 0;
                if (w & WORD_LOCK)
                        w = execi_state_load(g);
                else if (w & WORD_DONE)
                        return ASKED_REFUSED;
                else if (w & WORD_ASKING)
                        return ASKED_ELSEWHERE;
                else if (atom_cas(&g->word, &w, w | WORD_CANCEL | WORD_ASKING, ACQ_REL))
                        return ASKED_ACCEPTED;
        }
}

/* Nobody asks any more; and a gather that no child's answer binds goes on as if it had never been asked. */
static void clear_request(exec_future *g, bool accepted)
{
        uint64_t gone = accepted ? WORD_ASKING : WORD_ASKING | WORD_CANCEL, w = execi_state_load(g);

        while ((w & WORD_LOCK) || !atom_cas(&g->word, &w, w & ~gone, ACQ_REL))
                if (w & WORD_LOCK)
                        w = execi_state_load(g);
}

/* Begin to ask the children of @g, whose end is held off meanwhile so that exactly their answer decides. */
static enum asked begin_asking(struct work *k, exec_future *g, struct execi_asking *a, exec_future *parent)
{
        enum asked answer;
        bool was;

        if (execi_state_is_done(g) || !execi_gather_hold(g))
                return ASKED_REFUSED;
        answer = set_request(g, &was);
        if (answer != ASKED_ACCEPTED) {
                execi_gather_tell(k->w, g, 1);
                return answer;
        }
        execi_reason_set(g, k->reason);
        *a = (struct execi_asking){.parent = parent, .was = was};
        return ASKED_ACCEPTED;
}

/* All were asked. A gather whose child accepts will end as cancelled. */
static void end_asking(struct work *k, exec_future *g, const struct execi_asking *a)
{
        clear_request(g, a->accepted || a->was);
        execi_gather_tell(k->w, g, 1);
}

/* Children that are gathers themselves are gone into and come back from. Those have an extra block; the outermost may be
 * the gather of a blocking call, which has none. */
static enum asked cancel_gather(struct work *k, exec_future *outermost)
{
        struct execi_asking first, *a = &first;
        exec_future *g = outermost;
        enum asked answer = begin_asking(k, g, a, NULL);

        if (answer != ASKED_ACCEPTED)
                return answer;
        for (;;) {
                exec_future *child;

                if (a->next_child == g->n_children) {
                        exec_future *parent = a->parent;
                        bool accepted = a->accepted;

                        end_asking(k, g, a);
                        if (g == outermost)
                                return accepted ? ASKED_ACCEPTED : ASKED_REFUSED;
                        g = parent;
                        a = g == outermost ? &first : &execi_extra_get(g)->asking;
                        a->accepted |= accepted;
                        continue;
                }
                child = g->children[a->next_child++];
                if (child->kind != CELL_GATHER) {
                        a->accepted |= cancel_one(k, child);
                        continue;
                }
                answer = begin_asking(k, child, &execi_extra_get(child)->asking, g);
                if (answer == ASKED_ACCEPTED) {
                        g = child;
                        a = &execi_extra_get(g)->asking;
                } /* ELSEWHERE: that one may be refused; how the child ends will show */
        }
}

static void work_off(struct work *k)
{
        while (k->pinned) {
                exec_future *t = k->pinned;

                k->pinned = t->value;
                if (cancel_gather(k, t->awaiting) == ASKED_ACCEPTED) /* ELSEWHERE: that one may be refused */
                        passed_on(t);
                else
                        execi_state_give_cancel_back(t);
                if (unpin(k, t))
                        push_chain(k, t);
                execi_unref(k->w, t);
        }
        if (k->w)
                execi_gather_flush(k->w);
}

bool execi_cancel(struct execi_worker *w, exec_future *f, const char *reason, const char *place)
{
        struct work k = {.w = w, .reason = reason, .place = place};
        bool accepted = cancel_one(&k, f);

        work_off(&k);
        return accepted;
}

bool execi_cancel_unstarted(struct execi_worker *w, exec_future *t, const char *reason)
{
        if (!execi_state_recall(t))
                return false;
        execi_membarrier_if_any();
        if (atom_load(&t->wait.word, ACQUIRE) || !execi_state_claim_recalled(t))
                return false;
        execi_reason_set(t, reason);
        finish_unstarted(w, t);
        return true;
}

void execi_cancel_deliver(struct execi_worker *w, exec_future *t)
{
        struct work k = {.w = w, .reason = execi_reason_get(t), .place = execi_cancel_place_get(t)};

        push_chain(&k, t);
        work_off(&k);
}

void execi_cancel_push(struct execi_worker *w, exec_future *t)
{
        struct work k = {.w = w};

        push_chain(&k, t);
        work_off(&k);
}

/* A cell that may or may not be a live task: hold it, so that it stays one while it is cancelled. */
static void visit_task(exec_future *f, void *arg)
{
        struct work *k = arg;

        if (!execi_state_hold_task(f))
                return;
        cancel_one(k, f);
        execi_unref(k->w, f);
}

static void cancel_registered(struct work *k, struct execi_register *r)
{
        exec_future *f;

        execi_register_sweep(r);
        while ((f = execi_register_next(r))) {
                cancel_one(k, f);
                execi_unref(k->w, f);
        }
}

void execi_cancel_all(struct exec_pool *pool, const char *reason)
{
        struct work k = {.w = execi_worker_current(), .reason = reason};

        for (unsigned i = 0; i < pool->n_workers; i++)
                execi_slab_visit(&pool->arena->slabs[i], visit_task, &k);
        for (unsigned i = 0; i < N_REGISTERS; i++)
                cancel_registered(&k, &pool->registers[i]);
        work_off(&k);
}
