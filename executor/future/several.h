/* several.h - waiting for several futures at once, until one of them or all have ended in some way. */
#ifndef EXECI_FUTURE_SEVERAL_H
#define EXECI_FUTURE_SEVERAL_H

#include <executor/types.h>

/* What ends the wait; that all have ended does too. */
enum several_until { UNTIL_ALL, UNTIL_ONE, UNTIL_FAILURE, UNTIL_SUCCESS };

struct execi_several {
        enum several_until until;
        int64_t deadline_ns;
        bool *done; /* n long: which are done when it is over; or NULL */
};

struct execi_several_end {
        size_t first;  /* the one that ended the wait (of those done before, the first in the array), or n */
        size_t n_done; /* with how->done */
};

/* At most INT_MAX futures. 0: every one of @f is a future and none the running task; -EINVAL, -EDEADLK. */
int execi_several_check(exec_future *const f[], size_t n);

/* Wait; nothing is taken, cancelled or passed on.
 * 0; -ETIMEDOUT; -ECANCELED: a request to the calling task was delivered here; -EPERM: @e and done tell the truth in all
 * these cases. -ENOMEM: they are as before. */
int execi_several_wait(exec_future *const f[], size_t n, const struct execi_several *how, struct execi_several_end *e);

#endif
