/* forks.c - see forks.h. */
#include "sched/forks.h"

#include "port/membarrier.h"
#include "sched/idle.h"

/* Room for two blocks wherever it lies: loaders may align less than they are asked to. Of a block its beginning is used. */
static char room[3 * FORK_BLOCK_BYTES];

static char *block(unsigned i)
{
        uintptr_t first = ((uintptr_t)room + FORK_BLOCK_BYTES - 1) & ~(FORK_BLOCK_BYTES - 1);

        return (char *)first + i * FORK_BLOCK_BYTES; /* NOLINT */
}

static struct execi_forkstack *head_of(char *of)
{
        return (struct execi_forkstack *)(void *)(of + FORK_HEAD_AT);
}

exec_forks *execi_forks_inline(void)
{
        return (exec_forks *)(void *)block(0);
}

exec_forks *execi_forks_as_tasks(void)
{
        return (exec_forks *)(void *)block(1);
}

/* They are the same for all, and known by their kind before any pool is made. */
__attribute__((constructor)) void execi_forks_init(void)
{
        execi_forkstack_init(head_of(block(0)), FORK_INLINE, NULL);
        execi_forkstack_init(head_of(block(1)), FORK_TASKS, NULL);
}

COLD struct execi_forkstack *execi_forks_attach(struct execi_worker *w)
{
        struct execi_forkstack *s = execi_forkarena_get(&w->pool->forkarena);

        w->fiber->forks = s;
        execi_fiber_set_forked(w->fiber);
        if (s)
                execi_forks_show(w, w->fiber);
        return s;
}

void execi_forks_mark_shown(struct execi_worker *w, struct execi_forkstack *s)
{
        COMPILER_BARRIER();                                      /* R3 */
        if (UNLIKELY(atom_load(&w->pool->idle.wanted, RELAXED))) /* @relaxed: membarrier in execi_idle_sleep */
                execi_forkstack_mark(s);
}

/* L(w->forks_lock) */
static void link_left(struct execi_worker *w, struct execi_forkstack *s)
{
        s->prev = NULL;
        s->next = w->left;
        if (w->left)
                w->left->prev = s;
        w->left = s;
        atom_store(&s->left_on, (int)w->id + 1, RELAXED);                    /* @relaxed locked */
        atom_store(&w->n_left, atom_load(&w->n_left, RELAXED) + 1, RELEASE); /* @relaxed locked */
}

/* L(w->forks_lock) */
static void unlink_left(struct execi_worker *w, struct execi_forkstack *s)
{
        if (s->prev)
                s->prev->next = s->next;
        else
                w->left = s->next;
        if (s->next)
                s->next->prev = s->prev;
        /* Who reads this 0 may link s anew: it comes behind all use of its links here. (No model finds it weakened: the
         * links are plain memory, and no store overtakes a load there: model.h.) */
        atom_store(&s->left_on, 0, RELEASE);                                 /* @pair forks.left */
        atom_store(&w->n_left, atom_load(&w->n_left, RELAXED) - 1, RELEASE); /* @relaxed locked */
}

void execi_forks_leave(struct execi_worker *w, struct execi_forkstack *s)
{
        if (!execi_forkstack_any(s) || !execi_forkstack_publish(s))
                return;
        execi_spin_lock(&w->forks_lock);
        link_left(w, s);
        execi_spin_unlock(&w->forks_lock);
        execi_idle_notify(w->pool);
}

void execi_forks_return(struct execi_forkstack *s)
{
        int on = atom_load(&s->left_on, ACQUIRE); /* @pair forks.left: only thieves clear it, under the lock */
        struct execi_worker *w;

        if (!on)
                return;
        w = &s->pool->workers[on - 1];
        execi_spin_lock(&w->forks_lock);
        if (atom_load(&s->left_on, RELAXED)) /* @relaxed locked */
                unlink_left(w, s);
        execi_spin_unlock(&w->forks_lock);
}

bool execi_forks_mark_all(struct execi_worker *w)
{
        bool any = false;

        for (unsigned i = 0; i < w->pool->n_workers; i++) {
                struct execi_worker *v = &w->pool->workers[i];
                struct execi_forkstack *s = v == w ? NULL : atom_load(&v->forks, ACQUIRE); /* @pair forks.shown */

                any |= s && execi_forkstack_mark(s);
        }
        return any;
}

void execi_forks_settle(struct execi_worker *w)
{
        while (execi_forks_mark_all(w))
                execi_membarrier();
}

static struct exec_fork *steal_left(struct execi_worker *v, exec_future **root)
{
        struct execi_forkstack *s;
        struct exec_fork *f = NULL;

        if (!atom_load(&v->n_left, RELAXED) || !execi_spin_try(&v->forks_lock)) /* @relaxed hint */
                return NULL;
        s = v->left;
        if (s) {
                f = execi_forkstack_steal(s);
                if (f)
                        *root = atom_load(&s->root, RELAXED); /* @relaxed: behind the place */
                if (!execi_forkstack_has_public(s))
                        unlink_left(v, s);
        }
        execi_spin_unlock(&v->forks_lock);
        return f;
}

void execi_forks_ask(struct execi_worker *v, struct execi_worker *w)
{
        struct execi_forkstack *s = v == w || !w->hungry ? NULL : atom_load(&v->forks, ACQUIRE); /* @pair forks.shown */

        if (s)
                execi_forkstack_mark(s);
}

struct exec_fork *execi_forks_steal(struct execi_worker *v, struct execi_worker *w, exec_future **root)
{
        struct execi_forkstack *s = v == w ? NULL : atom_load(&v->forks, ACQUIRE); /* @pair forks.shown */
        struct exec_fork *f = steal_left(v, root);

        if (f || !s)
                return f;
        f = execi_forkstack_steal(s);
        if (f)
                *root = atom_load(&s->root, RELAXED); /* @relaxed: behind the place; it stays until f is joined */
        else
                execi_forks_ask(v, w);
        return f;
}

bool execi_forks_force(struct execi_worker *v)
{
        struct execi_forkstack *s = atom_load(&v->forks, ACQUIRE); /* @pair forks.shown */

        return s && execi_forkstack_force(s);
}

bool execi_forks_any(struct execi_worker *v, bool private)
{
        struct execi_forkstack *s = atom_load(&v->forks, ACQUIRE); /* @pair forks.shown */

        return atom_load(&v->n_left, ACQUIRE) || (s && execi_forkstack_has_public(s)) ||
               (s && private && execi_forkstack_has_private(s));
}
