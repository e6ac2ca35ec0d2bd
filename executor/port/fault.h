/* fault.h - the seam for fault injection: every allocation, map, madvise and thread start asks it first.
 * Only the testing library (EXEC_TESTING) can fail; elsewhere the question is the constant false. */
#ifndef EXECI_PORT_FAULT_H
#define EXECI_PORT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum execi_fault_kind { FAULT_ALLOC, FAULT_MAP, FAULT_MADVISE, FAULT_MPROTECT, FAULT_THREAD, FAULT_KINDS };

#ifdef EXEC_TESTING
/* true: this call must fail. */
bool execi_fault(enum execi_fault_kind kind);
/* Fail the n-th call (from 1) of a kind from now on, once or for ever; n = 0: none. Resets the counters. */
void execi_fault_arm(enum execi_fault_kind kind, uint64_t n, bool for_ever);
uint64_t execi_fault_fired(void); /* how many calls were failed since execi_fault_arm() */
uint64_t execi_fault_calls(enum execi_fault_kind kind);
#else
static inline bool execi_fault(enum execi_fault_kind kind)
{
        (void)kind;
        return false;
}
#endif

#endif
