/* circle.c - see circle.h. */
#include "wait/circle.h"

#include "wait/waiter.h"

enum { MOST_WAITING = 16 };

/* Tasks that wait for the first of them, directly or not. */
struct waiting {
        exec_future *task[MOST_WAITING];
        unsigned n;
};

/* Add those who await @t. true: @f is one of them, or stands below one on its stack, and so waits for that one. */
static bool add_waiters(struct waiting *all, exec_future *t, const exec_future *f)
{
        uint64_t word = execi_state_lock(t), at = (word & WORD_DONE) ? 0 : word & WORD_WAITERS;
        bool found = false;

        while (at && !(at & TAG_GATHER) && !found && all->n < MOST_WAITING) {
                struct execi_waiter *n = execi_waiter_at(at);
                exec_future *u;

                at = n->next;
                if (n->kind != WAITER_TASK)
                        continue;
                u = ((struct execi_task_waiter *)n)->task;
                if (!execi_awaits(u))
                        continue;
                found = u == f || u->fiber == f->fiber;
                all->task[all->n++] = u;
        }
        execi_state_unlock(t, word);
        return found;
}

bool execi_is_circle(struct execi_fiber *here, exec_future *f)
{
        uint32_t wait = atom_load(&f->wait.word, ACQUIRE);
        struct waiting all = {.task = {here->task}, .n = 1};
        bool found = false;

        if (!execi_awaits(f))
                return false;
        if (f->fiber == here)
                return true;
        for (unsigned i = 0; i < all.n && !found; i++)
                found = add_waiters(&all, all.task[i], f);
        return found && atom_load(&f->wait.word, ACQUIRE) == wait; /* else its stack may be another's by now */
}
