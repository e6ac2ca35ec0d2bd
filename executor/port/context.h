/* context.h - switch stacks; nothing else. Backends, chosen by CMake: context_x86_64.S and context_aarch64.S (with unwind
 * information), context_ucontext.c (portable, slow).
 *
 * Callee-saved registers and the floating-point control words (MXCSR and x87, or FPCR) travel with the context; signal masks do
 * not. The unwinder stops at the entry of a context. */
#ifndef EXECI_PORT_CONTEXT_H
#define EXECI_PORT_CONTEXT_H

#include <stddef.h>

struct execi_context {
        void *sp; /* of a context that was left, or made; ucontext: a pointer to its ucontext_t on that stack */
};

/* Make a context that will call fn(arg) on the stack [low, top); fn never returns. @top is aligned to 16; what the
 * backend keeps is written right below it. */
void execi_context_make(struct execi_context *c, void *low, void *top, void (*fn)(void *), void *arg);

/* Leave the running context into @from and go on in @to. A thread's own stack may be left this way too. */
void execi_context_switch(struct execi_context *from, const struct execi_context *to);

#endif
