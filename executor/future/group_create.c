/* group_create.c - task groups: creating children, also in a full group. See group.h. */
#include "future/failed.h"
#include "future/group.h"
#include "future/here.h"
#include "port/memory.h"
#include "port/sanitizer.h"
#include "wait/cancel.h"

#include <executor/future.h>

enum { WANTS_HANDLE = 1, MUST_AWAIT = 2 };

/* Somebody was woken because there was room, and did not take it. */
static void pass_on(struct execi_worker *w, exec_group *g)
{
        struct execi_listed *k = NULL;

        execi_spin_lock(&g->lock);
        if (!execi_group_has_no_room(g))
                k = execi_waitlist_claim(&g->creators);
        execi_spin_unlock(&g->lock);
        execi_waitlist_wake(w, k, WAKE_QUEUE);
}

/* A full group: 0: look again; or what the policy or the wait says. */
static COLD int wait_for_room(exec_group *g)
{
        const struct execi_waiting room = {&g->creators, &g->lock, execi_group_has_no_room, g};
        int r = execi_may_wait(execi_worker_current());

        if (g->when_full == EXEC_GROUP_REFUSE)
                return -EAGAIN;
        if (r)
                return r;
        r = execi_waitlist_wait(&room, EXEC_FOREVER);
        if (r)
                pass_on(execi_worker_current(), g);
        return r;
}

/* Count the child @c, which is about to be created. -EALREADY and others: it is not to be. */
static int admit(exec_group *g, struct execi_child *c, unsigned *flags)
{
        for (;;) {
                bool full, closed;
                int r;

                execi_spin_lock(&g->lock);
                closed = g->is_closed;
                full = execi_group_is_full(g);
                if (LIKELY(!closed && (!full || (*flags & MUST_AWAIT)))) {
                        execi_group_push(&g->children, c);
                        atom_bump(&g->n_children, 1);
                }
                execi_spin_unlock(&g->lock);
                if (closed)
                        return -EALREADY;
                if (LIKELY(!full)) {
                        *flags &= ~(unsigned)MUST_AWAIT;
                        return 0;
                }
                if (*flags & MUST_AWAIT)
                        return 0;
                if (g->when_full == EXEC_GROUP_CALLER_RUNS) {
                        r = execi_may_wait(execi_worker_current());
                        *flags |= MUST_AWAIT;
                } else {
                        r = wait_for_room(g);
                }
                if (r)
                        return r;
        }
}

/* Creating has failed: nothing ran. Nobody else has looked at @f. */
static bool was_refused(exec_future *f)
{
        return execi_state_is_done(f) && f->state == EXEC_FAILED &&
               (atom_load(&f->seen, RELAXED) & SEEN_ERROR); /* @relaxed behind DONE */
}

/* The caller of exec_group_create_task() was cancelled, and will not look: its next wait tells it. */
static void keep_cancel(void)
{
        exec_future *t = execi_here_cell();

        if (t)
                execi_state_give_cancel_back(t);
}

/* A full group's creator runs the child itself. A request that went on to the child, and ended it, comes back to it. */
static COLD int run_child(exec_future *f)
{
        exec_future *t = execi_here_cell();
        int r;

        if (t)
                atom_and(&t->seen, (uint8_t)~SEEN_PASSED, RELAXED); /* @relaxed flag, set only while it waits */
        r = exec_await(f, NULL);
        if (r != -ECANCELED || !t)
                return 0;
        if (exec_future_done(f) && f->state == EXEC_CANCELLED &&
            !(atom_load(&t->seen, RELAXED) & SEEN_PASSED)) /* @relaxed: ordered by the pin */
                return 0;
        return -ECANCELED;
}

/* Nothing is to come of it: the argument is dropped as by any creation that fails. */
static exec_future *refuse(int err, const void *arg, const struct exec_task_options *options)
{
        if (options)
                exec_create_task_with(NULL, arg, options);
        return execi_failed(err);
}

/* A child to be. */
struct birth {
        const char *place;
        exec_task_fn fn;
        const void *arg;
        const struct exec_task_options *options;
        unsigned flags;
};

/* Create the task of @c, which is counted. *err: what to tell a caller without a handle. */
static exec_future *bear(exec_group *g, struct execi_child *c, const struct birth *b, int *err)
{
        struct execi_worker *w = execi_worker_current();
        bool cancelled, keep;
        const char *why;
        exec_future *f;

        if (UNLIKELY(c == &g->spare))
                f = refuse(-ENOMEM, b->arg, b->options);
        else if (b->options)
                f = exec_create_task_with_at(b->place, b->fn, b->arg, b->options);
        else
                f = exec_create_task_at(b->place, b->fn, (void *)(uintptr_t)b->arg);  /* NOLINT */
        cancelled = atom_swap(&c->future, (uintptr_t)f, ACQ_REL) == CANCEL_WHEN_BORN; /* @pair group.born */
        why = cancelled ? g->why : NULL;
        if (!(b->flags & WANTS_HANDLE) && UNLIKELY(was_refused(f))) {
                *err = f->err;
                execi_group_child_gone(w, g, c);
                execi_unref(w, f);
                return NULL;
        }
        keep = cancelled || (b->flags & (WANTS_HANDLE | MUST_AWAIT));
        if (keep)
                execi_ref(f);
        if (!execi_waiter_link(f, &c->node)) {
                execi_tsan_acquire(f);
                execi_group_child_finished(w, &c->node);
        }
        if (UNLIKELY(cancelled)) /* G3 */
                execi_cancel(w, f, why, NULL);
        if (UNLIKELY(b->flags & MUST_AWAIT))
                *err = run_child(f);
        if ((b->flags & WANTS_HANDLE) || !keep)
                return f;
        execi_unref(execi_worker_current(), f);
        return NULL;
}

/* Room for a child; where there is no memory, once, the group's own: to have an error to keep. */
static struct execi_child *new_child(exec_group *g, unsigned flags)
{
        struct execi_child *c = execi_alloc(sizeof *c);

        if (UNLIKELY(!c && (flags & WANTS_HANDLE))) {
                execi_spin_lock(&g->lock);
                if (!g->spare_used)
                        c = &g->spare;
                g->spare_used = true;
                execi_spin_unlock(&g->lock);
        }
        if (LIKELY(c)) {
                c->node.kind = WAITER_ENTRY;
                c->node.finished = execi_group_child_finished;
                c->group = g;
        }
        return c;
}

static exec_future *create(exec_group *g, struct birth *b, int *err)
{
        struct execi_child *c;

        if (!g) {
                *err = -EINVAL;
                return refuse(*err, b->arg, b->options);
        }
        c = new_child(g, b->flags);
        *err = c ? admit(g, c, &b->flags) : -ENOMEM;
        if (LIKELY(!*err))
                return bear(g, c, b, err);
        if (c == &g->spare) {
                execi_spin_lock(&g->lock);
                g->spare_used = false;
                execi_spin_unlock(&g->lock);
        } else if (c) {
                execi_free(c, sizeof *c);
        }
        return refuse(*err, b->arg, b->options);
}

exec_future *exec_group_create_task_with_at(const char *place, exec_group *g, exec_task_fn fn, const void *arg,
                                            const struct exec_task_options *options)
{
        struct birth b = {place, fn, arg, options, WANTS_HANDLE};
        int err;
        exec_future *f = create(g, &b, &err);

        if (UNLIKELY(err == -ECANCELED))
                keep_cancel();
        return f;
}

exec_future *exec_group_create_task_with(exec_group *g, exec_task_fn fn, const void *arg,
                                         const struct exec_task_options *options)
{
        return exec_group_create_task_with_at(NULL, g, fn, arg, options);
}

exec_future *exec_group_create_task_at(const char *place, exec_group *g, exec_task_fn fn, void *arg)
{
        return exec_group_create_task_with_at(place, g, fn, arg, NULL);
}

exec_future *exec_group_create_task(exec_group *g, exec_task_fn fn, void *arg)
{
        return exec_group_create_task_with_at(NULL, g, fn, arg, NULL);
}

int exec_group_start_with_at(const char *place, exec_group *g, exec_task_fn fn, const void *arg,
                             const struct exec_task_options *options)
{
        struct birth b = {place, fn, arg, options, 0};
        int err;

        create(g, &b, &err);
        return err;
}

int exec_group_start_with(exec_group *g, exec_task_fn fn, const void *arg, const struct exec_task_options *options)
{
        return exec_group_start_with_at(NULL, g, fn, arg, options);
}

int exec_group_start_at(const char *place, exec_group *g, exec_task_fn fn, void *arg)
{
        return exec_group_start_with_at(place, g, fn, arg, NULL);
}

int exec_group_start(exec_group *g, exec_task_fn fn, void *arg)
{
        return exec_group_start_with_at(NULL, g, fn, arg, NULL);
}
