/* completion.c - futures handed over as they finish.
 *
 * Q1 an entry is in exactly one of: its future's list of waiters, the hands of the thread that finishes that future, the
 *    queue's list of finished ones, or handed over.
 * Q2 a finished future goes to exactly one consumer: consumers take under the lock. A consumer that was woken and leaves
 *    empty-handed (cancelled, late) wakes another one.
 * Q3 the finishing thread touches the queue for the last time when it drops the lock (or wakes a consumer that it has
 *    claimed before). */
#include "future/completion.h"

#include "future/here.h"
#include "port/memory.h"
#include "port/sanitizer.h"
#include "sched/ready.h"
#include "sched/suspend.h"
#include "task/waitword.h"
#include "wait/block.h"
#include "wait/timers.h"

#include <executor/combine.h>
#include <executor/future.h>

/* Tasks that a worker starts before it goes on with a consumer it has woken: else each finished task would cost a switch
 * to the consumer and back. Idle workers may take the consumer at once. */
enum { NEW_BEFORE_CONSUMER = 16 };

struct entry {
        struct execi_waiter node;
        struct entry *next, *prev; /* L(lock) all entries not handed over */
        struct entry *next_done;   /* L(lock) */
        exec_completion *queue;
        exec_future *future;
        void *tag;
};

struct consumer {
        struct consumer *next, *prev; /* L(lock) */
        bool waits;                   /* L(lock) it is in the list */
        exec_future *task;            /* or a thread: */
        struct execi_parker parker;
        _Atomic(uint64_t) wait;
        struct execi_deadline deadline;
};

struct exec_completion {
        struct execi_spin lock;
        struct entry *all;                           /* L(lock) */
        struct entry *done;                          /* L(lock) finished, oldest first */
        struct entry **done_end;                     /* L(lock) */
        _Atomic(size_t) n_pending;                   /* written under the lock: added and not handed over */
        struct consumer *consumers, *consumers_last; /* L(lock) oldest first */
        struct entry *block;                         /* the entries of a closed queue lie together */
        size_t n_block;
};

/* L(lock) */
static void unlink_consumer(exec_completion *c, struct consumer *k)
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
}

/* L(lock) */
static void link_consumer(exec_completion *c, struct consumer *k)
{
        k->waits = true;
        k->next = NULL;
        k->prev = c->consumers_last;
        if (k->prev)
                k->prev->next = k;
        else
                c->consumers = k;
        c->consumers_last = k;
}

/* L(lock): the oldest consumer whose wait this thread could claim; it is to be woken after the lock. */
static struct consumer *claim_consumer(exec_completion *c)
{
        struct consumer *k;

        while ((k = c->consumers)) {
                unlink_consumer(c, k);
                if (execi_wait_claim(k->task ? &k->task->wait : &k->wait, BY_COMPLETION) == CLAIM_WON)
                        return k;
        }
        return NULL;
}

static void wake_consumer(struct execi_worker *w, struct consumer *k)
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

static void entry_finished(struct execi_worker *w, struct execi_waiter *node)
{
        struct entry *e = (struct entry *)node;
        exec_completion *c = e->queue;
        struct consumer *k;

        execi_spin_lock(&c->lock);
        e->next_done = NULL;
        *c->done_end = e;
        c->done_end = &e->next_done;
        k = claim_consumer(c);
        execi_spin_unlock(&c->lock); /* Q3 */
        wake_consumer(w, k);
}

const struct execi_waiter_ops execi_waiter_ops = {entry_finished};

static exec_completion *new_queue(size_t n_block)
{
        exec_completion *c = execi_alloc(sizeof *c);

        if (!c)
                return NULL;
        c->done_end = &c->done;
        c->n_block = n_block;
        if (n_block && !(c->block = execi_alloc(n_block * sizeof *c->block))) {
                execi_free(c, sizeof *c);
                return NULL;
        }
        return c;
}

int exec_completion_new(exec_completion **out)
{
        if (!out)
                return -EINVAL;
        *out = new_queue(0);
        return *out ? 0 : -ENOMEM;
}

static bool is_in_block(const exec_completion *c, const struct entry *e)
{
        return c->n_block && e >= c->block && e < c->block + c->n_block;
}

static void free_entry(exec_completion *c, struct entry *e)
{
        if (!is_in_block(c, e))
                execi_free(e, sizeof *e);
}

static void add(struct execi_worker *w, exec_completion *c, struct entry *e, exec_future *f, void *tag)
{
        e->node.kind = WAITER_ENTRY;
        e->queue = c;
        e->future = f;
        e->tag = tag;
        execi_ref(f);
        execi_spin_lock(&c->lock);
        e->prev = NULL;
        e->next = c->all;
        if (c->all)
                c->all->prev = e;
        c->all = e;
        atom_bump(&c->n_pending, 1);
        execi_spin_unlock(&c->lock);
        if (!execi_waiter_link(f, &e->node))
                entry_finished(w, &e->node);
}

int exec_completion_add(exec_completion *c, exec_future *f, void *tag)
{
        struct entry *e;

        if (!c || !execi_is_future(f))
                return -EINVAL;
        e = execi_alloc(sizeof *e);
        if (!e)
                return -ENOMEM;
        add(execi_worker_current(), c, e, f, tag);
        return 0;
}

exec_completion *exec_as_completed(exec_future *const f[], size_t n)
{
        struct execi_worker *w = execi_worker_current();
        exec_completion *c;

        if ((n && !f) || n > SIZE_MAX / sizeof(struct entry))
                return NULL;
        for (size_t i = 0; i < n; i++)
                if (!execi_is_future(f[i]))
                        return NULL;
        c = new_queue(n);
        for (size_t i = 0; c && i < n; i++)
                add(w, c, &c->block[i], f[i], (void *)i); /* NOLINT */
        return c;
}

/* L(lock): take the oldest finished entry out. */
static struct entry *take(exec_completion *c)
{
        struct entry *e = c->done;

        if (!e)
                return NULL;
        c->done = e->next_done;
        if (!c->done)
                c->done_end = &c->done;
        if (e->prev)
                e->prev->next = e->next;
        else
                c->all = e->next;
        if (e->next)
                e->next->prev = e->prev;
        atom_bump(&c->n_pending, -(size_t)1);
        return e;
}

/* Something is left, or nothing ever will be: another waiting consumer must see it. */
static void pass_on(struct execi_worker *w, exec_completion *c)
{
        struct consumer *k = NULL;

        execi_spin_lock(&c->lock);
        if (c->done || !atom_load(&c->n_pending, RELAXED)) /* @relaxed locked */
                k = claim_consumer(c);
        execi_spin_unlock(&c->lock);
        wake_consumer(w, k);
}

struct commit {
        exec_completion *queue;
        struct consumer *consumer;
        bool timed;
};

/* The lock of the queue, inside that of the heap, orders the link after the look for finished entries. */
static void commit_consumer(struct execi_worker *w, void *ctx)
{
        struct commit *m = ctx;
        exec_completion *c = m->queue;
        struct consumer *k = m->consumer;
        exec_future *t = k->task;
        bool timed = m->timed, ready;

        if (timed)
                execi_deadline_begin(w, &k->deadline);
        execi_spin_lock(&c->lock);
        execi_wait_arm(&t->wait, 0, !w->pool->membarrier);
        ready = c->done || !atom_load(&c->n_pending, RELAXED); /* @relaxed locked */
        if (atom_load(&t->word, RELAXED) & WORD_CANCEL)        /* @relaxed V5 */
                ready = execi_wait_claim(&t->wait, BY_CANCEL) == CLAIM_WON;
        else if (ready)
                ready = execi_wait_claim(&t->wait, BY_COMPLETION) == CLAIM_WON;
        else {
                link_consumer(c, k);
                if (timed)
                        execi_deadline_insert(&k->deadline);
        }
        execi_spin_unlock(&c->lock);
        if (timed)
                execi_deadline_end(&k->deadline);
        if (ready)
                execi_wake(w, t, WAKE_NEXT);
}

/* 0: look again; -ETIMEDOUT; -ECANCELED. */
static int task_waits(struct execi_worker *w, exec_completion *c, int64_t deadline_ns)
{
        struct consumer k = {.task = w->fiber->task};
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
        struct consumer k = {.task = NULL};
        bool ready, token = true;

        execi_parker_init(&k.parker);
        execi_wait_arm(&k.wait, 0, false);
        execi_spin_lock(&c->lock);
        ready = c->done || !atom_load(&c->n_pending, RELAXED); /* @relaxed locked */
        if (!ready)
                link_consumer(c, &k);
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

static int hand_over(struct execi_worker *w, exec_completion *c, struct entry *e, bool last, exec_future **f,
                     void **tag)
{
        exec_future *future = e->future;

        if (tag)
                *tag = e->tag;
        free_entry(c, e);
        if (last)
                pass_on(w, c);
        execi_tsan_acquire(future);
        if (f)
                *f = future;
        else
                execi_unref(w, future);
        return 1;
}

int exec_completion_next(exec_completion *c, int64_t deadline_ns, exec_future **f, void **tag)
{
        for (;;) {
                struct execi_worker *w = execi_worker_current();
                struct entry *e;
                size_t left;
                int r;

                if (!c)
                        return -EINVAL;
                execi_spin_lock(&c->lock);
                e = take(c);
                left = atom_load(&c->n_pending, RELAXED); /* @relaxed locked */
                execi_spin_unlock(&c->lock);
                if (e)
                        return hand_over(w, c, e, left == 0, f, tag);
                if (left == 0) {
                        pass_on(w, c);
                        return 0;
                }
                r = execi_may_wait(w);
                if (!r)
                        r = w ? task_waits(w, c, deadline_ns) : thread_waits(c, deadline_ns);
                if (r == -ETIMEDOUT) { /* what has finished is given even now */
                        execi_spin_lock(&c->lock);
                        e = take(c);
                        left = atom_load(&c->n_pending, RELAXED); /* @relaxed locked */
                        execi_spin_unlock(&c->lock);
                        if (e)
                                return hand_over(execi_worker_current(), c, e, left == 0, f, tag);
                }
                if (r) {
                        pass_on(execi_worker_current(), c); /* Q2 */
                        return r;
                }
        }
}

size_t exec_completion_pending(const exec_completion *c)
{
        return c ? atom_load(&((exec_completion *)(uintptr_t)c)->n_pending, ACQUIRE) : 0; /* NOLINT */
}

/* Take every entry back from its future; those that a finishing thread holds arrive in the list of finished ones. */
static void withdraw_all(exec_completion *c)
{
        struct entry *next;

        for (struct entry *e = c->all; e; e = next) {
                next = e->next;
                if (!execi_state_is_done(e->future) && execi_waiter_unlink(e->future, &e->node))
                        entry_finished(NULL, &e->node);
        }
}

static struct entry *take_locked(exec_completion *c)
{
        struct entry *e;

        execi_spin_lock(&c->lock);
        e = take(c);
        execi_spin_unlock(&c->lock);
        return e;
}

void exec_completion_free(exec_completion *c)
{
        struct execi_worker *w = execi_worker_current();
        unsigned turns = 0;

        if (!c)
                return;
        withdraw_all(c);
        while (exec_completion_pending(c)) {
                struct entry *e = take_locked(c);

                if (!e) { /* in the hands of a finishing thread: a few instructions more */
                        execi_spin_yield(&turns);
                        continue;
                }
                execi_unref(w, e->future);
                free_entry(c, e);
        }
        execi_free(c->block, c->n_block * sizeof *c->block);
        execi_free(c, sizeof *c);
}

void execi_completion_cancel_all(exec_completion *c, const char *reason)
{
        for (struct entry *e = c->all; e; e = e->next)
                exec_cancel(e->future, reason);
}
