/* extra.c - see extra.h. */
#include "task/extra.h"

#include "port/memory.h"
#include "port/sanitizer.h"

#include <stdio.h>
#include <string.h>

enum { ARG_ALIGN = 16 };

static size_t head_bytes(void)
{
        return (sizeof(struct execi_extra) + ARG_ALIGN - 1) & ~(size_t)(ARG_ALIGN - 1);
}

struct execi_extra *execi_extra_need(exec_future *f, size_t arg_bytes)
{
        uintptr_t seen = atom_load(&f->extra, ACQUIRE);
        struct execi_extra *e;
        size_t bytes;

        if (seen && !(seen & EXTRA_REASON))
                return (struct execi_extra *)seen; /* NOLINT */
        if (__builtin_add_overflow(head_bytes(), arg_bytes, &bytes))
                return NULL;
        e = execi_alloc(bytes);
        if (!e)
                return NULL;
        e->bytes = bytes;
        for (;;) {
                const char *reason = (seen & EXTRA_REASON) ? (const char *)(seen & ~EXTRA_REASON) : NULL; /* NOLINT */

                atom_store(&e->reason, reason, RELAXED); /* @relaxed owner */
                /* @pair extra.attach: release publishes the block to execi_extra_get */
                if (atom_cas(&f->extra, &seen, (uintptr_t)e, ACQ_REL))
                        return e;
                if (seen && !(seen & EXTRA_REASON)) { /* somebody else attached one */
                        execi_free(e, bytes);
                        return (struct execi_extra *)seen; /* NOLINT */
                }
        }
}

void *execi_extra_arg(struct execi_extra *e)
{
        return (char *)e + head_bytes();
}

/* Who looks holds the task, which ThreadSanitizer does not know. */
void execi_extra_name(const struct execi_extra *e, char name[EXTRA_NAME_BYTES])
{
        name[0] = '\0';
        if (!e || !e->name[0])
                return;
        execi_tsan_ignore_begin();
        memcpy(name, e->name, EXTRA_NAME_BYTES);
        execi_tsan_ignore_end();
}

void execi_extra_free(exec_future *f)
{
        struct execi_extra *e = execi_extra_get(f);

        if (!e)
                return;
        if (e->message)
                execi_free(e->message, e->message_bytes);
        if (e->outcomes)
                execi_free(e->outcomes, (size_t)f->n_children * sizeof *e->outcomes);
        execi_free(e, e->bytes);
}

void execi_reason_set(exec_future *f, const char *reason)
{
        uintptr_t seen = atom_load(&f->extra, ACQUIRE);

        if (!reason) /* a request without one leaves the last reason standing */
                return;
        for (;;) {
                if (seen && !(seen & EXTRA_REASON)) {
                        atom_store(&((struct execi_extra *)seen)->reason, reason, RELEASE); /* NOLINT */
                        return;
                }
                if (atom_cas(&f->extra, &seen, (uintptr_t)reason | EXTRA_REASON, ACQ_REL))
                        return;
        }
}

const char *execi_reason_get(const exec_future *f)
{
        uintptr_t e = atom_load(&((exec_future *)f)->extra, ACQUIRE);

        if (e & EXTRA_REASON)
                return (const char *)(e & ~EXTRA_REASON);                         /* NOLINT */
        return e ? atom_load(&((struct execi_extra *)e)->reason, ACQUIRE) : NULL; /* NOLINT */
}

void execi_cancel_place_set(exec_future *f, const char *place)
{
        struct execi_extra *e = place ? execi_extra_get(f) : NULL;

        if (e && e->is_debug)
                atom_store(&e->cancel_place, place, RELEASE);
}

const char *execi_cancel_place_get(const exec_future *f)
{
        struct execi_extra *e = execi_extra_get(f);

        return e ? atom_load(&e->cancel_place, ACQUIRE) : NULL;
}

static const char *kind_name(const exec_future *f)
{
        static const char *const names[CELL_KINDS] = {"nothing", "task", "promise", "sleep", "gather", "shield"};

        return f->kind < CELL_KINDS ? names[f->kind] : "?";
}

void execi_extra_title(const exec_future *f, char *buffer, size_t size)
{
        struct execi_extra *e = execi_extra_get(f);
        char name[EXTRA_NAME_BYTES];
        uint64_t number = e ? atom_load(&e->number, ACQUIRE) : 0;

        execi_extra_name(e, name);
        if (name[0])
                snprintf(buffer, size, "%s", name);
        else if (number)
                snprintf(buffer, size, "task-%llu", (unsigned long long)number);
        else
                snprintf(buffer, size, "%s@%lx", kind_name(f), (unsigned long)(uintptr_t)f);
}
