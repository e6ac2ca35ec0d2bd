/* idle.c - see idle.h and IDLE.md. */
#include "sched/idle.h"

#include "port/membarrier.h"
#include "sched/forks.h"
#include "sched/place.h"

#define WATCH_NS ((int64_t)1000 * 1000)       /* how often next slots are looked at while somebody is busy */
#define TRIM_NS  ((int64_t)400 * 1000 * 1000) /* idle for so long: give memory back */
#define NOBODY   INT64_MIN
#ifdef EXEC_MODEL
enum { QUIET_TICKS = 0 };
#else
enum { QUIET_TICKS = 8 }; /* so long unused slots are no longer watched */
#endif

void execi_idle_init(struct exec_pool *pool)
{
        atom_store(&pool->idle.keeper_ns, NOBODY, RELAXED); /* @relaxed init */
        /* Without membarrier every push publishes and looks at the counts with a locked instruction. */
        atom_store(&pool->idle.wanted, pool->membarrier ? 0 : 1, RELAXED); /* @relaxed init */
}

/* L(idle.lock) */
static void link_sleeper(struct execi_idle *idle, struct execi_worker *w)
{
        atom_store(&w->is_sleeper, true, RELAXED); /* @relaxed locked */
        w->sleeper_prev = NULL;
        w->sleeper_next = idle->sleepers;
        if (idle->sleepers)
                idle->sleepers->sleeper_prev = w;
        idle->sleepers = w;
}

/* L(idle.lock) From a sleeper to a searcher. The counts come first: who sees that it was woken does not take the lock. */
static void unlink_sleeper(struct execi_idle *idle, struct execi_worker *w)
{
        atom_add(&idle->counts, IDLE_SEARCHER - 1, SEQ_CST);
        if (w->sleeper_prev)
                w->sleeper_prev->sleeper_next = w->sleeper_next;
        else
                idle->sleepers = w->sleeper_next;
        if (w->sleeper_next)
                w->sleeper_next->sleeper_prev = w->sleeper_prev;
        atom_store(&w->is_sleeper, false, RELEASE); /* @pair idle.woken */
}

/* The keeper leaves: another sleeper takes over. L(idle.lock). Returns the one to be kicked, or NULL. */
static struct execi_worker *hand_over(struct execi_idle *idle, struct execi_worker *w)
{
        if (idle->keeper != w)
                return NULL;
        idle->keeper = idle->sleepers;
        atom_store(&idle->keeper_ns, NOBODY, SEQ_CST); /* the new keeper looks at every heap before it sleeps */
        return idle->keeper;
}

/* @pair idle.sleep: seq_cst on the counts after the work was published. @forked: of a fork. */
static void notify(struct exec_pool *pool, bool forked)
{
        struct execi_idle *idle = &pool->idle;
        struct execi_worker *w = NULL, *heir = NULL;
        bool moving = false;
        uint64_t c = pool->membarrier ? atom_load(&idle->counts, SEQ_CST) : atom_add(&idle->counts, 0, SEQ_CST);

        if (!IDLE_SLEEPERS(c) || IDLE_SEARCHERS(c))
                return;
        execi_spin_lock(&idle->lock);
        c = atom_load(&idle->counts, SEQ_CST);
        if (idle->sleepers && !IDLE_SEARCHERS(c)) {
                w = idle->sleepers;
                if (w == idle->keeper && w->sleeper_next) /* the timers' keeper sleeps on if another can go */
                        w = w->sleeper_next;
                moving = forked && execi_place_begin(w);
                unlink_sleeper(idle, w);
                heir = hand_over(idle, w);
                atom_bump(&idle->n_unparks, 1);
        }
        execi_spin_unlock(&idle->lock);
        if (moving)
                execi_place_move(w);
        if (w)
                execi_parker_unpark(&w->parker);
        if (heir)
                execi_parker_unpark(&heir->parker);
}

COLD void execi_idle_notify_slow(struct exec_pool *pool)
{
        notify(pool, false);
}

COLD void execi_idle_notify_forked(struct exec_pool *pool)
{
        notify(pool, true);
}

void execi_idle_kick(struct execi_worker *w)
{
        execi_parker_unpark(&w->parker);
}

static void kick_keeper(struct exec_pool *pool)
{
        struct execi_worker *keeper;

        execi_spin_lock(&pool->idle.lock);
        keeper = pool->idle.keeper;
        execi_spin_unlock(&pool->idle.lock);
        if (keeper)
                execi_parker_unpark(&keeper->parker);
}

COLD void execi_idle_watch_slow(struct exec_pool *pool)
{
        int off = 0;

        if (atom_cas(&pool->idle.watching, &off, 1, SEQ_CST))
                kick_keeper(pool);
}

void execi_idle_timer(struct exec_pool *pool, int64_t deadline_ns)
{
        /* @pair idle.keeper: the heap's minimum was stored seq_cst before */
        if (atom_load(&pool->idle.keeper_ns, SEQ_CST) > deadline_ns)
                kick_keeper(pool);
}

bool execi_idle_begin_search(struct execi_worker *w)
{
        struct execi_idle *idle = &w->pool->idle;
        uint64_t c = atom_load(&idle->counts, RELAXED); /* @relaxed recheck */

        while (!w->searching && IDLE_SEARCHERS(c) < (w->pool->n_workers + 1) / 2)
                w->searching = atom_cas(&idle->counts, &c, c + IDLE_SEARCHER, SEQ_CST);
        return w->searching;
}

void execi_idle_hungry(struct execi_worker *w)
{
        if (w->hungry)
                return;
        w->hungry = true;
        atom_add(&w->pool->idle.wanted, 1, SEQ_CST);
        execi_forks_mark_all(w);
}

/* Is there anything that @w could take? Also what a busy worker still hides. */
static bool is_work_visible(struct execi_worker *w)
{
        struct exec_pool *pool = w->pool;

        if (atom_load(&w->next, ACQUIRE) || atom_load(&w->n_inbox, ACQUIRE) || !execi_inject_empty(&pool->outside) ||
            !execi_inject_empty(&pool->wakes) || (atom_load(&pool->halt, ACQUIRE) & (HALT_STOP | HALT_WISH)))
                return true;
        for (unsigned i = 0; i < pool->n_workers; i++) {
                struct execi_worker *v = &pool->workers[i];

                if (atom_load(&v->n_ready, ACQUIRE) || execi_deque_has_public(&v->deque) ||
                    execi_forks_any(v, v != w) || (v != w && pool->membarrier && execi_deque_has_private(&v->deque)))
                        return true;
        }
        return false;
}

static bool are_forks_visible(struct execi_worker *w)
{
        struct exec_pool *pool = w->pool;

        for (unsigned i = 0; i < pool->n_workers; i++)
                if (execi_forks_any(&pool->workers[i], &pool->workers[i] != w))
                        return true;
        return false;
}

void execi_idle_end_search(struct execi_worker *w)
{
        struct execi_idle *idle = &w->pool->idle;

        w->trimmed = false;
        w->trim_ns = 0;
        if (w->hungry) {
                w->hungry = false;
                atom_sub(&idle->wanted, 1, SEQ_CST);
        }
        if (w->searching) {
                uint64_t c = atom_sub(&idle->counts, IDLE_SEARCHER, SEQ_CST) - IDLE_SEARCHER;

                w->searching = false;
                /* Producers skipped their wake because of this searcher: the last one passes it on. */
                if (!IDLE_SEARCHERS(c) && IDLE_SLEEPERS(c)) {
                        execi_forks_settle(w);
                        if (is_work_visible(w))
                                notify(w->pool, are_forks_visible(w));
                }
        }
}

static int64_t earliest_timer(struct exec_pool *pool)
{
        int64_t min = INT64_MAX;

        for (unsigned i = 0; i < pool->n_workers; i++) {
                int64_t m = atom_load(&pool->workers[i].timers.min_ns, SEQ_CST); /* @pair idle.keeper */

                if (m < min)
                        min = m;
        }
        return min;
}

bool execi_idle_all_asleep(struct exec_pool *pool)
{
        return IDLE_SLEEPERS(atom_load(&pool->idle.counts, SEQ_CST)) == pool->n_workers;
}

/* The keeper's tick: have the next slots been used lately? A busy worker that only computes need not be watched. */
static bool are_slots_quiet(struct exec_pool *pool)
{
        struct execi_idle *idle = &pool->idle;
        uint32_t turns = 0, n_quiet = 0;

        for (unsigned i = 0; i < pool->n_workers; i++)
                turns += atom_load(&pool->workers[i].next_turn, RELAXED); /* @relaxed hint */
        if (turns == atom_load(&idle->turns, RELAXED))                    /* @relaxed hint */
                n_quiet = atom_load(&idle->n_quiet, RELAXED) + 1;         /* @relaxed hint */
        atom_store(&idle->n_quiet, n_quiet, RELAXED);                     /* @relaxed hint */
        atom_store(&idle->turns, turns, RELAXED);                         /* @relaxed hint */
        return n_quiet > QUIET_TICKS;
}

static bool is_slot_filled(struct exec_pool *pool)
{
        for (unsigned i = 0; i < pool->n_workers; i++)
                if (atom_load(&pool->workers[i].next, ACQUIRE)) /* @pair ready.next */
                        return true;
        return false;
}

/* Must the keeper tick? Whoever fills a next slot after this either sees watching, or is seen here: as busy, or, behind the
 * membarrier, by what he filled. */
static bool must_watch(struct exec_pool *pool)
{
        struct execi_idle *idle = &pool->idle;
        bool busy = !execi_idle_all_asleep(pool), quiet = busy && pool->membarrier && are_slots_quiet(pool);

        atom_store(&idle->watching, busy && !quiet, SEQ_CST);
        if (quiet) {
                execi_membarrier();
                if (!is_slot_filled(pool))
                        return false;
                atom_store(&idle->watching, 1, SEQ_CST);
                return true;
        }
        if (!busy && !execi_idle_all_asleep(pool)) {
                atom_store(&idle->watching, 1, SEQ_CST);
                return true;
        }
        return busy;
}

/* Until when the keeper may sleep. Whoever arms an earlier timer after this either sees keeper_ns or is seen here. */
static int64_t keeper_deadline(struct exec_pool *pool)
{
        struct execi_idle *idle = &pool->idle;
        bool watch = must_watch(pool);
        int64_t until, timer;

        do {
                timer = until = earliest_timer(pool);
                if (watch) {
                        int64_t tick = execi_time_add(execi_now(pool->chooser), WATCH_NS);

                        until = tick < until ? tick : until;
                }
                atom_store(&idle->keeper_ns, until, SEQ_CST);
        } while (earliest_timer(pool) < timer);
        return until;
}

/* Announce, and see whether the drain of a closing pool is over: the last one asleep tells. */
static void announce(struct execi_worker *w)
{
        struct exec_pool *pool = w->pool;
        struct execi_idle *idle = &pool->idle;

        execi_spin_lock(&idle->lock);
        link_sleeper(idle, w);
        if (!idle->keeper)
                idle->keeper = w;
        atom_add(&idle->counts, w->searching ? 1 - IDLE_SEARCHER : 1, SEQ_CST); /* @pair idle.sleep */
        w->searching = false;
        execi_spin_unlock(&idle->lock);
        if (pool->membarrier)
                execi_membarrier();
        execi_forks_settle(w);
}

void execi_idle_leave(struct execi_worker *w)
{
        struct execi_idle *idle = &w->pool->idle;
        struct execi_worker *heir = NULL;

        w->searching = true;
        w->asleep = false;
        if (atom_load(&w->is_sleeper, ACQUIRE)) { /* @pair idle.woken */
                execi_spin_lock(&idle->lock);
                if (atom_load(&w->is_sleeper, RELAXED)) { /* @relaxed locked: nobody woke it, it goes by itself */
                        unlink_sleeper(idle, w);
                        heir = hand_over(idle, w);
                }
                execi_spin_unlock(&idle->lock);
                if (heir)
                        execi_parker_unpark(&heir->parker);
        }
        execi_place_restore(w);
        execi_place_note(w);
}

/* May @w sleep on? L(none). *keeper: it is the keeper. */
static bool is_still_sleeper(struct execi_worker *w, bool *keeper)
{
        struct execi_idle *idle = &w->pool->idle;
        bool is;

        if (!atom_load(&w->is_sleeper, ACQUIRE)) /* @pair idle.woken */
                return false;
        execi_spin_lock(&idle->lock);
        is = atom_load(&w->is_sleeper, RELAXED); /* @relaxed locked */
        *keeper = idle->keeper == w;
        execi_spin_unlock(&idle->lock);
        return is;
}

/* @pair idle.drain: who waits stores itself seq_cst and then reads the counts */
static void tell_drain_waiter(struct exec_pool *pool)
{
        if (!atom_load(&pool->drain_waiter, SEQ_CST) || !execi_idle_all_asleep(pool))
                return;
        execi_spin_lock(&pool->drain_lock);
        if (atom_load(&pool->drain_waiter, RELAXED)) /* @relaxed locked */
                execi_parker_unpark(atom_load(&pool->drain_waiter, RELAXED));
        execi_spin_unlock(&pool->drain_lock);
}

/* Announce it; or it has looked round and sleeps on. */
static void begin_sleep(struct execi_worker *w)
{
        if (w->asleep)
                return;
        execi_idle_hungry(w);
        execi_place_note(w);
        announce(w);
        w->asleep = true;
        atom_bump(&w->n_parks, 1);
        if (!w->trim_ns)
                w->trim_ns = execi_time_add(execi_now(w->pool->chooser), TRIM_NS);
}

/* When it is to give memory back: once in each sleep, and again when others have sent many cells home meanwhile. */
static int64_t when_to_trim(struct execi_worker *w)
{
        if (!w->trimmed)
                return w->trim_ns;
        return execi_slab_has_many_remote(w->slab) ? 0 : INT64_MAX;
}

void execi_idle_trim_others(struct execi_worker *w)
{
        struct exec_pool *pool = w->pool;

        for (unsigned i = 0; i < pool->n_workers; i++)
                if (&pool->workers[i] != w && execi_slab_has_many_remote(pool->workers[i].slab))
                        execi_idle_kick(&pool->workers[i]);
}

enum sleep_answer execi_idle_sleep(struct execi_worker *w)
{
        struct exec_pool *pool = w->pool;
        enum sleep_answer answer = SLEEP_SEARCH;
        bool keeper;

        begin_sleep(w);
        while (is_still_sleeper(w, &keeper) && !is_work_visible(w)) {
                int64_t until = keeper ? keeper_deadline(pool) : INT64_MAX, trim_ns = when_to_trim(w);

                tell_drain_waiter(pool);
                if (execi_parker_park(&w->parker, until < trim_ns ? until : trim_ns))
                        continue;
                if (until < trim_ns)
                        return SLEEP_WATCH;
                answer = SLEEP_TRIM;
                break;
        }
        execi_idle_leave(w);
        return answer;
}
