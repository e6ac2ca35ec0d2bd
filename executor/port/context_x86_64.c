/* context_x86_64.c - lays out the first frame of a new context; the switch itself is context_x86_64.S. */
#include "port/context.h"

#include "base/check.h"

#include <stdint.h>

/* What execi_context_switch() pops. */
struct frame {
        uint32_t mxcsr;
        uint16_t x87_control, unused;
        void *r15, *r14, *r13, *r12, *rbx, *rbp;
        void *return_address;
        void *end[2]; /* zero: the end for who scans the stack without unwind information */
};

_Static_assert(sizeof(struct frame) == 80, "context_x86_64.S counts on it");
_Static_assert(offsetof(struct frame, r12) == 32 && offsetof(struct frame, return_address) == 56, "as above");

extern char execi_context_entry[] __attribute__((visibility("hidden")));

/* The control words are those of the caller, as with a new thread. */
void execi_context_make(struct execi_context *c, void *low, void *top, void (*fn)(void *), void *arg)
{
        struct frame *f = (struct frame *)top - 1;
        uint32_t mxcsr;
        uint16_t x87_control;

        ASSERT((uintptr_t)top % 16 == 0 && (char *)f > (char *)low);
        (void)low;
        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        __asm__ volatile("fnstcw %0" : "=m"(x87_control));
        *f = (struct frame){
                .mxcsr = mxcsr,
                .x87_control = x87_control,
                .r12 = (void *)(uintptr_t)fn,
                .r13 = arg,
                .return_address = execi_context_entry,
        };
        c->sp = f;
}
