/* waitlist.c - see waitlist.h. */
#include "wait/waitlist.h"

#include "sched/suspend.h"
#include "task/waitword.h"
#include "wait/block.h"
#include "wait/waiter.h"

/* L(lock) */
static void unlink_listed(struct execi_waitlist *list, struct execi_listed *k)
{
        if (!k->waits)
                return;
        k->waits = false;
        if (k->prev)
                k->prev->next = k->next;
        else
                list->first = k->next;
        if (k->next)
                k->next->prev = k->prev;
        else
                list->last = k->prev;
}

/* L(lock): Y1. false: it need not wait. */
static bool link_listed(const struct execi_waiting *what, struct execi_listed *k)
{
        struct execi_waitlist *list = what->list;

        if (!what->must_wait(what->ctx))
                return false;
        k->waits = true;
        k->next = NULL;
        k->prev = list->last;
        if (k->prev)
                k->prev->next = k;
        else
                list->first = k;
        list->last = k;
        return true;
}

struct execi_listed *execi_waitlist_claim(struct execi_waitlist *list)
{
        struct execi_listed *k;

        while ((k = list->first)) {
                unlink_listed(list, k);
                if (execi_wait_claim(k->task ? &k->task->wait : &k->wait, BY_COMPLETION) == CLAIM_WON)
                        return k;
        }
        return NULL;
}

void execi_waitlist_wake(struct execi_worker *w, struct execi_listed *k, enum wake_where where)
{
        if (!k)
                return;
        if (k->task)
                execi_wake(w, k->task, where);
        else
                execi_parker_unpark(&k->parker);
}

struct commit {
        const struct execi_waiting *what;
        struct execi_listed *listed;
        bool timed;
};

/* The caller's lock, inside that of the heap, orders the link after the look. */
static void commit_listed(struct execi_worker *w, void *ctx)
{
        struct commit *m = ctx;
        const struct execi_waiting *what = m->what;
        struct execi_spin *lock = what->lock;
        struct execi_listed *k = m->listed;
        exec_future *t = k->task;
        bool timed = m->timed, ready = false;

        if (timed)
                execi_deadline_begin(w, &k->deadline);
        execi_spin_lock(lock);
        execi_wait_arm(&t->wait, 0, !w->pool->membarrier);
        if (atom_load(&t->word, SEQ_CST) & WORD_CANCEL) /* @pair state.cancel: V5 */
                ready = execi_wait_claim(&t->wait, BY_CANCEL) == CLAIM_WON;
        else if (!link_listed(what, k))
                ready = execi_wait_claim(&t->wait, BY_COMPLETION) == CLAIM_WON;
        else if (timed)
                execi_deadline_insert(&k->deadline);
        execi_spin_unlock(lock);
        if (timed)
                execi_deadline_end(&k->deadline);
        if (ready)
                execi_wake(w, t, WAKE_NEXT);
}

static int task_waits(struct execi_worker *w, const struct execi_waiting *what, int64_t deadline_ns)
{
        struct execi_listed k = {.task = w->fiber->task};
        struct commit m = {what, &k, deadline_ns != EXEC_FOREVER};
        enum wait_by by;

        if (execi_cancellation_point(w))
                return -ECANCELED;
        execi_timer_init(&k.deadline.timer, deadline_ns, 0);
        k.deadline.task = k.task;
        execi_gather_flush(w);
        execi_suspend(w, commit_listed, &m);
        by = execi_wait_clear(&k.task->wait);
        if (m.timed && by != BY_DEADLINE)
                execi_deadline_remove(&k.deadline);
        execi_spin_lock(what->lock); /* also: whoever claimed under it is through */
        unlink_listed(what->list, &k);
        execi_spin_unlock(what->lock);
        if (execi_cancellation_point(execi_worker_current()))
                return -ECANCELED;
        return by == BY_DEADLINE ? -ETIMEDOUT : 0;
}

static int thread_waits(const struct execi_waiting *what, int64_t deadline_ns)
{
        struct execi_listed k = {.task = NULL};
        bool waits, token = true;

        execi_parker_init(&k.parker);
        execi_wait_arm(&k.wait, 0, false);
        execi_spin_lock(what->lock);
        waits = link_listed(what, &k);
        execi_spin_unlock(what->lock);
        if (waits && !(token = execi_parker_park(&k.parker, deadline_ns))) {
                execi_spin_lock(what->lock);
                token = !k.waits;
                unlink_listed(what->list, &k);
                execi_spin_unlock(what->lock);
                if (token) /* Y2: it is on its way */
                        execi_parker_park(&k.parker, EXEC_FOREVER);
        }
        execi_parker_fini(&k.parker);
        return token ? 0 : -ETIMEDOUT;
}

int execi_waitlist_wait(const struct execi_waiting *what, int64_t deadline_ns)
{
        struct execi_worker *w = execi_worker_current();

        return w ? task_waits(w, what, deadline_ns) : thread_waits(what, deadline_ns);
}
