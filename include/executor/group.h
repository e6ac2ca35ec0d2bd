/* executor/group.h - tasks with a common end, as asyncio's TaskGroup. Defaults: see executor/types.h.
 *
 * A group is begun, given children, and ended; the code in between is its body. Whoever ends it waits for all children,
 * also for those that children created in it meanwhile.
 *
 *     exec_group *g;
 *     int err = exec_group_begin(&g, NULL);
 *     if (err)
 *             return err;
 *     err = exec_group_start(g, fetch, "a");
 *     if (!err)
 *             err = exec_group_start(g, fetch, "b");
 *     err = exec_group_end(g, err);
 *     exec_group_free(g);
 *
 * A group fails when a child fails, or its body does. Then the other children are cancelled, it takes no more, and the task
 * that began it is cancelled too where it is still in the body: so its wait there returns -ECANCELED, which it passes to
 * exec_group_end(). That request is withdrawn at the end; one from elsewhere is not lost. A child that is cancelled by
 * itself has not failed. All errors are kept until the group is freed; as the first ends the group, there are no more
 * than it had children at that time. Of children that end well nothing is kept.
 *
 * Children of another pool (exec_task_options.pool) are allowed. A NULL group is -EINVAL. */
#ifndef EXECUTOR_GROUP_H
#define EXECUTOR_GROUP_H

#include <executor/task.h>
#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct exec_group exec_group;

/* What a call does that would create one child more than the limit. Children that wait so for each other, in a full group of
 * theirs, wait for ever. */
enum exec_group_full {
        EXEC_GROUP_WAIT = 0,        /* wait until a child has ended */
        EXEC_GROUP_REFUSE = 1,      /* -EAGAIN */
        EXEC_GROUP_CALLER_RUNS = 2, /* create it, and await it: it runs on the caller's stack where that can be */
};

struct exec_group_options {
        size_t size;        /* sizeof(struct exec_group_options); exec_group_options_init() sets it */
        size_t limit;       /* children that may be there at once; 0: no limit */
        unsigned when_full; /* enum exec_group_full */
};

/* exec_group_options_init - fill @options with the defaults. @size is sizeof *options. */
EXEC_API void exec_group_options_init(struct exec_group_options *options, size_t size);

/* exec_group_begin - begin a group. NULL options are the defaults.
 * Returns   0; -EINVAL; -ENOMEM. On an error *out is NULL.
 * Owns      *out is the caller's, until exec_group_free().
 * From      the task that will end it; or a plain thread: then nobody is cancelled when a child fails. */
EXEC_API int exec_group_begin(exec_group **out, const struct exec_group_options *options);

/* exec_group_create_task, exec_group_create_task_with - create a child, as exec_create_task() does. Where creating fails,
 * the group fails with that error, as if the child had.
 * Returns   a future, never NULL. As for exec_create_task(); and one that has failed already, without the group:
 *           -EALREADY: the group has failed, was cancelled or has ended; -EAGAIN: it is full (EXEC_GROUP_REFUSE); -EPERM: it
 *           is full, and the caller may not wait; or one that is CANCELLED: the caller was cancelled while it waited for
 *           room, and the request goes on to its next wait. NULL group: one that failed with -EINVAL.
 * Owns      the options' drop_arg is called also where the future has failed already.
 * From      the body, a child, or anyone who knows that the group has not ended.
 * Blocks    where the group is full, with EXEC_GROUP_WAIT and EXEC_GROUP_CALLER_RUNS.  Cancel  only there. */
EXEC_API exec_future *exec_group_create_task(exec_group *g, exec_task_fn fn, void *arg);
EXEC_API exec_future *exec_group_create_task_with(exec_group *g, exec_task_fn fn, const void *arg,
                                                  const struct exec_task_options *options);
EXEC_API exec_future *exec_group_create_task_at(const char *place, exec_group *g, exec_task_fn fn, void *arg);
EXEC_API exec_future *exec_group_create_task_with_at(const char *place, exec_group *g, exec_task_fn fn, const void *arg,
                                                     const struct exec_task_options *options);

/* exec_group_start, exec_group_start_with - create a child without a handle, else as exec_group_create_task().
 * Returns   0; what was refused is told here, and the group has not failed by it: -EALREADY, -EAGAIN, -EPERM, as above;
 *           -ECANCELED: the caller was cancelled while it waited for room, and has been told herewith; -EINVAL, -ENOMEM,
 *           -ESHUTDOWN, -EPIPE, -ECHILD: creating failed. */
EXEC_API int exec_group_start(exec_group *g, exec_task_fn fn, void *arg);
EXEC_API int exec_group_start_with(exec_group *g, exec_task_fn fn, const void *arg,
                                   const struct exec_task_options *options);
EXEC_API int exec_group_start_at(const char *place, exec_group *g, exec_task_fn fn, void *arg);
EXEC_API int exec_group_start_with_at(const char *place, exec_group *g, exec_task_fn fn, const void *arg,
                                      const struct exec_task_options *options);

#ifndef EXEC_NO_PLACES
#define exec_group_create_task(...)      exec_group_create_task_at(EXEC_PLACE, __VA_ARGS__)
#define exec_group_create_task_with(...) exec_group_create_task_with_at(EXEC_PLACE, __VA_ARGS__)
#define exec_group_start(...)            exec_group_start_at(EXEC_PLACE, __VA_ARGS__)
#define exec_group_start_with(...)       exec_group_start_with_at(EXEC_PLACE, __VA_ARGS__)
#endif

/* exec_group_cancel - cancel the children, and the task that began the group where it is still in the body; the group takes
 * no more. It has not failed by that: its end returns 0, unless there are errors, or somebody else cancelled the caller.
 * Returns   1; 0: nothing was done: it had failed, was cancelled before, or has ended.
 * From      anyone who knows that the group is not freed. */
EXEC_API int exec_group_cancel(exec_group *g);

/* exec_group_end - wait until every child has ended.
 * @body_err how the body ended: 0; -ECANCELED: it was cancelled; another error: the group fails with it. Unless 0, the
 *           children are cancelled. A positive number counts as -EINVAL.
 * Returns   0; the first error of the group: of a child, or, behind those, of the body: then all can be read
 *           (exec_group_error()), and where the caller was also cancelled by somebody else, its next wait returns -ECANCELED;
 *           -ECANCELED: the caller was cancelled, in the body or in this call, and no child has failed: all children were
 *           cancelled and have ended; -EALREADY: it has ended, or somebody ends it just now; -EPERM: called by
 *           another than the task that began it (begun on a plain thread: by a task), or see types.h.
 * Blocks    yes.  Orders  all that the children did is visible on return.
 * Cancel    is a cancellation point where it has to wait; the children are cancelled. Never fails for memory. */
EXEC_API int exec_group_end(exec_group *g, int body_err);

/* exec_group_end_until - exec_group_end() until a deadline.
 * Returns   as exec_group_end(); also -ETIMEDOUT: the children go on, the body too, and the group is to be ended once more,
 *           with the same @body_err: its error is kept only by the call that ends the group (what it has cancelled stays so).
 * Blocks    yes, until the deadline.  Cancel  as exec_group_end(). */
EXEC_API int exec_group_end_until(exec_group *g, int body_err, int64_t deadline_ns);

/* exec_group_pending - how many children have not ended. */
EXEC_API size_t exec_group_pending(const exec_group *g);

/* An error of a group. */
struct exec_group_error {
        int err;
        int line;            /* where exec_fail() was called; 0: it was not */
        const char *file;    /* likewise; or NULL */
        const char *message; /* of exec_fail(), or NULL */
        const char *name;    /* of the child, where it was created with one; or NULL */
        exec_future *task;   /* the child; NULL: the body */
};

/* exec_group_n_errors, exec_group_error - the errors so far, in the order in which the children failed; the body's own comes
 * last, when the group ends.
 * Returns   the @i-th; borrowed from the group until exec_group_free(), with all it points to; NULL: there is none. */
EXEC_API size_t exec_group_n_errors(const exec_group *g);
EXEC_API const struct exec_group_error *exec_group_error(const exec_group *g, size_t i);

/* exec_group_free - free a group; NULL is allowed. One that was not ended is cancelled, and its children go on without it; what
 * it asked of the task that began it stays: end it first.
 * No call on @g may be in progress; from children neither. */
EXEC_API void exec_group_free(exec_group *g);

#ifdef __cplusplus
}
#endif
#endif
