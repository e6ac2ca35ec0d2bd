/* executor/time.h - the clock, sleeping, and giving way. Defaults: see executor/types.h. */
#ifndef EXECUTOR_TIME_H
#define EXECUTOR_TIME_H

#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* exec_now - nanoseconds on the monotonic clock. */
EXEC_API int64_t exec_now(void);

/* exec_sleep - wait for @ns nanoseconds; 0 and less give way once, as exec_yield().
 * Returns   0; -ECANCELED; -EPERM: see types.h.
 * Blocks    yes. Never fails for memory.
 * Cancel    is a cancellation point. */
EXEC_API int exec_sleep(int64_t ns);

/* exec_sleep_until - wait until @deadline_ns; EXEC_FOREVER waits to be cancelled. As exec_sleep(). */
EXEC_API int exec_sleep_until(int64_t deadline_ns);

/* exec_sleep_future, exec_sleep_future_until - a future that is done (value NULL) after @ns nanoseconds, or at
 * @deadline_ns. It needs no stack: about a hundred bytes each, so millions may wait at once. Cancelling it ends it at once.
 * exec_pool_shutdown() does not wait for it; exec_pool_free() ends it CANCELLED, without a reason.
 * Returns   a future, never NULL; one that has failed with -EINVAL when there is no pool, -ENOMEM, -ESHUTDOWN: the pool
 *           is being freed, or -ECHILD.
 * From      a task: on its pool. A plain thread: on the default pool. */
EXEC_API exec_future *exec_sleep_future(int64_t ns);
EXEC_API exec_future *exec_sleep_future_until(int64_t deadline_ns);

/* exec_yield - let other runnable tasks go first; a plain thread yields its CPU.
 * Returns   0; -ECANCELED; -EPERM: see types.h.
 * Blocks    in a task it may: then it goes on later, perhaps on another worker.
 * Cancel    is a cancellation point. */
EXEC_API int exec_yield(void);

#ifdef __cplusplus
}
#endif
#endif
