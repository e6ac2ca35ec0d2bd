/* gather.c - many futures as one.
 *
 * A gather is a future of its own. The blocking form makes one that borrows the caller's array and awaits it, so that
 * cancelling the caller reaches the children the same way. It is linked to each child by a tag in the child's word, with
 * a node only where somebody waits there already; it counts itself once while it registers, and the one who hears of the
 * last child ends it (wait/gathering.c). */
#include "future/create.h"
#include "future/failed.h"
#include "future/here.h"
#include "port/memory.h"
#include "port/sanitizer.h"
#include "task/extra.h"
#include "wait/block.h"
#include "wait/cancel.h"
#include "wait/waiter.h"

#include <executor/combine.h>
#include <executor/future.h>

#include <string.h>

enum { AHEAD = 8 };

static int link_node(exec_future *g, exec_future *f)
{
        struct execi_gather_waiter *n = execi_alloc(sizeof *n);

        if (!n)
                return -ENOMEM;
        n->node.kind = WAITER_GATHER;
        n->gather = g;
        if (execi_waiter_link(f, &n->node))
                return 1;
        execi_free(n, sizeof *n);
        return 0;
}

/* 1: linked; 0: it is done; -ENOMEM. */
static inline int link_child(exec_future *g, exec_future *f)
{
        uint64_t w = atom_load(&f->word, ACQUIRE); /* @pair state.done */

        while (!(w & WORD_DONE)) {
                if (w & WORD_LOCK)
                        w = execi_state_load(f);
                else if (w & WORD_WAITERS)
                        return link_node(g, f);
                else if (atom_cas(&f->word, &w, w | (uint64_t)(uintptr_t)g | TAG_GATHER, ACQ_REL)) /* W3 */
                        return 1;
        }
        return 0;
}

/* Unlink @g from @f. How many links were taken away. */
static int unlink_child(exec_future *g, exec_future *f)
{
        struct execi_waiter *removed = NULL;
        uint64_t w, *at;
        int n = 0;

        if (execi_state_is_done(f))
                return 0;
        w = execi_state_lock(f);
        if (!(w & WORD_DONE)) {
                uint64_t head = w & WORD_WAITERS;

                for (at = &head; *at && !(*at & TAG_GATHER);) {
                        struct execi_waiter *node = execi_waiter_at(*at);

                        if (node->kind == WAITER_GATHER && ((struct execi_gather_waiter *)node)->gather == g) {
                                *at = node->next;
                                if (node->next && !(node->next & TAG_GATHER))
                                        execi_waiter_at(node->next)->prev = node->prev;
                                node->next = (uint64_t)(uintptr_t)removed;
                                removed = node;
                                n++;
                        } else {
                                at = &node->next;
                        }
                }
                if (*at == ((uint64_t)(uintptr_t)g | TAG_GATHER)) {
                        *at = 0;
                        n++;
                }
                w = (w & ~WORD_WAITERS) | head;
        }
        execi_state_unlock(f, w);
        while (removed) {
                struct execi_waiter *next = (struct execi_waiter *)(uintptr_t)removed->next; /* NOLINT */

                execi_free(removed, sizeof(struct execi_gather_waiter));
                removed = next;
        }
        return n;
}

/* Who gathers a child cares for its error, also for one that comes when the gather has failed already. */
static void note_seen(exec_future *const f[], size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (execi_is_future(f[i]))
                        atom_or(&f[i]->seen, SEEN_ERROR, RELAXED); /* @relaxed flag */
}

/* Let go of the children that have not ended: the gather has. */
static void detach(struct execi_worker *w, exec_future *g, size_t n)
{
        int64_t let_go = 0;

        note_seen(g->children, n);
        for (size_t i = 0; i < n; i++)
                let_go += unlink_child(g, g->children[i]);
        if (let_go)
                execi_gather_tell(w, g, let_go);
        if (w)
                execi_gather_flush(w);
}

static exec_future *new_gather(struct execi_worker *w, exec_future *const f[], size_t n, unsigned flags)
{
        exec_future *g = execi_cell_new(w, CELL_GATHER, (flags & EXEC_COLLECT) ? CELL_COLLECT : 0);

        if (!g)
                return NULL;
        atom_store(&g->n_left, (int64_t)n + 1, RELAXED); /* @relaxed init */
        atom_store(&g->first_failed, NULL, RELAXED);     /* @relaxed init */
        g->children = f;
        g->n_children = (uint32_t)n;
        atom_store(&g->refs, 2, RELAXED); /* @relaxed init; one for whoever hears of the last child */
        return g;
}

/* A child that is done already. true: the gather fails by it. */
static bool note_done(exec_future *g, exec_future *f)
{
        exec_future *none = NULL;

        execi_tsan_acquire(f);
        if (f->state == EXEC_FAILED)
                atom_or(&f->seen, SEEN_ERROR, RELAXED); /* @relaxed flag */
        return f->state != EXEC_DONE && !(g->flags & CELL_COLLECT) && atom_cas(&g->first_failed, &none, f, ACQ_REL);
}

/* Register at one child. 0: go on; 1: the gather fails by it; -EINVAL, -EDEADLK, -ENOMEM. */
static inline int register_one(exec_future *g, exec_future *f, exec_future *self, int64_t *n_done)
{
        int r;

        if (UNLIKELY(!execi_is_future(f)))
                return -EINVAL;
        if (UNLIKELY(f == self))
                return -EDEADLK;
        r = link_child(g, f);
        if (LIKELY(r > 0))
                return 0;
        if (r < 0)
                return r;
        (*n_done)++;
        return note_done(g, f);
}

/* Register at all children. 0; an error: nothing is registered any more. */
static int register_all(struct execi_worker *w, exec_future *g, exec_future *self)
{
        int64_t n_done = 1; /* the count for registering */
        uint32_t i, n = g->n_children;
        int r = 0;

        for (i = 0; i < n && !r; i++) {
                if (i + AHEAD < n)
                        PREFETCH(g->children[i + AHEAD]);
                r = register_one(g, g->children[i], self, &n_done);
        }
        if (UNLIKELY(r)) { /* over before it began */
                uint32_t n_linked = i - 1;

                n_done += (int64_t)(n - i) + (r < 0);
                if (r < 0)
                        g->seen = SEEN_ERROR;
                else
                        note_seen(g->children, n);
                execi_finish(w, g, EXEC_FAILED, r < 0 ? r : g->children[i - 1]->err, NULL);
                for (uint32_t k = 0; k < n_linked; k++)
                        n_done += unlink_child(g, g->children[k]);
        }
        execi_gather_tell(w, g, n_done);
        if (w)
                execi_gather_flush(w);
        return r < 0 ? r : 0;
}

static int check_array(exec_future *const f[], size_t n)
{
        if (n && !f)
                return -EINVAL;
        return n < UINT32_MAX ? 0 : n > SIZE_MAX / sizeof *f ? -EINVAL : -ENOMEM;
}

/* For arrays that are kept: the whole of it at once. */
static int check_all(exec_future *const f[], size_t n)
{
        int r = check_array(f, n);

        for (size_t i = 0; !r && i < n; i++)
                if (!execi_is_future(f[i]))
                        r = -EINVAL;
        return r;
}

static void report(exec_future *const f[], size_t n, struct exec_outcome out[])
{
        for (size_t i = 0; out && i < n; i++) {
                if (i + AHEAD < n)
                        PREFETCH(f[i + AHEAD]);
                exec_future_outcome(f[i], &out[i]);
        }
}

/* For ThreadSanitizer: what the children did is visible to the caller. */
static void acquire_all(exec_future *const f[], size_t n)
{
        if (LIKELY(!(execi_sanitizer & SANITIZER_TSAN)))
                return;
        for (size_t i = 0; i < n; i++)
                exec_future_done(f[i]);
}

static bool are_all_done(exec_future *const f[], size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!execi_is_future(f[i]) || !execi_state_is_done(f[i]))
                        return false;
        return true;
}

/* All children are done: no gather is needed. The first error of theirs counts. */
static int gather_done(exec_future *const f[], size_t n, unsigned flags)
{
        for (size_t i = 0; i < n; i++)
                if (f[i]->state == EXEC_FAILED)
                        atom_or(&f[i]->seen, SEEN_ERROR, RELAXED); /* @relaxed flag */
        for (size_t i = 0; i < n && !(flags & EXEC_COLLECT); i++)
                if (f[i]->state != EXEC_DONE)
                        return f[i]->err;
        return 0;
}

/* *@failed (may be NULL): is a child's failure the reason? Else it is the caller's mistake, or its cancellation. */
static ALWAYS_INLINE int gather(struct execi_worker *w, exec_future *const f[], size_t n, unsigned flags, bool *failed)
{
        exec_future *g;
        int r;

        if (n == 0 || (n <= AHEAD && are_all_done(f, n)))
                return gather_done(f, n, flags);
        g = new_gather(w, f, n, flags);
        if (!g)
                return -ENOMEM;
        r = register_all(w, g, execi_here_root(w));
        if (LIKELY(!r)) {
                if (!execi_state_is_done(g))
                        r = execi_wait_future(g, EXEC_FOREVER);
                if (UNLIKELY(g->state != EXEC_DONE)) {
                        if (failed)
                                *failed = g->state == EXEC_FAILED;
                        r = r ? r : g->err;
                }
        }
        w = execi_worker_current();
        g->seen = SEEN_ERROR;
        if (atom_load(&g->n_left, ACQUIRE) > 0)
                detach(w, g, n);
        execi_unref(w, g);
        return r;
}

static void cancel_rest(exec_future *const f[], size_t n)
{
        for (size_t i = 0; i < n; i++)
                exec_cancel(f[i], "another one of the gather failed");
}

/* COLLECT has no first error at which to cancel the rest. */
static bool are_flags_good(unsigned flags)
{
        const unsigned either = EXEC_COLLECT | EXEC_CANCEL_REST;

        return !(flags & ~(either | EXEC_UNREF)) && (flags & either) != either;
}

/* Nothing was looked at, nothing waited for. */
static COLD int refuse(struct exec_outcome out[], size_t n, int r)
{
        if (n > SIZE_MAX / sizeof *out) /* no array is so long */
                return r;
        for (size_t i = 0; out && i < n; i++)
                out[i] = (struct exec_outcome){EXEC_PENDING, 0, NULL};
        return r;
}

static NOINLINE int gather_and_report(exec_future *const f[], size_t n, struct exec_outcome out[], unsigned flags,
                                      bool *failed)
{
        struct execi_worker *w = execi_worker_current();
        int r = check_array(f, n);

        if (LIKELY(!r))
                r = execi_may_wait(w);
        if (UNLIKELY(r))
                return refuse(out, n, r);
        r = gather(w, f, n, flags, failed);
        acquire_all(f, n);
        report(f, n, out);
        return r;
}

static NOINLINE int gather_with_flags(exec_future *const f[], size_t n, struct exec_outcome out[], unsigned flags)
{
        bool failed = false;
        int r = are_flags_good(flags) ? gather_and_report(f, n, out, flags, &failed) : refuse(out, n, -EINVAL);

        if (failed && (flags & EXEC_CANCEL_REST))
                cancel_rest(f, n);
        if ((flags & EXEC_UNREF) && n <= SIZE_MAX / sizeof *f)
                exec_future_unref_all(f, n);
        return r;
}

int exec_gather(exec_future *const f[], size_t n, struct exec_outcome out[], unsigned flags)
{
        if (flags & ~(unsigned)EXEC_COLLECT)
                return gather_with_flags(f, n, out, flags);
        return gather_and_report(f, n, out, flags, NULL);
}

/* A child of a gather future has failed: cancel the others. */
static void cancel_rest_later(exec_future *g, void *arg)
{
        (void)arg;
        if (g->state == EXEC_FAILED && atom_load(&g->first_failed, ACQUIRE))
                cancel_rest(g->children, g->n_children);
}

/* The gather future has ended: let go of children that go on, or they would remember it as long as they run. */
static void detach_later(exec_future *g, void *arg)
{
        (void)arg;
        if (atom_load(&g->n_left, ACQUIRE) > 0)
                detach(execi_worker_current(), g, g->n_children);
}

static exec_future *gather_future(struct execi_worker *w, exec_future *const f[], size_t n, unsigned flags)
{
        size_t bytes = n * sizeof *f;
        exec_future **children = n ? execi_alloc(bytes) : NULL, *g = NULL;
        struct exec_outcome *outcomes = n ? execi_alloc(n * sizeof *outcomes) : NULL;
        struct execi_extra *e = NULL;

        if (!n || (children && outcomes))
                g = new_gather(w, children, n, flags);
        if (g)
                e = execi_extra_need(g, 0);
        if (!e)
                goto fail;
        for (size_t i = 0; i < n; i++) {
                children[i] = f[i];
                execi_ref(f[i]);
        }
        e->outcomes = outcomes;
        g->flags |= CELL_OWNS_CHILDREN;
        if (!(flags & EXEC_COLLECT)) {
                int r = exec_future_add_callback(g, detach_later, NULL);

                if (!r && (flags & EXEC_CANCEL_REST))
                        r = exec_future_add_callback(g, cancel_rest_later, NULL);
                if (r)
                        goto fail_linked;
        }
        register_all(w, g, NULL);
        return g;

fail_linked:
        exec_future_remove_callback(g, detach_later, NULL);
        g->state = EXEC_CANCELLED;
        execi_cell_release(w, g);
        return execi_failed(-ENOMEM);
fail:
        if (g) {
                g->state = EXEC_CANCELLED;
                execi_cell_release(w, g);
        }
        execi_free(children, bytes);
        execi_free(outcomes, n * sizeof *outcomes);
        return execi_failed(-ENOMEM);
}

exec_future *exec_gather_future(exec_future *const f[], size_t n, unsigned flags)
{
        struct execi_worker *w = execi_worker_current();
        int err = are_flags_good(flags) ? check_all(f, n) : -EINVAL;
        exec_future *g = err ? execi_failed(err) : gather_future(w, f, n, flags);

        if ((flags & EXEC_UNREF) && n <= SIZE_MAX / sizeof *f)
                exec_future_unref_all(f, n);
        return g;
}
