/* executor/map.h - one function over an array, its outcomes handed out in the array's order while later calls still run: as
 * map() of concurrent.futures. (exec_gather_call() in executor/combine.h returns when all have ended.) Defaults: see
 * executor/types.h.
 *
 *     exec_map *m;
 *     struct exec_outcome o;
 *     int err = exec_map_new(&m, work, items, n, sizeof items[0], NULL);
 *
 *     while (!err && (err = exec_map_next(m, EXEC_FOREVER, &o)) == 1)
 *             err = use(&o);
 *     exec_map_free(m);
 */
#ifndef EXECUTOR_MAP_H
#define EXECUTOR_MAP_H

#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct exec_map exec_map;

struct exec_map_options {
        size_t size;     /* sizeof(struct exec_map_options); exec_map_options_init() sets it */
        size_t limit;    /* calls that were begun and whose outcomes were not yet handed out, at most; 0: no limit */
        exec_pool *pool; /* NULL: the current task's; in a plain thread the default pool */
        exec_drop_fn drop_value; /* called once with each value, not NULL, that was not handed out */
};

/* exec_map_options_init - fill @options with the defaults. @size is sizeof *options. */
EXEC_API void exec_map_options_init(struct exec_map_options *options, size_t size);

/* exec_map_new - begin to run fn(args + i * stride) for i < n as tasks. NULL options are the defaults. A call that cannot be
 * created, for want of memory too, is an outcome like others: FAILED with the error that exec_create_task() would tell.
 * Returns   0; -EINVAL: out or fn is NULL, args is NULL with n and stride not 0, n is too large, the options, or no pool;
 *           -ENOMEM. On an error *out is NULL, and nothing runs.
 * Owns      *out is the caller's, until exec_map_free(); so long @args must stay. */
EXEC_API int exec_map_new(exec_map **out, exec_task_fn fn, void *args, size_t n, size_t stride,
                          const struct exec_map_options *options);

/* exec_map_next - the next outcome in the order of the array, whether or not later calls have ended; and begin a call more
 * where there is a limit. One thread or task at a time.
 * Returns   1 and *out (may be NULL: then the value is dropped); 0: that were all; -ETIMEDOUT: the next call goes on, and is
 *           asked for again by the next exec_map_next(); -ECANCELED: the caller was cancelled, likewise; -EINVAL: @m is NULL;
 *           -EPERM where it would have to wait: see types.h; -EDEADLK: it would wait for the caller.
 * Owns      the value of a DONE outcome is the caller's own now. The error of another counts as looked at.
 * Blocks    yes, until the deadline.  Cancel  is a cancellation point where it has to wait; passes nothing on. */
EXEC_API int exec_map_next(exec_map *m, int64_t deadline_ns, struct exec_outcome *out);

/* exec_map_free - end a map: calls that have not begun never will; those that run are not cancelled but waited for, since they
 * use the array. When the caller is cancelled in that, it cancels them. NULL is allowed.
 * Returns   0; -ECANCELED: the caller was cancelled; the map is freed all the same. -EPERM: it would have to wait where that
 *           is not allowed: see types.h; -EDEADLK: for the caller: then the map is still there, without the outcomes before
 *           that one, and no call begins any more: free it again where waiting is allowed.
 * Blocks    yes.  Cancel  is a cancellation point where it has to wait. Never fails for memory. */
EXEC_API int exec_map_free(exec_map *m);

#ifdef __cplusplus
}
#endif
#endif
