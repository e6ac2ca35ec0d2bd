/* executor/timeout.h - timeout scopes: what a task does between begin and end is cancelled when a deadline passes.
 * Defaults: see executor/types.h.
 *
 *     struct exec_timeout scope;
 *     int err = exec_timeout_begin(&scope, exec_now() + EXEC_MS(50));
 *
 *     if (!err)
 *             err = exec_timeout_end(&scope, work()); // -ETIMEDOUT if work() was cut off
 *
 * When the deadline passes the scope expires: it makes one cancel request of its task, as exec_cancel() would, without a
 * reason. So what the task awaits is cancelled too, and its clean-up runs, also beyond the deadline. Scopes nest; of
 * those that expire together the outermost says -ETIMEDOUT, the others pass -ECANCELED on. Each begin needs its end before
 * the function that holds the scope returns; a task that returns without it ends the process. Nothing here fails for
 * memory.
 *
 * States of a scope, and what a call that needs a running one returns in the others:
 *   -EINVAL       not begun: zero-filled
 *   -EINPROGRESS  expiring: the deadline has passed, the end is still to come
 *   -ETIMEDOUT    expired, and ended
 *   -EALREADY     ended in time; from exec_timeout_begin(): begun, and not ended
 * A scope that has ended may be begun again. One that was never begun, or whose begin failed, may only be begun, unless it
 * is zero-filled.
 *
 * Children inherit a deadline where they are created with EXEC_INHERIT_DEADLINE (executor/task.h): the one that stands then;
 * a scope rescheduled later does not change theirs. */
#ifndef EXECUTOR_TIMEOUT_H
#define EXECUTOR_TIMEOUT_H

#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* On the stack of the task that begins it; not to be copied or moved between begin and end. */
struct exec_timeout {
        uint64_t room[10]; /* the library's */
};

/* exec_timeout_begin - from here on the current task has until @deadline_ns; EXEC_FOREVER: no limit yet. A deadline that
 * has passed expires the scope at once: the next cancellation point is cancelled.
 * Returns   0; -EINVAL: no scope; -EALREADY; -EPERM: no current task. */
EXEC_API int exec_timeout_begin(struct exec_timeout *scope, int64_t deadline_ns);

/* exec_timeout_end - the scope's body is over and returned @err. Takes the scope's request back, if it made one; no
 * cancellation comes from it any more, also where nobody has seen it.
 * Returns   @err; -ETIMEDOUT: the scope expired, @err is -ECANCELED, and nobody else cancelled the task in the meantime:
 *           it has no more requests than at the begin, where one that was not delivered then counts as coming after. Or
 *           -EINVAL: @scope is NULL or no running scope of the current task; -EALREADY, -ETIMEDOUT: it has ended before.
 * From      the task that began it. Scopes end in the order opposite to their begins. */
EXEC_API int exec_timeout_end(struct exec_timeout *scope, int err);

/* exec_timeout_reschedule - another deadline, sooner or later, or none (EXEC_FOREVER). One that has passed expires the
 * scope at once, or, from elsewhere than its task, soon.
 * Returns   0; -EINVAL, -EINPROGRESS, -ETIMEDOUT, -EALREADY: the scope's state, see above.
 * From      its task; others while they know that the scope's memory is there. */
EXEC_API int exec_timeout_reschedule(struct exec_timeout *scope, int64_t deadline_ns);

/* exec_timeout_deadline - the deadline it was given last; EXEC_FOREVER: none, or not begun. From as reschedule. */
EXEC_API int64_t exec_timeout_deadline(const struct exec_timeout *scope);

/* exec_timeout_expired - did it expire? Also before it has ended. From as reschedule. */
EXEC_API bool exec_timeout_expired(const struct exec_timeout *scope);

/* exec_current_deadline - the earliest deadline of the current task's scopes that have not expired; EXEC_FOREVER: there
 * is none, or no current task. */
EXEC_API int64_t exec_current_deadline(void);

#ifdef __cplusplus
}
#endif
#endif
