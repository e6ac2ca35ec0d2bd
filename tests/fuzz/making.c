/* making.c - how bodies make nodes: tasks, alone or in a group; promises, sleeps, gathers, shields. */
#include "body.h"

/* Drop functions and callbacks are outside any task. */
static bool is_outside(void)
{
        return !exec_current_task() && exec_yield() == -EPERM;
}

static void drop_arg(void *ptr)
{
        struct node *n = ptr;

        run_check(n->run, is_outside(), n, "its argument is dropped in a task");
        bump(&n->n_args_dropped);
}

static void drop_value(void *ptr)
{
        struct node *n = ptr;

        run_check(n->run, is_outside(), n, "its value is dropped in a task");
        bump(&n->n_values_dropped);
}

void body_drop_local(void *ptr)
{
        struct node *n = ptr;

        run_check(n->run, is_outside(), n, "its task-local is dropped in a task");
        bump(&n->n_locals_dropped);
}

static void called_back(exec_future *f, void *arg)
{
        struct node *n = arg;

        run_check(n->run, exec_future_done(f) && is_outside(), n, "a callback before the end, or in a task");
        bump(&n->n_callbacks_run);
}

void make_callback(struct node *n)
{
        bump(&n->n_callbacks);
        run_check(n->run, exec_future_add_callback(node_future(n), called_back, n) == 0, n, "no callback");
}

int make_no_callback(struct node *n)
{
        return exec_future_remove_callback(node_future(n), called_back, n);
}

static bool is_detached(const struct node *n)
{
        return n->plan->kind == NODE_TASK && (n->plan->flags & (IS_DETACHED | WAITS_FOREVER)) == IS_DETACHED;
}

static void fill_options(const struct node *c, struct exec_task_options *o)
{
        exec_task_options_init(o, sizeof *o);
        o->drop_arg = drop_arg;
        o->drop_value = drop_value;
        o->flags = c->plan->flags & IS_TIED ? EXEC_TIED : 0;
        o->pool = c->plan->flags & IS_ELSEWHERE ? c->run->other : NULL;
}

/* A child of a group, without a handle. */
static exec_future *start_detached(struct node *n, struct node *c, const struct exec_task_options *o)
{
        exec_group *g = node_team(c)->group;
        int rc = o ? exec_group_start_with(g, body_of_task, c, o) : exec_group_start(g, body_of_task, c);

        c->refused = rc != 0;
        run_check(n->run, rc == 0 || rc == -EALREADY || rc == -EAGAIN || rc == -ECANCELED, c, "start said %d", rc);
        if (rc == -ECANCELED) {
                c->refused = !node_team(c)->caller_runs; /* there it was made, and has ended */
                seen(n);
        }
        return NULL;
}

static exec_future *make_in_group(struct node *n, struct node *c, const struct exec_task_options *o)
{
        exec_group *g = node_team(c)->group;
        exec_future *f;

        may_pass(n, c);
        if (is_detached(c))
                return start_detached(n, c, o);
        f = o ? exec_group_create_task_with(g, body_of_task, c, o) : exec_group_create_task(g, body_of_task, c);
        if (exec_cancelling(f) >= 0)
                return f;
        c->refused = true; /* it is no task */
        exec_future_unref(f);
        return NULL;
}

static exec_future *make_task(struct node *n, struct node *c)
{
        struct exec_task_options o;
        bool is_plain = c->plan->flags & IS_PLAIN;
        exec_future *f;

        fill_options(c, &o);
        if (node_team(c))
                return make_in_group(n, c, is_plain ? NULL : &o);
        f = is_plain ? exec_create_task(body_of_task, c) : exec_create_task_with(body_of_task, c, &o);
        if (!is_detached(c))
                return f;
        exec_future_unref(f);
        return NULL;
}

static unsigned gather_flags(const struct node *n)
{
        return n->plan->flags & COLLECTS ? EXEC_COLLECT : n->plan->flags & CANCELS_REST ? EXEC_CANCEL_REST : 0;
}

static void make(struct node *n, struct node *c, struct team *team);

static exec_future *make_gather(struct node *n, struct node *c)
{
        exec_future *f[MAX_TARGETS];

        for (uint8_t i = 0; i < c->plan->n_children; i++) {
                struct node *child = &c->run->nodes[c->plan->child[i]];

                make(n, child, NULL);
                may_pass(c, child);
                f[i] = node_future(child);
        }
        if (c->plan->kind == NODE_SHIELD) {
                atom_store(&c->run->nodes[c->plan->child[0]].passes[c->id], 0, RELAXED);
                return exec_shield(f[0]);
        }
        return exec_gather_future(f, c->plan->n_children, gather_flags(c));
}

static exec_future *make_future(struct node *n, struct node *c)
{
        switch (c->plan->kind) {
        case NODE_TASK:
                return make_task(n, c);
        case NODE_PROMISE:
                return exec_promise_new(c->plan->flags & IS_PLAIN ? NULL : drop_value);
        case NODE_SLEEP:
                return exec_sleep_future(duration_of(c->plan->how));
        default:
                return make_gather(n, c);
        }
}

/* @team: for a task. */
static void make(struct node *n, struct node *c, struct team *team)
{
        exec_future *f;

        c->creator = n;
        atom_store(&c->team, c->plan->kind == NODE_TASK ? team : NULL, RELAXED);
        f = make_future(n, c);
        if (!f)
                return;
        c->made_at = run_stamp(c->run);
        atom_store(&c->future, f, SEQ_CST); /* @pair fuzz.swept */
        if (c->plan->flags & HAS_CALLBACK)
                make_callback(c);
        if (atom_load(&c->run->swept, SEQ_CST)) /* @pair fuzz.swept */
                body_sweep(c->run, c);
}

/* The group that a child is to be in. Not one whose creator runs it in the call, if it waits for ever: sweep() does not know
 * it then. And a child may not wait for room in its own group. */
static struct team *team_for(const struct place *at, const struct op *op, const struct node *c)
{
        struct team *own = node_team(at->n), *team = at->team;

        if (!team && (op->a & 1) && own && !atom_load(&own->is_limited, RELAXED))
                team = own;
        return team && team->caller_runs && (c->plan->flags & WAITS_FOREVER) ? NULL : team;
}

int do_spawn(const struct place *at, const struct op *op)
{
        for (uint8_t i = 0; i < op->n_targets; i++) {
                struct node *c = &at->n->run->nodes[op->target[i]];

                make(at->n, c, team_for(at, op, c));
        }
        return 0;
}
