/* context_aarch64.c - lays out the first frame of a new context; the switch itself is context_aarch64.S. */
#include "port/context.h"

#include "base/check.h"

#include <stdint.h>

/* What execi_context_switch() loads. */
struct frame {
        uint64_t fpcr, unused;
        uint64_t d[8]; /* d8 .. d15 */
        void *x[10];   /* x19 .. x28 */
        void *frame_pointer;
        void *return_address;
        void *end[2]; /* zero: the end for who scans the stack without unwind information */
};

_Static_assert(sizeof(struct frame) == 192, "context_aarch64.S counts on it, and the stack is aligned to 16");
_Static_assert(offsetof(struct frame, x) == 80 && offsetof(struct frame, return_address) == 168, "as above");

extern char execi_context_entry[] __attribute__((visibility("hidden")));

/* The control word is that of the caller, as with a new thread. */
void execi_context_make(struct execi_context *c, void *low, void *top, void (*fn)(void *), void *arg)
{
        struct frame *f = (struct frame *)top - 1;
        uint64_t fpcr;

        ASSERT((uintptr_t)top % 16 == 0 && (char *)f > (char *)low);
        (void)low;
        __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
        *f = (struct frame){
                .fpcr = fpcr,
                .x[0] = (void *)(uintptr_t)fn,
                .x[1] = arg,
                .return_address = execi_context_entry,
        };
        c->sp = f;
}
