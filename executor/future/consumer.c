/* consumer.c - tasks and threads that wait at a completion queue. The invariants Q2 and Q4: completion.h. */
#include "future/completion.h"

#include "future/here.h"
#include "sched/ready.h"
#include "sched/suspend.h"
#include "task/waitword.h"
#include "wait/block.h"
#include "wait/timers.h"

/* Tasks that a worker starts before it goes on with a consumer it has woken: else each finished task would cost a switch
 * to the consumer and back. Idle workers may take the consumer at once. */
enum { NEW_BEFORE_CONSUMER = 16 };

struct execi_consumer {
        struct execi_consumer *next, *prev; /* L(lock) */
        bool waits;                         /* L(lock) it is in the list */
        exec_future *task;                  /* or a thread: */
        struct execi_parker parker;
        struct execi_wait wait;
        struct execi_deadline deadline;
};

/* L(lock) */
static void unlink_consumer(exec_completion *c, struct execi_consumer *k)
{
        if (!k->waits)
                return;
        k->waits = false;
        if (k->prev)
                k->prev->next = k->next;
        else
                c->consumers = k->next;
        if (k->next)
                k->next->prev = k->prev;
        else
                c->consumers_last = k->prev;
        if (!c->consumers)
                atom_and(&c->finished, ~WAITED, RELAXED); /* @relaxed locked; Q4 */
}

/* L(lock): @k waits from now on. false: it need not, something has finished, or nothing is left that could. */
static bool link_consumer(exec_completion *c, struct execi_consumer *k)
{
        uintptr_t none = 0;

        if (c->taken || !atom_load(&c->n_pending, RELAXED)) /* @relaxed locked */
                return false;
        if (!c->consumers) {
                if (!atom_cas(&c->finished, &none, WAITED, ACQUIRE)) /* Q4 */
                        return false;
        } else if (atom_load(&c->finished, RELAXED) != WAITED) { /* @relaxed hint */
                return false;
        }
        k->waits = true;
        k->next = NULL;
        k->prev = c->consumers_last;
        if (k->prev)
                k->prev->next = k;
        else
                c->consumers = k;
        c->consumers_last = k;
        return true;
}

struct execi_consumer *execi_consumer_claim(exec_completion *c)
{
        struct execi_consumer *k;

        while ((k = c->consumers)) {
                unlink_consumer(c, k);
                if (execi_wait_claim(k->task ? &k->task->wait : &k->wait, BY_COMPLETION) == CLAIM_WON)
                        return k;
        }
        return NULL;
}

void execi_consumer_wake(struct execi_worker *w, struct execi_consumer *k)
{
        if (!k)
                return;
        if (!k->task) {
                execi_parker_unpark(&k->parker);
                return;
        }
        if (w)
                w->n_new_first = NEW_BEFORE_CONSUMER;
        execi_wake(w, k->task, WAKE_QUEUE);
}

struct commit {
        exec_completion *queue;
        struct execi_consumer *consumer;
        bool timed;
};

/* The lock of the queue, inside that of the heap, orders the link after the look for finished entries. */
static void commit_consumer(struct execi_worker *w, void *ctx)
{
        struct commit *m = ctx;
        exec_completion *c = m->queue;
        struct execi_consumer *k = m->consumer;
        exec_future *t = k->task;
        bool timed = m->timed, ready = false;

        if (timed)
                execi_deadline_begin(w, &k->deadline);
        execi_spin_lock(&c->lock);
        execi_wait_arm(&t->wait, 0, !w->pool->membarrier);
        if (atom_load(&t->word, SEQ_CST) & WORD_CANCEL) /* @pair state.cancel: V5 */
                ready = execi_wait_claim(&t->wait, BY_CANCEL) == CLAIM_WON;
        else if (!link_consumer(c, k))
                ready = execi_wait_claim(&t->wait, BY_COMPLETION) == CLAIM_WON;
        else if (timed)
                execi_deadline_insert(&k->deadline);
        execi_spin_unlock(&c->lock);
        if (timed)
                execi_deadline_end(&k->deadline);
        if (ready)
                execi_wake(w, t, WAKE_NEXT);
}

static int task_waits(struct execi_worker *w, exec_completion *c, int64_t deadline_ns)
{
        struct execi_consumer k = {.task = w->fiber->task};
        struct commit m = {c, &k, deadline_ns != EXEC_FOREVER};
        enum wait_by by;

        if (execi_cancellation_point(w))
                return -ECANCELED;
        execi_timer_init(&k.deadline.timer, deadline_ns, 0);
        k.deadline.task = k.task;
        execi_gather_flush(w);
        execi_suspend(w, commit_consumer, &m);
        by = execi_wait_clear(&k.task->wait);
        if (m.timed && by != BY_DEADLINE)
                execi_deadline_remove(&k.deadline);
        execi_spin_lock(&c->lock); /* also: whoever claimed under it is through */
        unlink_consumer(c, &k);
        execi_spin_unlock(&c->lock);
        if (execi_cancellation_point(execi_worker_current()))
                return -ECANCELED;
        return by == BY_DEADLINE ? -ETIMEDOUT : 0;
}

static int thread_waits(exec_completion *c, int64_t deadline_ns)
{
        struct execi_consumer k = {.task = NULL};
        bool ready, token = true;

        execi_parker_init(&k.parker);
        execi_wait_arm(&k.wait, 0, false);
        execi_spin_lock(&c->lock);
        ready = !link_consumer(c, &k);
        execi_spin_unlock(&c->lock);
        if (!ready && !(token = execi_parker_park(&k.parker, deadline_ns))) {
                execi_spin_lock(&c->lock);
                token = !k.waits;
                unlink_consumer(c, &k);
                execi_spin_unlock(&c->lock);
                if (token) /* claimed: it is on its way */
                        execi_parker_park(&k.parker, EXEC_FOREVER);
        }
        execi_parker_fini(&k.parker);
        return token ? 0 : -ETIMEDOUT;
}

int execi_consumer_wait(struct execi_worker *w, exec_completion *c, int64_t deadline_ns)
{
        return w ? task_waits(w, c, deadline_ns) : thread_waits(c, deadline_ns);
}
