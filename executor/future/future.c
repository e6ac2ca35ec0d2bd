/* future.c - looking at a future, taking its value, references, cancelling. */
#include "future/create.h"
#include "future/failed.h"
#include "future/here.h"
#include "port/memory.h"
#include "port/sanitizer.h"
#include "task/extra.h"
#include "wait/cancel.h"
#include "wait/locals.h"
#include "wait/waiter.h"

#include <executor/future.h>

exec_future *exec_future_ref(exec_future *f)
{
        if (f)
                execi_ref(f);
        return f;
}

void exec_future_unref(exec_future *f)
{
        if (f)
                execi_unref(execi_worker_current(), f);
}

void exec_future_unref_all(exec_future *const f[], size_t n)
{
        struct execi_worker *w = execi_worker_current();

        for (size_t i = 0; f && i < n; i++) {
                if (i + 8 < n)
                        PREFETCH(f[i + 8]);
                if (f[i])
                        execi_unref(w, f[i]);
        }
}

bool exec_future_done(const exec_future *f)
{
        if (!execi_is_future(f) || !execi_state_is_done(f))
                return false;
        execi_tsan_acquire((void *)(uintptr_t)f); /* NOLINT */
        return true;
}

static void note_seen(const exec_future *f, unsigned bit)
{
        atom_or(&((exec_future *)(uintptr_t)f)->seen, (uint8_t)bit, RELAXED); /* NOLINT; @relaxed flag */
}

int exec_future_outcome(const exec_future *f, struct exec_outcome *out)
{
        if (out)
                *out = (struct exec_outcome){EXEC_PENDING, 0, NULL};
        if (!execi_is_future(f) || !out)
                return -EINVAL;
        if (!exec_future_done(f))
                return -EINPROGRESS;
        *out = (struct exec_outcome){f->state, f->err, f->state == EXEC_DONE ? f->value : NULL};
        if (f->state == EXEC_FAILED)
                note_seen(f, SEEN_ERROR);
        return 0;
}

/* The future whose end @f shows, if that ended in @state. */
static exec_future *behind_shields(exec_future *f, int state)
{
        while (f->kind == CELL_SHIELD && exec_future_done(f) && f->state == state) {
                note_seen(f, SEEN_ERROR); /* of a value it says nothing */
                f = f->inner;
        }
        return f;
}

int exec_take(exec_future *f, void **value)
{
        if (execi_is_future(f))
                f = behind_shields(f, EXEC_DONE);
        if (!execi_is_future(f) || f->kind == CELL_GATHER) /* a gather's value is the library's */
                return -EINVAL;
        if (!exec_future_done(f))
                return -EINPROGRESS;
        if (f->state != EXEC_DONE) {
                note_seen(f, SEEN_ERROR);
                return f->err;
        }
        if (atom_or(&f->seen, SEEN_TAKEN, ACQ_REL) & SEEN_TAKEN)
                return -EALREADY;
        if (value)
                *value = f->value;
        return 0;
}

const char *exec_future_error_message(const exec_future *f, const char **file, int *line)
{
        struct execi_extra *e;

        if (execi_is_future(f))
                f = behind_shields((exec_future *)(uintptr_t)f, EXEC_FAILED); /* NOLINT */
        if (!execi_is_future(f) || !exec_future_done(f) || f->state == EXEC_DONE)
                return NULL;
        note_seen(f, SEEN_ERROR);
        if (!(e = execi_extra_get(f)) || !e->message)
                return NULL;
        if (file)
                *file = e->file;
        if (line)
                *line = e->line;
        return e->message;
}

/* For ThreadSanitizer: the reason is passed on from future to future, and its text made before exec_cancel(). */
static void tell_reason(const char *reason)
{
        if (reason)
                execi_tsan_release((void *)(uintptr_t)reason); /* NOLINT */
}

int exec_cancel_at(const char *place, exec_future *f, const char *reason)
{
        if (!execi_is_future(f))
                return -EINVAL;
        if (execi_state_is_done(f)) {
                if (f->state == EXEC_FAILED) /* somebody cares */
                        note_seen(f, SEEN_ERROR);
                return 0;
        }
        tell_reason(reason);
        return execi_cancel(execi_worker_current(), f, reason, place);
}

int exec_cancel(exec_future *f, const char *reason)
{
        return exec_cancel_at(NULL, f, reason);
}

int exec_try_cancel_unstarted(exec_future *task, const char *reason)
{
        if (!execi_is_future(task) || task->kind != CELL_TASK)
                return -EINVAL;
        if (execi_state_is_done(task))
                return task->state == EXEC_CANCELLED && (atom_load(&task->seen, ACQUIRE) & SEEN_UNBEGUN);
        tell_reason(reason);
        return execi_cancel_unstarted(execi_worker_current(), task, reason);
}

const char *exec_cancel_reason(const exec_future *f)
{
        const char *reason = execi_is_future(f) ? execi_reason_get(f) : NULL;

        if (reason)
                execi_tsan_acquire((void *)(uintptr_t)reason); /* NOLINT; tell_reason() */
        return reason;
}

const char *exec_cancel_place(const exec_future *f)
{
        return execi_is_future(f) ? execi_cancel_place_get(f) : NULL;
}

int exec_future_add_callback(exec_future *f, exec_callback_fn fn, void *arg)
{
        struct execi_callback_waiter *c;

        if (!execi_is_future(f) || !fn)
                return -EINVAL;
        c = execi_alloc(sizeof *c);
        if (!c)
                return -ENOMEM;
        c->node.kind = WAITER_CALLBACK;
        c->future = f;
        c->fn = fn;
        c->arg = arg;
        c->locals = execi_locals_ref(execi_locals_here(execi_worker_current()));
        execi_tsan_release(c);
        if (!execi_waiter_link(f, &c->node)) {
                execi_ref(f);
                execi_callback_defer(c);
                execi_callbacks_run();
        }
        return 0;
}

static int free_callbacks(struct execi_callback_waiter *removed)
{
        int n = 0;

        for (struct execi_callback_waiter *next; removed; removed = next, n++) {
                next = removed->next_run;
                execi_locals_unref(removed->locals);
                execi_free(removed, sizeof *removed);
        }
        return n;
}

int exec_future_remove_callback(exec_future *f, exec_callback_fn fn, void *arg)
{
        int n, n_due;

        if (!execi_is_future(f) || !fn)
                return -EINVAL;
        n = free_callbacks(execi_callbacks_unlink(f, fn, arg));
        n_due = free_callbacks(execi_callbacks_withdraw(f, fn, arg));
        for (int i = 0; i < n_due; i++) /* those borrowed it already */
                execi_unref(execi_worker_current(), f);
        return n + n_due;
}
