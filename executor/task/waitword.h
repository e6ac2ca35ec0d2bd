/* waitword.h - a task's wait word: who ends a wait. One word, one claim.
 *
 *   NONE --arm (the waiter)--> ARMED --claim (completion, deadline, cancel)--> CLAIMED --clear (the waiter)--> NONE
 *                                ARMED <--pin / unpin--> ARMED|PINNED --claim--> CLAIMED|PINNED --unpin--> CLAIMED
 *
 * V1 exactly one claim succeeds in one wait, and the claimer alone makes the task runnable; when the word was PINNED,
 *    whoever unpins does it for the claimer.
 * V2 while PINNED the task cannot go on, so what it waits for stays referenced: one who cancels pins, takes a
 *    reference on that future, passes the request on, unpins.
 * V3 only a FORWARD wait (for one future, without deadline or with) is pinned by one who cancels; other waits are
 *    claimed. With FORWARD and a deadline the timer may claim.
 * V4 the epoch changes with each wait: a claim or pin meant for an earlier one fails.
 * V5 arming comes before the source is told. After arming, and before it, the waiter reads its state word: one who
 *    cancelled before is seen by that read, or sees ARMED (@pair state.cancel).
 * V6 BY_CANCEL delivers nothing by itself: the waiter must still find the mark in its state word, else it waits again. */
#ifndef EXECI_TASK_WAITWORD_H
#define EXECI_TASK_WAITWORD_H

#include "port/pause.h"

#include <stdbool.h>
#include <stdint.h>

enum { WAIT_NONE = 0, WAIT_ARMED = 1, WAIT_CLAIMED = 2, WAIT_STATE = 3 };
enum { WAIT_FORWARD = 4, WAIT_PINNED = 8 };
enum wait_by { BY_COMPLETION = 0, BY_DEADLINE = 1, BY_CANCEL = 2 };

#define WAIT_BY(w)     ((enum wait_by)(((w) >> 4) & 3))
#define WAIT_BY_BITS   ((uint64_t)3 << 4)
#define WAIT_EPOCH_ONE ((uint64_t)1 << 8)
#define WAIT_EPOCH     (~(uint64_t)0xff)
#define WAIT_STARTED   WAIT_EPOCH_ONE /* the word of a task that runs and has never waited; 0: it has not started */

/* The waiter. @forward: WAIT_FORWARD or 0. The store may still be in this CPU's buffer when the waiter next reads its
 * state word: one who cancels a task that does not seem to wait runs a membarrier and looks again; @fenced (no membarrier)
 * does without. */
static inline void execi_wait_arm(_Atomic(uint64_t) *word, uint64_t forward, bool fenced)
{
        uint64_t w = atom_load(word, RELAXED); /* @relaxed owner */

        w = ((w & WAIT_EPOCH) + WAIT_EPOCH_ONE) | WAIT_ARMED | forward;
        if (__builtin_expect(fenced, 0))
                atom_swap(word, w, SEQ_CST);
        else
                atom_store(word, w, RELEASE);
        __asm__ volatile("" ::: "memory"); /* @pair state.cancel: not reordered by the compiler either */
}

/* The waiter, which need not wait any more and was never left. Waits until nobody pins it. */
static inline void execi_wait_disarm(_Atomic(uint64_t) *word)
{
        uint64_t w = atom_load(word, RELAXED); /* @relaxed recheck */
        unsigned turns = 0;

        for (;;) {
                if (w & WAIT_PINNED) {
                        execi_spin_yield(&turns);
                        w = atom_load(word, RELAXED); /* @relaxed recheck */
                } else if (atom_cas(word, &w, w & WAIT_EPOCH, ACQ_REL)) {
                        return;
                }
        }
}

/* The waiter, once it runs again. */
static inline enum wait_by execi_wait_clear(_Atomic(uint64_t) *word)
{
        uint64_t w = atom_load(word, ACQUIRE);

        atom_store(word, w & WAIT_EPOCH, RELAXED); /* @relaxed owner: CLAIMED words are changed by nobody else */
        return WAIT_BY(w);
}

enum claim_answer { CLAIM_LOST, CLAIM_WON, CLAIM_DEFERRED };

/* A source of the wait. WON: the caller makes the task runnable. DEFERRED: the unpinner will. */
static inline enum claim_answer execi_wait_claim(_Atomic(uint64_t) *word, enum wait_by by)
{
        uint64_t w = atom_load(word, RELAXED); /* @relaxed recheck: the swap below decides */

        while ((w & WAIT_STATE) == WAIT_ARMED) {
                uint64_t to = (w & ~(uint64_t)WAIT_STATE) | WAIT_CLAIMED | ((uint64_t)by << 4);

                if (atom_cas(word, &w, to, ACQ_REL))
                        return (w & WAIT_PINNED) ? CLAIM_DEFERRED : CLAIM_WON;
        }
        return CLAIM_LOST;
}

/* One who cancels: pin a FORWARD wait that is ARMED, or claim any other that is. */
enum interrupt_answer { INTERRUPT_NOT_WAITING, INTERRUPT_PINNED, INTERRUPT_CLAIMED };
static inline enum interrupt_answer execi_wait_interrupt(_Atomic(uint64_t) *word)
{
        uint64_t w = atom_load(word, SEQ_CST); /* @pair state.cancel */

        while ((w & WAIT_STATE) == WAIT_ARMED && !(w & WAIT_PINNED)) {
                uint64_t to = (w & WAIT_FORWARD) ? w | WAIT_PINNED
                                                 : ((w & ~(uint64_t)WAIT_STATE) | WAIT_CLAIMED | (BY_CANCEL << 4));

                if (atom_cas(word, &w, to, ACQ_REL))
                        return (to & WAIT_PINNED) ? INTERRUPT_PINNED : INTERRUPT_CLAIMED;
        }
        return INTERRUPT_NOT_WAITING;
}

/* true: a claim came meanwhile, the caller makes the task runnable. */
static inline bool execi_wait_unpin(_Atomic(uint64_t) *word)
{
        uint64_t w = atom_load(word, RELAXED); /* @relaxed recheck */

        while (!atom_cas(word, &w, w & ~(uint64_t)WAIT_PINNED, SEQ_CST))
                ;
        return (w & WAIT_STATE) == WAIT_CLAIMED;
}

#endif
