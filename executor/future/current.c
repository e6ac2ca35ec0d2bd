/* current.c - what a task asks about itself: which one, its name, is it cancelled, why did it fail. */
#include "future/here.h"
#include "future/timeout.h"
#include "port/memory.h"
#include "task/extra.h"
#include "task/state.h"

#include <executor/pool.h>
#include <executor/task.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A callback or a drop is none of the task that happens to be underneath. */
exec_future *exec_current_task(void)
{
        struct execi_worker *w = execi_worker_current();

        return w && !w->in_callback ? execi_here_root(w) : NULL;
}

int exec_pool_worker(void)
{
        struct execi_worker *w = execi_worker_current();

        return w ? (int)w->id : -1;
}

exec_pool *exec_pool_current(void)
{
        return execi_here_pool(execi_worker_current());
}

bool exec_cancel_requested(void)
{
        struct execi_worker *w = execi_worker_current();
        exec_future *t = w && !w->in_callback ? execi_here_task(w) : NULL;

        if (!t)
                return false;
        if (atom_load(&t->word, RELAXED) & WORD_CANCEL) /* @relaxed hint */
                return true;
        return UNLIKELY(!w->polls_left--) && execi_timeout_poll(w, t);
}

static bool is_task(const exec_future *f)
{
        return execi_is_future(f) && f->kind == CELL_TASK;
}

int exec_cancelling(const exec_future *task)
{
        if (!is_task(task))
                return -EINVAL;
        return (int)((execi_state_load(task) & WORD_COUNT) / WORD_ONE);
}

int exec_uncancel(exec_future *task)
{
        if (!task && !(task = exec_current_task()))
                return -EPERM;
        return is_task(task) ? execi_state_uncancel(task) : -EINVAL;
}

/* A number of its own for a task without a name, given when it is first asked for. 0: no memory. */
static uint64_t number_of(exec_future *task)
{
        static _Atomic(uint64_t) last;
        struct execi_extra *e = execi_extra_need(task, 0);
        uint64_t none = 0, number;

        if (!e)
                return 0;
        number = atom_load(&e->number, ACQUIRE);
        if (number)
                return number;
        number = atom_add(&last, 1, RELAXED) + 1; /* @relaxed count */
        return atom_cas(&e->number, &none, number, ACQ_REL) ? number : none;
}

int exec_task_name(const exec_future *task, char *buffer, size_t size)
{
        char name[EXTRA_NAME_BYTES];

        if (!is_task(task) || (size && !buffer))
                return -EINVAL;
        execi_extra_name(execi_extra_get(task), name);
        if (name[0])
                return snprintf(buffer, size, "%s", name);
        return snprintf(buffer, size, "task-%llu",
                        (unsigned long long)number_of((exec_future *)(uintptr_t)task)); /* NOLINT */
}

const char *exec_task_place(const exec_future *task)
{
        const struct execi_extra *e = is_task(task) ? execi_extra_get(task) : NULL;

        return e ? e->place : NULL;
}

/* Under the task's LOCK: its forks may do so at once. */
static void attach_message(exec_future *t, const char *file, int line, const char *format, va_list list)
{
        struct execi_extra *e = execi_extra_need(t, 0);
        char *message, *old;
        size_t bytes, old_bytes;
        uint64_t word;
        va_list again;
        int n;

        if (!e)
                return;
        va_copy(again, list);
        n = vsnprintf(NULL, 0, format, again);
        va_end(again);
        bytes = n >= 0 ? (size_t)n + 1 : 0;
        message = bytes ? execi_alloc(bytes) : NULL;
        if (message)
                vsnprintf(message, bytes, format, list);
        word = execi_state_lock(t);
        old = e->message;
        old_bytes = e->message_bytes;
        e->message = message;
        e->message_bytes = bytes;
        e->file = file;
        e->line = line;
        execi_state_unlock(t, word);
        if (old)
                execi_free(old, old_bytes);
}

int exec_fail_at(const char *file, int line, int err, const char *format, ...)
{
        exec_future *t = exec_current_task();
        va_list list;

        if (err >= 0)
                err = -EINVAL;
        if (!t || !format)
                return err;
        va_start(list, format);
        attach_message(t, file, line, format, list);
        va_end(list);
        return err;
}
