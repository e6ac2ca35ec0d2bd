/* executor/task.h - creating tasks, and what a task asks about itself. Defaults: see executor/types.h.
 *
 * Drop functions run outside any task, on the thread that ends the task, gives the last reference up, cancels it or
 * fails to create it, in the midst of that call: waits in them return -EPERM, and exec_current_task() is NULL. All else
 * is allowed, creating tasks too. */
#ifndef EXECUTOR_TASK_H
#define EXECUTOR_TASK_H

#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum exec_task_flags {
        EXEC_TIED = 1 << 0, /* always goes on on the worker that started it: thread-locals and pthread mutexes hold */
        /* The earliest deadline of the scopes that its creator is in at this moment, expired ones too, is its own: as if the
         * body were in a timeout scope with it. A task cut off by it FAILED with -ETIMEDOUT. */
        EXEC_INHERIT_DEADLINE = 1 << 1,
};

struct exec_task_options {
        size_t size;             /* sizeof(struct exec_task_options); exec_task_options_init() sets it */
        exec_pool *pool;         /* NULL: the current task's; in a plain thread the default pool */
        const char *name;        /* copied, cut at 63 bytes; NULL: "task-N", N given when it is first asked for */
        size_t arg_size;         /* > 0: that many bytes of the argument are copied into the task, aligned to 16 */
        exec_drop_fn drop_arg;   /* called once with the argument when the body has returned or will never run */
        exec_drop_fn drop_value; /* called once with a value, not NULL, that nobody took; at once when the body fails */
        size_t stack_bytes;      /* 0 or not more than the pool's: that; more: a stack of its own of that size */
        unsigned flags;          /* enum exec_task_flags */
};

/* exec_task_options_init - fill @options with the defaults. @size is sizeof *options. */
EXEC_API void exec_task_options_init(struct exec_task_options *options, size_t size);

/* exec_create_task - queue @fn(@arg) to run on the current pool; it may start at once on another worker, never on
 * the caller's stack.
 * Returns   a future, never NULL. What cannot be created is a future that has already failed: -EINVAL (no fn, no
 *           pool), -ENOMEM, -ESHUTDOWN, -EPIPE, -ECHILD; it may be used and unreferenced like any other, and tells
 *           only who looks: exec_set_unhandled() does not hear of it. A stack that
 *           cannot be had ends the task with -ENOMEM when it is to start.
 * Orders    all the caller did before is visible to the task. */
EXEC_API exec_future *exec_create_task(exec_task_fn fn, void *arg);
EXEC_API exec_future *exec_create_task_at(const char *place, exec_task_fn fn, void *arg);

/* exec_create_task_with - as exec_create_task(), with options; NULL options are the defaults.
 * Returns   as exec_create_task(); -EINVAL also: the options' size or flags, arg_size with @arg NULL.
 * Owns      drop_arg is called once also when the future has already failed: with the task's copy, or with @arg where
 *           no copy was made. Not where there is none to call or nothing to drop: with a size that is out of range, and
 *           with @arg NULL where it was to be copied. */
EXEC_API exec_future *exec_create_task_with(exec_task_fn fn, const void *arg, const struct exec_task_options *options);
EXEC_API exec_future *exec_create_task_with_at(const char *place, exec_task_fn fn, const void *arg,
                                               const struct exec_task_options *options);

#ifndef EXEC_NO_PLACES
#define exec_create_task(...)      exec_create_task_at(EXEC_PLACE, __VA_ARGS__)
#define exec_create_task_with(...) exec_create_task_with_at(EXEC_PLACE, __VA_ARGS__)
#endif

/* exec_task_place - where @task was created, as EXEC_PLACE has it; NULL: its pool is not in debug mode, nobody told, or it
 * is no task. */
EXEC_API const char *exec_task_place(const exec_future *task);

/* exec_current_task - the future of the running task, borrowed; NULL in a plain thread, and in done callbacks, drop
 * functions and hooks, wherever they run. */
EXEC_API exec_future *exec_current_task(void);

/* exec_task_name - the task's name into @buffer, cut to fit, always ended.
 * Returns   the length of the whole name; -EINVAL: not a task. */
EXEC_API int exec_task_name(const exec_future *task, char *buffer, size_t size);

/* exec_cancel_requested - does a cancellation wait for the current task's next cancellation point? For loops that
 * compute: mostly one relaxed load. One poll in 32, or each where they come seldom (more than 50 us apart), reads the clock
 * too, where there are timers, and fires what is due for the worker and for scopes around the task (executor/timeout.h):
 * so deadlines are noticed, at most 32 polls late, also while every worker computes. Done callbacks may run in that.
 * False where there is no current task. */
EXEC_API bool exec_cancel_requested(void);

/* exec_cancelling - how many cancel requests @task has had that were not withdrawn by exec_uncancel(); 255 stands for
 * more too.
 * Returns   that number; -EINVAL: not a task. */
EXEC_API int exec_cancelling(const exec_future *task);

/* exec_uncancel - withdraw one cancel request of @task (NULL: the current one). When none is left, a cancellation
 * that was not delivered yet is withdrawn with it.
 * Returns   the number of requests left; -EINVAL: not a task; -EPERM: NULL where there is no current task. */
EXEC_API int exec_uncancel(exec_future *task);

/* exec_fail, exec_fail_at - attach a message and the place to the current task's error, and return @err for the body to return:
 *     return exec_fail(-EIO, "cannot read %s", path);
 * exec_fail() takes the place from where it stands; exec_fail_at() is told.
 * Returns   @err; -EINVAL if it is not negative. Without memory for the message, or a current task, only @err. */
#define exec_fail(err, ...) exec_fail_at(__FILE__, __LINE__, (err), __VA_ARGS__)
EXEC_API int exec_fail_at(const char *file, int line, int err, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

#ifdef __cplusplus
}
#endif
#endif
