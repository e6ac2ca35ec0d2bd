/* unhandled.c - see unhandled.h. */
#include "wait/unhandled.h"

#include "port/log.h"
#include "port/pause.h"
#include "task/extra.h"
#include "wait/outside.h"

#include <executor/future.h>

static struct {
        struct execi_spin lock;
        exec_unhandled_fn fn;
        void *ctx;
} hook;

void exec_set_unhandled(exec_unhandled_fn fn, void *ctx)
{
        execi_spin_lock(&hook.lock);
        hook.fn = fn;
        hook.ctx = ctx;
        execi_spin_unlock(&hook.lock);
}

void execi_unhandled(exec_future *f)
{
        const struct execi_extra *e = execi_extra_get(f);
        struct exec_outcome outcome = {f->state, f->err, NULL};
        exec_unhandled_fn fn;
        void *ctx;
        bool was;

        execi_spin_lock(&hook.lock);
        fn = hook.fn;
        ctx = hook.ctx;
        execi_spin_unlock(&hook.lock);
        if (!fn) {
                execi_log(EXEC_LOG_WARN, "nobody looked at the error %d of %s%s%s%s%s", f->err,
                          e && e->name[0] ? e->name : "a future", e && e->place ? ", created at " : "",
                          e && e->place ? e->place : "", e && e->message ? ": " : "",
                          e && e->message ? e->message : "");
                return;
        }
        was = execi_outside_begin();
        fn(f, &outcome, ctx);
        execi_outside_end(was);
}
