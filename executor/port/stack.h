/* stack.h - guarded stack memory: regions of equal stacks.
 *
 * A region reserves address space for many stacks of one size (map, MADV_NOHUGEPAGE); pages come as they are touched.
 * Below each stack lies a guard (port/guard.h), made when the stack is first handed out.
 *
 * S1 every stack handed out has the guard its kind says, or is not handed out.
 * S2 after trim no page of a free stack is resident, but up to @keep stacks.
 * S3 a stack is never in two hands: between get and put nobody else gets it, and no trim touches it. */
#ifndef EXECI_PORT_STACK_H
#define EXECI_PORT_STACK_H

#include "port/guard.h"
#include "port/pause.h"
#include "port/regions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All stacks of one size of one pool. */
struct execi_stacks {
        size_t bytes;          /* I usable, a multiple of the page size; the guard comes on top */
        enum execi_guard rung; /* I asked for */
        bool recycle;          /* I false: every get maps, every put unmaps (precise TSan) */
        struct execi_spin lock;
        struct execi_regions regions;             /* L(lock) */
        uint64_t n_unmapped;                      /* L(lock) regions, ever */
        _Atomic(bool) is_trimming;                /* A one at a time */
        _Atomic(uint64_t) n_live, n_free, n_peak; /* A n_live: exist, n_free: of these not in use; most that existed */
        _Atomic(uint64_t) n_guard[4];             /* A existing, by enum execi_guard */
        _Atomic(size_t) deepest_bytes;            /* A the most of one that was ever seen touched */
        _Atomic(size_t) n_samples;                /* A taken to see that */
        _Atomic(int64_t) sampled_ns;              /* A when the last large one was taken of stacks in use */
};

/* 0; -ENOTSUP: GUARD_MADVISE asked for and not to be had. */
int execi_stacks_init(struct execi_stacks *s, size_t bytes, enum execi_guard rung, bool recycle);
void execi_stacks_fini(struct execi_stacks *s); /* all stacks have been put back */

/* Get up to @n stacks at once (guards are installed many at a time): the low ends of their usable parts, above the
 * guard. Returns how many; fewer than @n: no memory for more. Prefers stacks whose pages are still there. */
size_t execi_stacks_get(struct execi_stacks *s, char *low[], size_t n);
void execi_stacks_put(struct execi_stacks *s, char *const low[], size_t n);
/* Give the pages of free stacks back, but for @keep stacks. Regions of which no stack is in use or kept are unmapped.
 * Returns at once if another thread is at it. */
void execi_stacks_trim(struct execi_stacks *s, size_t keep);

/* A small number that differs between neighbours, for colouring the tops: 0..18. */
unsigned execi_stack_colour(const struct execi_stacks *s, const char *low);
/* Of a stack that is not free. Takes the lock: who asks often remembers the answer. */
enum execi_guard execi_stack_guard(struct execi_stacks *s, const char *low);
/* With a canary: is it intact? Without: true. Cheap while no stack has a canary. */
bool execi_stack_intact(struct execi_stacks *s, const char *low);
/* How much of a stack was ever touched, from its top, as far as its pages are still there. 0: cannot tell. */
size_t execi_stack_touched(const struct execi_stacks *s, const char *low);
/* The most that was ever seen touched of one stack, but its lowest page: in a sample of those whose pages were given
 * back, and in one of those that have pages now: all, if they are up to 64, else a thousand now and then. Stacks that
 * are never used again are seen when they are put. */
size_t execi_stacks_depth(struct execi_stacks *s);

#endif
