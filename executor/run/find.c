/* find.c - see find.h.
 *
 * Order in a busy worker: now and then (every 61 turns, oftener when turns are long) the clock, due timers and the queues
 * from outside; else the task woken last; the ready ones, so that live stacks stay few; new tasks, newest first; one turn
 * in four new tasks go before ready ones, so that neither starves. */
#include "run/find.h"

#include "run/fibers.h"
#include "run/strand.h"
#include "run/task.h"
#include "sched/forks.h"
#include "sched/idle.h"
#include "sched/ready.h"
#include "task/state.h"
#include "wait/timers.h"
#include "wait/waiter.h"

#define SEARCH_NS    ((int64_t)20 * 1000)  /* of fruitless search before a worker sleeps */
#define SEARCH_LEAST ((int64_t)2 * 1000)   /* where the work has been coming seldom */
#define SHORT_NS     (4 * SEARCH_NS)       /* a sleep so short was not worth it */
#define NEAR_NS      ((int64_t)5 * 1000)   /* a timer due so soon is waited for awake */
#define LONG_POLL_NS ((int64_t)200 * 1000) /* polls further apart than this come oftener */
enum { POLL_TURNS = 61, OUTSIDE_BATCH = 8, PAUSES = 8 };

void execi_spill(struct exec_pool *pool, exec_future *t)
{
        execi_inject_push(&pool->wakes, &t->link); /* never closed */
        execi_idle_notify_slow(pool);
}

NOINLINE void execi_share_slow(struct execi_worker *w)
{
        if (execi_deque_publish(&w->deque))
                execi_idle_notify_slow(w->pool);
}

/* Put what was taken elsewhere into the own deque, so that the oldest comes out first. */
static void keep(struct execi_worker *w, exec_future *t)
{
        if (!execi_deque_push(&w->deque, t))
                execi_spill(w->pool, t);
}

static exec_future *take_outside(struct execi_worker *w)
{
        struct exec_pool *pool = w->pool;
        struct execi_link *items[OUTSIDE_BATCH];
        size_t n;

        w->wakes_first = !w->wakes_first; /* neither starves the other */
        n = w->wakes_first ? execi_inject_pop(&pool->wakes, items, 1, false) : 0;
        if (!n)
                n = execi_inject_pop(&pool->outside, items, OUTSIDE_BATCH, false);
        if (!n)
                n = execi_inject_pop(&pool->wakes, items, 1, false);
        if (!n)
                return NULL;
        for (size_t i = n; i-- > 1;)
                keep(w, execi_cell_of_link(items[i]));
        if (n > 1)
                execi_share(w);
        return execi_cell_of_link(items[0]);
}

static bool fire_timers(struct execi_worker *w, int64_t now_ns)
{
        bool any = false;

        for (unsigned i = 0; i < w->pool->n_workers; i++)
                any |= execi_timers_fire(w, &w->pool->workers[i], now_ns);
        if (any)
                execi_gather_flush(w);
        return any;
}

static int64_t read_clock(struct execi_worker *w)
{
        int64_t now_ns = execi_now(w->pool->chooser);

        atom_store(&w->coarse_ms, (uint32_t)((now_ns - w->pool->start_ns) / 1000000), RELAXED); /* @relaxed hint */
        return now_ns;
}

static NOINLINE exec_future *poll(struct execi_worker *w)
{
        int64_t now_ns = read_clock(w);
        exec_future *t;

        if (now_ns - w->polled_ns > LONG_POLL_NS)
                w->poll_every = w->poll_every / 2 + 1;
        else if (w->poll_every < POLL_TURNS)
                w->poll_every = w->poll_every * 2 < POLL_TURNS ? w->poll_every * 2 : POLL_TURNS;
        w->polled_ns = now_ns;
        w->poll_tick = w->tick;
        fire_timers(w, now_ns);
        if (UNLIKELY(atom_load(&w->n_left, RELAXED)) && (t = execi_strand_steal(w, w))) /* @relaxed hint */
                return t;
        return take_outside(w);
}

static inline exec_future *pop_new(struct execi_worker *w)
{
        exec_future *t = execi_deque_pop(&w->deque);

        if (t)
                execi_share(w);
        return t;
}

/* From the next slot. Two tasks that wake each other must not keep a worker for ever: after many in a row the next one
 * goes behind what else there is. */
static inline exec_future *take_next(struct execi_worker *w)
{
        exec_future *t = execi_ready_take_next(w);

        if (!t)
                return NULL;
        if (LIKELY(w->n_handoffs++ < MAX_HANDOFFS))
                return t;
        w->n_handoffs = 0;
        if (!atom_load(&w->n_ready, RELAXED) && !atom_load(&w->n_inbox, RELAXED) && /* @relaxed hints */
            !execi_deque_count(&w->deque))
                return t;
        execi_ready_push(w, t);
        return NULL;
}

/* From the worker's own queues. */
static inline exec_future *find_own(struct execi_worker *w)
{
        exec_future *t;

        if ((t = take_next(w)))
                return t;
        w->n_handoffs = 0;
        if (UNLIKELY(w->n_new_first)) {
                w->n_new_first--;
                if ((t = pop_new(w)))
                        return t;
        }
        if ((++w->own_turn & 3) && (t = execi_ready_pop(w)))
                return t;
        if ((t = pop_new(w)) || (t = execi_ready_pop(w)))
                return t;
        return UNLIKELY(atom_load(&w->n_left, RELAXED)) ? execi_strand_steal(w, w) : NULL; /* @relaxed hint */
}

static exec_future *steal_from(struct execi_worker *v, struct execi_worker *w)
{
        size_t n = execi_deque_steal(&v->deque, w->loot, MAX_LOOT);

        if (!n) {
                exec_future *t = execi_ready_steal(v, w);

                if (!t)
                        t = execi_strand_steal(v, w);
                if (t)
                        atom_bump(&w->n_steals, 1);
                return t;
        }
        atom_bump(&w->n_steals, 1);
        atom_bump(&w->n_stolen, n);
        for (size_t i = 1; i < n; i++)
                keep(w, w->loot[i]);
        /* Others may want it, and this worker's look at what is left does not see its own. */
        if (n > 1 && atom_load(&w->pool->idle.wanted, SEQ_CST) > w->hungry)
                execi_share_slow(w);
        return w->loot[0];
}

/* Once round all queues that are not this worker's own. */
static exec_future *steal_round(struct execi_worker *w, bool next_slots, int64_t now_ns)
{
        struct exec_pool *pool = w->pool;
        unsigned first = execi_pick(pool->chooser, &w->random, pool->n_workers);
        exec_future *t = take_outside(w);

        for (unsigned i = 0; !t && i < pool->n_workers; i++) {
                struct execi_worker *v = &pool->workers[(first + i) % pool->n_workers];

                if (v == w)
                        continue;
                t = steal_from(v, w);
                if (!t && next_slots)
                        t = execi_ready_steal_next(v, w, now_ns);
        }
        return t;
}

/* A busy worker's private tasks: publish them for it. */
static exec_future *force_round(struct execi_worker *w)
{
        struct exec_pool *pool = w->pool;
        exec_future *t = NULL;

        for (unsigned i = 0; pool->membarrier && !t && i < pool->n_workers; i++) {
                struct execi_worker *v = &pool->workers[i];

                if (v != w &&
                    ((execi_deque_has_private(&v->deque) && execi_deque_force(&v->deque)) || execi_forks_force(v))) {
                        atom_bump(&w->n_forced, 1);
                        t = steal_from(v, w);
                }
        }
        return t;
}

/* Search for a while; @woken: from sleep, so something is to come. NULL: nothing. */
static exec_future *search(struct execi_worker *w, bool woken)
{
        int64_t now_ns = read_clock(w), end_ns;
        exec_future *t;
        unsigned turns = 0;

        if (woken)
                w->search_ns = now_ns - w->gave_up_ns < SHORT_NS ? SEARCH_NS : w->search_ns / 2;
        if (w->search_ns < SEARCH_LEAST)
                w->search_ns = SEARCH_LEAST;
        end_ns = now_ns + (woken ? SEARCH_NS : w->search_ns);
        do {
                if ((t = steal_round(w, false, now_ns)))
                        return t;
                if ((fire_timers(w, now_ns) || turns) && (t = find_own(w)))
                        return t;
                execi_idle_hungry(w);
                if (w->pool->n_workers == 1)
                        return find_own(w);
                for (int i = 0; i < PAUSES; i++)
                        execi_pause();
                now_ns = execi_now(w->pool->chooser);
        } while (turns++, now_ns < end_ns && !(atom_load(&w->pool->halt, RELAXED) & HALT_STOP)); /* @relaxed hint */
        w->gave_up_ns = now_ns;
        return force_round(w);
}

static bool is_any_due(struct exec_pool *pool, int64_t now_ns)
{
        for (unsigned i = 0; i < pool->n_workers; i++)
                if (atom_load(&pool->workers[i].timers.min_ns, RELAXED) <= now_ns) /* @relaxed hint */
                        return true;
        return false;
}

/* Fire what is due, and go on while timers come so densely that to sleep between two of them would take longer: but only
 * who has fired the last one waits for the next. It counts as a searcher meanwhile, and so looks for everything else, too;
 * and it sleeps all the same where somebody waits until all do. */
static exec_future *fire_on(struct execi_worker *w, int64_t now_ns)
{
        struct exec_pool *pool = w->pool;
        int64_t until_ns = now_ns;
        exec_future *t;

        do {
                if (fire_timers(w, now_ns))
                        until_ns = now_ns + NEAR_NS;
                else
                        execi_pause();
                execi_slab_flush(w->slab);
                if ((t = find_own(w)))
                        return t;
                now_ns = read_clock(w);
                if (!(t = steal_round(w, true, now_ns)))
                        t = force_round(w);
        } while (!t && is_any_due(pool, now_ns < until_ns ? until_ns : now_ns) &&
                 !atom_load(&pool->halt, RELAXED) &&        /* @relaxed hint */
                 !atom_load(&pool->drain_waiter, RELAXED)); /* @relaxed hint */
        return t;
}

/* The keeper's tick: one look at everything, so that a watch costs little. It counts as asleep meanwhile; so before it
 * runs what the program has tied to a timer it leaves the sleepers, else the pool would seem to have nothing to do. */
static exec_future *look_round(struct execi_worker *w)
{
        int64_t now_ns = read_clock(w);
        exec_future *t = steal_round(w, true, now_ns);

        if (!t && is_any_due(w->pool, now_ns)) {
                execi_idle_leave(w);
                w->trimmed = false; /* what ends may be freed here */
                w->trim_ns = 0;
                return fire_on(w, now_ns);
        }
        return t ? t : force_round(w);
}

static void trim(struct execi_worker *w)
{
        execi_slab_trim(w->slab);
        execi_fibers_trim(w);
        execi_spin_lock(&w->timers.lock);
        execi_heap_trim(&w->timers.heap);
        execi_spin_unlock(&w->timers.lock);
        execi_deque_trim(&w->deque);
        w->trimmed = true;
        execi_idle_trim_others(w);
}

static COLD void obey(struct execi_worker *w)
{
        /* One worker takes the wish and fulfils it. */
        if (atom_and(&w->pool->halt, ~(unsigned)HALT_WISH, ACQ_REL) & HALT_WISH)
                w->pool->stop_wish(w->pool);
}

static NOINLINE exec_future *find_elsewhere(struct execi_worker *w)
{
        exec_future *t = NULL;
        bool woken = false;

        execi_gather_flush(w);
        execi_slab_flush(w->slab);
        for (;;) {
                unsigned halt = atom_load(&w->pool->halt, ACQUIRE);
                enum sleep_answer answer;

                if (UNLIKELY(halt & HALT_STOP))
                        break;
                if (UNLIKELY(halt & HALT_WISH))
                        obey(w);
                if (woken && (t = take_outside(w))) { /* the shortest way for what a plain thread submits */
                        w->search_ns /= 2;
                        break;
                }
                if ((execi_idle_begin_search(w) && (t = search(w, woken))) || (t = find_own(w)))
                        break;
                do {
                        execi_slab_flush(w->slab); /* timers that fired may have freed others' cells */
                        answer = execi_idle_sleep(w);
                } while (answer == SLEEP_WATCH && !(t = look_round(w)));
                if (t) {
                        execi_idle_leave(w);
                        break;
                }
                if (answer == SLEEP_TRIM)
                        trim(w);
                woken = true;
        }
        execi_idle_end_search(w);
        return t;
}

/* No memory for a spare fiber: go on with tasks that have a stack, start none; the next new one ends with -ENOMEM. */
static COLD exec_future *find_without_spare(struct execi_worker *w)
{
        exec_future *t;

        if ((t = execi_ready_take_next(w)) || (t = execi_ready_pop(w)))
                return t;
        fire_timers(w, read_clock(w));
        if ((t = execi_ready_pop(w)))
                return t;
        t = find_elsewhere(w);
        if (t && !atom_load(&t->wait.word, ACQUIRE) && !execi_fibers_need_spare(w)) {
                if (t->flags & CELL_FORK) /* J1: later */
                        execi_spill(w->pool, t);
                else
                        execi_task_refuse(w, t, -ENOMEM);
                t = NULL;
        }
        return t;
}

exec_future *execi_find(struct execi_worker *w, bool *resume)
{
        exec_future *t = NULL;

        do {
                unsigned halt = atom_load(&w->pool->halt, RELAXED); /* @relaxed hint */

                if (UNLIKELY(halt & HALT_STOP))
                        return NULL;
                if (UNLIKELY(halt & HALT_WISH))
                        obey(w);
                if (UNLIKELY(!execi_fibers_need_spare(w))) {
                        t = find_without_spare(w);
                        continue;
                }
                w->tick++;
                if (UNLIKELY(w->tick - w->poll_tick >= w->poll_every))
                        t = poll(w);
                if (!t)
                        t = find_own(w);
                if (!t)
                        t = find_elsewhere(w);
                if (!t)
                        return NULL;
        } while (!t);
        *resume = atom_load(&t->wait.word, RELAXED) != 0; /* @relaxed: ordered by the queue */
        return t;
}
