/* timeout.c - timeout scopes, and the look at the clock of a task that computes.
 *
 * The scopes of a stack form a list, innermost first: those of the running task, then those of the tasks that await it on
 * the same stack. The heap's side of a scope is wait/timers.h (T4). */
#include "future/timeout.h"

#include "base/check.h"
#include "future/here.h"
#include "task/state.h"
#include "wait/timers.h"

#include <executor/timeout.h>

_Static_assert(sizeof(struct execi_scope) <= sizeof(struct exec_timeout), "room for a scope");
_Static_assert(_Alignof(struct execi_scope) <= _Alignof(struct exec_timeout), "room for a scope");

#define FAR_NS ((int64_t)50 * 1000) /* looks at the clock further apart than this come oftener */
enum { POLLS_MOST = 31 };

static struct execi_scope *inside(const struct exec_timeout *scope)
{
        return (struct execi_scope *)(uintptr_t)scope; /* NOLINT */
}

/* The running task's fiber; NULL where there is no current task. */
static struct execi_fiber *fiber_here(struct execi_worker *w)
{
        return w && !w->in_callback && execi_here_task(w) ? w->fiber : NULL;
}

/* Where the list names @s, a scope of the running task; NULL: nowhere. */
static struct execi_scope **find(struct execi_fiber *fiber, const struct execi_scope *s)
{
        struct execi_scope **link = &fiber->scope;

        while (*link && (*link)->task == fiber->task && *link != s)
                link = &(*link)->outer;
        return *link == s && s->task == fiber->task ? link : NULL;
}

/* Scopes lie above the frames of what goes on inside them. */
static void check_left_behind(const struct execi_fiber *fiber)
{
        const char *s = (const char *)fiber->scope;

        if (UNLIKELY(s && s >= fiber->low && s < (const char *)__builtin_frame_address(0)))
                execi_panic("a function returned from inside a timeout scope, without exec_timeout_end()");
}

int exec_timeout_begin(struct exec_timeout *scope, int64_t deadline_ns)
{
        struct execi_worker *w = execi_worker_current();
        struct execi_fiber *fiber = fiber_here(w);
        struct execi_scope *s = inside(scope);
        bool is_due;

        if (!scope)
                return -EINVAL;
        if (!fiber)
                return -EPERM;
        check_left_behind(fiber);
        if (find(fiber, s))
                return -EALREADY;
        s->task = fiber->task;
        s->n_before = execi_state_n_delivered(s->task);
        s->outer = fiber->scope;
        fiber->scope = s;
        w->polls_left = 0;
        is_due = deadline_ns != EXEC_FOREVER && deadline_ns <= execi_now(w->pool->chooser);
        execi_scope_begin(w, s, deadline_ns, is_due);
        return 0;
}

static int wrong_state(const struct execi_scope *s)
{
        switch (atom_load(&s->state, ACQUIRE)) {
        case SCOPE_ACTIVE:
                return 0;
        case SCOPE_EXPIRING:
                return -EINPROGRESS;
        case SCOPE_EXPIRED:
                return -ETIMEDOUT;
        case SCOPE_FINISHED:
                return -EALREADY;
        default:
                return -EINVAL;
        }
}

/* Those around @s whose deadlines are not later are due as well, whether or not somebody has looked: so the outermost of
 * them is always the same one. */
static void expire_outer(const struct execi_scope *s)
{
        int64_t due_ns = atom_load(&s->deadline_ns, RELAXED); /* @relaxed: of a scope that has expired it stays */

        for (struct execi_scope *o = s->outer; o && o->task == s->task; o = o->outer)
                if (atom_load(&o->deadline_ns, RELAXED) <= due_ns) /* @relaxed hint: looked at again under the lock */
                        execi_scope_expire(o, due_ns);
}

/* The other way round: @s was begun just before its deadline, and those around it with the same one had just been fired. */
static void expire_as_outer(struct execi_scope *s)
{
        int64_t due_ns = atom_load(&s->deadline_ns, RELAXED); /* @relaxed hint: looked at again under the lock */

        for (const struct execi_scope *o = s->outer; o && o->task == s->task; o = o->outer) {
                int64_t outer_ns;
                int state = wrong_state(o);

                if (state != -EINPROGRESS && state != -ETIMEDOUT)
                        continue;
                outer_ns = atom_load(&o->deadline_ns, RELAXED); /* @relaxed: it has expired: it stays */
                if (outer_ns >= due_ns)
                        execi_scope_expire(s, outer_ns);
        }
}

int exec_timeout_end(struct exec_timeout *scope, int err)
{
        struct execi_fiber *fiber = fiber_here(execi_worker_current());
        struct execi_scope *s = inside(scope), **link;
        int state;

        if (!scope)
                return -EINVAL;
        link = fiber ? find(fiber, s) : NULL;
        if (!link) {
                state = wrong_state(s);
                return state && state != -EINPROGRESS ? state : -EINVAL; /* somebody else's */
        }
        *link = s->outer;
        if (UNLIKELY(err == -ECANCELED))
                expire_as_outer(s);
        if (LIKELY(!execi_scope_end(s)))
                return err;
        expire_outer(s);
        return execi_state_uncancel_since(s->task, s->n_before) && err == -ECANCELED ? -ETIMEDOUT : err;
}

int exec_timeout_reschedule(struct exec_timeout *scope, int64_t deadline_ns)
{
        struct execi_worker *w = execi_worker_current();
        struct execi_fiber *fiber = fiber_here(w);
        struct execi_scope *s = inside(scope);
        int r = scope ? wrong_state(s) : -EINVAL;

        if (r)
                return r;
        if (!execi_scope_move(s, deadline_ns))
                return wrong_state(s);
        if (!fiber || !find(fiber, s)) /* somebody else's */
                return 0;
        w->polls_left = 0;
        if (deadline_ns != EXEC_FOREVER)
                execi_scope_expire(s, execi_now(w->pool->chooser));
        return 0;
}

int64_t exec_timeout_deadline(const struct exec_timeout *scope)
{
        if (!scope || wrong_state(inside(scope)) == -EINVAL)
                return EXEC_FOREVER;
        return atom_load(&inside(scope)->deadline_ns, ACQUIRE);
}

bool exec_timeout_expired(const struct exec_timeout *scope)
{
        int r = scope ? wrong_state(inside(scope)) : 0;

        return r == -EINPROGRESS || r == -ETIMEDOUT;
}

/* Of the current task's scopes, all of which have not ended. */
static int64_t earliest(bool with_expired)
{
        struct execi_fiber *fiber = fiber_here(execi_worker_current());
        int64_t min_ns = EXEC_FOREVER;

        if (!fiber)
                return min_ns;
        for (struct execi_scope *s = fiber->scope; s && s->task == fiber->task; s = s->outer) {
                int64_t deadline_ns = atom_load(&s->deadline_ns, RELAXED); /* @relaxed a number by itself */

                if (deadline_ns < min_ns && (with_expired || !wrong_state(s)))
                        min_ns = deadline_ns;
        }
        return min_ns;
}

int64_t exec_current_deadline(void)
{
        return earliest(false);
}

int64_t execi_timeout_inherited(void)
{
        return earliest(true);
}

/* A worker whose task computes does not look at its timers; with one worker nobody does. Where polls come quickly one
 * in 32 reads the clock; where they come seldom each. */
NOINLINE bool execi_timeout_poll(struct execi_worker *w, exec_future *t)
{
        struct execi_scope *s = w->fiber->scope;
        bool any = false;

        w->polls_left = POLLS_MOST;
        if (s || atom_load(&w->timers.min_ns, RELAXED) != INT64_MAX) { /* @relaxed hint */
                int64_t now_ns = execi_now(w->pool->chooser);

                if (now_ns - w->polls_ns > FAR_NS)
                        w->polls_every /= 4;
                else if (w->polls_every < POLLS_MOST)
                        w->polls_every = w->polls_every * 2 + 1;
                w->polls_ns = now_ns;
                w->polls_left = w->polls_every;
                any = execi_timers_fire(w, w, now_ns);
                for (; s; s = s->outer)
                        if (atom_load(&s->deadline_ns, RELAXED) <= now_ns && !wrong_state(s))       /* @relaxed hint */
                                any |= execi_timers_fire(w, atom_load(&s->owner, RELAXED), now_ns); /* @relaxed owner */
        }
        if (any)
                execi_gather_flush(w);
        return atom_load(&t->word, RELAXED) & WORD_CANCEL; /* @relaxed hint */
}
