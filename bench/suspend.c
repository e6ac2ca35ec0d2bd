/* suspend.c - two tasks that take turns: the price of leaving a worker and coming back.
 *
 *   promise   each turn finishes the promise the other one waits for, then waits for its own; fresh promises each turn,
 *             so a round trip is two of: make, set, await with a suspension, give back
 *   yield     both give way; a round trip is two yields */
#include "figure.h"
#include "meter.h"
#include "pool.h"

/* The promises of the running turn. Each is written before the promise that tells the other one to read it is set. */
struct table {
        size_t n_turns;
        exec_future *ping; /* pong waits for it */
        exec_future *pong; /* ping waits for it */
        int64_t ns;
};

/* Both sides give back the promise they set, once they have been answered: by then nobody uses it any more, so one
 * reference is enough. */
static int pong_side(void *arg, void **value)
{
        struct table *t = arg;
        exec_future *answered = NULL;

        (void)value;
        for (size_t i = 0; i < t->n_turns; i++) {
                exec_future *mine;
                int err = exec_await(t->ping, NULL);

                if (err)
                        return err;
                exec_future_unref(answered);
                mine = t->pong;
                t->ping = exec_promise_new(NULL);
                err = exec_promise_set(mine, NULL);
                if (err)
                        return err;
                answered = mine;
        }
        /* the last one: ping is told of this task's end before it gives anything back */
        return 0;
}

static int ping_side(struct table *t)
{
        for (size_t i = 0; i < t->n_turns; i++) {
                exec_future *mine = t->ping;
                exec_future *theirs = exec_promise_new(NULL);
                int err;

                t->pong = theirs;
                err = exec_promise_set(mine, NULL);
                if (!err)
                        err = exec_await(theirs, NULL);
                if (err)
                        return err;
                exec_future_unref(mine);
        }
        return 0;
}

static int promise_main(void *arg, void **value)
{
        struct table *t = arg;
        exec_future *other;
        int64_t start_ns;
        int err;

        (void)value;
        t->ping = exec_promise_new(NULL);
        other = exec_create_task(pong_side, t);
        exec_yield(); /* let it reach its first wait */
        start_ns = bench_now_ns();
        err = ping_side(t);
        t->ns = bench_now_ns() - start_ns;
        if (err)
                return err;
        err = exec_await(other, NULL);
        exec_future_unref(other);
        exec_future_unref(t->pong); /* the last turn's */
        exec_future_unref(t->ping); /* made for a turn that never came */
        return err;
}

static int yield_side(void *arg, void **value)
{
        const struct table *t = arg;

        (void)value;
        for (size_t i = 0; i < t->n_turns; i++) {
                int err = exec_yield();

                if (err)
                        return err;
        }
        return 0;
}

static int yield_main(void *arg, void **value)
{
        struct table *t = arg;
        int64_t start_ns = bench_now_ns();
        exec_future *both[2] = {exec_create_task(yield_side, t), exec_create_task(yield_side, t)};
        int err = exec_gather(both, 2, NULL, EXEC_UNREF);

        (void)value;
        t->ns = bench_now_ns() - start_ns;
        return err;
}

static void run(const struct bench *b, const char *variant, exec_task_fn fn, unsigned n_workers)
{
        struct table t = {.n_turns = b->is_quick ? 100000 : 1000000};
        struct bench_figure figure = {.variant = variant, .workers = n_workers, .work = t.n_turns};
        struct bench_samples ns = {0};
        exec_pool *pool = bench_pool_new(b, n_workers);

        bench_run_on(pool, fn, &t);
        for (unsigned round = 0; round < b->n_rounds; round++) {
                bench_run_on(pool, fn, &t);
                bench_add(&ns, (double)t.ns / (double)t.n_turns);
        }
        bench_pool_free(pool);
        bench_report(b, &figure, "time per round trip", "ns", &ns);
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"promise", "yield", NULL};
        static const struct bench_program program = {"suspend", "executor", variants, "1,2", 5};
        struct bench b;

        bench_init(&b, &program, argc, argv);
        for (unsigned i = 0; i < b.n_worker_counts; i++) {
                if (bench_wants(&b, "promise"))
                        run(&b, "promise", promise_main, b.workers[i]);
                if (bench_wants(&b, "yield"))
                        run(&b, "yield", yield_main, b.workers[i]);
        }
        return bench_fini(&b);
}
