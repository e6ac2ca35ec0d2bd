/* timers.c - see timers.h. */
#include "wait/timers.h"

#include "base/check.h"
#include "port/sanitizer.h"
#include "sched/idle.h"
#include "sched/ready.h"
#include "task/extra.h"
#include "task/slab.h"
#include "task/waitword.h"
#include "wait/cancel.h"
#include "wait/waiter.h"

enum timer_kind { TIMER_TASK, TIMER_SLEEP, TIMER_SCOPE };
enum { FIRE_BATCH = 256, SCOPE_BATCH = 32 };

void execi_timers_init(struct execi_timers *t)
{
        execi_heap_init(&t->heap);
        atom_store(&t->min_ns, INT64_MAX, RELAXED); /* @relaxed init */
}

/* L(lock) */
static void store_min(struct execi_timers *t)
{
        int64_t min = execi_heap_min(&t->heap);

        if (min != atom_load(&t->min_ns, RELAXED))    /* @relaxed locked */
                atom_store(&t->min_ns, min, SEQ_CST); /* @pair idle.keeper */
}

static struct exec_pool *pool_of(struct execi_timers *t)
{
        return CONTAINER_OF(t, struct execi_worker, timers)->pool;
}

static void push(struct execi_timers *t, struct execi_timer *timer)
{
        execi_heap_push(&t->heap, timer);
        store_min(t);
}

static void unlock_and_tell(struct execi_timers *t, int64_t deadline_ns)
{
        bool first = atom_load(&t->min_ns, RELAXED) == deadline_ns; /* @relaxed locked */
        struct exec_pool *pool = pool_of(t);

        execi_spin_unlock(&t->lock);
        if (first)
                execi_idle_timer(pool, deadline_ns);
}

void execi_deadline_begin(struct execi_worker *w, struct execi_deadline *d)
{
        d->owner = w;
        d->timer.kind = TIMER_TASK;
        execi_spin_lock(&w->timers.lock);
}

void execi_deadline_insert(struct execi_deadline *d)
{
        push(&d->owner->timers, &d->timer);
}

void execi_deadline_end(struct execi_deadline *d)
{
        unlock_and_tell(&d->owner->timers, d->timer.deadline_ns);
}

void execi_deadline_remove(struct execi_deadline *d)
{
        struct execi_timers *t = &d->owner->timers;

        execi_spin_lock(&t->lock);
        if (execi_heap_remove(&t->heap, &d->timer))
                store_min(t);
        execi_spin_unlock(&t->lock);
}

static exec_future *cell_of_sleep(struct execi_timer *timer)
{
        return CONTAINER_OF(timer, exec_future, timer);
}

struct fired {
        struct execi_link *tasks, **tasks_end;
        struct execi_timer *sleeps, **sleeps_end;
        exec_future *expired[SCOPE_BATCH]; /* tasks with a new request, held */
        int n_expired;
        bool more;
};

/* L(lock): T4. The task is inside the scope: it does not end before it has taken this lock. */
static exec_future *expire(struct execi_scope *s)
{
        exec_future *t = s->task;
        uint64_t w = execi_state_lock(t);

        atom_add(&t->refs, 1, RELAXED); /* @relaxed count: under LOCK (state.h W7) */
        execi_state_unlock(t, w & ~WORD_DETACHED);
        atom_store(&s->state, SCOPE_EXPIRING, RELEASE);
        execi_tsan_release(t);
        execi_state_cancel(t);
        return t;
}

/* L(lock): take what is due; claim the waits. */
static void collect(struct execi_timers *t, int64_t now_ns, struct fired *out)
{
        struct execi_timer *timer = NULL;
        int n = 0;

        out->n_expired = 0;
        while (n++ < FIRE_BATCH && out->n_expired < SCOPE_BATCH && (timer = execi_heap_pop(&t->heap, now_ns))) {
                if (timer->kind == TIMER_SCOPE) {
                        out->expired[out->n_expired++] = expire(CONTAINER_OF(timer, struct execi_scope, timer));
                } else if (timer->kind == TIMER_TASK) {
                        exec_future *task = CONTAINER_OF(timer, struct execi_deadline, timer)->task;

                        if (execi_wait_claim(&task->wait, BY_DEADLINE) == CLAIM_WON) {
                                *out->tasks_end = &task->link;
                                out->tasks_end = &task->link.next;
                        }
                } else {
                        /* It is finished after the lock has fallen; the reference keeps it until then. */
                        execi_ref(cell_of_sleep(timer));
                        *out->sleeps_end = timer;
                        out->sleeps_end = &timer->next;
                }
        }
        *out->tasks_end = NULL;
        *out->sleeps_end = NULL;
        out->more = timer != NULL;
}

/* Pass the requests of scopes that expired on to what their tasks wait for. */
static void tell_expired(struct execi_worker *w, const struct fired *fired)
{
        for (int i = 0; i < fired->n_expired; i++) {
                execi_cancel_push(w, fired->expired[i]);
                execi_unref(w, fired->expired[i]);
        }
}

bool execi_timers_fire(struct execi_worker *w, struct execi_worker *v, int64_t now_ns)
{
        struct execi_timers *t = &v->timers;
        struct fired fired = {.tasks_end = &fired.tasks, .sleeps_end = &fired.sleeps};

        if (atom_load(&t->min_ns, RELAXED) > now_ns || !execi_spin_try(&t->lock)) /* @relaxed hint */
                return false;
        collect(t, now_ns, &fired);
        store_min(t);
        execi_spin_unlock(&t->lock);
        tell_expired(w, &fired);
        while (fired.tasks) {
                exec_future *task = execi_cell_of_link(fired.tasks);

                fired.tasks = fired.tasks->next;
                execi_wake(w, task, WAKE_QUEUE);
        }
        while (fired.sleeps) {
                exec_future *f = cell_of_sleep(fired.sleeps);

                fired.sleeps = fired.sleeps->next;
                execi_finish(w, f, EXEC_DONE, 0, NULL);
                execi_unref(w, f);
        }
        return true;
}

void execi_scope_begin(struct execi_worker *owner, struct execi_scope *s, int64_t deadline_ns, bool is_due)
{
        struct execi_timers *t = &owner->timers;

        execi_timer_init(&s->timer, deadline_ns, TIMER_SCOPE);
        atom_store(&s->owner, owner, RELAXED);             /* @relaxed: before state, which is looked at first */
        atom_store(&s->deadline_ns, deadline_ns, RELAXED); /* @relaxed init: nobody knows it */
        if (is_due || deadline_ns == INT64_MAX) {
                atom_store(&s->state, is_due ? SCOPE_EXPIRING : SCOPE_ACTIVE, RELEASE);
                if (is_due)
                        execi_state_cancel(s->task);
                return;
        }
        execi_spin_lock(&t->lock);
        atom_store(&s->state, SCOPE_ACTIVE, RELEASE);
        push(t, &s->timer);
        unlock_and_tell(t, deadline_ns);
}

/* For the scope's task, which alone changes the owner. */
static inline struct execi_timers *owner_timers(struct execi_scope *s)
{
        return &atom_load(&s->owner, RELAXED)->timers; /* @relaxed owner */
}

/* L(lock) */
static inline void take_scope_out(struct execi_timers *t, struct execi_scope *s)
{
        if (execi_heap_remove(&t->heap, &s->timer))
                store_min(t);
}

bool execi_scope_end(struct execi_scope *s)
{
        struct execi_timers *t = owner_timers(s);
        bool expired;

        execi_spin_lock(&t->lock);
        expired = atom_load(&s->state, RELAXED) == SCOPE_EXPIRING; /* @relaxed locked */
        take_scope_out(t, s);
        atom_store(&s->state, expired ? SCOPE_EXPIRED : SCOPE_FINISHED, RELEASE);
        execi_spin_unlock(&t->lock);
        return expired;
}

void execi_scope_expire(struct execi_scope *s, int64_t now_ns)
{
        struct execi_timers *t = owner_timers(s);

        execi_spin_lock(&t->lock);
        if (atom_load(&s->state, RELAXED) == SCOPE_ACTIVE && /* @relaxed locked */
            atom_load(&s->deadline_ns, RELAXED) <= now_ns) { /* @relaxed locked */
                take_scope_out(t, s);
                atom_store(&s->state, SCOPE_EXPIRING, RELEASE);
                execi_state_cancel(s->task); /* it runs: there is no wait to end */
        }
        execi_spin_unlock(&t->lock);
}

bool execi_scope_move(struct execi_scope *s, int64_t deadline_ns)
{
        struct execi_worker *owner = atom_load(&s->owner, ACQUIRE);
        struct execi_timers *t = &owner->timers;
        bool active;

        execi_spin_lock(&t->lock);
        active = atom_load(&s->state, ACQUIRE) == SCOPE_ACTIVE;
        if (active &&
            atom_load(&s->owner, RELAXED) != owner) { /* @relaxed: ended and begun again meanwhile; behind state */
                execi_spin_unlock(&t->lock);
                return execi_scope_move(s, deadline_ns);
        }
        if (active) {
                take_scope_out(t, s);
                s->timer.deadline_ns = deadline_ns;
                atom_store(&s->deadline_ns, deadline_ns, RELEASE);
                if (deadline_ns != INT64_MAX)
                        push(t, &s->timer);
        }
        if (active && deadline_ns != INT64_MAX)
                unlock_and_tell(t, deadline_ns);
        else
                execi_spin_unlock(&t->lock);
        return active;
}

/* AddressSanitizer knows that the frame of a scope left open is gone; it shall not say so first. */
COLD NO_ASAN void execi_scopes_check(const struct execi_fiber *fiber, const exec_future *t)
{
        if (fiber->scope->task == t)
                execi_panic("a task returned from inside a timeout scope, without exec_timeout_end()");
}

void execi_sleep_start(struct execi_worker *owner, exec_future *f, int64_t deadline_ns)
{
        struct execi_timers *t = &owner->timers;

        execi_timer_init(&f->timer, deadline_ns, TIMER_SLEEP);
        f->heap_owner = owner->id;
        execi_spin_lock(&t->lock);
        push(t, &f->timer);
        unlock_and_tell(t, deadline_ns);
}

/* T3: the heap of @f, whose pool is held until leave(); NULL: it is done. */
static struct execi_timers *visit(exec_future *f)
{
        struct execi_timers *t = NULL;
        uint64_t w;

        if (execi_state_is_done(f))
                return NULL;
        w = execi_state_lock(f);
        if (!(w & WORD_DONE)) {
                struct exec_pool *pool = execi_cell_pool(f);

                atom_add(&pool->n_visitors, 1, SEQ_CST);
                t = &pool->workers[f->heap_owner].timers;
        }
        execi_state_unlock(f, w);
        return t;
}

static void leave(struct execi_timers *t)
{
        atom_sub(&pool_of(t)->n_visitors, 1, RELEASE); /* last touch; @pair pool.visitors */
}

/* L(lock) */
static bool take_out(struct execi_timers *t, exec_future *f)
{
        bool removed = execi_heap_remove(&t->heap, &f->timer);

        if (removed)
                store_min(t);
        return removed;
}

bool execi_sleep_cancel(struct execi_worker *w, exec_future *f, const char *reason)
{
        struct execi_timers *t = visit(f);
        bool removed;

        if (!t)
                return false;
        execi_spin_lock(&t->lock);
        removed = take_out(t, f);
        execi_spin_unlock(&t->lock);
        if (removed) {
                execi_reason_set(f, reason);
                execi_finish(w, f, EXEC_CANCELLED, -ECANCELED, NULL);
        }
        leave(t); /* T3: not before it is done */
        return removed;
}

/* L(lock) The last reference goes. Firing would have one of its own: so the timer is in the heap. */
static enum sleep_unref drop_last(struct execi_timers *t, exec_future *f)
{
        if (execi_state_load(f) & WORD_WAITERS) { /* callbacks: it fires for them */
                execi_state_detach(f);
                return SLEEP_LEFT;
        }
        take_out(t, f);
        return SLEEP_STOPPED;
}

enum sleep_unref execi_sleep_unref(exec_future *f)
{
        struct execi_timers *t = visit(f);
        enum sleep_unref answer = SLEEP_LEFT;

        if (!t)
                return SLEEP_DONE;
        execi_tsan_release(f);
        execi_spin_lock(&t->lock);
        if (atom_sub(&f->refs, 1, ACQ_REL) == 1) /* @pair reference.last */
                answer = drop_last(t, f);
        execi_spin_unlock(&t->lock);
        leave(t);
        return answer;
}

/* L(lock): take all sleeps out. Deadlines and scopes stay: their tasks are cancelled. */
static struct execi_timer *collect_sleeps(struct execi_timers *t)
{
        struct execi_timer *kept = NULL, *sleeps = NULL, *timer;

        while ((timer = execi_heap_pop(&t->heap, INT64_MAX))) {
                struct execi_timer **to = timer->kind == TIMER_SLEEP ? &sleeps : &kept;

                if (timer->kind == TIMER_SLEEP)
                        execi_ref(cell_of_sleep(timer));
                timer->next = *to;
                *to = timer;
        }
        while ((timer = kept)) {
                kept = timer->next;
                execi_heap_push(&t->heap, timer);
        }
        store_min(t);
        return sleeps;
}

void execi_sleeps_cancel(struct exec_pool *pool)
{
        for (unsigned i = 0; i < pool->n_workers; i++) {
                struct execi_timers *t = &pool->workers[i].timers;
                struct execi_timer *sleeps;

                execi_spin_lock(&t->lock);
                sleeps = collect_sleeps(t);
                execi_spin_unlock(&t->lock);
                while (sleeps) {
                        exec_future *f = cell_of_sleep(sleeps);

                        sleeps = sleeps->next;
                        execi_finish(NULL, f, EXEC_CANCELLED, -ECANCELED, NULL);
                        execi_unref(NULL, f);
                }
        }
}

bool execi_timers_any(struct exec_pool *pool)
{
        for (unsigned i = 0; i < pool->n_workers; i++)
                if (atom_load(&pool->workers[i].timers.min_ns, SEQ_CST) != INT64_MAX)
                        return true;
        return false;
}
