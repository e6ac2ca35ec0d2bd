/* fault.c - counts the calls of each kind and fails the one that was asked for. Empty but in the testing library. */
#include "port/fault.h"

#ifdef EXEC_TESTING

#include "port/atomic.h"

static struct {
        _Atomic(uint64_t) nth, n_calls;
        _Atomic(bool) for_ever;
} kinds[FAULT_KINDS];
static _Atomic(uint64_t) n_fired;

bool execi_fault(enum execi_fault_kind kind)
{
        uint64_t call = atom_add(&kinds[kind].n_calls, 1, RELAXED) + 1;
        uint64_t nth = atom_load(&kinds[kind].nth, RELAXED);

        if (nth == 0 || call < nth || (call > nth && !atom_load(&kinds[kind].for_ever, RELAXED)))
                return false;
        atom_add(&n_fired, 1, RELAXED);
        return true;
}

void execi_fault_arm(enum execi_fault_kind kind, uint64_t n, bool for_ever)
{
        atom_store(&kinds[kind].nth, 0, SEQ_CST); /* nothing fires between the counters' reset and the arming */
        atom_store(&kinds[kind].for_ever, for_ever, SEQ_CST);
        atom_store(&kinds[kind].n_calls, 0, SEQ_CST);
        atom_store(&n_fired, 0, SEQ_CST);
        atom_store(&kinds[kind].nth, n, SEQ_CST);
}

uint64_t execi_fault_fired(void)
{
        return atom_load(&n_fired, RELAXED);
}

uint64_t execi_fault_calls(enum execi_fault_kind kind)
{
        return atom_load(&kinds[kind].n_calls, RELAXED);
}

#endif
