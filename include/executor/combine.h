/* executor/combine.h - many futures at once: gather and as_completed. Defaults: see executor/types.h. */
#ifndef EXECUTOR_COMBINE_H
#define EXECUTOR_COMBINE_H

#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum exec_gather_flags {
        EXEC_COLLECT = 1 << 0,     /* wait for all; an error is an outcome like any other */
        EXEC_CANCEL_REST = 1 << 1, /* on the first error cancel the others (without it they go on) */
        EXEC_UNREF = 1 << 2,       /* the call takes over the caller's references, in every case */
};

/* exec_gather - wait for @n futures and give their outcomes in their order. @out may be NULL; a future may stand in
 * the array more than once; n may be 0.
 * @flags    EXEC_COLLECT or EXEC_CANCEL_REST or neither, each with EXEC_UNREF or without. With EXEC_CANCEL_REST a
 *           child's failure cancels the others, and the call returns before they have ended. An error of the call
 *           itself (-EINVAL, -EDEADLK, -ENOMEM, -EPERM) cancels nothing.
 * Returns   0: all succeeded (with EXEC_COLLECT: all ended); the error of the first to fail: the others go on, and
 *           slots not finished say EXEC_PENDING and are not written later (a child cancelled by somebody else counts
 *           as failed with -ECANCELED); -ECANCELED: the caller was cancelled, which was passed on to every child, and
 *           all have ended (unless one had failed just before: then the others go on);
 *           -EINVAL: f or one of f[] is NULL, the flags; -EDEADLK: the caller is among f (but a future that awaits the
 *           caller, or a gather that contains it, is not seen: that waits for ever); -ENOMEM, also for an n beyond
 *           2^32; -EPERM: see types.h, also where all have ended. A child that failed comes before a mistake behind it in f.
 *           @out is written in every case: EXEC_PENDING where nothing was looked at.
 * Owns      with EXEC_UNREF values that nobody else holds are dropped before the return: take them another way.
 * Blocks    yes.  Cancel  is a cancellation point unless all have ended already; a request then waits for the next. */
EXEC_API int exec_gather(exec_future *const f[], size_t n, struct exec_outcome out[], unsigned flags);

/* exec_gather_future - a gather as a future, which can be awaited later, cancelled, gathered in turn. It holds a
 * reference on each child (with EXEC_UNREF the caller's). Its value is an array of n struct exec_outcome, borrowed
 * from it, which cannot be taken; FAILED with the first child's error without EXEC_COLLECT. Cancelled, it cancels its
 * children and ends CANCELLED when they have ended; cancel returns 0 when no child could be cancelled any more.
 * A task that awaits a gather in which it stands itself waits for ever.
 * @flags    as for exec_gather(). With EXEC_CANCEL_REST it has ended before the others have.
 * Returns   a future, never NULL; one that has failed with -EINVAL: f or one of f[] is NULL, the flags; or -ENOMEM. */
EXEC_API exec_future *exec_gather_future(exec_future *const f[], size_t n, unsigned flags);

/* exec_gather_call - run @fn over an array: fn(args + i * stride) for i < n as tasks, at most @limit at once (0: no
 * limit). out[i] (out may be NULL) gets the outcome; its value is the caller's own now. With out NULL values are
 * forgotten: nothing drops them.
 * @flags    EXEC_COLLECT or 0; others are -EINVAL.
 * Returns   as exec_gather(); -EINVAL: fn is NULL, args is NULL with n and stride not 0, n is too large, the flags, no
 *           pool (the current one; in a plain thread the default pool). Without EXEC_COLLECT the
 *           first error stops the start of further calls and cancels the running ones. So does -ENOMEM. All that were
 *           started have ended on return; calls never started say EXEC_PENDING.
 * Blocks    yes.  Cancel  is a cancellation point; passed on to the calls that run. */
EXEC_API int exec_gather_call(exec_task_fn fn, void *args, size_t n, size_t stride, struct exec_outcome out[],
                              size_t limit, unsigned flags);

/* exec_completion_new - an open completion queue: futures added to it come out as they finish.
 * Owns      *out is the caller's, until exec_completion_free(). */
EXEC_API int exec_completion_new(exec_completion **out);

/* exec_completion_add - add @f with a @tag. Allowed while others drain. A future may be added more than once.
 * Owns      the queue holds a reference of its own on f until it is handed over.
 * Returns   0; -EINVAL; -ENOMEM. */
EXEC_API int exec_completion_add(exec_completion *c, exec_future *f, void *tag);

/* exec_completion_next - the next future that has finished, in the order of finishing. Several consumers may wait; each
 * future goes to exactly one.
 * Returns   1 and *f, *tag (each may be NULL); 0: nothing is in the queue now, which is the end only if nobody adds any more; -ETIMEDOUT: nothing finished until the
 *           deadline (what has finished is given even when it has passed); -ECANCELED; -EPERM where it would have to
 *           wait; -EINVAL. A queue that holds the calling task itself waits for ever for it.
 * Owns      *f is a reference, the caller's; with f NULL it is given back. It does not count as looking at an error.
 * Blocks    yes.  Cancel  is a cancellation point where it has to wait; takes nothing, cancels nothing it holds. */
EXEC_API int exec_completion_next(exec_completion *c, int64_t deadline_ns, exec_future **f, void **tag);

/* exec_completion_pending - how many futures were added and not yet handed over. */
EXEC_API size_t exec_completion_pending(const exec_completion *c);

/* exec_completion_free - forget what is left, which goes on. No call on @c may be in progress. NULL is allowed. */
EXEC_API void exec_completion_free(exec_completion *c);

/* exec_as_completed - the closed form: a queue with all of @f added, the tag of each its index.
 * Returns   NULL: no memory, or f or one of f[] is NULL with n > 0. n may be 0. */
EXEC_API exec_completion *exec_as_completed(exec_future *const f[], size_t n);

/* exec_as_completed_with - as exec_as_completed(), with @flags: EXEC_UNREF, the queue takes over the caller's references, in
 * every case.
 * Returns   as exec_as_completed(); NULL also for other flags. */
EXEC_API exec_completion *exec_as_completed_with(exec_future *const f[], size_t n, unsigned flags);

#ifdef __cplusplus
}
#endif
#endif
