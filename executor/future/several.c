/* several.c - see several.h.
 *
 * Each future that has not ended gets a slot in its list of waiters. The slots are one allocation, made when the wait
 * begins; few of them lie on the caller's stack.
 * L1 n_left counts the slots that are linked or in the hands of a finishing thread, and 1 while the waiter registers.
 *    Exactly one makes it 0: the waiter, at the end of registering or when it has taken its slots back; or a finishing
 *    thread, which then ends the wait and sets told. So the waiter may go when it has made it 0 or sees told.
 * L2 ended and the claim of the waiter are one step under the lock; so are its arming and a look at ended. Whoever claimed
 *    it wakes it as his last step, when he has left this record already.
 * L3 who waits without a deadline for the first of many lets the tasks run first that are ready now, and some new ones, no
 *    more than a wake would let: one of them may end a future, and to look at many twice costs a fraction of linking and
 *    unlinking them. */
#include "future/several.h"

#include "future/here.h"
#include "port/memory.h"
#include "wait/block.h"
#include "wait/waitlist.h"

#include <executor/future.h>

#include <limits.h>

enum { N_FEW = 16, AHEAD = 8 };

/* Tasks that a worker starts before it goes on with one that waits for the first of several: what finishes meanwhile it
 * finds done at once, and each wait costs as much as there are futures. */
enum { NEW_BEFORE_WAITER = 16 };

struct several;

struct slot {
        union {
                struct execi_waiter node;
                struct { /* when the wait is over */
                        struct slot *next;
                        struct slot *chain; /* the first in this place of a table */
                };
        };
        struct several *of;
        exec_future *future; /* NULL: it was not linked */
};

struct several {
        enum several_until until;
        _Atomic(size_t) n_left;
        _Atomic(bool) told;
        _Atomic(bool) ended; /* written under the lock */
        struct execi_spin lock;
        size_t first;                 /* L(lock) */
        struct execi_waitlist waiter; /* L(lock) */
        bool last;                    /* the waiter has made n_left 0 */
        size_t n;
        struct slot *slots;
};

int execi_several_check(exec_future *const f[], size_t n)
{
        exec_future *self = execi_here_root(execi_worker_current());

        if (!f || n > INT_MAX)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                if (!execi_is_future(f[i]))
                        return -EINVAL;
                if (f[i] == self)
                        return -EDEADLK;
        }
        return 0;
}

/* Does this end, of a future that is done, end the wait? */
static inline bool is_decisive(enum several_until until, const exec_future *f)
{
        switch (until) {
        case UNTIL_ONE:
                return true;
        case UNTIL_FAILURE:
                return f->state == EXEC_FAILED;
        case UNTIL_SUCCESS:
                return f->state == EXEC_DONE;
        case UNTIL_ALL:
                break;
        }
        return false;
}

/* L2. @i: the slot, or n. Whom the caller is to wake, or NULL. */
static struct execi_listed *end(struct several *x, size_t i)
{
        struct execi_listed *k = NULL;

        if (atom_load(&x->ended, RELAXED)) /* @relaxed hint: it stays so */
                return NULL;
        execi_spin_lock(&x->lock);
        if (!atom_load(&x->ended, RELAXED)) { /* @relaxed locked */
                x->first = i;
                atom_store(&x->ended, true, RELAXED); /* @relaxed locked */
                k = execi_waitlist_claim(&x->waiter);
        }
        execi_spin_unlock(&x->lock);
        return k;
}

static void wake(struct execi_worker *w, struct execi_listed *k, enum several_until until)
{
        if (w && until == UNTIL_ONE)
                w->n_new_first = NEW_BEFORE_WAITER;
        execi_waitlist_wake(w, k, until == UNTIL_ONE ? WAKE_QUEUE : WAKE_NEXT);
}

static void slot_finished(struct execi_worker *w, struct execi_waiter *node)
{
        struct slot *s = (struct slot *)node;
        struct several *x = s->of;
        enum several_until until = x->until;
        struct execi_listed *k = is_decisive(until, s->future) ? end(x, (size_t)(s - x->slots)) : NULL;

        if (atom_sub(&x->n_left, 1, ACQ_REL) == 1) { /* @pair several.left: release of each, acquire of the last */
                if (!k)
                        k = end(x, x->n);
                atom_store(&x->told, true, RELEASE); /* last touch; @pair several.told */
        }
        if (k)
                wake(w, k, until);
}

/* The waiter: @n of the count are gone. */
static void give_up(struct several *x, size_t n)
{
        if (n && atom_sub(&x->n_left, n, ACQ_REL) == n) /* @pair several.left */
                x->last = true;
}

/* Link a slot to each future, until the wait has ended. */
static void register_all(struct several *x, exec_future *const f[])
{
        size_t i, n_gone = 1;

        for (i = 0; i < x->n && !atom_load(&x->ended, RELAXED); i++) { /* @relaxed hint */
                struct slot *s = &x->slots[i];

                if (i + AHEAD < x->n)
                        PREFETCH(f[i + AHEAD]);
                s->node.kind = WAITER_ENTRY;
                s->node.finished = slot_finished;
                s->of = x;
                s->future = f[i];
                if (execi_waiter_link(f[i], &s->node))
                        continue;
                s->future = NULL;
                n_gone++;
                if (is_decisive(x->until, f[i]))
                        end(x, i);
        }
        for (n_gone += x->n - i; i < x->n; i++)
                x->slots[i].future = NULL;
        give_up(x, n_gone);
        if (x->last)
                end(x, x->n);
}

/* Take every slot back; wait for those that a finishing thread has. */
static void withdraw_all(struct several *x)
{
        size_t n_back = 0;
        unsigned turns = 0;

        for (size_t i = 0; i < x->n; i++) {
                struct slot *s = &x->slots[i];

                if (i + AHEAD < x->n && x->slots[i + AHEAD].future)
                        PREFETCH(x->slots[i + AHEAD].future);
                if (s->future && !execi_state_is_done(s->future))
                        n_back += execi_waiter_unlink_entry(s->future, &s->node);
        }
        give_up(x, n_back);
        while (!x->last && !atom_load(&x->told, ACQUIRE)) /* @pair several.told */
                execi_spin_yield(&turns);
}

/* L(lock) */
static bool must_wait(void *ctx)
{
        return !atom_load(&((struct several *)ctx)->ended, RELAXED); /* @relaxed locked */
}

static int wait_until_ended(struct several *x, int64_t deadline_ns)
{
        const struct execi_waiting what = {&x->waiter, &x->lock, must_wait, x};
        int r = 0;

        while (!r && must_wait(x))
                r = execi_waitlist_wait(&what, deadline_ns);
        return r;
}

/* Has the wait ended before it began? */
static bool is_over(const struct several *x, exec_future *const f[], size_t *first)
{
        size_t n_done = 0;

        for (size_t i = 0; i < x->n; i++) {
                if (i + AHEAD < x->n)
                        PREFETCH(f[i + AHEAD]);
                if (!execi_state_is_done(f[i])) {
                        if (x->until == UNTIL_ALL)
                                return false;
                        continue;
                }
                n_done++;
                if (is_decisive(x->until, f[i])) {
                        *first = i;
                        return true;
                }
        }
        return n_done == x->n;
}

/* On this worker. */
static bool is_any_ready(struct execi_worker *w)
{
        return atom_load(&w->next, RELAXED) || atom_load(&w->n_ready, RELAXED) || /* @relaxed hints */
               atom_load(&w->n_inbox, RELAXED) || execi_deque_count(&w->deque);
}

static int wait_unless_over(struct several *x, exec_future *const f[], int64_t deadline_ns, size_t *first)
{
        struct execi_worker *w = execi_worker_current();
        int r;

        *first = x->n;
        if (is_over(x, f, first))
                return 0;
        r = execi_may_wait(w);
        if (r)
                return r;
        if (w && execi_cancellation_point(w))
                return -ECANCELED;
        if (w && x->until == UNTIL_ONE && x->n > N_FEW && deadline_ns == EXEC_FOREVER && is_any_ready(w)) { /* L3 */
                if (execi_give_way(NEW_BEFORE_WAITER))
                        return -ECANCELED;
                if (is_over(x, f, first))
                        return 0;
        }
        x->first = x->n;
        atom_store(&x->n_left, x->n + 1, RELAXED); /* @relaxed init */
        register_all(x, f);
        r = wait_until_ended(x, deadline_ns);
        withdraw_all(x);
        *first = x->first;
        return r;
}

static inline struct slot **bucket(struct several *x, const exec_future *f)
{
        uint64_t h = ((uint64_t)(uintptr_t)f >> 6) * 0x9e3779b97f4a7c15u;

        return &x->slots[(h >> 32) * x->n >> 32].chain;
}

/* Some ended between the two looks at the array. One of those that stands in it twice may have been seen only in its second
 * place: so what the first look saw is put into a table, for which the slots have room now. */
static COLD size_t note_twins(struct several *x, exec_future *const f[], bool done[])
{
        size_t n_more = 0;

        for (size_t i = 0; i < x->n; i++)
                x->slots[i].chain = NULL;
        for (size_t i = 0; i < x->n; i++) {
                struct slot **b = bucket(x, f[i]), *s = &x->slots[i];

                if (!done[i])
                        continue;
                s->future = f[i];
                s->next = *b;
                *b = s;
        }
        for (size_t i = 0; i < x->n; i++) {
                struct slot *s = NULL;

                if (!done[i] && execi_state_is_done(f[i]))
                        for (s = *bucket(x, f[i]); s && s->future != f[i]; s = s->next)
                                ;
                if (!s)
                        continue;
                done[i] = true;
                n_more++;
        }
        return n_more;
}

/* Which are done now? How many. */
static size_t note_done(struct several *x, exec_future *const f[], bool done[])
{
        size_t n = 0;

        for (size_t i = 0; i < x->n; i++) {
                if (i + AHEAD < x->n)
                        PREFETCH(f[i + AHEAD]);
                done[i] = execi_state_is_done(f[i]) && exec_future_done(f[i]); /* most are not: without a call */
                n += done[i];
        }
        if (n == 0 || n == x->n)
                return n;
        for (size_t i = 0; i < x->n; i++)
                if (!done[i] && execi_state_is_done(f[i]))
                        return n + note_twins(x, f, done);
        return n;
}

static int wait_in(struct slot slots[], exec_future *const f[], size_t n, const struct execi_several *how,
                   struct execi_several_end *e)
{
        struct several x = {.until = how->until, .n = n, .slots = slots};
        int r = wait_unless_over(&x, f, how->deadline_ns, &e->first);

        if (how->done)
                e->n_done = note_done(&x, f, how->done);
        return r;
}

static NOINLINE int wait_for_few(exec_future *const f[], size_t n, const struct execi_several *how,
                                 struct execi_several_end *e)
{
        struct slot few[N_FEW];

        return wait_in(few, f, n, how, e);
}

int execi_several_wait(exec_future *const f[], size_t n, const struct execi_several *how, struct execi_several_end *e)
{
        struct slot *slots;
        int r;

        if (n <= N_FEW)
                return wait_for_few(f, n, how, e);
        slots = execi_alloc(n * sizeof *slots);
        if (!slots)
                return -ENOMEM;
        r = wait_in(slots, f, n, how, e);
        execi_free(slots, n * sizeof *slots);
        return r;
}
