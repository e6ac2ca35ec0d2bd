/* run.c - see run.h. */
#include "run.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>

enum { PATIENCE_S = 20 };

static const char *const reasons[N_REASONS] = {
        [REASON_A] = "a",
        [REASON_B] = "b",
        [REASON_C] = "c",
        [REASON_SWEPT] = "swept",
        [REASON_TIME] = "its time was over",
        [REASON_GATHER] = "another one of the gather failed",
        [REASON_ANY] = "another one succeeded first",
        [REASON_GROUP_FAILED] = "another task of its group failed",
        [REASON_GROUP_CANCELLED] = "its group was cancelled",
        [REASON_GROUP_BODY] = "the body of its group failed",
};

const char *reason_text(int reason)
{
        return reasons[reason];
}

int reason_of(const char *text)
{
        int i = REASON_NONE;

        if (text)
                for (i = REASON_A; i < N_REASONS && strcmp(reasons[i], text) != 0; i++)
                        ;
        return i;
}

bool run_check(struct run *r, bool ok, const struct node *n, const char *format, ...)
{
        va_list args;
        int used;

        if (ok || atom_swap(&r->failed, true, RELAXED))
                return ok;
        used = snprintf(r->failure, sizeof r->failure, "node %d: ", n->id);
        va_start(args, format);
        vsnprintf(r->failure + used, sizeof r->failure - (size_t)used, format, args);
        va_end(args);
        atom_store(&r->failure_ready, true, RELEASE); /* @pair run_plan */
        return false;
}

void run_check_unasked(struct node *n, bool ok, const char *what)
{
        if (!ok && !n->unasked)
                n->unasked = what;
}

static void start(struct run *r, const struct plan *plan, exec_pool *pool, exec_pool *other)
{
        memset(r, 0, sizeof *r);
        r->plan = plan;
        r->pool = pool;
        r->other = other;
        r->common_ns = exec_now() + EXEC_US(5) * (plan->common % 32);
        for (uint8_t i = 0; i < plan->n_nodes; i++) {
                r->nodes[i].plan = &plan->nodes[i];
                r->nodes[i].run = r;
                r->nodes[i].id = i;
        }
}

/* Nobody starts to wait for ever after this: makers of promises and sleepers look at the mark. */
void run_sweep(struct run *r)
{
        atom_store(&r->swept, true, SEQ_CST); /* @pair fuzz.swept: either this sees the node, or its maker the mark */
        for (uint8_t i = 1; i < r->plan->n_nodes; i++)
                body_sweep(r, &r->nodes[i]);
}

static struct exec_pool_stats stats_of(exec_pool *pool)
{
        struct exec_pool_stats s;

        memset(&s, 0, sizeof s);
        s.size = sizeof s;
        exec_pool_stats(pool, &s);
        return s;
}

/* Until all tasks have ended, and the timers are gone; @no_futures: all futures too. */
static void wait_idle(exec_pool *pool, bool no_futures)
{
        struct exec_pool_stats s;

        if (!pool)
                return;
        s = stats_of(pool);

        for (unsigned turn = 0; s.n_created != s.n_finished || s.n_timers || (no_futures && s.n_futures); turn++) {
                if (turn < 100)
                        sched_yield();
                else
                        exec_sleep(EXEC_US(50));
                s = stats_of(pool);
        }
}

/* Until all bodies are over, and all futures done. In order: who makes others comes first, so when a node's turn comes, it was
 * made or never will be. (The pool's own counts are exact only when nobody creates.) */
static void await_all(struct run *r)
{
        for (uint8_t i = 1; i < r->plan->n_nodes; i++) {
                struct node *n = &r->nodes[i];
                exec_future *f = node_future(n);

                if (f)
                        exec_await(f, NULL);
                else if (n->creator && !n->refused && !node_team(n)) /* detached; a group has awaited its own */
                        while (!atom_load(&n->is_over, ACQUIRE))     /* @pair fuzz.over */
                                exec_sleep(EXEC_US(5));
        }
        wait_idle(r->pool, false);
        wait_idle(r->other, false);
}

static void let_go(struct run *r)
{
        for (uint8_t i = 1; i < r->plan->n_nodes; i++)
                exec_future_unref(node_future(&r->nodes[i]));
        wait_idle(r->pool, true);
        wait_idle(r->other, true);
}

/* Each argument was dropped once, and each value dropped or taken; each callback ran or was removed. What is not so, or
 * NULL. */
static const char *not_settled(struct node *n)
{
        bool is_plain = n->plan->flags & IS_PLAIN, is_task = n->plan->kind == NODE_TASK;
        int made = count(&n->n_values_made), dropped = count(&n->n_values_dropped), taken = count(&n->n_taken);
        int callbacks = count(&n->n_callbacks_run) + count(&n->n_callbacks_removed);

        if (count(&n->n_args_dropped) != (n->creator && is_task && !is_plain))
                return "its argument was not dropped once";
        if (is_plain ? dropped || taken > 1 : dropped + taken != made)
                return "its value was not dropped or taken once";
        if (callbacks != count(&n->n_callbacks))
                return "its callbacks were not run or removed once";
        if (count(&n->n_locals_dropped) != (n->run->plan->has_locals && n->begun))
                return "its task-local was not dropped once";
        return NULL;
}

/* Errors of those whom nobody can ask are told to the hook; all others have been looked at. */
static int count_unhandled(struct run *r)
{
        int n = 0;

        for (uint8_t i = 1; i < r->plan->n_nodes; i++) {
                struct node *of = &r->nodes[i];

                n += of->begun && of->ret && of->ret != -ECANCELED && !node_future(of) && !node_team(of);
        }
        return n;
}

/* Some of it comes a little after the end of its future. */
static void check_settled(struct run *r)
{
        int64_t end = exec_now() + EXEC_SEC(PATIENCE_S);

        for (uint8_t i = 1; i < r->plan->n_nodes; i++) {
                const char *what = not_settled(&r->nodes[i]);

                for (; what && exec_now() < end; what = not_settled(&r->nodes[i]))
                        sched_yield();
                run_check(r, !what, &r->nodes[i], "%s", what);
        }
        while (count(&r->n_unhandled) < count_unhandled(r) && exec_now() < end)
                sched_yield();
        run_check(r, count(&r->n_unhandled) == count_unhandled(r), &r->nodes[0], "%d errors counted as unseen, not %d",
                  count(&r->n_unhandled), count_unhandled(r));
}

static void *helper_main(void *arg)
{
        body_of_thread(arg);
        return NULL;
}

static void run_threads(struct run *r)
{
        pthread_t helper;
        bool has_helper = r->plan->has_helper && !pthread_create(&helper, NULL, helper_main, &r->nodes[1]);

        body_of_thread(&r->nodes[0]);
        run_sweep(r);
        if (has_helper)
                pthread_join(helper, NULL);
}

bool run_plan(struct run *r, const struct plan *plan, exec_pool *pool, exec_pool *other)
{
        start(r, plan, pool, other);
        run_threads(r);
        await_all(r);
        model_check(r);
        let_go(r);
        check_settled(r);
        return !atom_load(&r->failed, ACQUIRE);
}
