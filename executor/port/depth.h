/* depth.h - how deep the stacks of a set were ever used, as far as resident pages show it.
 *
 * mincore(2) tells which pages are there; the lowest one is the depth. What was given back, or swapped out, is not there,
 * so whoever gives pages back looks first. Only a sample is looked at, so that looking costs little beside giving back.
 *
 * Y1 looking neither reads nor writes a stack: one in use may be looked at, by any thread.
 * Y2 what was seen of an address that has been unmapped since does not count.
 * Y3 the lowest page of a stack is not looked at: the canary is there. */
#ifndef EXECI_PORT_DEPTH_H
#define EXECI_PORT_DEPTH_H

#include "port/stack.h"

/* A stack that nobody else gives back meanwhile. */
void execi_depth_see(struct execi_stacks *s, const char *low);
/* By who trims, before the pages go: a sample of the AWAY stacks of @r, about a thousand of @n in all its set. */
void execi_depth_see_away(struct execi_stacks *s, const struct execi_stack_region *r, size_t n);

#endif
