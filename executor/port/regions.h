/* regions.h - the regions of a set of stacks: sorted by address, and in lists by what they have to give.
 *
 * All of it is under the lock of the set. What it does is short: a list of regions is walked only when some leave it. */
#ifndef EXECI_PORT_REGIONS_H
#define EXECI_PORT_REGIONS_H

#include "port/pause.h"
#include "port/region.h"

#include <stdbool.h>
#include <stddef.h>

struct execi_regions {
        struct execi_stack_region **by_address;
        size_t n, capacity;
        size_t n_slots;                         /* of all regions, guarded or not */
        struct execi_stack_region *warm, *cold; /* lists: regions with such free stacks */
};

/* How many regions begin at or below @address. */
size_t execi_regions_upto_locked(const struct execi_regions *rs, const char *address);
/* The one a stack lies in. A stack of no region ends the program. */
struct execi_stack_region *execi_regions_find_locked(const struct execi_regions *rs, const char *low);

/* Room for one more. false: no memory. Called and returns with @lock held, but lets go of it. */
bool execi_regions_reserve_locked(struct execi_regions *rs, struct execi_spin *lock);
void execi_regions_insert_locked(struct execi_regions *rs, struct execi_stack_region *r); /* there is room */
/* Also from the lists. */
void execi_regions_remove_locked(struct execi_regions *rs, struct execi_stack_region *r);

/* Enter the list, unless it is in it. */
void execi_regions_list_warm_locked(struct execi_regions *rs, struct execi_stack_region *r);
void execi_regions_list_cold_locked(struct execi_regions *rs, struct execi_stack_region *r);
/* Take the regions that have no such slot any more off the lists. */
void execi_regions_unlist_locked(struct execi_regions *rs);

#endif
