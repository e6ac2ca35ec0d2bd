/* group.c - task groups: begin, the end of a child, cancel, the end. See group.h. */
#include "future/group.h"

#include "future/here.h"
#include "port/memory.h"
#include "port/sanitizer.h"
#include "task/extra.h"
#include "wait/cancel.h"

#include <executor/future.h>

#include <string.h>

void exec_group_options_init(struct exec_group_options *options, size_t size)
{
        if (!options)
                return;
        memset(options, 0, size);
        options->size = size;
}

static int read_options(struct exec_group_options *to, const struct exec_group_options *from)
{
        memset(to, 0, sizeof *to);
        if (!from)
                return 0;
        if (from->size < offsetof(struct exec_group_options, limit) || from->size > 4096)
                return -EINVAL;
        memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
        return to->when_full > EXEC_GROUP_CALLER_RUNS ? -EINVAL : 0;
}

int exec_group_begin(exec_group **out, const struct exec_group_options *options)
{
        struct exec_group_options o;
        exec_group *g;
        int err = read_options(&o, options);

        if (!out)
                return -EINVAL;
        *out = NULL;
        if (err)
                return err;
        g = execi_alloc(sizeof *g);
        if (!g)
                return -ENOMEM;
        g->parent = execi_here_cell();
        if (g->parent) {
                execi_ref(g->parent);
                g->n_before = execi_state_n_delivered(g->parent);
        }
        g->limit = o.limit;
        g->when_full = o.when_full;
        g->in_body = true;
        g->errors_end = &g->errors;
        *out = g;
        return 0;
}

/* ---- children come and go; all L(lock) ---- */

static void unlink_child(struct execi_child *c)
{
        *c->at = c->next;
        if (c->next)
                c->next->at = c->at;
}

static bool is_quiet(const exec_group *g)
{
        return !execi_group_count(g) && !g->n_holds;
}

static bool has_children(void *group)
{
        return !is_quiet(group);
}

/* Who is to be woken when the lock has fallen. */
struct woken {
        struct execi_listed *ender, *creator;
        bool last; /* the group is to be freed */
};

/* A count or a hold was given up. */
static inline struct woken look(exec_group *g)
{
        struct woken k = {NULL, NULL, false};

        if (UNLIKELY(g->creators.first) && !execi_group_has_no_room(g))
                k.creator = execi_waitlist_claim(&g->creators);
        if (is_quiet(g)) {
                k.ender = execi_waitlist_claim(&g->ender);
                k.last = g->is_forgotten;
        }
        return k;
}

/* ---- not under the lock ---- */

static void free_child(exec_group *g, struct execi_child *c)
{
        if (c != &g->spare && c != &g->body)
                execi_free(c, sizeof *c);
}

static void free_group(struct execi_worker *w, exec_group *g)
{
        struct execi_child *next;

        for (struct execi_child *c = g->errors; c; c = next) {
                exec_future *f = c->error.task;

                next = c->next;
                free_child(g, c);
                if (f)
                        execi_unref(w, f);
        }
        if (g->parent)
                execi_unref(w, g->parent);
        execi_free(g, sizeof *g);
}

static inline void wake(struct execi_worker *w, exec_group *g, const struct woken *k)
{
        if (UNLIKELY(k->creator))
                execi_waitlist_wake(w, k->creator, WAKE_QUEUE);
        if (UNLIKELY(k->ender))
                execi_waitlist_wake(w, k->ender, WAKE_HOME);
        if (UNLIKELY(k->last))
                free_group(w, g);
}

/* ---- closing ---- */

/* L(lock) Close the group and hold it. false: it is closed already. */
static bool close_locked(exec_group *g, const char *why)
{
        if (g->is_closed)
                return false;
        g->is_closed = true;
        g->why = why;
        g->n_holds++;
        return true;
}

static void release_creators(struct execi_worker *w, exec_group *g)
{
        struct execi_listed *k;

        do {
                execi_spin_lock(&g->lock);
                k = execi_waitlist_claim(&g->creators);
                execi_spin_unlock(&g->lock);
                execi_waitlist_wake(w, k, WAKE_QUEUE);
        } while (k);
}

/* The next child that was not asked yet, referenced. NULL: all were. */
static exec_future *ask_next(exec_group *g)
{
        exec_future *f = NULL;
        struct execi_child *c;

        execi_spin_lock(&g->lock);
        while (!f && (c = g->children)) {
                uintptr_t unborn = 0;

                unlink_child(c);
                execi_group_push(&g->asked, c);
                if (atom_cas(&c->future, &unborn, CANCEL_WHEN_BORN, ACQ_REL)) /* @pair group.born */
                        continue;
                f = (exec_future *)unborn; /* NOLINT */
                execi_ref(f);
        }
        execi_spin_unlock(&g->lock);
        return f;
}

static void ask_parent(struct execi_worker *w, exec_group *g)
{
        bool ask;

        execi_spin_lock(&g->lock);
        ask = g->parent && g->in_body;
        g->parent_asked |= ask;
        execi_spin_unlock(&g->lock);
        if (ask)
                execi_cancel(w, g->parent, NULL, NULL);
}

/* The caller closed the group: cancel who is in it, and let go of it. */
static void stop(struct execi_worker *w, exec_group *g)
{
        const char *why = g->why;
        exec_future *f;
        struct woken k;

        release_creators(w, g);
        while ((f = ask_next(g))) {
                execi_cancel(w, f, why, NULL);
                execi_unref(w, f);
        }
        ask_parent(w, g);
        execi_spin_lock(&g->lock);
        g->n_holds--;
        k = look(g);
        execi_spin_unlock(&g->lock); /* G1 */
        wake(w, g, &k);
}

int exec_group_cancel(exec_group *g)
{
        bool first;

        if (!g)
                return -EINVAL;
        execi_spin_lock(&g->lock);
        first = close_locked(g, "its group was cancelled");
        execi_spin_unlock(&g->lock);
        if (first)
                stop(execi_worker_current(), g);
        return first;
}

/* ---- the end of a child ---- */

/* L(lock) */
static void record(exec_group *g, struct execi_child *c, const struct exec_group_error *error)
{
        c->error = *error;
        c->next = NULL;
        *g->errors_end = c;
        g->errors_end = &c->next;
        atom_bump(&g->n_errors, 1);
}

static COLD void child_failed(struct execi_worker *w, exec_group *g, struct execi_child *c, exec_future *f)
{
        const struct execi_extra *e = execi_extra_get(f);
        struct exec_group_error error = {.err = f->err, .task = f};
        struct woken k;
        bool first;

        if (e) {
                error.message = e->message;
                error.file = e->file;
                error.line = e->line;
                error.name = e->name[0] ? e->name : NULL;
        }
        atom_or(&f->seen, SEEN_ERROR, RELAXED); /* @relaxed flag */
        execi_spin_lock(&g->lock);
        unlink_child(c);
        record(g, c, &error);
        first = close_locked(g, "another task of its group failed");
        execi_spin_unlock(&g->lock);
        if (first)
                stop(w, g); /* under this child's count */
        execi_spin_lock(&g->lock);
        atom_bump(&g->n_children, -(size_t)1);
        k = look(g);
        execi_spin_unlock(&g->lock); /* G1 */
        wake(w, g, &k);
}

void execi_group_child_gone(struct execi_worker *w, exec_group *g, struct execi_child *c)
{
        struct woken k;

        execi_spin_lock(&g->lock);
        unlink_child(c);
        atom_bump(&g->n_children, -(size_t)1);
        k = look(g);
        execi_spin_unlock(&g->lock); /* G1 */
        execi_free(c, sizeof *c);
        wake(w, g, &k);
}

void execi_group_child_finished(struct execi_worker *w, struct execi_waiter *node)
{
        struct execi_child *c = (struct execi_child *)node;
        exec_future *f = (exec_future *)atom_load(&c->future, RELAXED); /* NOLINT; @relaxed set before it was linked */
        exec_group *g = c->group;

        execi_tsan_release(g);
        if (UNLIKELY(f->state == EXEC_FAILED)) {
                child_failed(w, g, c, f);
                return;
        }
        execi_group_child_gone(w, g, c);
        execi_unref(w, f);
}

/* ---- the end ---- */

/* All have gone, nobody comes any more. */
static bool try_end(exec_group *g)
{
        bool quiet, waited;

        execi_spin_lock(&g->lock);
        quiet = is_quiet(g);
        if (quiet) {
                g->has_ended = true;
                g->is_closed = true;
        }
        waited = quiet && g->creators.first;
        execi_spin_unlock(&g->lock);
        if (UNLIKELY(waited))
                release_creators(execi_worker_current(), g);
        return quiet;
}

/* The one who ends the group was cancelled in its wait. */
static void interrupted(exec_group *g)
{
        const char *why = g->parent ? exec_cancel_reason(g->parent) : NULL;
        bool first;

        g->interrupted = true;
        execi_spin_lock(&g->lock);
        first = close_locked(g, why);
        execi_spin_unlock(&g->lock);
        if (first)
                stop(execi_worker_current(), g);
}

static int wait_for_all(exec_group *g, int64_t deadline_ns)
{
        const struct execi_waiting all = {&g->ender, &g->lock, has_children, g};
        bool hushed = false;
        int r = 0;

        while (!try_end(g)) {
                r = execi_may_wait(execi_worker_current());
                if (!r)
                        r = execi_waitlist_wait(&all, deadline_ns);
                if (r == -ECANCELED) {
                        hushed |= execi_cancel_hush(execi_worker_current());
                        interrupted(g);
                } else if (r) {
                        r = try_end(g) ? 0 : r;
                        break;
                }
                r = 0;
        }
        execi_cancel_unhush(execi_worker_current(), hushed);
        return r;
}

/* The group's own request of its parent goes. true: there is no other. Inside forks it may be there still, as nothing is
 * delivered there: it goes with it. */
static bool withdraw(exec_group *g)
{
        if (UNLIKELY(execi_is_forked(g->parent)))
                return execi_state_uncancel_since(g->parent, g->n_before);
        return !execi_state_uncancel(g->parent);
}

/* What asyncio's TaskGroup.__aexit__ does when no child is left. */
static int conclude(exec_group *g, int body_err)
{
        if (g->parent_asked && withdraw(g))
                g->interrupted = false; /* it was this group alone */
        if (body_err && body_err != -ECANCELED) {
                execi_spin_lock(&g->lock);
                record(g, &g->body, &(struct exec_group_error){.err = body_err});
                execi_spin_unlock(&g->lock);
        }
        if (!g->errors)
                return g->interrupted ? -ECANCELED : 0;
        if (g->parent) /* somebody else's request, if there is one: the error goes first, the next wait sees it */
                execi_state_give_cancel_back(g->parent);
        return g->errors->error.err;
}

/* Leave the body. -EALREADY; else 0, and the children are cancelled where the body did not end well. */
static int leave_body(exec_group *g, int body_err)
{
        bool ended, first = false;

        execi_spin_lock(&g->lock);
        ended = g->has_ended || g->is_ending;
        if (!ended) {
                g->is_ending = true;
                g->in_body = false;
                if (body_err)
                        first = close_locked(g, body_err == -ECANCELED && g->parent ? exec_cancel_reason(g->parent)
                                                                                    : "the body of its group failed");
        }
        execi_spin_unlock(&g->lock);
        if (first)
                stop(execi_worker_current(), g);
        return ended ? -EALREADY : 0;
}

int exec_group_end_until(exec_group *g, int body_err, int64_t deadline_ns)
{
        int r;

        if (!g)
                return -EINVAL;
        if (g->parent != execi_here_cell())
                return -EPERM;
        if (body_err > 0)
                body_err = -EINVAL;
        r = leave_body(g, body_err);
        if (r)
                return r;
        if (body_err == -ECANCELED)
                g->interrupted = true;
        r = wait_for_all(g, deadline_ns);
        if (r) {
                execi_spin_lock(&g->lock);
                g->is_ending = false;
                g->in_body = true;
                execi_spin_unlock(&g->lock);
                return r;
        }
        execi_tsan_acquire(g);
        return conclude(g, body_err);
}

int exec_group_end(exec_group *g, int body_err)
{
        return exec_group_end_until(g, body_err, EXEC_FOREVER);
}

size_t exec_group_pending(const exec_group *g)
{
        return g ? atom_load(&((exec_group *)(uintptr_t)g)->n_children, ACQUIRE) : 0; /* NOLINT */
}

size_t exec_group_n_errors(const exec_group *g)
{
        return g ? atom_load(&((exec_group *)(uintptr_t)g)->n_errors, ACQUIRE) : 0; /* NOLINT */
}

/* One after the other costs nothing. */
const struct exec_group_error *exec_group_error(const exec_group *group, size_t i)
{
        exec_group *g = (exec_group *)(uintptr_t)group; /* NOLINT */
        const struct exec_group_error *error = NULL;

        if (!g)
                return NULL;
        execi_spin_lock(&g->lock);
        if (i < atom_load(&g->n_errors, RELAXED)) { /* @relaxed locked */
                if (!g->seen || i < g->i_seen) {
                        g->seen = g->errors;
                        g->i_seen = 0;
                }
                for (; g->i_seen < i; g->i_seen++)
                        g->seen = g->seen->next;
                error = &g->seen->error;
        }
        execi_spin_unlock(&g->lock);
        return error;
}

void exec_group_free(exec_group *g)
{
        struct execi_worker *w = execi_worker_current();
        bool first;

        if (!g)
                return;
        execi_spin_lock(&g->lock);
        if (g->has_ended) {
                execi_spin_unlock(&g->lock);
                free_group(w, g);
                return;
        }
        g->is_forgotten = true;
        g->in_body = false;
        first = close_locked(g, "its group was freed");
        if (!first)
                g->n_holds++;
        execi_spin_unlock(&g->lock);
        if (first) {
                stop(w, g);
        } else {
                struct woken k;

                execi_spin_lock(&g->lock);
                g->n_holds--;
                k = look(g);
                execi_spin_unlock(&g->lock);
                wake(w, g, &k);
        }
}
