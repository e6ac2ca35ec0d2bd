/* region.h - one mapping that holds many equal stacks, and what is known of each.
 *
 * What is known of a stack lies in the region's array of slots, outside the stacks: a free or untouched stack costs
 * four bytes of memory. A slot's state and what changes it, all under the lock of the set the region belongs to:
 *
 *      COLD -- pop_cold --> USED -- push_warm --> WARM -- send_away --> AWAY -- take_back --> COLD
 *                           USED <-- pop_warm --- WARM
 *
 * R1 a slot is in the warm list, in the cold list, or counted in n_used, and in one of them only.
 * R2 no page of a COLD slot is resident. */
#ifndef EXECI_PORT_REGION_H
#define EXECI_PORT_REGION_H

#include "port/guard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXECI_REGION_SLOTS_MAX = 4096, EXECI_REGION_NO_SLOT = 0xffff };
enum execi_slot_state { SLOT_COLD = 0, SLOT_USED, SLOT_WARM, SLOT_AWAY };

struct execi_slot {
        uint16_t next; /* L in the warm or the cold list */
        uint8_t kind;  /* H enum execi_guard; GUARD_BEST: none yet, or who holds the USED slot makes it now */
        uint8_t state; /* L enum execi_slot_state */
};

struct execi_stack_region {
        char *base;           /* I */
        size_t bytes, stride; /* I */
        size_t n_slots;       /* I */
        /* L: the lock of the set. */
        struct execi_stack_region *next_warm, *next_cold; /* in the set's lists of regions with such slots */
        bool is_on_warm, is_on_cold;
        uint16_t warm, cold; /* heads of the lists of slots */
        size_t n_used;       /* USED and AWAY */
        size_t n_warm;
        size_t n_keep; /* what trim leaves warm */
        /* T: only who trims. Which slots are AWAY. */
        uint64_t away[EXECI_REGION_SLOTS_MAX / 64];
        struct execi_slot slots[];
};

/* @n stacks of @stride bytes each, guard included; all COLD, none guarded. NULL: no memory. */
struct execi_stack_region *execi_region_new(size_t stride, size_t n);
void execi_region_free(struct execi_stack_region *r);

static inline char *execi_region_low(const struct execi_stack_region *r, size_t i)
{
        return r->base + i * r->stride + EXECI_GUARD_BYTES;
}

static inline bool execi_region_has(const struct execi_stack_region *r, const char *low)
{
        return (uintptr_t)low - (uintptr_t)r->base < r->bytes;
}

static inline size_t execi_region_index(const struct execi_stack_region *r, const char *low)
{
        return (size_t)(low - r->base) / r->stride;
}

static inline struct execi_slot *execi_region_slot(struct execi_stack_region *r, const char *low)
{
        return &r->slots[execi_region_index(r, low)];
}

/* Take up to @n slots; returns how many. */
size_t execi_region_pop_warm(struct execi_stack_region *r, char *low[], size_t n);
size_t execi_region_pop_cold(struct execi_stack_region *r, char *low[], size_t n);
/* A USED slot becomes WARM; or COLD, if it was never touched. */
void execi_region_push_warm(struct execi_stack_region *r, char *low);
void execi_region_push_cold(struct execi_stack_region *r, char *low);

/* Three steps of a trim: the warm ones but n_keep of the warmest go AWAY (returns how many); their pages go back,
 * without the lock; they become COLD. */
size_t execi_region_send_away(struct execi_stack_region *r);
void execi_region_unback_away(const struct execi_stack_region *r);
void execi_region_take_back(struct execi_stack_region *r);
static inline bool execi_region_is_away(const struct execi_stack_region *r, size_t i)
{
        return r->away[i / 64] >> i % 64 & 1;
}

#endif
