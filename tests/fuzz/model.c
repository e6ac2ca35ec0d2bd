/* model.c - what may have become of each node, once all is over.
 *
 * One pass in the order of the numbers: a node hears of a cancel request from calls that named it, from those who waited for
 * it (they have lower numbers), from its group. So it is known how many requests it may have had at most and with which
 * reasons, and of those made directly exactly which were accepted. From that, from what its body returned and from the
 * outcomes of its children follows how it may have ended: mostly in one way. */
#include "run.h"

#include <string.h>

enum { MANY = 10000 };

struct heard {
        int n;            /* requests from elsewhere, at most */
        int total;        /* and those of its own scopes and groups */
        int n_accepted;   /* direct ones, exactly */
        unsigned reasons; /* a bit for each that may be shown */
        unsigned late;    /* and for each of a request that may have come too late; a task may show that too */
};

bool outcome_is(exec_future *f, const struct exec_outcome *o)
{
        struct exec_outcome now;

        exec_future_outcome(f, &now);

        return now.state == o->state && now.err == o->err && now.value == o->value;
}

static struct exec_outcome end_of(struct node *n)
{
        struct exec_outcome o;

        exec_future_outcome(node_future(n), &o);
        return o;
}

/* A gather that failed with EXEC_CANCEL_REST cancelled its children. */
static void ask_children(struct node *n)
{
        if (n->plan->kind != NODE_GATHER || (n->plan->flags & COLLECTS) || !(n->plan->flags & CANCELS_REST) ||
            !node_future(n) || end_of(n).state != EXEC_FAILED)
                return;
        for (uint8_t i = 0; i < n->plan->n_children; i++) {
                struct node *c = &n->run->nodes[n->plan->child[i]];

                bump(&c->extra);
                atom_or(&c->extra_reasons, 1u << REASON_GATHER, RELAXED);
        }
}

static void hear_of_group(const struct run *r, struct node *n, struct heard *h, const struct heard all[])
{
        struct team *team = node_team(n);

        (void)r;
        if (!team || !team->closed)
                return;
        h->n++;
        if (team->n_errors)
                h->reasons |= 1u << REASON_GROUP_FAILED;
        if (count(&team->cancelled))
                h->reasons |= 1u << REASON_GROUP_CANCELLED;
        if (team->body_err)
                h->reasons |= 1u << REASON_GROUP_BODY;
        if (team->interrupted)
                h->reasons |= all[team->parent->id].reasons | 1u << REASON_NONE;
}

static void hear(struct run *r, uint8_t id, struct heard all[])
{
        struct node *n = &r->nodes[id];
        struct heard h = {.reasons = atom_load(&n->extra_reasons, RELAXED),
                          .late = atom_load(&n->late_reasons, RELAXED)};

        for (int i = 0; i < N_REASONS; i++) {
                h.n_accepted += count(&n->accepted[i]);
                h.reasons |= count(&n->accepted[i]) ? 1u << i : 0;
        }
        h.n = h.n_accepted + count(&n->extra);
        hear_of_group(r, n, &h, all);
        for (uint8_t p = 1; p < id; p++) {
                if (!count(&n->passes[p]))
                        continue;
                h.late |= all[p].reasons | all[p].late;
                if (!all[p].total)
                        continue;
                h.n += count(&n->passes[p]) * all[p].total;
                h.reasons |= all[p].reasons;
        }
        if (n->n_expired || n->n_closed) /* those have none */
                h.reasons |= 1u << REASON_NONE;
        h.n = h.n < MANY ? h.n : MANY;
        h.total = h.n + n->n_expired + 2 * n->n_closed;
        all[id] = h;
        ask_children(n);
}

static void check_reason(struct node *n, const struct heard *h, unsigned other)
{
        const char *text = exec_cancel_reason(node_future(n));
        bool cancelled = end_of(n).state == EXEC_CANCELLED,
             is_leaf = n->plan->kind == NODE_PROMISE || n->plan->kind == NODE_SLEEP;
        int reason = reason_of(text);

        run_check(n->run, reason < N_REASONS, n, "a strange reason: %s", text);
        if (reason == REASON_NONE) {
                /* The last one that is not NULL stands; a gather may have heard of the second while it asked for the first. */
                if (n->plan->kind != NODE_GATHER || h->n == 1)
                        for (int i = 1; cancelled && i < N_REASONS; i++)
                                run_check(n->run, !count(&n->accepted[i]), n, "the reason %s was lost", reason_text(i));
                run_check(n->run, !cancelled || !is_leaf || count(&n->n_broken) || (h->reasons & 1), n,
                          "cancelled without a reason, and each request had one");
                return;
        }
        run_check(n->run, (h->reasons | other) & (1u << reason), n, "its reason is %s, which nobody gave", text);
        run_check(n->run, cancelled || !is_leaf, n, "it was not cancelled, and has the reason %s", text);
}

/* ---- one for each kind ---- */

static void check_promise(struct node *n, const struct heard *h)
{
        struct exec_outcome o = end_of(n);
        int set = count(&n->n_set), failed = count(&n->n_failed), broken = count(&n->n_broken);

        run_check(n->run, set + failed + broken + h->n_accepted <= 1, n, "%d set, %d failed, %d broken, %d cancelled",
                  set, failed, broken, h->n_accepted);
        if (o.state == EXEC_DONE)
                run_check(n->run, set == 1 && o.value == n, n, "done, and nobody set it");
        else if (o.state == EXEC_FAILED)
                run_check(n->run, failed == 1 && o.err == own_error(n), n, "failed with %d", o.err);
        else
                run_check(n->run, !set && !failed && (broken || h->n), n, "cancelled by nobody");
}

static void check_sleep(struct node *n, const struct heard *h)
{
        struct exec_outcome o = end_of(n);

        run_check(n->run, h->n_accepted <= 1 && o.state != EXEC_FAILED, n, "%d cancels of a sleep that ended as %d",
                  h->n_accepted, o.state);
        run_check(n->run, o.state == EXEC_DONE ? !h->n_accepted : h->n > 0, n,
                  "a sleep ended as %d, cancelled %d times", o.state, h->n_accepted);
}

static void check_shield(struct node *n, const struct heard *h)
{
        struct exec_outcome o = end_of(n);
        bool same = outcome_is(node_future(&n->run->nodes[n->plan->child[0]]), &o);

        run_check(n->run, h->n_accepted <= 1, n, "a shield was cancelled %d times", h->n_accepted);
        if (h->n_accepted)
                run_check(n->run, o.state == EXEC_CANCELLED, n, "a shield was cancelled, and ended as %d", o.state);
        else
                run_check(n->run, same || (h->n && o.state == EXEC_CANCELLED), n, "a shield ended as %d", o.state);
}

static void check_gather_error(struct node *n, int err)
{
        struct node *nodes = n->run->nodes, *of = NULL;

        for (uint8_t i = 0; i < n->plan->n_children && !of; i++)
                if (end_of(&nodes[n->plan->child[i]]).err == err)
                        of = &nodes[n->plan->child[i]];
        if (!run_check(n->run, of != NULL, n, "a gather failed with %d, the error of nobody", err) ||
            err != own_error(of))
                return;
        for (uint8_t i = 0; i < n->plan->n_children; i++) {
                struct node *c = &nodes[n->plan->child[i]];
                unsigned told = atom_load(&c->finish_told, RELAXED), began = atom_load(&c->finish_began, RELAXED);

                if (end_of(c).state == EXEC_FAILED && began > n->made_at)
                        run_check(n->run, !told || told > atom_load(&of->finish_began, RELAXED), n,
                                  "a gather failed with the error of %d; %d was first", of->id, c->id);
        }
}

static void check_gather(struct node *n, const struct heard *h)
{
        struct exec_outcome o = end_of(n);
        bool collects = (n->plan->flags & COLLECTS) != 0;
        const struct exec_outcome *out = o.value;

        for (uint8_t i = 0; o.state == EXEC_DONE && i < n->plan->n_children; i++)
                run_check(n->run,
                          outcome_is(node_future(&n->run->nodes[n->plan->child[i]]), &out[i]) &&
                                  (collects || out[i].state == EXEC_DONE),
                          n, "a gather shows %d in place %d", out[i].state, i);
        if (o.state == EXEC_FAILED && run_check(n->run, !collects, n, "a gather of all failed with %d", o.err))
                check_gather_error(n, o.err);
        if (o.state == EXEC_CANCELLED)
                run_check(n->run, h->n > 0, n, "a gather was cancelled by nobody");
        if (h->n_accepted)
                run_check(n->run, o.state == EXEC_CANCELLED || (!collects && o.state == EXEC_FAILED), n,
                          "a gather accepted a cancel and ended as %d", o.state);
}

/* May @n have heard of a request that somebody passed on to it? Or, where it was cancelled otherwise, may that one have taken
 * the answer for his own: -ECANCELED says either. */
static bool has_heard(struct node *n, const struct heard *h)
{
        exec_future *f = node_future(n);

        if (!f || end_of(n).err == -ECANCELED)
                return true;
        if (n->plan->kind == NODE_GATHER)
                return end_of(n).err != 0;
        if (n->plan->kind != NODE_TASK)
                return false;
        return exec_cancelling(f) > h->n_accepted || n->uncancels || count(&n->n_uncancelled) || n->n_closed;
}

/* It saw none of the requests that were accepted, and what it awaited heard of none: so it ended cancelled. */
static bool must_be_cancelled(struct node *n, const struct heard all[])
{
        if (!all[n->id].n_accepted || n->n_seen || n->uncancels || count(&n->n_uncancelled) || n->n_closed ||
            n->n_expired || (n->ret != 0 && n->ret != -ECANCELED))
                return false;
        for (uint8_t i = (uint8_t)(n->id + 1); i < n->run->plan->n_nodes; i++)
                if (count(&n->run->nodes[i].passes[n->id]) && has_heard(&n->run->nodes[i], &all[i]))
                        return false;
        return true;
}

/* The gather of which it is a child; NULL: of none. */
static struct node *gather_of(struct node *n)
{
        for (uint8_t i = 1; i < n->id; i++) {
                struct node *g = &n->run->nodes[i];

                for (uint8_t k = 0; g->plan->kind == NODE_GATHER && k < g->plan->n_children; k++)
                        if (g->plan->child[k] == n->id)
                                return g;
        }
        return NULL;
}

/* Was it surely asked by one who cancelled its group, or its gather? It ended after that. */
static bool was_asked(struct node *n, const struct heard all[])
{
        struct team *team = node_team(n);
        struct node *g = gather_of(n);
        unsigned of_team =
                team && n->made_at < atom_load(&team->asking_from, RELAXED) ? atom_load(&team->asked_at, RELAXED) : 0;
        unsigned of_gather = g && all[g->id].n == 1 ? atom_load(&g->asked_at, RELAXED) : 0;

        return (of_team && of_team < n->ended_at) || (of_gather && of_gather < n->ended_at);
}

/* How many requests it counts. */
static void check_count(struct node *n, const struct heard *h, const struct heard all[])
{
        int counted = exec_cancelling(node_future(n)), at_least = h->n_accepted + was_asked(n, all);

        run_check(n->run, counted <= h->total, n, "it counts %d requests, and had %d at most", counted, h->total);
        if (n->uncancels || count(&n->n_uncancelled) || n->n_closed || h->n >= 255)
                return;
        run_check(n->run, counted >= at_least && (h->n > h->n_accepted || counted == at_least), n,
                  "it counts %d requests, and had %d", counted, at_least);
}

static void check_message(struct node *n, int err)
{
        const char *message = exec_future_error_message(node_future(n), NULL, NULL);
        char wanted[16];

        snprintf(wanted, sizeof wanted, "node %d", n->id);
        if (err == own_error(n))
                run_check(n->run, message && strcmp(message, wanted) == 0, n, "its message is %s", message);
        else
                run_check(n->run, !message || n->has_message, n, "it has the message %s", message);
}

static void check_task(struct node *n, const struct heard *h, const struct heard all[])
{
        struct exec_outcome o = end_of(n);

        check_count(n, h, all);
        if (!n->begun) {
                run_check(n->run, o.state == EXEC_CANCELLED && h->n, n, "it never began, and ended as %d", o.state);
                return;
        }
        run_check(n->run, n->ended, n, "it has not ended");
        run_check(n->run, !count(&n->n_unstarted), n, "it was cancelled unstarted, and began");
        if (o.state == EXEC_DONE)
                run_check(n->run, n->ret == 0 && o.value == n, n, "it is done, and returned %d", n->ret);
        else if (o.state == EXEC_FAILED)
                run_check(n->run, n->ret == o.err && n->ret != -ECANCELED, n, "it failed with %d, and returned %d",
                          o.err, n->ret);
        else
                run_check(n->run, n->ret == -ECANCELED || (n->ret == 0 && h->n), n, "it is cancelled, and returned %d",
                          n->ret);
        if (must_be_cancelled(n, all))
                run_check(n->run, o.state == EXEC_CANCELLED, n, "a cancel was accepted and lost");
        if (o.state == EXEC_FAILED)
                check_message(n, o.err);
}

/* What its body saw. */
static void check_body(struct node *n, const struct heard *h)
{
        run_check(n->run, !n->unasked || h->n || count(&n->n_uncancelled), n, "%s", n->unasked);
        run_check(n->run, !n->withdrawn || count(&n->n_uncancelled), n, "%s", n->withdrawn);
        run_check(n->run, n->n_seen <= h->total, n, "%d cancels were delivered, and %d made at most", n->n_seen,
                  h->total);
}

/* A shield shows the reason of what is behind it. */
static unsigned other_reasons(struct node *n, const struct heard all[])
{
        unsigned reasons = n->plan->kind == NODE_PROMISE || n->plan->kind == NODE_SLEEP ? 0 : all[n->id].late;

        for (; n->plan->kind == NODE_SHIELD; n = &n->run->nodes[n->plan->child[0]])
                reasons |= all[n->plan->child[0]].reasons | all[n->plan->child[0]].late;
        return reasons;
}

static void check_node(struct node *n, const struct heard *h, const struct heard all[])
{
        check_reason(n, h, other_reasons(n, all));
        switch (n->plan->kind) {
        case NODE_TASK:
                check_task(n, h, all);
                break;
        case NODE_PROMISE:
                check_promise(n, h);
                break;
        case NODE_SLEEP:
                check_sleep(n, h);
                break;
        case NODE_GATHER:
                check_gather(n, h);
                break;
        default:
                check_shield(n, h);
                break;
        }
}

void model_check(struct run *r)
{
        struct heard all[MAX_NODES];

        for (uint8_t i = 0; i < r->plan->n_nodes; i++)
                hear(r, i, all);
        for (uint8_t i = 0; i < r->plan->n_nodes; i++) {
                struct node *n = &r->nodes[i];

                check_body(n, &all[i]);
                if (i && node_future(n))
                        check_node(n, &all[i], all);
        }
}
