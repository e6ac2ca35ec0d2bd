/* forkstack.c - see forkstack.h. */
#include "queue/forkstack.h"

#include "port/membarrier.h"

enum { FORK_END = FORK_BLOCK_BYTES / sizeof(exec_forks) }; /* the first place behind the block */

void execi_forkstack_init(struct execi_forkstack *s, enum execi_fork_kind kind, struct exec_pool *pool)
{
        s->kind = kind;
        s->pool = pool;
        atom_store(&s->word, execi_fork_pack(s, FORK_FIRST, FORK_FIRST, kind != FORK_BLOCK),
                   RELAXED); /* @relaxed init */
}

static inline bool is_hungry(const _Atomic(uint32_t) *hungry)
{
        return atom_load((_Atomic(uint32_t) *)(uintptr_t)hungry,
                         RELAXED); /* @relaxed G4: behind the read of the word */
}

bool execi_forkstack_pushed(exec_forks *at, const _Atomic(uint32_t) *hungry)
{
        struct execi_forkstack *s = execi_forkstack_of(at);
        unsigned i = execi_forkstack_index(at);
        uint64_t w = atom_load(&s->word, ACQUIRE), to; /* @pair fork.mark */
        bool told;

        do {
                unsigned top = execi_fork_top(w), split = execi_fork_split(w);

                if (i < top) /* stolen already */
                        return false;
                if (i < split) /* raised, and not yet looked at again: lower it */
                        split = i;
                told = is_hungry(hungry) && split == top;
                if (told)
                        split += (i + 1 - split + 1) / 2;
                to = execi_fork_pack(s, top, split, false);
        } while (!atom_cas(&s->word, &w, to, ACQ_REL)); /* @pair fork.public */
        return told;
}

/* What joining place @i makes of the word. *told: a fork was published. */
static uint64_t popped(struct execi_forkstack *s, unsigned i, uint64_t w, bool hungry, bool *told)
{
        unsigned top = execi_fork_top(w), split = execi_fork_split(w);

        *told = false;
        if (i < split) { /* take it back, and more, for the next joins want those */
                split = hungry ? i : top + (i - top) / 2;
        } else if (hungry && split == top && i > split) {
                split += (i - split + 1) / 2;
                *told = true;
        }
        return execi_fork_pack(s, top, split, hungry && split == top);
}

enum execi_pop execi_forkstack_popped(exec_forks *at, struct exec_fork *f, const _Atomic(uint32_t) *hungry)
{
        struct execi_forkstack *s = execi_forkstack_of(at);
        unsigned i = execi_forkstack_index(at);
        uint64_t w = atom_load(&s->word, ACQUIRE), to; /* @pair fork.mark */
        bool told;

        do {
                if (i < execi_fork_top(w)) {
                        atom_store(execi_fork_at(at), f, RELEASE); /* G3; @pair fork.place */
                        return POP_TAKEN;
                }
                to = popped(s, i, w, is_hungry(hungry), &told);
        } while (!atom_cas(&s->word, &w, to, ACQ_REL)); /* G2; @pair fork.public */
        return told ? POP_OWN_TELL : POP_OWN;
}

bool execi_forkstack_offer(exec_forks *at, bool *told)
{
        struct execi_forkstack *s = execi_forkstack_of(at);
        unsigned i = execi_forkstack_index(at);
        uint64_t w = atom_load(&s->word, ACQUIRE), to; /* @pair fork.mark */

        do {
                *told = false;
                if (execi_fork_top(w) == i)
                        return false;
                if (execi_fork_top(w) < execi_fork_split(w))
                        return true;
                to = popped(s, i, w, true, told);       /* as if one above them were joined */
        } while (!atom_cas(&s->word, &w, to, ACQ_REL)); /* @pair fork.public: release; behind it nothing is read */
        return true;
}

void execi_forkstack_joined(exec_forks *at, const _Atomic(uint32_t) *hungry)
{
        struct execi_forkstack *s = execi_forkstack_of(at);
        unsigned i = execi_forkstack_index(at);
        uint64_t w = atom_load(&s->word, ACQUIRE), to; /* @pair fork.mark */

        atom_store(execi_fork_at(at), NULL, RELAXED); /* @relaxed owner: nobody takes it twice */
        do
                to = execi_fork_pack(s, i, i, is_hungry(hungry));
        while (!atom_cas(&s->word, &w, to, ACQ_REL));
}

unsigned execi_forkstack_head(struct execi_forkstack *s)
{
        unsigned low = FORK_FIRST, high = FORK_FIRST + 1;

        /* Most often few are out: gallop, then halve. */
        while (high < FORK_END && execi_forkstack_look(s, high - 1)) {
                low = high;
                high = FORK_FIRST + (high - FORK_FIRST) * 2;
        }
        if (high > FORK_END)
                high = FORK_END;
        while (low < high) { /* places below low have one, those from high on have none */
                unsigned middle = low + (high - low) / 2;

                if (execi_forkstack_look(s, middle))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

bool execi_forkstack_publish(struct execi_forkstack *s)
{
        unsigned head = execi_forkstack_head(s);
        uint64_t w;

        execi_spin_lock(&s->lock); /* a thief that has raised may lower again, below what is published here */
        w = atom_load(&s->word, ACQUIRE);
        while (!atom_cas(&s->word, &w, execi_fork_pack(s, execi_fork_top(w), head, execi_fork_top(w) == head),
                         ACQ_REL)) /* @pair fork.public */
                ;
        execi_spin_unlock(&s->lock);
        return execi_fork_top(w) < head;
}

/* L(lock): the oldest public fork. */
static struct exec_fork *take(struct execi_forkstack *s)
{
        uint64_t w = atom_load(&s->word, ACQUIRE), to; /* @pair fork.public */
        struct exec_fork *f;
        unsigned i, turns = 0;

        do {
                i = execi_fork_top(w);
                if (i >= execi_fork_split(w))
                        return NULL;
                to = (w & FORK_LINE_ALL) | (w & 0xffff0000) | (i + 1);
        } while (!atom_cas(&s->word, &w, to, ACQ_REL)); /* G2 */
        while (!(f = execi_forkstack_look(s, i)))       /* G3 */
                execi_spin_yield(&turns);
        return f;
}

struct exec_fork *execi_forkstack_steal(struct execi_forkstack *s)
{
        struct exec_fork *f;

        if (!execi_forkstack_has_public(s) || !execi_spin_try(&s->lock))
                return NULL;
        f = take(s);
        execi_spin_unlock(&s->lock);
        return f;
}

/* The first place from @i on, below @end, that has no fork. */
static unsigned end_of_forks(struct execi_forkstack *s, unsigned i, unsigned end)
{
        while (i < end && execi_forkstack_look(s, i))
                i++;
        return i;
}

/* L(lock): G1. */
static void raise_split(struct execi_forkstack *s)
{
        uint64_t w = atom_load(&s->word, ACQUIRE);
        unsigned split = execi_fork_split(w), head = end_of_forks(s, split, FORK_END);

        if (head <= split || !atom_cas(&s->word, &w, execi_fork_pack(s, execi_fork_top(w), head, false), SEQ_CST))
                return;
        execi_membarrier();
        head = end_of_forks(s, split, head);
        w = atom_load(&s->word, ACQUIRE);
        while (execi_fork_split(w) > head && /* what was public may be hidden again: so the owner shall look */
               !atom_cas(&s->word, &w, execi_fork_pack(s, execi_fork_top(w), head, true), ACQ_REL))
                ;
}

bool execi_forkstack_force(struct execi_forkstack *s)
{
        if (!execi_forkstack_has_private(s) || !execi_spin_try(&s->lock))
                return false;
        raise_split(s);
        execi_spin_unlock(&s->lock);
        return execi_forkstack_has_public(s);
}

bool execi_forkstack_mark(struct execi_forkstack *s)
{
        uint64_t w = atom_load(&s->word, RELAXED); /* @relaxed hint; the sleeper's membarrier: IDLE.md */

        if ((w & FORK_LINE_ALL) == FORK_LINE_ALL || execi_fork_top(w) != execi_fork_split(w))
                return false;
        return (atom_or(&s->word, FORK_LINE_ALL, SEQ_CST) & FORK_LINE_ALL) != FORK_LINE_ALL; /* @pair fork.mark */
}

bool execi_forkstack_has_public(struct execi_forkstack *s)
{
        uint64_t w = atom_load(&s->word, RELAXED); /* @relaxed hint */

        return execi_fork_top(w) < execi_fork_split(w);
}

bool execi_forkstack_has_private(struct execi_forkstack *s)
{
        unsigned split = execi_fork_split(atom_load(&s->word, RELAXED)); /* @relaxed hint */

        return split < FORK_END && execi_forkstack_look(s, split);
}
