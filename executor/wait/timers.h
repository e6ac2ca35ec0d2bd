/* timers.h - deadlines: of a task's wait, and of a sleep future. One heap and one lock a worker.
 *
 * T1 a timer fires under its heap's lock; a wait that ended otherwise takes the timer out under that lock before it
 *    returns: so nobody touches it afterwards.
 * T2 a heap's min_ns is stored before the lock falls; whoever lowers it looks whether the keeper must be told.
 * T3 a sleep that is not done belongs to a pool that lives: freeing the pool finishes every sleep, each under its LOCK, and
 *    then waits for its visitors. So who finds one not done under its LOCK may visit the pool. */
#ifndef EXECI_WAIT_TIMERS_H
#define EXECI_WAIT_TIMERS_H

#include "sched/pool.h"

/* The deadline of one wait, on the waiter's stack. */
struct execi_deadline {
        struct execi_timer timer;
        exec_future *task;
        struct execi_worker *owner; /* whose heap */
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

/* Sleep futures. */
void execi_sleep_start(struct execi_worker *owner, exec_future *f, int64_t deadline_ns);
/* Take it out of its heap. false: it is being finished, or is done. */
bool execi_sleep_stop(exec_future *f);
/* Give up a reference. LEFT: it was not the last, or callbacks wait, and it will be freed when it has fired. STOPPED: it
 * was, and the timer is out, for good: the caller frees the cell. DONE: nothing was changed. Under the heap's lock, where
 * firing takes a reference of its own. */
enum sleep_unref { SLEEP_LEFT, SLEEP_STOPPED, SLEEP_DONE };
enum sleep_unref execi_sleep_unref(exec_future *f);
/* The pool ends: finish every sleep as cancelled. */
void execi_sleeps_cancel(struct exec_pool *pool);
bool execi_timers_any(struct exec_pool *pool);

#endif
