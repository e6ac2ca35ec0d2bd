/* waits.c - calls that wait, and what must be true of each whatever else goes on: the words of the public headers. */
#include "body.h"

/* The targets that @n may wait for and that have been made. */
struct targets {
        size_t n;
        struct node *node[MAX_TARGETS + 1];
        exec_future *f[MAX_TARGETS + 1];
        bool was_done[MAX_TARGETS + 1];
};

static void find_targets(struct node *n, const struct op *op, struct targets *t)
{
        t->n = 0;
        for (uint8_t i = 0; i < op->n_targets; i++) {
                struct node *c = &n->run->nodes[op->target[i]];
                exec_future *f = c->id > n->id ? node_future(c) : NULL;

                if (!f)
                        continue;
                t->node[t->n] = c;
                t->was_done[t->n] = exec_future_done(f);
                t->f[t->n++] = f;
        }
}

int do_pause(struct node *n, const struct op *op)
{
        int rc = op->kind == OP_YIELD ? exec_yield() : exec_sleep(duration_of(op->a));

        run_check(n->run, rc == 0 || rc == -ECANCELED, n, "sleep or yield said %d", rc);
        if (rc)
                seen(n);
        return rc;
}

int do_forever(struct node *n)
{
        int rc;

        if (is_thread(n) || atom_load(&n->run->swept, SEQ_CST)) /* @pair fuzz.swept */
                return 0;
        rc = exec_sleep_until(EXEC_FOREVER);
        run_check(n->run, rc == -ECANCELED, n, "the sleep for ever said %d", rc);
        seen(n);
        return rc;
}

int do_poll(struct node *n, uint8_t a)
{
        for (int i = 0; i < a % 64; i++) {
                if (!exec_cancel_requested())
                        continue;
                if (is_thread(n))
                        run_check(n->run, false, n, "a thread was cancelled");
                else if (exec_cancelling(exec_current_task()) == 0)
                        n->withdrawn = "a request waits, and none is counted";
        }
        return 0;
}

/* A gather that has ended without an error has all its children behind it. */
static void check_children_ended(struct node *c, const struct exec_outcome *o)
{
        if (c->plan->kind != NODE_GATHER || o->state == EXEC_FAILED)
                return;
        for (uint8_t i = 0; i < c->plan->n_children; i++)
                run_check(c->run, exec_future_done(node_future(&c->run->nodes[c->plan->child[i]])), c,
                          "it ended before child %d", c->plan->child[i]);
}

/* @rc: what a wait for @c alone, which must have ended, returned. */
static void check_awaited(struct node *n, struct node *c, int rc, const void *value)
{
        exec_future *f = node_future(c);
        struct exec_outcome o = outcome_of(f);

        if (!run_check(n->run, exec_future_done(f), n, "a wait for %d returned %d before its end", c->id, rc))
                return;
        check_children_ended(c, &o);
        if (rc == 0)
                run_check(n->run, o.state == EXEC_DONE && o.value == value, n, "success of %d, whose state is %d",
                          c->id, o.state);
        else if (rc == -ECANCELED && o.err != -ECANCELED)
                seen(n);
        else
                run_check(n->run, o.err == rc, n, "a wait for %d said %d, and it ended with %d", c->id, rc, o.err);
}

int do_await(struct node *n, const struct op *op)
{
        int64_t deadline_ns = op->kind == OP_AWAIT_UNTIL ? deadline_of(n, op->a) : EXEC_FOREVER;
        void *value = NULL;
        struct targets t;
        int rc;

        find_targets(n, op, &t);
        if (!t.n)
                return 0;
        may_pass(n, t.node[0]);
        rc = op->kind == OP_AWAIT_UNTIL ? exec_await_until(t.f[0], deadline_ns, &value) : exec_await(t.f[0], &value);
        if (rc == -ETIMEDOUT && deadline_ns != EXEC_FOREVER && outcome_of(t.f[0]).err != -ETIMEDOUT) {
                run_check(n->run, exec_now() >= deadline_ns, n, "-ETIMEDOUT before the time");
                return rc;
        }
        check_awaited(n, t.node[0], rc, value);
        return rc;
}

int do_wait_for(struct node *n, const struct op *op)
{
        static const int64_t timeouts[] = {-1, 0, EXEC_US(2), EXEC_US(10), EXEC_US(40), EXEC_FOREVER};
        int64_t ns = timeouts[op->a % (sizeof timeouts / sizeof *timeouts)], start_ns = exec_now();
        bool is_over;
        void *value = NULL;
        struct targets t;
        int rc;

        find_targets(n, op, &t);
        if (!t.n)
                return 0;
        if (op->a & 128 && ns > 0) /* at the moment at which others have theirs */
                ns = n->run->common_ns - start_ns;
        may_pass(n, t.node[0]);
        rc = exec_wait_for(t.f[0], ns, &value);
        is_over = ns != EXEC_FOREVER && exec_now() - start_ns >= ns;
        if (is_over && !t.was_done[0])
                may_ask(t.node[0], REASON_TIME);
        if (rc == -ETIMEDOUT && outcome_of(t.f[0]).err == -ECANCELED) {
                run_check(n->run, is_over, n, "-ETIMEDOUT before the time");
                rc = -ECANCELED; /* as @c ended */
                check_awaited(n, t.node[0], rc, NULL);
                return -ETIMEDOUT;
        }
        check_awaited(n, t.node[0], rc, value);
        return rc;
}

static bool all_done(const struct targets *t)
{
        for (size_t i = 0; i < t->n; i++)
                if (!exec_future_done(t->f[i]))
                        return false;
        return true;
}

/* Promises that were finished one after the other, as those know who did it: @second is not the first. (Of one that was
 * cancelled it is not known when.) */
static bool is_second(struct node *first, struct node *second)
{
        unsigned told = atom_load(&first->finish_told, RELAXED), began = atom_load(&second->finish_began, RELAXED);

        return told && began && told < began && outcome_of(node_future(second)).state != EXEC_CANCELLED;
}

static void check_first_error(struct node *n, const struct targets *t, const struct exec_outcome out[], int rc)
{
        size_t i = 0;

        while (i < t->n && !(out[i].state != EXEC_PENDING && out[i].err == rc))
                i++;
        if (!run_check(n->run, i < t->n, n, "gather said %d, the error of nobody", rc))
                return;
        for (size_t k = 0; k < i; k++)
                if (out[k].state == EXEC_FAILED && rc == own_error(t->node[i]))
                        run_check(n->run, !is_second(t->node[k], t->node[i]), n, "gather said %d; %d was first", rc,
                                  t->node[k]->id);
}

int do_gather(struct node *n, const struct op *op)
{
        static const unsigned flags[] = {0, EXEC_COLLECT, EXEC_CANCEL_REST, 0};
        unsigned how = flags[op->a % 4];
        struct exec_outcome out[MAX_TARGETS];
        bool cancelled_child = false, failed_child = false, pending = false;
        struct targets t;
        int rc;

        find_targets(n, op, &t);
        for (size_t i = 0; i < t.n; i++)
                may_pass(n, t.node[i]);
        rc = exec_gather(t.f, t.n, out, how);
        for (size_t i = 0; i < t.n; i++) {
                run_check(n->run, out[i].state == EXEC_PENDING || outcome_is(t.f[i], &out[i]), n,
                          "a gather shows another outcome of %d", t.node[i]->id);
                cancelled_child |= out[i].err == -ECANCELED;
                failed_child |= out[i].err != 0;
                pending |= out[i].state == EXEC_PENDING;
                if (rc && how == EXEC_CANCEL_REST)
                        may_ask(t.node[i], REASON_GATHER);
        }
        if (rc == 0)
                run_check(n->run, !pending && (how == EXEC_COLLECT || !failed_child), n, "gather said 0 too early");
        else if (rc == -ECANCELED) {
                run_check(n->run, all_done(&t) || (how != EXEC_COLLECT && failed_child), n,
                          "a cancelled gather left children");
                if (!cancelled_child || how == EXEC_COLLECT)
                        seen(n);
        } else if (run_check(n->run, how != EXEC_COLLECT, n, "gather of all said %d", rc))
                check_first_error(n, &t, out, rc);
        return rc;
}

/* The first once more at the end. */
static void add_twin(struct targets *t)
{
        t->node[t->n] = t->node[0];
        t->was_done[t->n] = t->was_done[0];
        t->f[t->n++] = t->f[0];
}

int do_wait(struct node *n, const struct op *op)
{
        enum exec_wait_mode mode = op->b % 3;
        int64_t deadline_ns = deadline_of(n, op->a);
        bool done[MAX_TARGETS + 1], failed = false, is_over;
        struct targets t;
        int rc, n_done = 0;

        find_targets(n, op, &t);
        if (t.n && (op->b & 8))
                add_twin(&t);
        rc = exec_wait(t.f, t.n, mode, deadline_ns, done);
        is_over = deadline_ns != EXEC_FOREVER && exec_now() >= deadline_ns;
        if (!t.n) {
                run_check(n->run, rc == -EINVAL, n, "a wait for nobody said %d", rc);
                return 0;
        }
        for (size_t i = 0; i < t.n; i++) {
                run_check(n->run, done[i] ? exec_future_done(t.f[i]) : !t.was_done[i], n, "wait tells lies of %d",
                          t.node[i]->id);
                n_done += done[i];
                failed |= done[i] && outcome_of(t.f[i]).state == EXEC_FAILED;
        }
        if (t.n > 1 && t.f[0] == t.f[t.n - 1])
                run_check(n->run, done[0] == done[t.n - 1], n, "wait contradicts itself");
        if (rc == -ECANCELED) {
                seen(n);
                return rc;
        }
        run_check(n->run, rc == n_done, n, "wait said %d, and %d were done", rc, n_done);
        run_check(n->run,
                  is_over || n_done == (int)t.n || (mode == EXEC_FIRST_COMPLETED && n_done) ||
                          (mode == EXEC_FIRST_EXCEPTION && failed),
                  n, "wait ended too early");
        return 0;
}

static void check_any(struct node *n, const struct targets *t, int rc, size_t index, const void *value)
{
        size_t before = 0;
        struct exec_outcome o = outcome_of(t->f[index]);

        while (before < t->n && !(t->was_done[before] && outcome_of(t->f[before]).state == EXEC_DONE))
                before++;
        run_check(n->run, before == t->n || (rc == 0 && index <= before), n, "any overlooked %zu", before);
        if (rc == 0) {
                run_check(n->run, o.state == EXEC_DONE && o.value == value, n, "any took %zu", index);
                return;
        }
        run_check(n->run, o.err == rc, n, "any said %d, and that one ended with %d", rc, o.err);
        for (size_t i = 0; i < t->n; i++) {
                struct exec_outcome other = outcome_of(t->f[i]);

                run_check(n->run, other.err != 0 && (i >= index || other.state == EXEC_CANCELLED), n,
                          "any said %d, and %zu ended with %d", rc, i, other.err);
        }
}

int do_any(struct node *n, const struct op *op)
{
        unsigned flags = op->a % 2 ? EXEC_CANCEL_REST : 0;
        size_t index = 99;
        void *value = NULL;
        struct targets t;
        int rc;

        find_targets(n, op, &t);
        for (size_t i = 0; flags && i < t.n; i++)
                may_pass(n, t.node[i]);
        rc = exec_any(t.f, t.n, &index, &value, flags);
        for (size_t i = 0; flags && rc == 0 && i < t.n; i++)
                may_ask(t.node[i], REASON_ANY);
        if (!t.n)
                return run_check(n->run, rc == -EINVAL, n, "any of nobody said %d", rc) ? 0 : rc;
        if (rc == -ECANCELED && index == t.n)
                seen(n);
        else if (run_check(n->run, index < t.n, n, "any said %d and %zu", rc, index))
                check_any(n, &t, rc, index, value);
        return rc;
}

/* Promises finished one after the other, after both had been added: they come out so. */
static void check_order(struct node *n, const struct targets *t, const bool got[], size_t i, unsigned added_at)
{
        for (size_t k = 0; k < t->n; k++)
                if (!got[k] && t->node[k] != t->node[i] && atom_load(&t->node[k]->finish_began, RELAXED) > added_at)
                        run_check(n->run, !is_second(t->node[k], t->node[i]), n, "%d came out before %d",
                                  t->node[i]->id, t->node[k]->id);
}

int do_completed(struct node *n, const struct op *op)
{
        int64_t deadline_ns = deadline_of(n, op->a);
        bool got[MAX_TARGETS] = {false};
        size_t n_got = 0;
        exec_completion *c;
        unsigned added_at;
        struct targets t;
        int rc;

        find_targets(n, op, &t);
        c = exec_as_completed(t.f, t.n);
        added_at = run_stamp(n->run);
        for (;;) {
                exec_future *f = NULL;
                void *tag = NULL;
                size_t i;

                rc = exec_completion_next(c, deadline_ns, &f, &tag);
                if (rc != 1)
                        break;
                i = (size_t)(uintptr_t)tag;
                if (!run_check(n->run, i < t.n && !got[i] && f == t.f[i] && exec_future_done(f), n,
                               "a queue handed over the wrong one"))
                        break;
                check_order(n, &t, got, i, added_at);
                got[i] = true;
                n_got++;
                exec_future_unref(f);
        }
        run_check(n->run, exec_completion_pending(c) == t.n - n_got, n, "a queue of %zu, %zu taken, is not right", t.n,
                  n_got);
        exec_completion_free(c);
        if (rc == 0)
                run_check(n->run, n_got == t.n, n, "a queue ended too early");
        else if (rc == -ETIMEDOUT)
                run_check(n->run, deadline_ns != EXEC_FOREVER && exec_now() >= deadline_ns, n, "-ETIMEDOUT too early");
        else if (run_check(n->run, rc == -ECANCELED, n, "a queue said %d", rc))
                seen(n);
        return rc;
}
