/* ck.h - Concurrency Kit, seen by ThreadSanitizer and by the model checker. To be included before any header of ck.
 *
 * Debian's ck 0.7.1 works through inline assembly and volatile accesses, which both of those are blind to. ck lets its
 * machine layer be replaced: here it is made of port/atomic.h. Loads acquire, stores release, all else is seq_cst, which is
 * what ck means on x86-64, and gives other machines the orders that this version lacks in its inline code. Not for
 * ck_ring's mpmc form, ck_fifo_mpmc, ck_stack's mpmc pops and ck_epoch_poll: 0.7.1 has known faults there. */
#ifndef EXECI_PORT_CK_H
#define EXECI_PORT_CK_H

#ifdef CK_PR_H
#error "port/ck.h comes before every header of ck"
#endif

#include "port/atomic.h"

#include <ck_cc.h>
#include <ck_stdbool.h>
#include <ck_stdint.h>

#define CK_F_PR
#undef CK_USE_CC_BUILTINS
#define CK_USE_CC_BUILTINS 1
#include <gcc/ck_f_pr.h>
#define CK_F_PR_FAS_CHAR
#define CK_F_PR_FAS_INT
#define CK_F_PR_FAS_UINT
#define CK_F_PR_FAS_8
#define CK_F_PR_FAS_16
#define CK_F_PR_FAS_32
#define CK_F_PR_FAS_64
#define CK_F_PR_FAS_PTR

#ifdef EXEC_MODEL
#define EXECI_CK(T, p) ((T *)(uintptr_t)(p))
#else
#define EXECI_CK(T, p) ((_Atomic(T) *)(uintptr_t)(p)) /* NOLINT: same size and representation on every target of ck */
#endif

#define EXECI_CK_ACCESS(S, M, T)                                                                                       \
        CK_CC_INLINE static T ck_pr_md_load_##S(const M *p)                                                            \
        {                                                                                                              \
                return atom_load(EXECI_CK(T, p), ACQUIRE);                                                             \
        }                                                                                                              \
        CK_CC_INLINE static void ck_pr_md_store_##S(M *p, T v)                                                         \
        {                                                                                                              \
                atom_store(EXECI_CK(T, p), v, RELEASE);                                                                \
        }                                                                                                              \
        CK_CC_INLINE static bool ck_pr_cas_##S##_value(M *p, T seen, T v, M *out)                                      \
        {                                                                                                              \
                bool ok = atom_cas(EXECI_CK(T, p), &seen, v, SEQ_CST);                                                 \
                *(T *)(void *)out = seen;                                                                              \
                return ok;                                                                                             \
        }                                                                                                              \
        CK_CC_INLINE static bool ck_pr_cas_##S(M *p, T seen, T v)                                                      \
        {                                                                                                              \
                return atom_cas(EXECI_CK(T, p), &seen, v, SEQ_CST);                                                    \
        }                                                                                                              \
        CK_CC_INLINE static T ck_pr_fas_##S(M *p, T v)                                                                 \
        {                                                                                                              \
                return atom_swap(EXECI_CK(T, p), v, SEQ_CST);                                                          \
        }

EXECI_CK_ACCESS(char, char, char)
EXECI_CK_ACCESS(int, int, int)
EXECI_CK_ACCESS(uint, unsigned int, unsigned int)
EXECI_CK_ACCESS(8, uint8_t, uint8_t)
EXECI_CK_ACCESS(16, uint16_t, uint16_t)
EXECI_CK_ACCESS(32, uint32_t, uint32_t)
EXECI_CK_ACCESS(64, uint64_t, uint64_t)
EXECI_CK_ACCESS(ptr, void, void *)

CK_CC_INLINE static void ck_pr_stall(void)
{
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield" ::: "memory");
#endif
}

/* The orders are in the accesses; what is left of a fence is that the compiler keeps its place. */
#define EXECI_CK_FENCE(F)                                                                                              \
        CK_CC_INLINE static void ck_pr_fence_strict_##F(void)                                                          \
        {                                                                                                              \
                __asm__ volatile("" ::: "memory");                                                                     \
        }
EXECI_CK_FENCE(lock)
EXECI_CK_FENCE(unlock)
EXECI_CK_FENCE(acquire)
EXECI_CK_FENCE(release)
EXECI_CK_FENCE(load)
EXECI_CK_FENCE(store)

/* ck asks for these without optimisation only; nothing here runs them. */
#define EXECI_CK_FULL_FENCE(F)                                                                                         \
        CK_CC_INLINE static void ck_pr_fence_strict_##F(void)                                                          \
        {                                                                                                              \
                __atomic_thread_fence(__ATOMIC_SEQ_CST);                                                               \
        }
EXECI_CK_FULL_FENCE(store_load)
EXECI_CK_FULL_FENCE(memory)

#endif
