/* forkstack.c - see forkstack.h. */
#include "queue/forkstack.h"

#include "port/membarrier.h"

enum { FORK_END = FORK_BLOCK_BYTES / sizeof(exec_forks) }; /* the first place behind the block */
/* So many are taken back at once: each is a store, and one more for a wait before they are joined. */
enum { FORK_BACK = 16 };
/* So far from the place where the owner seems to be its next fork or join is expected. */
#ifdef EXEC_MODEL
enum { FORK_NEAR = 1 };
#else
enum { FORK_NEAR = 4 };
#endif

/* ---- watched: G6 ---- */

static void set_watched(struct execi_forkstack *s, unsigned i, unsigned end, bool is)
{
        for (; i < end && i < FORK_END; i++) {
                exec_forks *at = execi_forkstack_place(s, i);

                atom_store(execi_fork_watched(at), is, RELAXED); /* @relaxed G6: ordered by the swap */
        }
}

static bool is_watched(struct execi_forkstack *s, unsigned i)
{
        return atom_load(execi_fork_watched(execi_forkstack_place(s, i)), RELAXED); /* @relaxed hint */
}

/* A fork or join anywhere in a block of another kind is at its place 0. */
void execi_forkstack_init(struct execi_forkstack *s, enum execi_fork_kind kind, struct exec_pool *pool)
{
        s->kind = kind;
        s->pool = pool;
        atom_store(&s->word, execi_fork_pack(FORK_FIRST, FORK_FIRST, false), RELAXED); /* @relaxed init */
        if (kind != FORK_BLOCK)
                set_watched(s, 0, 1, true);
}

/* ---- the owner ---- */

static inline bool is_hungry(const _Atomic(uint32_t) *hungry)
{
        return atom_load((_Atomic(uint32_t) *)(uintptr_t)hungry,
                         RELAXED); /* @relaxed G4: behind the read of the word */
}

/* The owner, at place @i, has ended the watching of @from to @i and then swapped @w for @to. */
static void swapped(struct execi_forkstack *s, unsigned from, unsigned i, uint64_t w, uint64_t to,
                    const _Atomic(uint32_t) *hungry)
{
        unsigned split = execi_fork_split(w);

        set_watched(s, from < split ? from : split, execi_fork_split(to), true);
        if (to & FORK_HUNGRY)
                set_watched(s, i, i + 1, true);
        else if (is_hungry(hungry)) /* behind the swap */
                execi_forkstack_mark(s);
}

bool execi_forkstack_pushed(exec_forks *at, const _Atomic(uint32_t) *hungry)
{
        struct execi_forkstack *s = execi_forkstack_of(at);
        unsigned i = execi_forkstack_index(at);
        uint64_t w, to;
        bool told;

        set_watched(s, i, i + 1, false);
        w = atom_load(&s->word, ACQUIRE); /* @pair fork.mark */
        do {
                unsigned top = execi_fork_top(w), split = execi_fork_split(w);

                if (i < top) { /* stolen already */
                        set_watched(s, i, i + 1, true);
                        return false;
                }
                if (i < split) /* raised, and not yet looked at again: lower it */
                        split = i;
                told = is_hungry(hungry) && split == top;
                if (told)
                        split += (i + 1 - split + 1) / 2;
                to = execi_fork_pack(top, split, false);
        } while (!atom_cas(&s->word, &w, to, ACQ_REL)); /* @pair fork.public */
        swapped(s, i, i, w, to, hungry);
        return told;
}

/* What joining place @i makes of the word. *told: a fork was published. */
static uint64_t popped(unsigned i, uint64_t w, bool hungry, bool *told)
{
        unsigned top = execi_fork_top(w), split = execi_fork_split(w), more;

        *told = false;
        if (i < split) { /* take it back, and more, for the next joins want those */
                more = (i - top + 1) / 2;
                split = hungry ? i : i - (more < FORK_BACK ? more : FORK_BACK);
        } else if (hungry && split == top && i > split) {
                split += (i - split + 1) / 2;
                *told = true;
        }
        return execi_fork_pack(top, split, hungry && split == top);
}

enum execi_pop execi_forkstack_popped(exec_forks *at, struct exec_fork *f, const _Atomic(uint32_t) *hungry)
{
        struct execi_forkstack *s = execi_forkstack_of(at);
        unsigned i = execi_forkstack_index(at), from = i;
        uint64_t w, to;
        bool told;

        set_watched(s, i, i + 1, false);
        w = atom_load(&s->word, ACQUIRE); /* @pair fork.mark */
        do {
                if (i < execi_fork_top(w)) {
                        set_watched(s, from, i + 1, true);
                        atom_store(execi_fork_at(at), f, RELEASE); /* G3; @pair fork.place */
                        return POP_TAKEN;
                }
                to = popped(i, w, is_hungry(hungry), &told);
                if (execi_fork_split(to) < from) {
                        set_watched(s, execi_fork_split(to), from, false);
                        from = execi_fork_split(to);
                }
        } while (!atom_cas(&s->word, &w, to, ACQ_REL)); /* G2; @pair fork.public */
        swapped(s, from, i, w, to, hungry);
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
                to = popped(i, w, true, told);          /* as if one above them were joined */
        } while (!atom_cas(&s->word, &w, to, ACQ_REL)); /* @pair fork.public: release; behind it nothing is read */
        set_watched(s, execi_fork_split(w), execi_fork_split(to), true);
        return true;
}

void execi_forkstack_joined(exec_forks *at, const _Atomic(uint32_t) *hungry)
{
        struct execi_forkstack *s = execi_forkstack_of(at);
        unsigned i = execi_forkstack_index(at);
        uint64_t w, to;

        atom_store(execi_fork_at(at), NULL, RELAXED); /* @relaxed owner: nobody takes it twice */
        set_watched(s, i, i + 1, false);
        w = atom_load(&s->word, ACQUIRE); /* @pair fork.mark */
        do
                to = execi_fork_pack(i, i, is_hungry(hungry));
        while (!atom_cas(&s->word, &w, to, ACQ_REL));
        swapped(s, i, i, w, to, hungry);
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
        unsigned head = execi_forkstack_head(s), top;
        uint64_t w;

        execi_spin_lock(&s->lock); /* a thief that has raised may lower again, below what is published here */
        w = atom_load(&s->word, ACQUIRE);
        do
                top = execi_fork_top(w);
        while (!atom_cas(&s->word, &w, execi_fork_pack(top, head, top == head), ACQ_REL)); /* @pair fork.public */
        execi_spin_unlock(&s->lock);
        set_watched(s, execi_fork_split(w), head + (top == head), true);
        return top < head;
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
                to = (w & ~(uint64_t)0xffff) | (i + 1);
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

        if (head <= split || !atom_cas(&s->word, &w, execi_fork_pack(execi_fork_top(w), head, false), SEQ_CST))
                return;
        set_watched(s, split, head, true);
        execi_membarrier();
        head = end_of_forks(s, split, head);
        w = atom_load(&s->word, ACQUIRE);
        while (execi_fork_split(w) > head && /* what was public may be hidden again: so the owner shall look */
               !atom_cas(&s->word, &w, execi_fork_pack(execi_fork_top(w), head, true), ACQ_REL))
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
        unsigned split = execi_fork_split(w), head;

        if (execi_fork_top(w) != split || ((w & FORK_HUNGRY) && is_watched(s, split)))
                return false;
        split = execi_fork_split(atom_or(&s->word, FORK_HUNGRY, SEQ_CST)); /* @pair fork.mark */
        head = execi_forkstack_head(s);
        set_watched(s, split, split + 1, true);
        set_watched(s, head > split + FORK_NEAR ? head - FORK_NEAR : split, head + FORK_NEAR, true);
        return true;
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
