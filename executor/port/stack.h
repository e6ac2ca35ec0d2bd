/* stack.h - guarded stack memory: regions of equal stacks, and the ladder of guards.
 *
 * A region reserves address space for many stacks of one size (map, MADV_NOHUGEPAGE); pages come as they are touched.
 * Below each stack lies a guard of at least 64 KiB of address space, of which the kernel enforces all where that is
 * free (madvise) : MADV_GUARD_INSTALL; else mprotect within a process-wide budget of mappings (a quarter of
 * vm.max_map_count); else a canary word at the low end, checked at each suspension.
 * MADV_GUARD_INSTALL fails with EINVAL on old kernels and on locked memory. Under AddressSanitizer only mprotect.
 *
 * S1 every stack handed out has the guard its kind says, or is not handed out.
 * S2 after trim no page of a free stack is resident, but up to @keep stacks. */
#ifndef EXECI_PORT_STACK_H
#define EXECI_PORT_STACK_H

#include "port/pause.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum execi_guard { GUARD_BEST = 0, GUARD_MADVISE, GUARD_MPROTECT, GUARD_CANARY };

#define EXECI_GUARD_BYTES ((size_t)64 << 10)

struct execi_stack_region;

/* All stacks of one size of one pool. */
struct execi_stacks {
        struct execi_spin lock;
        size_t bytes;              /* usable, a multiple of the page size; the guard comes on top */
        enum execi_guard rung;     /* asked for */
        bool recycle;              /* false: every get maps, every put unmaps (precise TSan) */
        struct execi_stack_region *regions;
        _Atomic(uint64_t) n_live, n_free, n_peak; /* n_live: exist, n_free: of these not in use */
        _Atomic(uint64_t) n_guard[4];             /* existing, by kind */
};

/* 0; -ENOTSUP: GUARD_MADVISE asked for and not to be had. */
int execi_stacks_init(struct execi_stacks *s, size_t bytes, enum execi_guard rung, bool recycle);
void execi_stacks_fini(struct execi_stacks *s); /* all stacks have been put back */

/* Get up to @n stacks at once (guards are installed many at a time): the low ends of their usable parts, above the
 * guard. Returns how many, 0: no memory. Prefers stacks whose pages are still there. */
size_t execi_stacks_get(struct execi_stacks *s, char *low[], size_t n);
void execi_stacks_put(struct execi_stacks *s, char *const low[], size_t n);
/* Give the pages of free stacks back, whole regions at a time where all are free, but for @keep stacks. */
void execi_stacks_trim(struct execi_stacks *s, size_t keep);
/* A small number that differs between neighbours, for colouring the tops: 0..18. */
unsigned execi_stack_colour(const struct execi_stacks *s, const char *low);
/* With a canary: is it intact? Without: true. */
bool execi_stack_intact(const struct execi_stacks *s, const char *low);
enum execi_guard execi_stack_guard(const struct execi_stacks *s, const char *low);
/* How much of a stack that is free or suspended was ever touched (mincore), from its top. 0: cannot tell. */
size_t execi_stack_touched(const struct execi_stacks *s, const char *low);

#endif
