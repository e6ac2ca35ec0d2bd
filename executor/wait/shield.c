/* shield.c - see shield.h. */
#include "wait/shield.h"

#include "port/memory.h"
#include "port/sanitizer.h"
#include "task/extra.h"

void execi_shield_withdraw(exec_future *inner, struct execi_shield_link *link)
{
        if (execi_waiter_unlink(inner, &link->node))
                execi_free(link, sizeof *link);
}

bool execi_shield_cancel(struct execi_worker *w, exec_future *s, const char *reason)
{
        exec_future *inner = s->inner;
        struct execi_shield_link *link = s->shield_link;
        uint64_t word = execi_state_lock(s);

        if ((word & WORD_DONE) || !atom_swap(&link->shield, NULL, ACQ_REL)) { /* H2 */
                execi_state_unlock(s, word);
                return false;
        }
        execi_reason_set(s, reason);
        s->state = EXEC_CANCELLED;
        s->err = -ECANCELED;
        s->value = NULL;
        execi_finish_locked(w, s, word);
        execi_shield_withdraw(inner, link);
        return true;
}

bool execi_shield_forget(exec_future *s, uint64_t word)
{
        return !(word & (WORD_DONE | WORD_WAITERS)) && atom_swap(&s->shield_link->shield, NULL, ACQ_REL); /* H2 */
}

void execi_shield_tell(struct execi_worker *w, struct execi_waiter *node, struct execi_telling *t)
{
        struct execi_shield_link *link = (struct execi_shield_link *)node;
        exec_future *s = atom_swap(&link->shield, NULL, ACQ_REL), *inner; /* H2 */

        if (s) {
                inner = s->inner;
                execi_tsan_acquire(inner);
                execi_reason_set(s, execi_reason_get(inner));
                execi_finish_into(w, s, inner->state, inner->err, inner->value, t);
        }
        execi_free(link, sizeof *link);
}
