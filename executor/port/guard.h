/* guard.h - the ladder of stack guards: what stands below a stack and notices that it is overrun.
 *
 * MADV_GUARD_INSTALL: page-table markers, no mapping of its own; kernels from 6.13; EINVAL on locked memory.
 * mprotect: anywhere, but two mappings a stack, so only within a process-wide budget (a quarter of vm.max_map_count).
 * Canary: a word at the low end of the stack, to be looked at now and then; the last rung, always there. */
#ifndef EXECI_PORT_GUARD_H
#define EXECI_PORT_GUARD_H

#include <stdbool.h>
#include <stddef.h>

enum execi_guard { GUARD_BEST = 0, GUARD_MADVISE, GUARD_MPROTECT, GUARD_CANARY };

/* Address space below each stack. All of it is enforced by the first two rungs: a large local array must not jump it.
 * (All of it instead of one page costs 0.35 us a stack with madvise, when made, and nothing with mprotect.) */
#define EXECI_GUARD_BYTES ((size_t)64 << 10)

/* Is GUARD_MADVISE to be had? Under AddressSanitizer never: LeakSanitizer reads whole regions. */
bool execi_guard_probe(void);

/* Guard the EXECI_GUARD_BYTES below each of @n stacks by @rung or, where that fails, the next; GUARD_MADVISE has no
 * next. kind[i] is what stack i got, GUARD_BEST: nothing. */
void execi_guard_install(enum execi_guard rung, char *const low[], enum execi_guard kind[], size_t n);
/* @n stacks of this kind are unmapped. */
void execi_guard_forget(enum execi_guard kind, size_t n);

void execi_guard_write_canary(char *low);
bool execi_guard_canary_intact(const char *low);

#ifdef EXEC_TESTING
void execi_guard_set_budget(long n_mappings); /* 0: back to the system's */
long execi_guard_n_mappings(void);
#endif

#endif
