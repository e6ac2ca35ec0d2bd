/* timers.h - deadlines: of a task's wait, of a sleep future, of a timeout scope. One heap and one lock a worker.
 *
 * T1 a timer fires under its heap's lock; a wait that ended otherwise takes the timer out under that lock before it
 *    returns: so nobody touches it afterwards.
 * T2 a heap's min_ns is stored before the lock falls; whoever lowers it looks whether the keeper must be told.
 * T3 a sleep that is not done belongs to a pool that lives: freeing the pool finishes every sleep, each under its LOCK, and
 *    then waits for its visitors. So who finds one not done under its LOCK may visit the pool.
 * T4 a scope expires once, under its heap's lock, where its request is counted and marked in the task's word; so who ends
 *    or moves it under that lock knows whether there is one. After the lock has fallen only the task is touched, which
 *    whoever passes the request on holds.
 * T5 a task that returns has ended its scopes, or the process panics: a timer would point into a frame that is gone. */
#ifndef EXECI_WAIT_TIMERS_H
#define EXECI_WAIT_TIMERS_H

#include "sched/pool.h"

/* The deadline of one wait, on the waiter's stack. */
struct execi_deadline {
        struct execi_timer timer;
        exec_future *task;
        struct execi_worker *owner; /* whose heap */
};

/* SCOPE_NONE is what zero-filled memory says; other memory is not likely to say one of the others. */
enum scope_state {
        SCOPE_NONE = 0,
        SCOPE_ACTIVE = 0x5c09e0a1,
        SCOPE_EXPIRING, /* its request was made */
        SCOPE_EXPIRED,  /* likewise, and it has ended */
        SCOPE_FINISHED, /* ended in time */
};

/* A timeout scope, on its task's stack. */
struct execi_scope {
        struct execi_timer timer;
        _Atomic(int64_t) deadline_ns; /* written under the heap's lock */
        exec_future *task;
        _Atomic(struct execi_worker *) owner; /* whose heap; another one when it is begun again */
        struct execi_scope *outer;            /* on the same stack; the running task only */
        _Atomic(uint32_t) state;              /* enum scope_state; written under the heap's lock */
        uint32_t n_before;                    /* cancel requests of the task that are none of its own */
};

void execi_timers_init(struct execi_timers *t);

/* For a commit: lock @w's heap; insert; unlock and tell the keeper. In between the wait is armed. */
void execi_deadline_begin(struct execi_worker *w, struct execi_deadline *d);
void execi_deadline_insert(struct execi_deadline *d);
void execi_deadline_end(struct execi_deadline *d);
/* The waiter, when something else ended its wait. */
void execi_deadline_remove(struct execi_deadline *d);

/* Finish what is due in @v's heap. true: something was. */
bool execi_timers_fire(struct execi_worker *w, struct execi_worker *v, int64_t now_ns);

/* Scopes; all but move by their task. @is_due: expire it at once. */
void execi_scope_begin(struct execi_worker *owner, struct execi_scope *s, int64_t deadline_ns, bool is_due);
/* true: it has expired; nobody touches it any more. */
bool execi_scope_end(struct execi_scope *s);
/* Expire it unless it has, or its deadline is later than @now_ns: a request of the running task to itself. */
void execi_scope_expire(struct execi_scope *s, int64_t now_ns);
/* false: it is not active. */
bool execi_scope_move(struct execi_scope *s, int64_t deadline_ns);
/* @t has returned, and there are scopes on its stack: none is its own. T5 */
void execi_scopes_check(const struct execi_fiber *fiber, const exec_future *t);

/* Sleep futures. */
void execi_sleep_start(struct execi_worker *owner, exec_future *f, int64_t deadline_ns);
/* Take it out of its heap and finish it as cancelled. false: it is being finished, or is done. */
bool execi_sleep_cancel(struct execi_worker *w, exec_future *f, const char *reason);
/* Give up a reference. LEFT: it was not the last, or callbacks wait, and it will be freed when it has fired. STOPPED: it
 * was, and the timer is out, for good: the caller frees the cell. DONE: nothing was changed. Under the heap's lock, where
 * firing takes a reference of its own. */
enum sleep_unref { SLEEP_LEFT, SLEEP_STOPPED, SLEEP_DONE };
enum sleep_unref execi_sleep_unref(exec_future *f);
/* The pool ends: finish every sleep as cancelled. */
void execi_sleeps_cancel(struct exec_pool *pool);
bool execi_timers_any(struct exec_pool *pool);

#endif
