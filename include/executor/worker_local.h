/* executor/worker_local.h - memory of which each worker has its own: counters, scratch space, partial results. Defaults: see
 * executor/types.h. */
#ifndef EXECUTOR_WORKER_LOCAL_H
#define EXECUTOR_WORKER_LOCAL_H

#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct exec_worker_local exec_worker_local;
typedef void (*exec_slot_fn)(void *slot, void *arg);

/* exec_worker_local_new - a slot of @bytes for each worker of @pool (NULL: the caller's pool), zero-filled, aligned to 128;
 * then @init(slot, @arg) for each, unless it is NULL, on the calling thread.
 * Returns   0; -EINVAL: out is NULL, bytes is 0 or there is no pool; -ENOMEM. On an error *out is NULL.
 * Owns      *out is the caller's, until exec_worker_local_free(); it may outlive the pool. */
EXEC_API int exec_worker_local_new(exec_worker_local **out, exec_pool *pool, size_t bytes, exec_slot_fn init,
                                   void *arg);

/* exec_worker_local_get - the slot of the worker that the caller runs on. Nobody else has it until the caller waits (forks,
 * joins and loops may wait too); after a wait the worker may be another: ask again. NULL: the caller is no task of that pool. */
EXEC_API void *exec_worker_local_get(exec_worker_local *local);

/* exec_worker_local_each - @fn(slot, @arg) for each slot, one after another: to combine them when nobody uses them, for
 * instance after the loop that did. */
EXEC_API void exec_worker_local_each(exec_worker_local *local, exec_slot_fn fn, void *arg);

/* exec_worker_local_free - free all slots. NULL is allowed. */
EXEC_API void exec_worker_local_free(exec_worker_local *local);

#ifdef __cplusplus
}
#endif
#endif
