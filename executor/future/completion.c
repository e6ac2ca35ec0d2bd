/* completion.c - futures handed over as they finish.
 *
 * Q1 an entry is in exactly one of: its future's list of waiters, the hands of the thread that finishes that future, or adds
 *    or withdraws the entry, the stack of finished ones, the queue of taken ones, or handed over.
 * Q2 a finished future goes to exactly one consumer: consumers take under the lock. A consumer that was woken and leaves
 *    empty-handed (cancelled, late) wakes another one.
 * Q3 the finishing thread touches the queue for the last time when it pushes the entry by a swap of the stack's head; or,
 *    when consumers wait, when it drops the lock under which it pushed (what it wakes then stays until it is woken: Y2).
 * Q4 WAITED stands in the head while consumers wait, and perhaps until the next claim. It comes by a swap of an empty head, so
 *    either that consumer sees the entry or the finishing thread sees WAITED; then that one takes the lock. So while it
 *    stands the head changes only under the lock, under which it also goes. */
#include "future/completion.h"

#include "future/here.h"
#include "port/memory.h"
#include "port/sanitizer.h"
#include "wait/waitlist.h"

#include <executor/future.h>

/* Tasks that a worker starts before it goes on with a consumer it has woken: else each finished task would cost a switch
 * to the consumer and back. Idle workers may take the consumer at once. */
enum { NEW_BEFORE_CONSUMER = 16 };

struct entry {
        struct execi_waiter node; /* its next: also the next in the stack, and in the queue of taken ones */
        exec_completion *queue;
        exec_future *future; /* NULL once it is handed over */
};

/* One that was added singly. */
struct added {
        struct entry entry;
        void *tag;
        struct added *next, *prev; /* L(lock) */
};

#define WAITED ((uintptr_t)1)

struct exec_completion {
        _Atomic(uintptr_t) finished; /* a stack of entries, newest first; and WAITED */
        char pad[CACHE_PAIR];        /* who finishes does not disturb who takes */
        struct execi_spin lock;
        struct entry *taken;             /* L(lock) finished, oldest first */
        _Atomic(size_t) n_pending;       /* written under the lock: added and not handed over */
        struct execi_waitlist consumers; /* L(lock) */
        struct added *added;             /* L(lock) those not handed over */
        struct entry *block;             /* the entries of a closed queue; the tag is the number */
        size_t n_block, n_linked;        /* those of the block that have a future */
};

static struct entry *entry_at(uintptr_t finished)
{
        return (struct entry *)(finished & ~WAITED); /* NOLINT */
}

/* L(lock): something has finished, or nothing is left that could: who is to be woken after the lock? */
static struct execi_listed *claim_consumer(exec_completion *c)
{
        struct execi_listed *k = execi_waitlist_claim(&c->consumers);

        if (!c->consumers.first)
                atom_and(&c->finished, ~WAITED, RELAXED); /* @relaxed locked; Q4 */
        return k;
}

static void wake_consumer(struct execi_worker *w, struct execi_listed *k)
{
        if (w && k && k->task)
                w->n_new_first = NEW_BEFORE_CONSUMER;
        execi_waitlist_wake(w, k, WAKE_QUEUE);
}

/* Q4: consumers seem to wait. */
static COLD void finish_for_consumer(struct execi_worker *w, exec_completion *c, struct entry *e)
{
        struct execi_listed *k;
        uintptr_t at;

        execi_spin_lock(&c->lock);
        at = atom_load(&c->finished, RELAXED); /* @relaxed recheck */
        do
                e->node.next = at & ~WAITED;
        while (!atom_cas(&c->finished, &at, (uintptr_t)e | (at & WAITED), RELEASE)); /* @pair completion.finished */
        k = claim_consumer(c);
        execi_spin_unlock(&c->lock); /* Q3 */
        wake_consumer(w, k);
}

static void entry_finished(struct execi_worker *w, struct execi_waiter *node)
{
        struct entry *e = (struct entry *)node;
        exec_completion *c = e->queue;
        uintptr_t at = atom_load(&c->finished, RELAXED); /* @relaxed recheck */

        do {
                if (UNLIKELY(at & WAITED)) {
                        finish_for_consumer(w, c, e);
                        return;
                }
                e->node.next = at;
        } while (!atom_cas(&c->finished, &at, (uintptr_t)e, RELEASE)); /* @pair completion.finished; Q3 */
}

static exec_completion *new_queue(size_t n_block)
{
        exec_completion *c = execi_alloc(sizeof *c);

        if (!c)
                return NULL;
        c->n_block = n_block;
        if (n_block && !(c->block = execi_alloc_unset(n_block * sizeof *c->block))) {
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

static void fill(struct entry *e, exec_completion *c, exec_future *f)
{
        e->node.kind = WAITER_ENTRY;
        e->node.finished = entry_finished;
        e->queue = c;
        e->future = f;
}

static inline void link_entry(struct execi_worker *w, struct entry *e)
{
        if (!execi_waiter_link(e->future, &e->node))
                entry_finished(w, &e->node);
}

int exec_completion_add(exec_completion *c, exec_future *f, void *tag)
{
        struct added *a;

        if (!c || !execi_is_future(f))
                return -EINVAL;
        a = execi_alloc(sizeof *a);
        if (!a)
                return -ENOMEM;
        execi_ref(f);
        fill(&a->entry, c, f);
        a->tag = tag;
        execi_spin_lock(&c->lock);
        a->next = c->added;
        if (a->next)
                a->next->prev = a;
        c->added = a;
        atom_bump(&c->n_pending, 1);
        execi_spin_unlock(&c->lock);
        link_entry(execi_worker_current(), &a->entry);
        return 0;
}

/* Returns how many it has linked: less than all where one is no future. Each future is touched once: there may be more
 * than a cache holds. */
static size_t link_block(exec_completion *c, exec_future *const f[], unsigned flags)
{
        struct execi_worker *w = execi_worker_current();

        for (size_t i = 0; i < c->n_block; i++) {
                if (!execi_is_future(f[i]))
                        return i;
                if (!(flags & EXEC_UNREF))
                        execi_ref(f[i]);
                fill(&c->block[i], c, f[i]);
                link_entry(w, &c->block[i]);
        }
        return c->n_block;
}

/* No queue: what was given with EXEC_UNREF is given back all the same. */
static exec_completion *refuse(exec_future *const f[], size_t n, unsigned flags)
{
        if ((flags & EXEC_UNREF) && n <= SIZE_MAX / sizeof *f) /* no array is so long */
                exec_future_unref_all(f, n);
        return NULL;
}

exec_completion *exec_as_completed_with(exec_future *const f[], size_t n, unsigned flags)
{
        exec_completion *c = NULL;
        size_t n_linked;

        if (!(flags & ~(unsigned)EXEC_UNREF) && (!n || f) && n <= SIZE_MAX / sizeof(struct entry))
                c = new_queue(n);
        if (!c)
                return refuse(f, n, flags);
        atom_store(&c->n_pending, n, RELAXED); /* @relaxed nobody else knows the queue */
        c->n_linked = n_linked = link_block(c, f, flags);
        if (LIKELY(n_linked == n))
                return c;
        atom_bump(&c->n_pending, n_linked - n);
        exec_completion_free(c);
        return refuse(f + n_linked, n - n_linked, flags);
}

exec_completion *exec_as_completed(exec_future *const f[], size_t n)
{
        return exec_as_completed_with(f, n, 0);
}

static bool is_in_block(const exec_completion *c, const struct entry *e)
{
        return c->n_block && e >= c->block && e < c->block + c->n_block;
}

/* L(lock) */
static void unlink_added(exec_completion *c, struct added *a)
{
        if (a->prev)
                a->prev->next = a->next;
        else
                c->added = a->next;
        if (a->next)
                a->next->prev = a->prev;
}

/* L(lock): all that has finished since, in the order of finishing. */
static void take_stack(exec_completion *c)
{
        uintptr_t at = atom_load(&c->finished, RELAXED); /* @relaxed hint */
        struct entry *older;

        if (!entry_at(at))
                return;
        at = atom_swap(&c->finished, c->consumers.first ? WAITED : 0, ACQUIRE); /* @pair completion.finished */
        for (struct entry *e = entry_at(at); e; e = older) {
                older = entry_at(e->node.next);
                e->node.next = (uint64_t)(uintptr_t)c->taken;
                c->taken = e;
        }
}

struct hand {
        exec_future *future; /* NULL: nothing has finished */
        void *tag;
        size_t n_left;
};

/* L(lock): take the oldest finished one out. */
static struct added *take(exec_completion *c, struct hand *h)
{
        struct added *to_free = NULL;
        struct entry *e;

        if (!c->taken)
                take_stack(c);
        e = c->taken;
        h->future = NULL;
        if (e) {
                c->taken = entry_at(e->node.next);
                h->future = e->future;
                e->future = NULL;
                atom_bump(&c->n_pending, -(size_t)1);
                if (is_in_block(c, e)) {
                        h->tag = (void *)(e - c->block); /* NOLINT */
                } else {
                        to_free = (struct added *)e;
                        h->tag = to_free->tag;
                        unlink_added(c, to_free);
                }
        }
        h->n_left = atom_load(&c->n_pending, RELAXED); /* @relaxed locked */
        return to_free;
}

static struct hand take_locked(exec_completion *c)
{
        struct added *to_free;
        struct hand h;

        execi_spin_lock(&c->lock);
        to_free = take(c, &h);
        execi_spin_unlock(&c->lock);
        if (UNLIKELY(to_free != NULL))
                execi_free(to_free, sizeof *to_free);
        return h;
}

/* Something is left, or nothing ever will be: another waiting consumer must see it. */
static void pass_on(struct execi_worker *w, exec_completion *c)
{
        struct execi_listed *k = NULL;

        execi_spin_lock(&c->lock);
        if (c->taken || entry_at(atom_load(&c->finished, RELAXED)) ||
            !atom_load(&c->n_pending, RELAXED)) /* @relaxed locked */
                k = claim_consumer(c);
        execi_spin_unlock(&c->lock);
        wake_consumer(w, k);
}

/* L(lock): nothing has finished, and something may; from now on who finishes it looks for consumers. */
static bool must_wait(void *ctx)
{
        exec_completion *c = ctx;
        uintptr_t at = 0;

        if (c->taken || !atom_load(&c->n_pending, RELAXED)) /* @relaxed locked */
                return false;
        /* Q4. No entry is read: any order would do. */
        return atom_cas(&c->finished, &at, WAITED, ACQUIRE) || at == WAITED;
}

/* 0: look again; -ETIMEDOUT; -ECANCELED. */
static int wait_for_entry(exec_completion *c, int64_t deadline_ns)
{
        const struct execi_waiting what = {&c->consumers, &c->lock, must_wait, c};

        return execi_waitlist_wait(&what, deadline_ns);
}

static int hand_over(struct execi_worker *w, exec_completion *c, const struct hand *h, exec_future **f, void **tag)
{
        if (tag)
                *tag = h->tag;
        if (UNLIKELY(h->n_left == 0))
                pass_on(w, c);
        execi_tsan_acquire(h->future);
        if (f)
                *f = h->future;
        else
                execi_unref(w, h->future);
        return 1;
}

int exec_completion_next(exec_completion *c, int64_t deadline_ns, exec_future **f, void **tag)
{
        for (;;) {
                struct execi_worker *w = execi_worker_current();
                struct hand h;
                int r;

                if (!c)
                        return -EINVAL;
                h = take_locked(c);
                if (h.future)
                        return hand_over(w, c, &h, f, tag);
                if (h.n_left == 0) {
                        pass_on(w, c);
                        return 0;
                }
                r = execi_may_wait(w);
                if (!r)
                        r = wait_for_entry(c, deadline_ns);
                w = execi_worker_current();
                if (r == -ETIMEDOUT) { /* what has finished is given even now */
                        h = take_locked(c);
                        if (h.future)
                                return hand_over(w, c, &h, f, tag);
                }
                if (r) {
                        pass_on(w, c); /* Q2 */
                        return r;
                }
        }
}

size_t exec_completion_pending(const exec_completion *c)
{
        return c ? atom_load(&((exec_completion *)(uintptr_t)c)->n_pending, RELAXED) : 0; /* NOLINT @relaxed a count */
}

static void withdraw(struct entry *e)
{
        if (e->future && !execi_state_is_done(e->future) && execi_waiter_unlink_entry(e->future, &e->node))
                entry_finished(NULL, &e->node);
}

/* Take every entry back from its future; those that a finishing thread holds arrive in the stack of finished ones. */
static void withdraw_all(exec_completion *c)
{
        for (size_t i = 0; i < c->n_linked; i++)
                withdraw(&c->block[i]);
        for (struct added *a = c->added; a; a = a->next)
                withdraw(&a->entry);
}

void exec_completion_free(exec_completion *c)
{
        struct execi_worker *w = execi_worker_current();
        unsigned turns = 0;

        if (!c)
                return;
        if (exec_completion_pending(c))
                withdraw_all(c);
        while (exec_completion_pending(c)) {
                struct hand h = take_locked(c);

                if (h.future)
                        execi_unref(w, h.future);
                else /* in the hands of a finishing thread: a few instructions more */
                        execi_spin_yield(&turns);
        }
        execi_free(c->block, c->n_block * sizeof *c->block);
        execi_free(c, sizeof *c);
}

void execi_completion_cancel_all(exec_completion *c, const char *reason)
{
        for (size_t i = 0; i < c->n_linked; i++)
                if (c->block[i].future)
                        exec_cancel(c->block[i].future, reason);
        for (struct added *a = c->added; a; a = a->next)
                exec_cancel(a->entry.future, reason);
}
