/* executor/future.h - what is done with a future: await, look, take, cancel, be called. Defaults: executor/types.h.
 *
 * A future is counted: create gives one reference, exec_future_unref() gives it back; unreferencing a task's future
 * at once detaches the task. A value is borrowed from its future until the last unref, unless taken.
 * While exec_pool_free() runs, nobody outside that pool may exec_cancel() a task or a sleep of it that has not ended,
 * nor exec_future_unref() such a sleep; before and after it they may.
 * A NULL future is -EINVAL (false, EXEC_PENDING) in every call, except that unref allows it. */
#ifndef EXECUTOR_FUTURE_H
#define EXECUTOR_FUTURE_H

#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

EXEC_API exec_future *exec_future_ref(exec_future *f);                 /* one reference more; returns f */
EXEC_API void exec_future_unref(exec_future *f);                       /* once too often aborts, where detectable */
EXEC_API void exec_future_unref_all(exec_future *const f[], size_t n); /* one reference of each */

/* exec_await - wait for @f to finish. A child that nobody has started yet may run on the caller's stack.
 * Returns   0 and *value (value may be NULL); f's error; -ECANCELED: f was cancelled, or the caller: then the
 *           cancellation was passed on to f, and f has ended. (A caller cancelled when f had just finished gets
 *           -ECANCELED, and f's outcome stays readable.) -EDEADLK: f is the caller, or waits for it through
 *           tasks that await one another, as far as that is seen (docs/BEHAVIOUR.md). -EPERM: see types.h.
 * Blocks    yes. Never fails for memory.
 * Orders    all f's task did before finishing is visible on return.
 * Cancel    is a cancellation point unless f is done already: then a request waits for the next one. */
EXEC_API int exec_await(exec_future *f, void **value);

/* exec_await_until - wait for @f to finish until a deadline, else as exec_await().
 * Returns   as exec_await(); also -ETIMEDOUT: f goes on, nothing is cancelled (or f FAILED with that: exec_future_done() tells).
 * Blocks    yes, until the deadline.  Cancel  as exec_await(). */
EXEC_API int exec_await_until(exec_future *f, int64_t deadline_ns, void **value);

EXEC_API bool exec_future_done(const exec_future *f); /* finished in any way; true orders as exec_await() */

/* exec_future_outcome - f's outcome without waiting. Counts as having seen an error.
 * Returns   0; -EINPROGRESS, and out->state is EXEC_PENDING. */
EXEC_API int exec_future_outcome(const exec_future *f, struct exec_outcome *out);

/* exec_take - move the value of a DONE future out: it is the caller's now, drop_value will not see it. @value may be
 * NULL, for one who has the value from exec_await() already. Await, outcome, gather and any go on giving the same pointer, which
 * is borrowed from whoever took it.
 * Returns   0; -EINPROGRESS; -EALREADY: taken before; f's error; -EINVAL: a gather, whose value stays its own. */
EXEC_API int exec_take(exec_future *f, void **value);

/* exec_future_error_message - the message attached by exec_fail(), or NULL; borrowed from f. *file and *line (may be
 * NULL) tell where; they are written only where there is a message. */
EXEC_API const char *exec_future_error_message(const exec_future *f, const char **file, int *line);

/* exec_cancel - ask @f to end. A queued task ends CANCELLED and its body never runs; a waiting one is woken: its wait
 * returns -ECANCELED, or passes the request on to what it awaits; a running one sees it at its next cancellation
 * point. A promise, a sleep, a shield ends at once; a gather passes it on to its children. A task may clean up, or
 * swallow it.
 * @reason is a string that lives as long as @f, or NULL; the last one that is not NULL counts.
 * Returns   1: accepted; 0: f was done already. */
EXEC_API int exec_cancel(exec_future *f, const char *reason);
EXEC_API int exec_cancel_at(const char *place, exec_future *f, const char *reason);

#ifndef EXEC_NO_PLACES
#define exec_cancel(...) exec_cancel_at(EXEC_PLACE, __VA_ARGS__)
#endif

/* exec_cancel_place - where the last cancel request was made that told, as EXEC_PLACE has it; also one that was made to a
 * task that awaits @f, and passed on. NULL: as exec_task_place(). */
EXEC_API const char *exec_cancel_place(const exec_future *f);

/* exec_try_cancel_unstarted - cancel @task only if its body has not begun: as cancel() of concurrent.futures.
 * Returns   1: it has not begun, and now never will; also if it had ended so before. 0: it has begun, and was told of
 *           nothing; or somebody else is just ending it unbegun. -EINVAL: not a task. */
EXEC_API int exec_try_cancel_unstarted(exec_future *task, const char *reason);

/* exec_cancel_reason - the reason of the last cancel request that had one, or NULL. */
EXEC_API const char *exec_cancel_reason(const exec_future *f);

/* A done callback. It runs once, outside every lock, on the thread that finished the future, before that thread goes
 * on; not at all where the last reference of an unfinished promise goes. Callbacks never nest. It must not wait (what has to
 * wait, gathers, sleeps and exec_yield() return -EPERM); exec_current_task() is NULL. @f is borrowed. */
typedef void (*exec_callback_fn)(exec_future *f, void *arg);

/* exec_future_add_callback - call @fn(@f, @arg) when f finishes; at once on this thread when it has: called in a done callback,
 * after that one has returned.
 * Returns   0; -ENOMEM. */
EXEC_API int exec_future_add_callback(exec_future *f, exec_callback_fn fn, void *arg);

/* exec_future_remove_callback - remove every such pair that has not begun to run; of a future that another thread is
 * finishing at this moment none. Returns how many. */
EXEC_API int exec_future_remove_callback(exec_future *f, exec_callback_fn fn, void *arg);

/* exec_promise_new - a future finished by hand. @drop_value (may be NULL) as in exec_task_options; so it runs where
 * executor/task.h says.
 * Returns   a future, never NULL; one that has failed with -ENOMEM. */
EXEC_API exec_future *exec_promise_new(exec_drop_fn drop_value);

/* exec_promise_set, exec_promise_fail - finish a promise: DONE with @value, or FAILED with @err (negative) (-ECANCELED:
 * CANCELLED).
 * Returns   0; -EALREADY: it is done (or cancelled), @value is still the caller's; -EINVAL: not a promise, err not
 *           negative. */
EXEC_API int exec_promise_set(exec_future *promise, void *value);
EXEC_API int exec_promise_fail(exec_future *promise, int err);

/* exec_set_unhandled - @fn is called once for each FAILED future whose error nobody looked at (by await, outcome, take,
 * gather, any, map, group, error message, or a cancel that came too late; not by exec_wait() or exec_completion_next()) when
 * its last reference goes. Not for what had failed when it was made, as a task that could not be created. NULL: a warning to the log (the default). It runs on
 * the thread that gave that reference up, as a drop function does (executor/task.h); @f is valid for the call only. */
typedef void (*exec_unhandled_fn)(exec_future *f, const struct exec_outcome *outcome, void *ctx);
EXEC_API void exec_set_unhandled(exec_unhandled_fn fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
