/* ready.c - see ready.h. */
#include "sched/ready.h"

#include "port/membarrier.h"
#include "sched/idle.h"

#define NEXT_STALE_NS ((int64_t)50 * 1000) /* a slot that stood longer belongs to anybody */
enum { STEAL_MAX = 32 };
enum { LONG_QUEUE = 128, FRAME_LINES = 9, RECORD_LINES = 3 };

static void push(struct execi_worker *to, struct execi_link *first, struct execi_link *last, uint32_t n)
{
        execi_spin_lock(&to->ready_lock);
        execi_fifo_push_chain(&to->ready, first, last);
        atom_store(&to->n_ready, atom_load(&to->n_ready, RELAXED) + n, RELEASE); /* @relaxed locked */
        execi_spin_unlock(&to->ready_lock);
}

static void push_inbox(struct execi_worker *to, struct execi_worker *w, exec_future *t)
{
        execi_spin_lock(&to->ready_lock);
        execi_fifo_push(&to->inbox, &t->link);
        atom_store(&to->n_inbox, atom_load(&to->n_inbox, RELAXED) + 1, RELEASE); /* @relaxed locked */
        execi_spin_unlock(&to->ready_lock);
        if (to != w)
                execi_idle_kick(to);
}

void execi_ready_push(struct execi_worker *w, exec_future *t)
{
        push(w, &t->link, &t->link, 1);
        execi_idle_notify(w->pool);
}

/* The worker whose inbox must be used, or NULL. */
static struct execi_worker *bound_to(struct exec_pool *pool, const exec_future *t)
{
        struct execi_worker *home;

        if (LIKELY(!atom_load(&pool->binds, RELAXED))) /* @relaxed: R2 */
                return NULL;
        home = t->fiber->worker;
        if (t->fiber->n_tied)
                return home;
        if (pool->flags & EXEC_POOL_FORCE_MIGRATE)
                return &pool->workers[(home->id + 1) % pool->n_workers];
        return NULL;
}

static void wake_from_outside(struct exec_pool *pool, exec_future *t)
{
        struct execi_worker *bound = bound_to(pool, t);

        atom_add(&pool->n_visitors, 1, SEQ_CST); /* the pool stays until this thread is through */
        if (bound) {
                push_inbox(bound, NULL, t);
        } else {
                execi_inject_push(&pool->wakes, &t->link);
                execi_idle_notify_slow(pool);
        }
        atom_sub(&pool->n_visitors, 1, RELEASE); /* last touch; @pair pool.visitors */
}

static void wake_next(struct execi_worker *w, exec_future *t)
{
        exec_future *displaced = execi_ready_take_next(w);

        if (atom_load(&w->next_wanted, RELAXED)) /* @relaxed R3 */
                execi_ready_take_next_slow(w, NULL);
        atom_bump(&w->next_turn, 1);
        atom_store(&w->next, t, RELEASE); /* @pair ready.next */
        if (displaced)
                execi_ready_push(w, displaced);
        execi_idle_watch(w->pool);
}

/* It leaves the fiber alone where it can: that of a task that slept for long is in no cache. */
void execi_wake_slow(struct execi_worker *w, exec_future *t, enum wake_where where)
{
        struct exec_pool *pool = execi_cell_pool(t);
        struct execi_worker *bound;

        if (!w || w->pool != pool)
                wake_from_outside(pool, t);
        else if (UNLIKELY((bound = bound_to(pool, t)) != NULL))
                push_inbox(bound, w, t);
        else if (where == WAKE_NEXT && !pool->slotless)
                wake_next(w, t);
        else {
                push(where == WAKE_HOME ? t->fiber->worker : w, &t->link, &t->link, 1);
                execi_idle_notify(pool);
        }
}

/* R3: a thief was seen after the slot was emptied. */
COLD exec_future *execi_ready_take_next_slow(struct execi_worker *w, exec_future *t)
{
        execi_spin_lock(&w->next_lock);
        if (w->next_stolen == t)
                t = NULL;
        w->next_stolen = NULL;
        atom_store(&w->next_wanted, 0, RELAXED); /* @relaxed locked; R3 */
        execi_spin_unlock(&w->next_lock);
        return t;
}

/* L(ready_lock) */
static struct execi_link *pop_from(struct execi_fifo *q, _Atomic(uint32_t) *n)
{
        struct execi_link *l = execi_fifo_pop(q);

        if (l)
                atom_store(n, atom_load(n, RELAXED) - 1, RELEASE); /* @relaxed locked */
        return l;
}

/* L(ready_lock) In a long queue the memory of each task has been out of use for long: fetch what the next one is going to
 * touch, its fiber and the frames of its wait, while this one runs; and the cell behind it. */
static inline void fetch_ahead(struct execi_worker *w)
{
        const struct execi_fifo *q = &w->ready;
        const char *fiber;

        if (LIKELY(atom_load(&w->n_ready, RELAXED) < LONG_QUEUE)) { /* @relaxed locked */
                if (LIKELY(!w->n_from_long) || !q->head)
                        return;
                w->n_from_long--;
        }
        fiber = (const char *)execi_cell_of_link(q->head)->fiber;
        for (int line = -FRAME_LINES; line < RECORD_LINES; line++)
                PREFETCH(fiber + line * CACHE_LINE);
        PREFETCH(q->head->next);
}

/* Inbox and queue take turns: a tied task that only yields must not starve the others. */
exec_future *execi_ready_pop(struct execi_worker *w)
{
        struct execi_link *l;

        if (!atom_load(&w->n_ready, RELAXED) && !atom_load(&w->n_inbox, RELAXED)) /* @relaxed hint */
                return NULL;
        w->inbox_first = !w->inbox_first;
        execi_spin_lock(&w->ready_lock);
        l = w->inbox_first ? pop_from(&w->inbox, &w->n_inbox) : NULL;
        if (!l)
                l = pop_from(&w->ready, &w->n_ready);
        if (!l)
                l = pop_from(&w->inbox, &w->n_inbox);
        fetch_ahead(w);
        execi_spin_unlock(&w->ready_lock);
        return l ? execi_cell_of_link(l) : NULL;
}

exec_future *execi_ready_steal(struct execi_worker *victim, struct execi_worker *w)
{
        struct execi_link *first, *last;
        uint32_t n, take;

        if (!atom_load(&victim->n_ready, RELAXED) || !execi_spin_try(&victim->ready_lock)) /* @relaxed hint */
                return NULL;
        n = atom_load(&victim->n_ready, RELAXED); /* @relaxed locked */
        take = (n + 1) / 2 < STEAL_MAX ? (n + 1) / 2 : STEAL_MAX;
        first = last = victim->ready.head;
        for (uint32_t i = 1; i < take; i++)
                last = last->next;
        if (take) {
                victim->ready.head = last->next;
                if (!victim->ready.head)
                        victim->ready.tail = NULL;
                atom_store(&victim->n_ready, n - take, RELEASE);
        }
        execi_spin_unlock(&victim->ready_lock);
        if (n >= LONG_QUEUE)
                w->n_from_long = take;
        if (take > 1)
                push(w, first->next, last, take - 1);
        return take ? execi_cell_of_link(first) : NULL;
}

/* R3 */
static exec_future *take_next_of(struct execi_worker *v)
{
        exec_future *t;

        if (!execi_spin_try(&v->next_lock))
                return NULL;
        if (v->next_stolen) { /* the owner has not learnt of the last theft; so the slot is empty */
                execi_spin_unlock(&v->next_lock);
                return NULL;
        }
        atom_store(&v->next_wanted, 1, SEQ_CST);
        execi_membarrier();
        t = atom_load(&v->next, ACQUIRE); /* @pair ready.next */
        v->next_stolen = t;
        if (t)
                atom_store(&v->next, NULL,
                           RELAXED); /* @relaxed R3: the owner takes the lock before it touches the slot */
        else
                atom_store(&v->next_wanted, 0, RELEASE);
        execi_spin_unlock(&v->next_lock);
        return t;
}

exec_future *execi_ready_steal_next(struct execi_worker *victim, struct execi_worker *w, int64_t now_ns)
{
        struct execi_seen *seen = &w->seen[victim->id];
        uint32_t turn = atom_load(&victim->next_turn, RELAXED); /* @relaxed hint */

        if (!atom_load(&victim->next, RELAXED)) /* @relaxed hint */
                return NULL;
        if (seen->turn != turn || !seen->since_ns) {
                seen->turn = turn;
                seen->since_ns = now_ns;
                return NULL;
        }
        if (now_ns - seen->since_ns < NEXT_STALE_NS)
                return NULL;
        seen->since_ns = 0;
        return take_next_of(victim);
}
