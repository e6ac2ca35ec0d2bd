/* reference.c - counting users, and freeing a cell when the last has gone and it is done. */
#include "base/check.h"
#include "port/memory.h"
#include "port/sanitizer.h"
#include "task/extra.h"
#include "wait/locals.h"
#include "wait/outside.h"
#include "wait/shield.h"
#include "wait/timers.h"
#include "wait/unhandled.h"
#include "wait/waiter.h"

void execi_ref(exec_future *f)
{
        if (f->flags & CELL_STATIC)
                return;
        if (UNLIKELY(atom_add(&f->refs, 1, RELAXED) == 0)) /* @relaxed count: the caller has access already */
                execi_state_attach(f);
}

static void release_extra(exec_future *f)
{
        struct execi_extra *e = execi_extra_get(f);

        if (!e)
                return;
        if (e->drop_value && f->state == EXEC_DONE && f->value && !(atom_load(&f->seen, ACQUIRE) & SEEN_TAKEN))
                execi_drop(e->drop_value, f->value);
        execi_extra_free(f);
}

/* A promise that nobody can finish any more: its callbacks are forgotten. */
static void forget_callbacks(exec_future *f)
{
        uint64_t at = atom_load(&f->word, RELAXED) & WORD_WAITERS; /* @relaxed nobody else refers to it */

        while (at && !(at & TAG_GATHER)) {
                struct execi_waiter *n = execi_waiter_at(at);

                at = n->next;
                if (n->kind == WAITER_CALLBACK) {
                        execi_locals_unref(((struct execi_callback_waiter *)n)->locals);
                        execi_free(n, sizeof(struct execi_callback_waiter));
                }
        }
}

/* L(LOCK): nobody refers to @f, of which the word is @w, any more, and it is no task. Does that end it? */
static bool is_forgotten(exec_future *f, uint64_t w)
{
        return f->kind == CELL_PROMISE || (f->kind == CELL_SHIELD && execi_shield_forget(f, w));
}

/* The last reference goes: W7. false: it was not the last any more, and is still held. *@end: the caller frees the cell. */
static bool drop_last(exec_future *f, bool *end)
{
        uint64_t w = execi_state_lock(f);
        uint32_t one = 1;
        bool last = atom_cas(&f->refs, &one, 0, ACQ_REL); /* @pair reference.last */

        *end = last && (((w & WORD_DONE) && !(w & WORD_QUEUED)) || (f->kind != CELL_TASK && is_forgotten(f, w)));
        execi_state_unlock(f, last ? w | WORD_DETACHED : w);
        return last;
}

/* Give one reference up. true: it was the last, the caller frees the cell. */
static bool drop(exec_future *f)
{
        uint32_t n;
        bool end;

        if (f->flags & CELL_STATIC)
                return false;
        CHECK(atom_load(&f->refs, ACQUIRE) && f->kind,
              "exec_future_unref of a future that has no reference left (one unref too many)");
        if (f->kind == CELL_SLEEP)
                switch (execi_sleep_unref(f)) {
                case SLEEP_LEFT:
                        return false;
                case SLEEP_STOPPED:
                        f->state = EXEC_CANCELLED;
                        return true;
                case SLEEP_DONE:
                        break;
                }
        execi_tsan_release(f);
        do {
                n = atom_load(&f->refs, RELAXED); /* @relaxed recheck */
                while (n > 1)
                        if (atom_cas(&f->refs, &n, n - 1, RELEASE)) /* @pair reference.last: acquire of the last */
                                return false;
        } while (!drop_last(f, &end));
        execi_tsan_acquire(f);
        if (!end)
                return false;
        if (f->kind != CELL_TASK && !execi_state_is_done(f)) {
                if (f->kind == CELL_SHIELD)
                        execi_shield_withdraw(f->inner, f->shield_link);
                else
                        forget_callbacks(f);
                f->state = EXEC_CANCELLED;
        }
        return true;
}

/* Children of a gather that were its alone go to the list of cells to free: gathers nest, and this must not recurse. */
static void release_children(exec_future *g, exec_future **list)
{
        for (uint32_t i = 0; i < g->n_children; i++) {
                exec_future *child = g->children[i];

                if (!drop(child))
                        continue;
                child->next_free = *list;
                *list = child;
        }
        execi_free((void *)(uintptr_t)g->children, (size_t)g->n_children * sizeof *g->children); /* NOLINT */
}

/* The future behind a shield, in the same way. An error that was seen there has been seen: it is reported once, by @s's
 * inner one. */
static void release_inner(exec_future *s, exec_future **list)
{
        exec_future *inner = s->inner;

        if (s->state == EXEC_FAILED && (atom_load(&s->seen, RELAXED) & SEEN_ERROR)) /* @relaxed flag */
                atom_or(&inner->seen, SEEN_ERROR, RELAXED);                         /* @relaxed flag */
        if (!drop(inner))
                return;
        inner->next_free = *list;
        *list = inner;
}

static void release_one(struct execi_worker *w, exec_future *f, exec_future **list)
{
        if (UNLIKELY(f->state == EXEC_FAILED && !(atom_load(&f->seen, RELAXED) & SEEN_ERROR) && /* @relaxed flag */
                     f->kind != CELL_SHIELD)) {
                atom_store(&f->refs, 1, RELAXED); /* the hook borrows it; @relaxed nobody else refers to it */
                execi_unhandled(f);
        }
        if (UNLIKELY(f->kind >= CELL_GATHER)) {
                if (f->kind == CELL_SHIELD)
                        release_inner(f, list);
                else if (f->flags & CELL_OWNS_CHILDREN)
                        release_children(f, list);
        }
        if (UNLIKELY(atom_load(&f->extra, RELAXED))) /* @relaxed nobody else refers to it */
                release_extra(f);
        atom_store(&f->refs, 0, RELAXED); /* @relaxed a second unref finds it */
        if (LIKELY(!(f->flags & CELL_ALLOCATED))) {
                execi_slab_free(w ? w->slab : NULL, f);
                return;
        }
        if (execi_cell_prefix(f)->tsan) /* of a task that never ran */
                execi_tsan_context_free(execi_cell_prefix(f)->tsan);
        execi_cell_free_allocated(f);
}

void execi_cell_release(struct execi_worker *w, exec_future *f)
{
        exec_future *list = NULL;

        release_one(w, f, &list);
        while (list) {
                f = list;
                list = f->next_free;
                release_one(w, f, &list);
        }
}

void execi_unref_slow(struct execi_worker *w, exec_future *f)
{
        if (drop(f))
                execi_cell_release(w, f);
}
