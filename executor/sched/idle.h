/* idle.h - who searches, who sleeps, who is woken. The argument that no wake-up is lost: IDLE.md. */
#ifndef EXECI_SCHED_IDLE_H
#define EXECI_SCHED_IDLE_H

#include "sched/pool.h"

#define IDLE_SEARCHER     ((uint64_t)1 << 32)
#define IDLE_SLEEPERS(c)  ((uint32_t)(c))
#define IDLE_SEARCHERS(c) ((uint32_t)((c) >> 32))

void execi_idle_init(struct exec_pool *pool);

/* Work was made visible: wake a sleeper unless somebody searches already. */
void execi_idle_notify_slow(struct exec_pool *pool);
/* The same of a fork, by a worker: who forks computes, and goes on; the one it wakes had better not share its CPU. */
void execi_idle_notify_forked(struct exec_pool *pool);
static inline bool execi_idle_is_wanted(struct exec_pool *pool)
{
        COMPILER_BARRIER(); /* the work is stored; a membarrier of the sleeper does the rest */
        return UNLIKELY(atom_load(&pool->idle.wanted, RELAXED)); /* @relaxed: membarrier in execi_idle_sleep */
}
static inline void execi_idle_notify(struct exec_pool *pool)
{
        if (execi_idle_is_wanted(pool))
                execi_idle_notify_slow(pool);
}

/* Something only @w may take, or the time of its sleep, changed. */
void execi_idle_kick(struct execi_worker *w);
/* A task lies in a next slot: somebody must look after it. */
void execi_idle_watch_slow(struct exec_pool *pool);
static inline void execi_idle_watch(struct exec_pool *pool)
{
        if (execi_idle_is_wanted(pool) && !atom_load(&pool->idle.watching, SEQ_CST))
                execi_idle_watch_slow(pool);
}
/* A timer became the earliest of its heap. */
void execi_idle_timer(struct exec_pool *pool, int64_t deadline_ns);

/* The worker's own steps. */
bool execi_idle_begin_search(struct execi_worker *w); /* false: enough others search */
void execi_idle_end_search(struct execi_worker *w);   /* it found work */
void execi_idle_hungry(struct execi_worker *w);       /* one round found nothing */
enum sleep_answer { SLEEP_SEARCH, SLEEP_WATCH, SLEEP_TRIM };
/* Sleep until woken or something is to do. SEARCH: look again. TRIM: idle for long; give memory back. On return the worker
 * counts as searching. WATCH: the keeper's tick; look round once, also at timers and next slots; the worker still counts as
 * asleep: sleep on, or execi_idle_leave() before anything of the program runs. */
enum sleep_answer execi_idle_sleep(struct execi_worker *w);
void execi_idle_leave(struct execi_worker *w);
/* It has given memory back; those who sleep may have got many cells back since they did. */
void execi_idle_trim_others(struct execi_worker *w);

bool execi_idle_all_asleep(struct exec_pool *pool);

#endif
