/* acts.c - what bodies do to others: cancel, finish, take. */
#include "body.h"

static struct node *any_target(struct node *n, const struct op *op)
{
        struct node *c = op->n_targets ? &n->run->nodes[op->target[0]] : NULL;

        return c && node_future(c) ? c : NULL;
}
static void do_cancel(struct node *c, int reason)
{
        exec_future *f = node_future(c);
        bool was_done = exec_future_done(f);
        int rc = exec_cancel(f, reason_text(reason));

        if (rc == 0 && !was_done)
                atom_or(&c->late_reasons, 1u << reason, RELAXED);
        if (rc == 1) {
                bump(&c->accepted[reason]);
                atom_store(&c->asked_at, run_stamp(c->run), RELAXED);
        } else if (c->plan->kind == NODE_TASK || c->plan->kind == NODE_PROMISE)
                run_check(c->run, rc == 0 && exec_future_done(f), c, "cancel returned %d before the end", rc);
}

static void do_unstarted(struct node *c, int reason)
{
        int rc = exec_try_cancel_unstarted(node_future(c), reason_text(reason));

        if (c->plan->kind != NODE_TASK && c->plan->kind != NODE_SHIELD) {
                run_check(c->run, rc == -EINVAL, c, "try_cancel_unstarted said %d", rc);
                return;
        }
        if (rc != 1 || c->plan->kind != NODE_TASK)
                return;
        bump(&c->n_unstarted);
        may_ask(c, reason);
}

static void finish(struct node *c, uint8_t how)
{
        exec_future *f = node_future(c);
        unsigned none = 0;
        int rc;

        if (how % 4 == 3) {
                do_cancel(c, REASON_SWEPT);
                return;
        }
        atom_cas(&c->finish_began, &none, run_stamp(c->run), ACQUIRE); /* the first of several: not later than it was */
        rc = how % 4 == 0   ? exec_promise_set(f, c)
             : how % 4 == 1 ? exec_promise_fail(f, own_error(c))
                            : exec_promise_fail(f, -ECANCELED);
        run_check(c->run, rc == 0 || (rc == -EALREADY && exec_future_done(f)), c, "a promise said %d", rc);
        if (rc)
                return;
        atom_store(&c->finish_told, run_stamp(c->run), RELAXED);
        bump(how % 4 == 0 ? &c->n_set : how % 4 == 1 ? &c->n_failed : &c->n_broken);
        if (how % 4 == 0 && !(c->plan->flags & IS_PLAIN))
                bump(&c->n_values_made);
}

void body_sweep(struct run *r, struct node *n)
{
        if (!atom_load(&n->future, SEQ_CST)) /* @pair fuzz.swept */
                return;
        (void)r;
        if (n->plan->kind == NODE_PROMISE)
                finish(n, n->plan->how);
        else if (n->plan->flags & WAITS_FOREVER)
                do_cancel(n, REASON_SWEPT);
}

static void do_uncancel(struct node *n, struct node *c)
{
        int rc;

        if (c->plan->kind != NODE_TASK || (c != n && (c->plan->flags & WAITS_FOREVER)))
                return;
        if (c == n)
                n->uncancels = true;
        else
                bump(&c->n_uncancelled);
        rc = exec_uncancel(node_future(c));
        run_check(n->run, rc >= 0 && rc < 255, c, "uncancel said %d", rc);
}

/* Is it a gather, or shields around one? Its value stays its own. */
static bool is_gather(struct node *n)
{
        while (n->plan->kind == NODE_SHIELD)
                n = &n->run->nodes[n->plan->child[0]];
        return n->plan->kind == NODE_GATHER;
}

static void do_take(struct node *c)
{
        exec_future *f = node_future(c);
        bool was_done = exec_future_done(f);
        void *value = NULL;
        int rc = exec_take(f, &value);
        struct exec_outcome o = outcome_of(f);

        if (rc == 0 && value)
                bump(&((struct node *)value)->n_taken);
        if (rc == -EINPROGRESS)
                run_check(c->run, !was_done, c, "take of a future that is done: in progress");
        else if (rc == -EINVAL)
                run_check(c->run, is_gather(c), c, "take said %d", rc);
        else if (rc == 0 || rc == -EALREADY)
                run_check(c->run, o.state == EXEC_DONE && !is_gather(c), c, "take said %d", rc);
        else
                run_check(c->run, o.err == rc, c, "take said %d, not %d", rc, o.err);
}

int do_to_other(struct node *n, const struct op *op)
{
        struct node *c = any_target(n, op);
        int reason = op->a % 4;

        if (!c)
                return 0;
        switch (op->kind) {
        case OP_CANCEL:
                do_cancel(c, reason);
                break;
        case OP_UNSTARTED:
                do_unstarted(c, reason);
                break;
        case OP_UNCANCEL:
                do_uncancel(n, c);
                break;
        case OP_FINISH:
                if (c->plan->kind == NODE_PROMISE)
                        finish(c, op->a);
                break;
        case OP_CALLBACK:
                make_callback(c);
                break;
        case OP_NO_CALLBACK:
                atom_add(&c->n_callbacks_removed, make_no_callback(c), RELAXED);
                break;
        default:
                do_take(c);
                break;
        }
        return 0;
}

int do_self(struct node *n, int reason)
{
        if (is_thread(n))
                return 0;
        bump(&n->accepted[reason]);
        run_check(n->run, exec_cancel(exec_current_task(), reason_text(reason)) == 1, n, "it cannot cancel itself");
        return 0;
}

int do_stop_group(const struct place *at)
{
        struct team *team = at->team ? at->team : node_team(at->n);
        unsigned from = run_stamp(at->n->run);
        int rc = team ? exec_group_cancel(team->group) : 0;

        run_check(at->n->run, rc == 0 || rc == 1, at->n, "cancel of a group said %d", rc);
        if (rc == 1) {
                bump(&team->cancelled);
                atom_store(&team->asking_from, from, RELAXED);
                atom_store(&team->asked_at, run_stamp(at->n->run), RELAXED);
        }
        return 0;
}
