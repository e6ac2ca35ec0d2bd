/* body.c - what tasks do: ops in a row, some of them inside scopes and groups. */
#include "body.h"

exec_local *body_key;

static int run_range(const struct place *at, unsigned from, unsigned to);

static void spin(int64_t ns)
{
        int64_t end = exec_now() + ns;

        while (exec_now() < end)
                ;
}

static int cancelling(const struct node *n)
{
        return is_thread(n) ? 0 : exec_cancelling(exec_current_task());
}

static bool any_expired(const struct around *s)
{
        for (; s; s = s->outer)
                if (exec_timeout_expired(s->scope))
                        return true;
        return false;
}

/* A scope that has expired, and whose body passed -ECANCELED on. */
static void check_expired(struct node *n, const struct around *s, int rc)
{
        for (const struct around *o = s->outer; o; o = o->outer)
                if (o->deadline_ns <= s->deadline_ns && !s->outer_was_expired && !n->uncancels && rc != -ECANCELED)
                        n->withdrawn = "an outer scope was due, and the inner one did not pass -ECANCELED on";
        if (n->depth == 0)
                run_check_unasked(n, rc == -ETIMEDOUT, "a scope that expired did not say so");
}

static int do_scope(const struct place *at, const struct op *op, unsigned from, unsigned to)
{
        struct node *n = at->n;
        struct exec_timeout scope = {.room = {0}};
        struct around s = {&scope, deadline_of(n, op->a), at->scope, any_expired(at->scope)};
        struct place inside = {n, at->team, &s};
        int before = cancelling(n), rc = exec_timeout_begin(&scope, s.deadline_ns), err;
        bool expired;

        if (is_thread(n)) {
                run_check(n->run, rc == -EPERM, n, "a scope of a thread: %d", rc);
                return run_range(at, from, to);
        }
        run_check(n->run, rc == 0, n, "begin of a scope said %d", rc);
        n->depth++;
        err = run_range(&inside, from, to);
        rc = exec_timeout_end(&scope, err);
        n->depth--;
        expired = exec_timeout_expired(&scope);
        n->n_expired += expired;
        run_check(n->run, rc == err || (rc == -ETIMEDOUT && err == -ECANCELED && expired), n,
                  "end of a scope said %d to %d, expired %d", rc, err, expired);
        run_check(n->run, !expired || exec_now() >= s.deadline_ns, n, "a scope expired too early");
        if (n->depth == 0)
                run_check_unasked(n, cancelling(n) == before, "a request was left behind by a scope");
        if (expired && err == -ECANCELED)
                check_expired(n, &s, rc);
        return rc;
}

static int do_reschedule(const struct place *at, uint8_t a)
{
        struct around *s = at->scope;
        int64_t deadline_ns = deadline_of(at->n, a);
        int rc;

        if (!s)
                return 0;
        rc = exec_timeout_reschedule(s->scope, deadline_ns);
        if (rc == 0)
                s->deadline_ns = deadline_ns;
        else
                run_check(at->n->run, rc == -EINPROGRESS && exec_timeout_expired(s->scope), at->n, "reschedule said %d",
                          rc);
        run_check(at->n->run, exec_timeout_deadline(s->scope) == s->deadline_ns, at->n, "a scope has another deadline");
        return 0;
}

static int count_errors(struct run *r, const struct team *team, int err)
{
        int n_errors = err && err != -ECANCELED;

        for (uint8_t i = 0; i < r->plan->n_nodes; i++)
                if (node_team(&r->nodes[i]) == team && r->nodes[i].begun && r->nodes[i].ret &&
                    r->nodes[i].ret != -ECANCELED)
                        n_errors++;
        return n_errors;
}

static void check_group(struct node *n, const struct team *team, int err, int rc)
{
        const struct exec_group_error *first = exec_group_error(team->group, 0);
        struct run *r = n->run;

        for (uint8_t i = 0; i < r->plan->n_nodes; i++)
                if (node_team(&r->nodes[i]) == team && !r->nodes[i].refused)
                        run_check(r, r->nodes[i].ended || !r->nodes[i].begun, n, "a group ended before its child %d",
                                  i);
        run_check(r, exec_group_pending(team->group) == 0, n, "children of a group are left");
        run_check(r, team->n_errors == count_errors(r, team, err), n, "a group has %d errors, not %d", team->n_errors,
                  count_errors(r, team, err));
        if (team->n_errors) {
                run_check(r, rc == first->err && rc != -ECANCELED, n, "end of a group said %d, its error is %d", rc,
                          first->err);
                return;
        }
        run_check(r, rc == 0 || rc == -ECANCELED, n, "end of a group without errors said %d", rc);
        if (n->depth == 0)
                run_check_unasked(n, rc == 0 || err == -ECANCELED, "end of a group was cancelled");
}

/* All at once; or first until a deadline. An error of the group may be -ETIMEDOUT too: then it has ended. */
static int end_group(struct node *n, const struct team *team, const struct op *op, int err)
{
        int64_t deadline_ns = deadline_of(n, op->a ^ op->b);
        int rc, again;

        if (op->a < 128)
                return exec_group_end(team->group, err);
        rc = exec_group_end_until(team->group, err, deadline_ns);
        if (rc != -ETIMEDOUT)
                return rc;
        again = exec_group_end(team->group, err);
        if (again == -EALREADY)
                return rc;
        run_check(n->run, deadline_ns != EXEC_FOREVER && exec_now() >= deadline_ns, n, "a group: -ETIMEDOUT too early");
        return again;
}

static int do_group(const struct place *at, const struct op *op, unsigned from, unsigned to)
{
        struct node *n = at->n;
        struct team *team = &n->run->teams[atom_add(&n->run->n_teams, 1, RELAXED)];
        struct place inside = {n, team, at->scope};
        struct exec_group_options o;
        int before = cancelling(n), err, rc;

        exec_group_options_init(&o, sizeof o);
        o.limit = op->a % 4;
        o.when_full = op->a / 4 % 3;
        run_check(n->run, exec_group_begin(&team->group, &o) == 0, n, "no group");
        team->parent = n;
        team->caller_runs = o.limit && o.when_full == EXEC_GROUP_CALLER_RUNS;
        atom_store(&team->is_limited, o.limit && o.when_full == EXEC_GROUP_WAIT, RELAXED);
        n->depth++;
        err = run_range(&inside, from, to);
        rc = end_group(n, team, op, err);
        n->depth--;
        team->n_errors = (int)exec_group_n_errors(team->group);
        team->body_err = err;
        team->interrupted = rc == -ECANCELED || err == -ECANCELED;
        team->closed = team->n_errors || err || rc || atom_load(&team->cancelled, RELAXED);
        n->n_closed += team->closed;
        check_group(n, team, err, rc);
        exec_group_free(team->group);
        if (n->depth == 0)
                run_check_unasked(n, cancelling(n) == before, "a request was left behind by a group");
        return rc;
}

/* ---- bodies ---- */

static int fail(struct node *n)
{
        n->has_message = true;
        return exec_fail(own_error(n), "node %d", n->id);
}

/* A call returned -ECANCELED. */
static int react(struct node *n)
{
        const struct op pause = {.kind = OP_SLEEP, .a = 3};

        switch (n->plan->policy) {
        case SWALLOW:
                return 0;
        case OWN_ERROR:
                return fail(n);
        case UNCANCEL:
                n->uncancels = true;
                if (!is_thread(n))
                        exec_uncancel(NULL);
                return 0;
        case CLEAN_UP:
                do_pause(n, &pause);
                return -ECANCELED;
        default:
                return -ECANCELED;
        }
}

static int do_op(const struct place *at, const struct op *op)
{
        struct node *n = at->n;

        switch (op->kind) {
        case OP_SPAWN:
                return do_spawn(at, op);
        case OP_YIELD:
        case OP_SLEEP:
                return do_pause(n, op);
        case OP_SPIN:
                spin(duration_of(op->a));
                return 0;
        case OP_FOREVER:
                return do_forever(n);
        case OP_POLL:
                return do_poll(n, op->a);
        case OP_AWAIT:
        case OP_AWAIT_UNTIL:
                return do_await(n, op);
        case OP_WAIT_FOR:
                return do_wait_for(n, op);
        case OP_GATHER:
                return do_gather(n, op);
        case OP_WAIT:
                return do_wait(n, op);
        case OP_ANY:
                return do_any(n, op);
        case OP_COMPLETED:
                return do_completed(n, op);
        case OP_RESCHEDULE:
                return do_reschedule(at, op->a);
        case OP_STOP_GROUP:
                return do_stop_group(at);
        case OP_SELF:
                return do_self(n, op->a % 4);
        case OP_FAIL:
                return fail(n);
        default:
                return do_to_other(n, op);
        }
}

/* A thread that waits would wait for what only itself would end at last. */
static bool may_block(const struct op *op)
{
        return op->kind == OP_AWAIT || op->kind == OP_WAIT_FOR || op->kind == OP_GATHER || op->kind == OP_ANY ||
               op->kind == OP_GROUP;
}

static int run_range(const struct place *at, unsigned from, unsigned to)
{
        struct node *n = at->n;

        for (unsigned i = from; i < to; i++) {
                const struct op *op = &n->plan->ops[i];
                unsigned inner = i + 1 + op->b % MAX_OPS, end = inner < to ? inner : to;
                int err;

                atom_add(&n->run->n_ops, 1, RELAXED);
                if (n->id == 0 && may_block(op))
                        run_sweep(n->run);
                if (op->kind == OP_SCOPE || op->kind == OP_GROUP) {
                        err = op->kind == OP_SCOPE ? do_scope(at, op, i + 1, end) : do_group(at, op, i + 1, end);
                        i = end - 1;
                } else {
                        err = do_op(at, op);
                }
                if (err == -ECANCELED)
                        err = react(n);
                else if (op->kind != OP_FAIL && !(n->plan->flags & KEEPS_ERRORS))
                        err = 0;
                if (n->run->plan->has_locals && !is_thread(n))
                        run_check(n->run, exec_local_get(body_key) == n, n, "a task-local changed");
                if (err)
                        return err;
        }
        return 0;
}

static void begin_local(struct node *n)
{
        void *inherited = is_thread(n->creator) ? NULL : n->creator;

        run_check(n->run, exec_local_get(body_key) == inherited, n, "it did not inherit its creator's task-local");
        run_check(n->run, exec_local_set(body_key, n) == 0, n, "no task-local");
}

int body_of_task(void *arg, void **value)
{
        struct node *n = arg;
        const struct place at = {n, NULL, NULL};
        int rc;

        run_check(n->run, !n->begun, n, "it began twice");
        n->begun = true;
        if (n->run->plan->has_locals)
                begin_local(n);
        n->ret = run_range(&at, 0, n->plan->n_ops);
        *value = n;
        if (!(n->plan->flags & IS_PLAIN))
                bump(&n->n_values_made);
        n->ended = true;
        n->ended_at = run_stamp(n->run);
        rc = n->ret;
        atom_store(&n->is_over, true, RELEASE); /* @pair fuzz.over */
        return rc;
}

void body_of_thread(struct node *n)
{
        const struct place at = {n, NULL, NULL};

        run_range(&at, 0, n->plan->n_ops);
}
