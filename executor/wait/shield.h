/* shield.h - a future that ends as another, its inner one, does, but may be cancelled without it.
 *
 * The link is a node in the inner future's list of waiters, made and freed apart from the shield.
 * H1 a shield holds a reference on its inner future until it is freed itself.
 * H2 who takes the shield's address out of the link, by a swap, alone ends the shield: the one who finishes the inner
 *    future; one who cancels the shield; one who gives its last reference up. The latter two do so under the shield's LOCK
 *    while it is not done: only then is the link sure to be there.
 * H3 the link is freed by whoever takes it out of the list: those two, or else the one who finishes the inner future, once
 *    he has ended the shield or found its address gone.
 * H4 a shield that nobody refers to, but on which callbacks wait, stays until its inner future ends. */
#ifndef EXECI_WAIT_SHIELD_H
#define EXECI_WAIT_SHIELD_H

#include "wait/waiter.h"

struct execi_shield_link {
        struct execi_waiter node; /* WAITER_SHIELD */
        _Atomic(exec_future *) shield;
};

/* End @s as cancelled. false: it is done, or is being ended. */
bool execi_shield_cancel(struct execi_worker *w, exec_future *s, const char *reason);

/* L(LOCK of @s, whose word is @word): nobody refers to @s. true: it is the caller's, who withdraws the link and frees it. */
bool execi_shield_forget(exec_future *s, uint64_t word);

/* H3, after H2. */
void execi_shield_withdraw(exec_future *inner, struct execi_shield_link *link);

/* The inner future of the link that begins with @node has ended. */
void execi_shield_tell(struct execi_worker *w, struct execi_waiter *node, struct execi_telling *t);

#endif
