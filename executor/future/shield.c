/* shield.c - a future that stands before another, see wait/shield.h. */
#include "wait/shield.h"
#include "future/create.h"
#include "future/failed.h"
#include "port/memory.h"

#include <executor/future.h>
#include <executor/wait.h>

static exec_future *new_shield(exec_future *inner)
{
        struct execi_worker *w = execi_worker_current();
        struct execi_shield_link *link = execi_alloc(sizeof *link);
        exec_future *s = link ? execi_cell_new(w, CELL_SHIELD, 0) : NULL;

        if (!s) {
                execi_free(link, sizeof *link);
                return execi_failed(-ENOMEM);
        }
        execi_ref(inner);
        s->inner = inner;
        s->shield_link = link;
        link->node.kind = WAITER_SHIELD;
        atom_store(&link->shield, s, RELAXED); /* @relaxed init */
        if (execi_waiter_link(inner, &link->node))
                return s;
        execi_free(link, sizeof *link);
        s->state = EXEC_CANCELLED;
        execi_cell_release(w, s);
        return exec_future_ref(inner);
}

exec_future *exec_shield(exec_future *f)
{
        if (!execi_is_future(f))
                return execi_failed(-EINVAL);
        return execi_state_is_done(f) ? exec_future_ref(f) : new_shield(f);
}
