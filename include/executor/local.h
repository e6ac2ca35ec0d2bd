/* executor/local.h - task-locals: values that a task and the tasks it creates see, and nobody else. Defaults:
 * executor/types.h.
 *
 * A key is made once, for the whole program; each task has its own value for it. A task begins with the values that its
 * creator had when it created it; what either sets later the other does not see. The values themselves are shared, not
 * copied: what they point to is for several tasks to read, and to change only with atomics or locks.
 *
 * A plain thread has values of its own, which the tasks it creates begin with. A done callback begins with the values of
 * whoever added it, as they were then; what it sets is gone when it returns. Drop functions and the hook for unhandled
 * errors have none (but where a done callback causes their call, they see that callback's): there get returns NULL, set
 * -EPERM. A start hook has those of its worker's thread; the tasks it creates begin with them, no other does.
 *
 * Thread-local variables are no substitute: a task may go on on another thread after every wait.
 * Until some task of a pool has values, creating a task there costs nothing; from then on it costs a function call, and a
 * task that begins with values also a block of memory. */
#ifndef EXECUTOR_LOCAL_H
#define EXECUTOR_LOCAL_H

#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct exec_local exec_local; /* a key */

/* exec_local_new - a new key. @drop (may be NULL) is called once with each value, not NULL, that was set, when the last
 * who could see it has set another or has ended: a task when its body has returned, before its future is done (or when
 * it ends without having begun); a done callback when it has returned; a thread when it ends (the main thread's values are
 * kept when the program ends by exit()). It runs where that happens, outside any task, as in executor/task.h.
 * Returns   0; -EINVAL: @key is NULL; -ENOMEM, and *key is NULL. */
EXEC_API int exec_local_new(exec_local **key, exec_drop_fn drop);

/* exec_local_set - from now on the caller, and tasks that it will create, see @value; NULL: none, as at the beginning.
 * Returns   0; -EINVAL: @key is NULL; -ENOMEM: the old value stands; -EPERM: see above, or in a fork, or with forks out.
 * Owns      @value is the library's until it is dropped; on an error it stays the caller's. The old value may be dropped in
 *           this call, also where it is the same pointer: do not set one again. */
EXEC_API int exec_local_set(exec_local *key, void *value);

/* exec_local_get - the caller's value, or NULL. Borrowed: until the caller sets another one, or ends. */
EXEC_API void *exec_local_get(const exec_local *key);

/* exec_local_free - free a key; no call with it may follow, or run now. Values that tasks still have stay with them until they
 * end, and are then dropped. NULL is allowed. */
EXEC_API void exec_local_free(exec_local *key);

#ifdef __cplusplus
}
#endif
#endif
