/* strand.c - see strand.h. */
#include "run/strand.h"

#include "base/check.h"
#include "port/sanitizer.h"
#include "sched/forks.h"
#include "task/extra.h"
#include "task/slab.h"
#include "task/state.h"
#include "wait/forked.h"

/* As large a stack as its root has; without memory for it, the pool's. */
static COLD void give_stack(exec_future *t, exec_future *root)
{
        struct execi_extra *of = execi_extra_get(root), *e = of ? execi_extra_need(t, 0) : NULL;

        if (!e)
                return;
        e->root = root;
        e->stack_bytes = of->stack_bytes;
        t->flags |= CELL_OWN_STACK;
}

exec_future *execi_strand_steal(struct execi_worker *v, struct execi_worker *w)
{
        exec_future *t, *root;
        struct exec_fork *f;

        if (!execi_forks_any(v, false)) {
                execi_forks_ask(v, w);
                return NULL;
        }
        if (!w->spare || !(t = execi_slab_alloc(w->slab)))
                return NULL;
        f = execi_forks_steal(v, w, &root);
        if (!f) {
                execi_slab_free(w->slab, t);
                return NULL;
        }
        t->refs_err = CELL_REFS_ERR(1);
        t->kind_to_since = CELL_KIND_TO_SINCE(CELL_TASK, 0);
        atom_store(&t->extra, 0, RELAXED);                                 /* @relaxed init */
        t->fork_fn = (exec_fork_fn)atom_load(execi_fork_word(f), RELAXED); /* NOLINT @relaxed: behind the place */
        t->arg = f;
        t->awaiting = root;
        t->flags = (uint8_t)(CELL_FORK | (root->flags & CELL_TIED));
        if (UNLIKELY(root->flags & CELL_OWN_STACK))
                give_stack(t, root);
        t->wait_all = 0;
        atom_store(&t->word, WORD_QUEUED, RELEASE);
        atom_bump(&w->n_created, 1);
        atom_bump(&w->n_forks_stolen, 1);
        atom_store(execi_fork_word(f), (uintptr_t)t | FORK_TAKEN, RELEASE); /* @pair fork.taken */
        return t;
}

void execi_strand_run(struct execi_fiber *fiber, exec_future *t, exec_fork_fn fn, struct exec_fork *fork)
{
        struct execi_extra *e = execi_extra_get(t);
        exec_future *outer = fiber->root;
        uint32_t n_forked = fiber->n_forked; /* by those below it on the stack */

        execi_fiber_set_forked(fiber);
        fiber->root = e && e->root ? e->root : t->awaiting;
        execi_tsan_acquire(fork);
        fn(fork, execi_strand_place(fiber->worker));
        CHECK(fiber->n_forked == n_forked && !(fiber->forks && execi_forkstack_any(fiber->forks)),
              "a fork returned before it had joined its own forks");
        fiber->root = outer;
}

exec_forks *execi_strand_place(struct execi_worker *w)
{
        struct execi_fiber *fiber = w->fiber;
        struct execi_forkstack *s = fiber->forks;
        unsigned head;

        if (!w->pool->membarrier || execi_tsan_precise())
                return execi_forks_as_tasks();
        if (UNLIKELY(!s) && !(s = execi_forks_attach(w)))
                return execi_forks_inline();
        head = execi_forkstack_head(s);
        if (head == FORK_FIRST)
                atom_store(&s->root, execi_fiber_root(fiber),
                           RELAXED); /* @relaxed: before the place, which is released */
        return execi_forkstack_place(s, head);
}
