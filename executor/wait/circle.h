/* circle.h - tasks that await each other in a circle, and so for ever: the one that would close it is told instead.
 *
 * O1 looked for from the closing task back to those that wait for it. Without a deadline such a wait ends only with what is
 *    waited for; so while the closing task runs, all that are found wait, and neither end nor go away.
 * O2 not every circle is seen: not one that is closed in two places at the same moment, that leads through anything but
 *    tasks that await one another, or through a task that has called another one on its stack (but the caller itself or
 *    the awaited one may stand on one), nor one of more than MOST_WAITING tasks. What is told to be one is one. */
#ifndef EXECI_WAIT_CIRCLE_H
#define EXECI_WAIT_CIRCLE_H

#include "task/fiber.h"
#include "task/waitword.h"

/* Does the task @f wait for one future, without a deadline? */
static inline bool execi_awaits(exec_future *f)
{
        uint32_t w = atom_load(&f->wait.word, ACQUIRE);

        return (w & (WAIT_STATE | WAIT_FORWARD | WAIT_TIMED)) == (WAIT_ARMED | WAIT_FORWARD);
}

/* Does the task @f, for which the caller has a reference, wait for the running task of @here? */
bool execi_is_circle(struct execi_fiber *here, exec_future *f);

#endif
