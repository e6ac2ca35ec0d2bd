/* gathering.c - how a gather hears of its children: counted, in batches, without recursion.
 *
 * A worker keeps a count of finished children of one gather and tells it when it goes to another gather, suspends or
 * finds nothing to do; so two workers that run one gather's children do not bounce its counter. An error is told at
 * once (waiter.c). The gather holds a reference on itself until it has heard of every child. */
#include "sched/ready.h"
#include "task/extra.h"
#include "wait/waiter.h"

static void fill_outcomes(exec_future *g, struct exec_outcome *out)
{
        for (uint32_t i = 0; i < g->n_children; i++) {
                execi_tsan_acquire(g->children[i]);
                out[i] = (struct exec_outcome){g->children[i]->state, g->children[i]->err,
                                               g->children[i]->state == EXEC_DONE ? g->children[i]->value : NULL};
        }
}

/* The error of the first child, in their order, that did not succeed. */
static int first_error(const exec_future *g)
{
        for (uint32_t i = 0; i < g->n_children; i++)
                if (g->children[i]->state != EXEC_DONE)
                        return g->children[i]->err;
        return -ECANCELED;
}

/* Every child has been heard of. One of them may have failed while a request was passed on that all refused. */
static void end(struct execi_worker *w, exec_future *g, struct execi_telling *t)
{
        struct execi_extra *extra = execi_extra_get(g);

        if (execi_state_is_done(g)) {
                ;
        } else if (execi_state_load(g) & WORD_CANCEL) {
                execi_finish_into(w, g, EXEC_CANCELLED, -ECANCELED, NULL, t);
        } else if (atom_load(&g->first_failed, ACQUIRE)) {
                execi_finish_into(w, g, EXEC_FAILED, first_error(g), NULL, t);
        } else {
                if (extra && extra->outcomes)
                        fill_outcomes(g, extra->outcomes);
                execi_finish_into(w, g, EXEC_DONE, 0, extra ? extra->outcomes : NULL, t);
        }
        execi_unref(w, g);
}

static void tell_now(struct execi_worker *w, exec_future *g, int64_t n)
{
        struct execi_telling t = {.gather = NULL};

        /* @pair gather.left: release of each teller, acquire of the last */
        if (atom_sub(&g->n_left, n, ACQ_REL) != n)
                return;
        end(w, g, &t);
        execi_tell_all(w, &t);
}

void execi_gather_count(struct execi_worker *w, exec_future *g, struct execi_telling *t)
{
        if (w && (!w->gather || w->gather == g)) {
                w->gather = g;
                w->n_gather++;
        } else if (atom_sub(&g->n_left, 1, ACQ_REL) == 1) { /* @pair gather.left */
                end(w, g, t);
        }
}

COLD void execi_gather_flush_slow(struct execi_worker *w)
{
        while (w->gather) { /* the end of a gather may tell another one */
                exec_future *g = w->gather;
                int64_t n = w->n_gather;

                w->gather = NULL;
                w->n_gather = 0;
                tell_now(w, g, n);
        }
}

void execi_gather_tell(struct execi_worker *w, exec_future *g, int64_t n)
{
        if (UNLIKELY(!w)) {
                tell_now(NULL, g, n);
                return;
        }
        if (w->gather != g) {
                if (w->gather)
                        execi_gather_flush_slow(w);
                w->gather = g;
        }
        w->n_gather += n;
}

bool execi_gather_hold(exec_future *g)
{
        int64_t n = atom_load(&g->n_left, ACQUIRE); /* @pair gather.left */

        while (n > 0)
                if (atom_cas(&g->n_left, &n, n + 1, ACQ_REL))
                        return true;
        return false;
}
