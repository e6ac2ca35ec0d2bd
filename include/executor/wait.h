/* executor/wait.h - waiting for some of many futures, for one with a time limit, and behind a shield. Defaults: see
 * executor/types.h. */
#ifndef EXECUTOR_WAIT_H
#define EXECUTOR_WAIT_H

#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum exec_wait_mode {
        EXEC_ALL_COMPLETED = 0,   /* until all have ended, in whatever way */
        EXEC_FIRST_COMPLETED = 1, /* until one has */
        EXEC_FIRST_EXCEPTION = 2, /* until one has FAILED (a CANCELLED one does not count), or all have ended */
};

/* exec_wait - wait until some of @n futures have ended, and say which. It takes nothing, cancels nothing, and does not
 * count as having looked at an error.
 * @done     n long, or NULL: true for each that has ended when the call returns, not only for the one that ended the
 *           wait. A future may stand in the array more than once: each of its places says the same, and counts.
 *           Written whatever the call returns, except with -EINVAL, -EDEADLK and -ENOMEM.
 * Returns   how many of the n have ended: that is all for a deadline that passed too, and may then be 0;
 *           -ECANCELED: the caller was cancelled, the futures go on; -EINVAL: f or one of f[] is NULL, n is 0 or more
 *           than INT_MAX, the mode; -EDEADLK: the caller is among f; -ENOMEM; -EPERM where it would have to wait.
 * Blocks    yes. Needs memory, at the beginning, for more than 16 futures.
 * Cancel    is a cancellation point where it has to wait; passes nothing on. */
EXEC_API int exec_wait(exec_future *const f[], size_t n, enum exec_wait_mode mode, int64_t deadline_ns, bool done[]);

/* exec_wait_for - await @f for at most @timeout_ns nanoseconds (EXEC_FOREVER: as exec_await()). When the time is over,
 * cancel @f and wait for its end, however long its clean-up takes. With 0 and less it does so at once, unless @f is done:
 * a task that nobody has started then never runs.
 * Returns   0 and *value (may be NULL), also when @f succeeds after it was cancelled; f's error, also one of its clean-up;
 *           -ETIMEDOUT: the time was over and f has ended CANCELLED; -ECANCELED: f was cancelled by somebody else, or the
 *           caller was: then that was passed on to f, and f has ended; -EDEADLK: f is the caller; -EINVAL; -EPERM.
 *           (An f that has failed with -ETIMEDOUT itself returns that: its outcome tells.)
 * Blocks    yes, also longer than @timeout_ns. Never fails for memory.
 * Cancel    is a cancellation point unless f is done already; passed on to f. */
EXEC_API int exec_wait_for(exec_future *f, int64_t timeout_ns, void **value);

/* exec_any - wait for the first of @n futures that succeeds.
 * @flags    EXEC_CANCEL_REST or 0. With it the others are cancelled when one has succeeded or the caller was cancelled;
 *           the call returns before they have ended. An error of the call itself (-EINVAL, -EDEADLK, -ENOMEM, -EPERM)
 *           cancels nothing.
 * Returns   0, *value, borrowed from f[*index], and *index (both may be NULL): of several that had succeeded before, the
 *           first in the array; the error of the first in the array that FAILED, and its *index: none has succeeded;
 *           -ECANCELED and *index 0: all were CANCELLED. Otherwise *index is @n: -ECANCELED: the caller was cancelled;
 *           -EINVAL: f or one of f[] is NULL, n is 0 or more than INT_MAX, the flags; -EDEADLK: the caller is among f;
 *           -ENOMEM; -EPERM where it would have to wait. When one succeeded or all have ended, the errors of all count
 *           as seen, those of later failures too.
 * Blocks    yes. Needs memory, at the beginning, for more than 16 futures.
 * Cancel    is a cancellation point where it has to wait; passed on only with EXEC_CANCEL_REST. */
EXEC_API int exec_any(exec_future *const f[], size_t n, size_t *index, void **value, unsigned flags);

/* exec_shield - a future that ends as @f does, but can be cancelled without @f: that ends the shield CANCELLED, and @f goes
 * on. Its value, message and reason are borrowed from @f, on which it holds a reference until its own last one goes;
 * exec_take() of it takes f's value. An error looked at through a shield has been seen.
 * Returns   a future, never NULL: @f itself, with one reference more, when @f is done; one that has failed with -EINVAL: f
 *           is NULL; -ENOMEM. */
EXEC_API exec_future *exec_shield(exec_future *f);

#ifdef __cplusplus
}
#endif
#endif
