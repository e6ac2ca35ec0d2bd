/* reference.c - counting users, and freeing a cell when the last has gone and it is done. */
#include "base/check.h"
#include "port/memory.h"
#include "port/sanitizer.h"
#include "task/extra.h"
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
                e->drop_value(f->value);
        execi_extra_free(f);
}

static void release_children(struct execi_worker *w, exec_future *g)
{
        for (uint32_t i = 0; i < g->n_children; i++)
                execi_unref(w, g->children[i]);
        execi_free((void *)(uintptr_t)g->children, (size_t)g->n_children * sizeof *g->children); /* NOLINT */
}

void execi_cell_release(struct execi_worker *w, exec_future *f)
{
        if (UNLIKELY(f->state == EXEC_FAILED && !(atom_load(&f->seen, RELAXED) & SEEN_ERROR))) { /* @relaxed flag */
                atom_store(&f->refs, 1, RELAXED); /* the hook borrows it; @relaxed nobody else refers to it */
                execi_unhandled(f);
        }
        if (UNLIKELY(f->kind == CELL_GATHER && (f->flags & CELL_OWNS_CHILDREN)))
                release_children(w, f);
        if (UNLIKELY(atom_load(&f->extra, RELAXED))) /* @relaxed nobody else refers to it */
                release_extra(f);
        atom_store(&f->refs, 0, RELAXED); /* @relaxed a second unref finds it */
        if (LIKELY(!(f->flags & CELL_ALLOCATED)))
                execi_slab_free(w ? w->slab : NULL, f);
        else
                execi_cell_free_allocated(f);
}

/* true: that was the last one. */
static bool drop(exec_future *f)
{
        uint32_t refs = atom_load(&f->refs, ACQUIRE);

        CHECK(refs && f->kind, "exec_future_unref of a future that has no reference left (one unref too many)");
        if (refs == 1) {
                atom_store(&f->refs, 0, RELAXED); /* @relaxed the only reference was the caller's */
                return true;
        }
        execi_tsan_release(f);
        return atom_sub(&f->refs, 1, ACQ_REL) == 1; /* @pair reference.last: release of each, acquire of the last */
}

void execi_unref_slow(struct execi_worker *w, exec_future *f)
{
        uint64_t word;

        if (f->flags & CELL_STATIC)
                return;
        if (f->kind == CELL_SLEEP && !execi_state_is_done(f)) {
                if (execi_sleep_unref(f)) {
                        f->state = EXEC_CANCELLED;
                        execi_cell_release(w, f);
                }
                return;
        }
        if (!drop(f))
                return;
        execi_tsan_acquire(f);
        word = atom_load(&f->word, ACQUIRE);
        if ((word & (WORD_DONE | WORD_QUEUED | WORD_LOCK)) == WORD_DONE || execi_state_detach(f))
                execi_cell_release(w, f);
}
