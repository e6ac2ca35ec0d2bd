/* local.c - the keys of task-locals. */
#include "port/memory.h"
#include "wait/locals.h"

#include <executor/local.h>

struct exec_local {
        uint64_t number; /* never used again: a value outlives its key */
        exec_drop_fn drop;
};

int exec_local_new(exec_local **key, exec_drop_fn drop)
{
        static _Atomic(uint64_t) last;

        if (!key)
                return -EINVAL;
        *key = execi_alloc(sizeof **key);
        if (!*key)
                return -ENOMEM;
        (*key)->number = atom_add(&last, 1, RELAXED) + 1; /* @relaxed count */
        (*key)->drop = drop;
        return 0;
}

int exec_local_set(exec_local *key, void *value)
{
        return key ? execi_locals_set(execi_worker_current(), key->number, value, key->drop) : -EINVAL;
}

void *exec_local_get(const exec_local *key)
{
        return key ? execi_locals_get(execi_worker_current(), key->number) : NULL;
}

void exec_local_free(exec_local *key)
{
        execi_free(key, sizeof *key);
}
