/* executor/types.h - the words all other headers share: handles, outcomes, errors, time.
 *
 * Defaults for every function of every executor header; a comment says only what differs.
 *   From      any task and any plain thread; not from a signal handler.
 *   Blocks    never. A function that waits says so: inside a task it suspends the task and frees its
 *             worker, in a plain thread it blocks the thread.
 *   Returns   0 or a negative errno value. The C library's errno is neither read nor set.
 *   Owns      arguments are borrowed for the call. A function that returns a future returns one
 *             reference, to be given back with exec_future_unref().
 *   Threads   every function may be called from several threads at once on the same object.
 *   Units     times are int64_t nanoseconds; a deadline is absolute on the monotonic clock (exec_now()).
 *   Cancel    is no cancellation point; one is a call in which a request to the calling task is delivered: it returns
 *             -ECANCELED (exec_cancel()).
 *   Since     0.1
 * Out-parameters are written as a call says, *value only with 0.
 *
 * Errors, and what they mean where a call does not say otherwise:
 *   -EINVAL       an argument is NULL, out of range or of the wrong kind; or a task tried to fail with 0
 *   -ENOMEM       memory (or a thread) could not be had; nothing was changed
 *   -ECANCELED    the caller was cancelled; from exec_await() also: the awaited future was cancelled
 *   -ETIMEDOUT    the deadline passed; what was waited for goes on
 *   -EALREADY     the future is done already; the value was taken already; the group takes no more
 *   -EAGAIN       the group is full; no thread could be started
 *   -EINPROGRESS  the future is not done yet
 *   -EDEADLK      the call would wait for itself: await on oneself, free of a pool inside a task
 *   -EPERM        not allowed from here: a wait in a done callback, a drop function, the hook for unhandled errors or
 *                 a start hook; a task's call outside a task
 *   -ESHUTDOWN    the pool is shutting down and takes no new task
 *   -ECHILD       the pool belongs to the parent of this forked process
 *   -EPIPE        the pool is broken: a worker's start hook failed
 *   -EINTR        a SIGINT ended the main task
 *   -ENOTSUP      this machine or build cannot do it
 */
#ifndef EXECUTOR_TYPES_H
#define EXECUTOR_TYPES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXEC_VERSION_MAJOR 0
#define EXEC_VERSION_MINOR 1
#define EXEC_VERSION_PATCH 0

#define EXEC_API    __attribute__((visibility("default")))
#define EXEC_INLINE static inline

#ifdef __cplusplus
extern "C" {
#endif

typedef struct exec_pool exec_pool;             /* worker threads and their queues */
typedef struct exec_future exec_future;         /* the handle of a task, or of an outcome set by hand */
typedef struct exec_completion exec_completion; /* futures, handed over as they finish */

/* The body of a task.
 * Returns   0 and *value (NULL unless set); or a negative errno value: the task FAILED with it;
 *           -ECANCELED: the task ends CANCELLED. A positive number counts as -EINVAL. */
typedef int (*exec_task_fn)(void *arg, void **value);
typedef void (*exec_drop_fn)(void *ptr);

/* How a future stands. Success is decided by the state, never by value != NULL or err == 0. */
enum exec_state {
        EXEC_PENDING = 0,
        EXEC_DONE = 1,
        EXEC_FAILED = 2,
        EXEC_CANCELLED = 3,
};

struct exec_outcome {
        int state;   /* enum exec_state */
        int err;     /* 0, or the negative errno value of a FAILED or CANCELLED future */
        void *value; /* of a DONE future; borrowed from it until its last unref */
};

/* Of whole numbers: EXEC_SEC(0.5) is 0. */
#define EXEC_FOREVER INT64_MAX
#define EXEC_US(n)   ((int64_t)(n)*1000)
#define EXEC_MS(n)   ((int64_t)(n)*1000000)
#define EXEC_SEC(n)  ((int64_t)(n)*1000000000)

/* exec_errno_location - the address of this thread's errno, never folded across a suspension.
 * A task may go on on another thread after any wait. Compilers compute errno's address once per function,
 * so plain <errno.h> may read another thread's errno after a wait. This header therefore redefines errno;
 * define EXEC_KEEP_ERRNO before including it to keep the C library's. */
EXEC_API int *exec_errno_location(void);

#ifndef EXEC_KEEP_ERRNO
#undef errno
#define errno (*exec_errno_location())
#endif

/* exec_allocator - where the library's small objects come from. Stacks and task slabs come from mmap. Both functions
 * may be called from any thread, from several at once, and on a task's stack; they must not call the library. */
struct exec_allocator {
        void *(*alloc)(size_t bytes, void *ctx); /* aligned to 16; NULL: out of memory */
        void (*free)(void *ptr, size_t bytes, void *ctx);
        void *ctx;
};

/* exec_set_allocator - use another allocator from now on. The struct is copied; what ctx points to must live on.
 * Returns   -EINVAL; -EALREADY once the library has allocated and not yet freed everything. NULL restores malloc. */
EXEC_API int exec_set_allocator(const struct exec_allocator *allocator);

/* EXEC_PLACE - the place where it stands, as "file.c:12". Functions that make or cancel a task have a second form, exec_x_at(),
 * whose first argument is such a string: it must live as long as the task, or be NULL. In a pool in debug mode
 * (EXEC_POOL_DEBUG) exec_task_place() and exec_cancel_place() tell it; elsewhere it is forgotten. A macro lets exec_x() call
 * exec_x_at() with its own place; programs that define EXEC_NO_PLACES before they include a header do without. */
#define EXEC_PLACE                  EXEC_PLACE_OF(__FILE__, __LINE__)
#define EXEC_PLACE_OF(file, line)   EXEC_PLACE_TEXT(file, line)
#define EXEC_PLACE_TEXT(file, line) file ":" #line

enum exec_log_level { EXEC_LOG_ERROR = 0, EXEC_LOG_WARN = 1, EXEC_LOG_INFO = 2 };
typedef void (*exec_log_fn)(int level, const char *message, void *ctx);

/* exec_set_log - where messages go, each without a newline; NULL restores the default, one line on stderr.
 * The function may be called from any thread and must not call the library. */
EXEC_API void exec_set_log(exec_log_fn fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
