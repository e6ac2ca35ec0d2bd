/* fiber.c - see fiber.h. */
#include "task/fiber.h"

#include "queue/forkarena.h"

#include <string.h>

enum { COLOUR_BYTES = 128, STACK_ALIGN = 64 };

struct execi_fiber *execi_fiber_make(struct execi_stacks *stacks, char *low, void (*main)(void *), void *tsan)
{
        uintptr_t top = (uintptr_t)low + stacks->bytes;
        struct execi_fiber *f;

        /* Stacks lie at equal distances: without colours all their hot lines would fall into the same cache sets. */
        top -= (uintptr_t)COLOUR_BYTES * execi_stack_colour(stacks, low);
        top = (top - sizeof *f) & ~(uintptr_t)(STACK_ALIGN - 1);
        f = (struct execi_fiber *)top; /* NOLINT */
        if (!execi_tsan_precise())
                execi_tsan_acquire(low); /* who used this memory before: else false reports about it */
        execi_tsan_ignore_begin();
        memset(f, 0, sizeof *f);
        execi_tsan_ignore_end();
        f->low = low;
        f->stacks = stacks;
        f->sanitizer.tsan = tsan;
        f->has_canary = execi_stack_guard(stacks, low) == GUARD_CANARY;
        f->checked = f->has_canary;
        if (!execi_sanitizer_stack_init(&f->sanitizer, low, (size_t)((char *)f - low)))
                return NULL;
        execi_context_make(&f->context, low, f, main, f);
        return f;
}

char *execi_fiber_strip(struct execi_fiber *f)
{
        char *low = f->low;

        if (f->forks)
                execi_forkarena_put(f->forks->home, f->forks);
        execi_sanitizer_stack_fini(&f->sanitizer);
        if (!execi_tsan_precise())
                execi_tsan_release(low);
        return low;
}

void execi_fiber_free(struct execi_fiber *f)
{
        struct execi_stacks *stacks = f->stacks;
        char *low = execi_fiber_strip(f);

        execi_stacks_put(stacks, &low, 1);
}
