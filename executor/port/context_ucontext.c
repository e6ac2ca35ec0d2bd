/* context_ucontext.c - the portable backend, on makecontext(3) and swapcontext(3).
 *
 * A context is its ucontext_t, which lies on its own stack: right below the top when made, in the frame of
 * execi_context_switch() when left. Slow: each switch is a system call, for the signal mask, which travels here. */
#include "port/context.h"

#include "base/check.h"

#include <stdint.h>
#include <ucontext.h>

/* makecontext passes only ints. */
static void enter(unsigned fn_high, unsigned fn_low, unsigned arg_high, unsigned arg_low)
{
        void (*fn)(void *) = (void (*)(void *))(uintptr_t)((uint64_t)fn_high << 32 | fn_low);

        fn((void *)(uintptr_t)((uint64_t)arg_high << 32 | arg_low));
        execi_panic("the function of a context has returned");
}

void execi_context_make(struct execi_context *c, void *low, void *top, void (*fn)(void *), void *arg)
{
        uintptr_t at = ((uintptr_t)top - sizeof(ucontext_t)) & ~(uintptr_t)63;
        ucontext_t *u = (ucontext_t *)at;
        uint64_t f = (uintptr_t)fn, a = (uintptr_t)arg;

        ASSERT((uintptr_t)top % 16 == 0 && at > (uintptr_t)low);
        CHECK(getcontext(u) == 0, "getcontext failed");
        u->uc_link = NULL;
        u->uc_stack.ss_sp = low;
        u->uc_stack.ss_size = at - (uintptr_t)low;
        makecontext(u, (void (*)(void))enter, 4, (unsigned)(f >> 32), (unsigned)f, (unsigned)(a >> 32), (unsigned)a);
        c->sp = u;
}

void execi_context_switch(struct execi_context *from, const struct execi_context *to)
{
        ucontext_t self;
        const ucontext_t *next = to->sp;

        from->sp = &self;
        CHECK(swapcontext(&self, next) == 0, "swapcontext failed");
}
