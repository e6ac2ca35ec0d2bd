/* waitword.h - a task's wait: who ends it. One word, one claim; and a pin by which one who cancels holds the task still.
 *
 *   word   NONE --arm (the waiter)--> ARMED --claim (completion, deadline, cancel)--> CLAIMED --clear (waiter)--> NONE
 *   pin    NONE --pin--> HELD --unpin--> NONE       HELD + OWED: a claimer leaves the wake to the holder; + AGAIN: V7
 *
 * V1 exactly one claim succeeds in one wait, and the claimer alone makes the task runnable; a claimer that finds the pin
 *    HELD leaves OWED there, and then whoever unpins does it.
 * V2 while the pin is HELD and the word ARMED the task cannot go on, so what it waits for stays referenced: one who cancels
 *    pins, takes a reference on that future, passes the request on, unpins.
 *    Claimer: store CLAIMED, then read the pin. Pinner: store HELD, then read the word. So at least one of them sees the
 *    other. Both may: then the pinner goes away, and the swap of the pin decides who wakes.
 * V3 only a FORWARD wait (for one future, without deadline or with) is pinned by one who cancels; other waits are claimed.
 *    A SOLE wait is ended by its future alone, under that future's LOCK: it is claimed by a plain store, and the pinner's
 *    membarrier stands between that store and the look at the pin. Every other claim is a swap, seq_cst, as is the pin.
 * V4 the epoch changes with each wait: a claim meant for an earlier one fails. A pin that outlives the wait it was meant for
 *    holds the next one: it is the task that is cancelled.
 * V5 arming comes before the source is told. After arming, and before it, the waiter reads its state word: one who
 *    cancelled before is seen by that read, or sees ARMED (@pair state.cancel).
 * V6 BY_CANCEL delivers nothing by itself: the waiter must still find the mark in its state word, else it waits again.
 * V7 one who finds the pin taken leaves AGAIN there and goes away; whoever unpins and finds it passes that request on too,
 *    unless he wakes the task, which then finds the mark itself. */
#ifndef EXECI_TASK_WAITWORD_H
#define EXECI_TASK_WAITWORD_H

#include "base/compiler.h"
#include "port/membarrier.h"
#include "port/pause.h"

#include <stdbool.h>
#include <stdint.h>

struct execi_wait {
        _Atomic(uint32_t) word;
        _Atomic(uint32_t) pin;
};

enum { WAIT_NONE = 0, WAIT_ARMED = 1, WAIT_CLAIMED = 2, WAIT_STATE = 3 };
enum { WAIT_FORWARD = 4, WAIT_SOLE = 8, WAIT_TIMED = 64 /* a deadline ends it too */ };
enum { PIN_NONE = 0, PIN_HELD = 1, PIN_OWED = 2, PIN_AGAIN = 4 };
enum wait_by { BY_COMPLETION = 0, BY_DEADLINE = 1, BY_CANCEL = 2 };

#define WAIT_BY(w)     ((enum wait_by)(((w) >> 4) & 3))
#define WAIT_EPOCH_ONE ((uint32_t)1 << 8)
#define WAIT_EPOCH     (~(uint32_t)0xff)
#define WAIT_STARTED   ((uint32_t)1 << 31) /* set from the start of the task on; a word of 0: it has not started */

/* The waiter. @kind: WAIT_FORWARD, also WAIT_SOLE or WAIT_TIMED, or 0. The store may still be in this CPU's buffer when the waiter next
 * reads its state word: one who cancels a task that does not seem to wait runs a membarrier and looks again; @fenced (no
 * membarrier) does without, and no wait is SOLE. */
static inline void execi_wait_arm(struct execi_wait *x, uint32_t kind, bool fenced)
{
        uint32_t w = atom_load(&x->word, RELAXED); /* @relaxed owner */

        w = ((w & WAIT_EPOCH) + WAIT_EPOCH_ONE) | WAIT_STARTED | WAIT_ARMED | kind;
        if (UNLIKELY(fenced))
                atom_swap(&x->word, w & ~(uint32_t)WAIT_SOLE, SEQ_CST);
        else
                atom_store(&x->word, w, RELEASE);
        COMPILER_BARRIER(); /* @pair state.cancel: not reordered by the compiler either */
}

/* The waiter, which need not wait any more and was never left. Waits until nobody pins it. */
static inline void execi_wait_disarm(struct execi_wait *x, bool fenced)
{
        uint32_t w = atom_load(&x->word, RELAXED) & WAIT_EPOCH; /* @relaxed owner: nobody claims it */
        unsigned turns = 0;

        if (UNLIKELY(fenced))
                atom_swap(&x->word, w, SEQ_CST);
        else
                atom_store(&x->word, w, RELEASE);
        COMPILER_BARRIER(); /* V2, as a claimer */
        while (UNLIKELY(atom_load(&x->pin, SEQ_CST)))
                execi_spin_yield(&turns);
}

/* The waiter, once it runs again. */
static inline enum wait_by execi_wait_clear(struct execi_wait *x)
{
        uint32_t w = atom_load(&x->word, ACQUIRE);

        atom_store(&x->word, w & WAIT_EPOCH, RELAXED); /* @relaxed owner: CLAIMED words are changed by nobody else */
        return WAIT_BY(w);
}

enum claim_answer { CLAIM_LOST, CLAIM_WON, CLAIM_DEFERRED };

/* V1: the claimer has seen a pin. */
static NOINLINE MAYBE_UNUSED enum claim_answer execi_wait_defer(struct execi_wait *x)
{
        if (atom_or(&x->pin, PIN_OWED, SEQ_CST) & PIN_HELD)
                return CLAIM_DEFERRED;
        atom_store(&x->pin, PIN_NONE, SEQ_CST); /* it was let go meanwhile */
        return CLAIM_WON;
}

/* Under the LOCK of the future that such a wait is linked to: nobody else ends it. The claimer then looks at the pin. */
static inline bool execi_wait_is_sole(struct execi_wait *x)
{
        return (atom_load(&x->word, RELAXED) & (WAIT_STATE | WAIT_SOLE)) ==
               (WAIT_ARMED | WAIT_SOLE); /* @relaxed: ordered by the future's word */
}

static inline void execi_wait_claim_sole(struct execi_wait *x)
{
        atom_store(&x->word, (atom_load(&x->word, RELAXED) & ~(uint32_t)WAIT_STATE) | WAIT_CLAIMED,
                   RELEASE); /* @relaxed: nobody else changes it */
        COMPILER_BARRIER();  /* V3: the pinner's membarrier does the rest */
}

/* A source of the wait. WON: the caller makes the task runnable. DEFERRED: the unpinner will. */
static inline enum claim_answer execi_wait_claim(struct execi_wait *x, enum wait_by by)
{
        uint32_t w = atom_load(&x->word, RELAXED); /* @relaxed: SOLE ordered by the future's word, others by the swap */

        for (;;) {
                uint32_t to = (w & ~(uint32_t)WAIT_STATE) | WAIT_CLAIMED | ((uint32_t)by << 4);

                if (UNLIKELY((w & WAIT_STATE) != WAIT_ARMED))
                        return CLAIM_LOST;
                if (LIKELY(w & WAIT_SOLE)) {
                        atom_store(&x->word, to, RELEASE);
                        COMPILER_BARRIER(); /* V3: the pinner's membarrier does the rest */
                        break;
                }
                if (atom_cas(&x->word, &w, to, SEQ_CST))
                        break;
        }
        return LIKELY(!atom_load(&x->pin, SEQ_CST)) ? CLAIM_WON : execi_wait_defer(x);
}

enum unpin_answer { UNPIN_DONE, UNPIN_WAKE, UNPIN_AGAIN };

/* WAKE: a claim came meanwhile, the caller makes the task runnable. AGAIN: V7. */
static inline enum unpin_answer execi_wait_unpin(struct execi_wait *x)
{
        uint32_t was = atom_swap(&x->pin, PIN_NONE, SEQ_CST);

        return (was & PIN_OWED) ? UNPIN_WAKE : (was & PIN_AGAIN) ? UNPIN_AGAIN : UNPIN_DONE;
}

/* Take the pin. false: V7. */
static inline bool execi_wait_take_pin(struct execi_wait *x)
{
        uint32_t p = atom_load(&x->pin, RELAXED); /* @relaxed recheck */

        while (!atom_cas(&x->pin, &p, p ? p | PIN_AGAIN : PIN_HELD, SEQ_CST))
                ;
        return p == PIN_NONE;
}

/* NOT_WAITING: also when somebody else has the pin. CLAIMED: the caller makes the task runnable. */
enum interrupt_answer { INTERRUPT_NOT_WAITING, INTERRUPT_PINNED, INTERRUPT_CLAIMED };

/* Hold the task in the wait it is in, if that is of @kind: 0 (any) or WAIT_FORWARD. */
static inline enum interrupt_answer execi_wait_pin(struct execi_wait *x, uint32_t kind)
{
        uint32_t wanted = WAIT_ARMED | kind;
        enum unpin_answer answer;

        do {
                if (!execi_wait_take_pin(x))
                        return INTERRUPT_NOT_WAITING;
                execi_membarrier_if_any(); /* V3 */
                if ((atom_load(&x->word, SEQ_CST) & (WAIT_STATE | kind)) == wanted)
                        return INTERRUPT_PINNED;
                answer = execi_wait_unpin(x);
        } while (answer == UNPIN_AGAIN);
        return answer == UNPIN_WAKE ? INTERRUPT_CLAIMED : INTERRUPT_NOT_WAITING;
}

/* One who cancels: pin a FORWARD wait that is ARMED, or claim any other that is: that very wait (V4), for the next may be
 * FORWARD. */
static inline enum interrupt_answer execi_wait_interrupt(struct execi_wait *x)
{
        uint32_t w = atom_load(&x->word, SEQ_CST); /* @pair state.cancel */

        while ((w & WAIT_STATE) == WAIT_ARMED) {
                if (w & WAIT_FORWARD)
                        return execi_wait_pin(x, WAIT_FORWARD);
                if (!atom_cas(&x->word, &w, (w & ~(uint32_t)WAIT_STATE) | WAIT_CLAIMED | (BY_CANCEL << 4), SEQ_CST))
                        continue;
                if (atom_load(&x->pin, SEQ_CST) && execi_wait_defer(x) != CLAIM_WON)
                        return INTERRUPT_NOT_WAITING;
                return INTERRUPT_CLAIMED;
        }
        return INTERRUPT_NOT_WAITING;
}

#endif
