/* extra.h - what only some cells have: options, an error message, a cancel reason.
 *
 * cell.extra is 0, a struct execi_extra *, or a cancel reason with the top bit set (cancelling must not allocate).
 * E1 an extra block, once attached, stays until the cell is freed. */
#ifndef EXECI_TASK_EXTRA_H
#define EXECI_TASK_EXTRA_H

#include "task/cell.h"

#include <stdbool.h>

#define EXTRA_NAME_BYTES 64

/* Where the one who cancels a gather stands: gathers nest, and asking their children must not recurse. */
struct execi_asking {
        exec_future *parent;
        uint32_t next_child;
        bool was; /* a request had been accepted before */
        bool accepted;
};

struct execi_extra {
        size_t bytes; /* of this block */
        exec_drop_fn drop_arg;
        exec_drop_fn drop_value;
        void *arg; /* what drop_arg gets */
        size_t stack_bytes;
        _Atomic(const char *) reason;
        char *message; /* of the error; allocated, message_bytes */
        size_t message_bytes;
        const char *file;
        int line;
        struct execi_locals *locals;        /* a task's: wait/locals.h */
        exec_task_fn fn;                    /* a task's with something around its body: future/around.h */
        int64_t deadline_ns;                /* likewise: inherited; EXEC_FOREVER: none */
        const char *place;                  /* debug mode: where it was created, or NULL */
        _Atomic(const char *) cancel_place; /* debug mode: where it was asked to end, or NULL */
        bool is_debug;
        exec_future *root;             /* a carrier's that was queued: run/strand.h */
        struct exec_outcome *outcomes; /* a gather future's value, n_children long */
        struct execi_asking asking;    /* of the one who set the gather's CANCEL */
        _Atomic(uint64_t) number;      /* of a task without a name that was asked for it */
        char name[EXTRA_NAME_BYTES];
};

#define EXTRA_REASON ((uintptr_t)1 << (sizeof(uintptr_t) * 8 - 1))

/* The block, or NULL. */
static inline struct execi_extra *execi_extra_get(const exec_future *f)
{
        uintptr_t e = atom_load(&((exec_future *)f)->extra, ACQUIRE); /* @pair extra.attach */

        return (e & EXTRA_REASON) ? NULL : (struct execi_extra *)e; /* NOLINT */
}

/* The block, made if there is none; NULL: no memory. With @arg_bytes room for a copied argument comes behind it. */
struct execi_extra *execi_extra_need(exec_future *f, size_t arg_bytes);
void *execi_extra_arg(struct execi_extra *e);
/* The task's name; "": it has none. */
void execi_extra_name(const struct execi_extra *e, char name[EXTRA_NAME_BYTES]);
void execi_extra_free(exec_future *f);

void execi_reason_set(exec_future *f, const char *reason);
const char *execi_reason_get(const exec_future *f);

/* In debug mode; NULL changes nothing. */
void execi_cancel_place_set(exec_future *f, const char *place);
const char *execi_cancel_place_get(const exec_future *f);

/* What to call @f in a message: its name, or one made of its kind and address. Allocates nothing, unlike
 * exec_task_name(). */
void execi_extra_title(const exec_future *f, char *buffer, size_t size);

#endif
