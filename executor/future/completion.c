/* completion.c - futures handed over as they finish. The invariants Q1 - Q4: completion.h. */
#include "future/completion.h"

#include "future/here.h"
#include "port/memory.h"
#include "port/sanitizer.h"
#include "wait/block.h"

#include <executor/combine.h>
#include <executor/future.h>

/* Q4: consumers seem to wait. */
static COLD void finish_for_consumer(struct execi_worker *w, exec_completion *c, struct execi_entry *e)
{
        struct execi_consumer *k;
        uintptr_t at;

        execi_spin_lock(&c->lock);
        at = atom_load(&c->finished, RELAXED); /* @relaxed recheck */
        do
                e->node.next = at & ~WAITED;
        while (!atom_cas(&c->finished, &at, (uintptr_t)e | (at & WAITED), RELEASE)); /* @pair completion.finished */
        k = execi_consumer_claim(c);
        execi_spin_unlock(&c->lock); /* Q3 */
        execi_consumer_wake(w, k);
}

static void entry_finished(struct execi_worker *w, struct execi_waiter *node)
{
        struct execi_entry *e = (struct execi_entry *)node;
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

static void fill(struct execi_entry *e, exec_completion *c, exec_future *f)
{
        e->node.kind = WAITER_ENTRY;
        e->node.finished = entry_finished;
        e->queue = c;
        e->future = f;
}

static inline void link_entry(struct execi_worker *w, struct execi_entry *e)
{
        if (!execi_waiter_link(e->future, &e->node))
                entry_finished(w, &e->node);
}

int exec_completion_add(exec_completion *c, exec_future *f, void *tag)
{
        struct execi_added *a;

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

        if (!(flags & ~(unsigned)EXEC_UNREF) && (!n || f) && n <= SIZE_MAX / sizeof(struct execi_entry))
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

static bool is_in_block(const exec_completion *c, const struct execi_entry *e)
{
        return c->n_block && e >= c->block && e < c->block + c->n_block;
}

/* L(lock) */
static void unlink_added(exec_completion *c, struct execi_added *a)
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
        struct execi_entry *older;

        if (!execi_entry_at(at))
                return;
        at = atom_swap(&c->finished, c->consumers ? WAITED : 0, ACQUIRE); /* @pair completion.finished */
        c->last_taken = execi_entry_at(at);
        for (struct execi_entry *e = c->last_taken; e; e = older) {
                older = execi_entry_at(e->node.next);
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
static struct execi_added *take(exec_completion *c, struct hand *h)
{
        struct execi_added *to_free = NULL;
        struct execi_entry *e;

        if (!c->taken)
                take_stack(c);
        e = c->taken;
        h->future = NULL;
        if (e) {
                c->taken = execi_entry_at(e->node.next);
                h->future = e->future;
                e->future = NULL;
                atom_bump(&c->n_pending, -(size_t)1);
                if (is_in_block(c, e)) {
                        h->tag = (void *)(e - c->block); /* NOLINT */
                } else {
                        to_free = (struct execi_added *)e;
                        h->tag = to_free->tag;
                        unlink_added(c, to_free);
                }
        }
        h->n_left = atom_load(&c->n_pending, RELAXED); /* @relaxed locked */
        return to_free;
}

static struct hand take_locked(exec_completion *c)
{
        struct execi_added *to_free;
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
        struct execi_consumer *k = NULL;

        execi_spin_lock(&c->lock);
        if (c->taken || execi_entry_at(atom_load(&c->finished, RELAXED)) ||
            !atom_load(&c->n_pending, RELAXED)) /* @relaxed locked */
                k = execi_consumer_claim(c);
        execi_spin_unlock(&c->lock);
        execi_consumer_wake(w, k);
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
                        r = execi_consumer_wait(w, c, deadline_ns);
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
        return c ? atom_load(&((exec_completion *)(uintptr_t)c)->n_pending, ACQUIRE) : 0; /* NOLINT */
}

static void withdraw(struct execi_entry *e)
{
        if (e->future && !execi_state_is_done(e->future) && execi_waiter_unlink_entry(e->future, &e->node))
                entry_finished(NULL, &e->node);
}

/* Take every entry back from its future; those that a finishing thread holds arrive in the stack of finished ones. */
static void withdraw_all(exec_completion *c)
{
        for (size_t i = 0; i < c->n_linked; i++)
                withdraw(&c->block[i]);
        for (struct execi_added *a = c->added; a; a = a->next)
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
        for (struct execi_added *a = c->added; a; a = a->next)
                exec_cancel(a->entry.future, reason);
}
