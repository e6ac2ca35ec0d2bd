/* atomic.h - C11 atomics with the order in every call, in a form that the model checker can take over.
 *
 * Every atomic object is declared _Atomic(T) and touched only through these macros. There is no standalone fence:
 * ThreadSanitizer does not model it. tests/model builds the same sources with EXEC_MODEL. */
#ifndef EXECI_PORT_ATOMIC_H
#define EXECI_PORT_ATOMIC_H

#ifdef EXEC_MODEL
#include "model_atomic.h"
#else

#include <stdatomic.h>

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release
#define ACQ_REL memory_order_acq_rel
#define SEQ_CST memory_order_seq_cst

#define atom_load(p, order)     atomic_load_explicit((p), (order))
#define atom_store(p, v, order) atomic_store_explicit((p), (v), (order))
#define atom_swap(p, v, order)  atomic_exchange_explicit((p), (v), (order))
#define atom_add(p, v, order)   atomic_fetch_add_explicit((p), (v), (order))
#define atom_sub(p, v, order)   atomic_fetch_sub_explicit((p), (v), (order))
#define atom_or(p, v, order)    atomic_fetch_or_explicit((p), (v), (order))
#define atom_and(p, v, order)   atomic_fetch_and_explicit((p), (v), (order))
/* Strong compare-and-swap; on failure *expected is what was seen, loaded with acquire. */
#define atom_cas(p, expected, v, order)                                                                                \
        atomic_compare_exchange_strong_explicit((p), (expected), (v), (order), memory_order_acquire)

#endif

/* A counter that one thread writes and others may read. */
#define atom_bump(p, n) atom_store((p), atom_load((p), RELAXED) + (n), RELAXED)

#endif
