/* progress_test.c - what must go on whatever the workers do: X3, X5, X6, X7 of docs/CONFORMANCE.md. A case that does not go on is
 * ended by the fixture's alarm. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

/* ---- X3: every worker in a wait for tasks that are queued ---- */

enum { DEPTH = 7 };

static _Atomic(int) n_leaves;

/* Waits for its children by exec_wait(), which runs none of them on its own stack. */
static int branch(void *arg, void **value)
{
        intptr_t depth = (intptr_t)arg;
        exec_future *f[2];
        int n;

        (void)value;
        if (!depth) {
                atom_add(&n_leaves, 1, ACQ_REL);
                return 0;
        }
        for (int i = 0; i < 2; i++)
                f[i] = exec_create_task(branch, VAL(depth - 1));
        n = exec_wait(f, 2, EXEC_ALL_COMPLETED, EXEC_FOREVER, NULL);
        exec_future_unref_all(f, 2);
        return n == 2 ? 0 : n;
}

static void test_X3_all_workers_wait_for_queued_tasks(struct fixture *fx)
{
        exec_future *f[16];
        size_t n = 2 * fx->n_workers;

        atom_store(&n_leaves, 0, RELEASE);
        for (size_t i = 0; i < n; i++)
                f[i] = exec_create_task(branch, VAL(DEPTH));
        EXPECT_EQ(exec_gather(f, n, NULL, 0), 0);
        exec_future_unref_all(f, n);
        EXPECT_EQ(atom_load(&n_leaves, ACQUIRE), (int)n << DEPTH);
}

/* ---- X5: one that computes keeps nothing but its own worker ---- */

struct keeper {
        _Atomic(int) n_done, sleeper_begun;
        exec_future *promise;
        int n_expected;
};

static int note_done(void *arg, void **value)
{
        (void)value;
        atom_add(&((struct keeper *)arg)->n_done, 1, ACQ_REL);
        return 0;
}

static int await_then_note(void *arg, void **value)
{
        struct keeper *k = arg;
        int rc;

        atom_store(&k->sleeper_begun, 1, RELEASE);
        rc = exec_await(k->promise, value);
        atom_add(&k->n_done, 1, ACQ_REL);
        return rc;
}

/* Leaves new tasks in its deque and a woken one in its next slot, and computes until others have run them all. */
static int keep_worker(void *arg, void **value)
{
        struct keeper *k = arg;
        int64_t end = exec_now() + EXEC_SEC(60);

        (void)value;
        for (int i = 0; i < k->n_expected - 1; i++)
                exec_future_unref(exec_create_task(note_done, k));
        exec_promise_set(k->promise, NULL);
        while (atom_load(&k->n_done, ACQUIRE) < k->n_expected && exec_now() < end)
                ;
        return atom_load(&k->n_done, ACQUIRE) == k->n_expected ? 0 : -ETIMEDOUT;
}

/* Runs where who is woken goes on on one worker, which may be the one that computes. */
static bool is_bound(void)
{
        const char *flags = getenv("EXEC_TEST_POOL_FLAGS");

        return flags && (strstr(flags, "migrate") || strstr(flags, "tied"));
}

static void test_X5_a_long_task_keeps_nobody(struct fixture *fx)
{
        if (fx->n_workers == 1 || is_bound()) /* there is nobody else */
                return;
        for (int n = 1; n <= 100; n = n * 3 + 1) {
                struct keeper k = {0, 0, exec_promise_new(NULL), n};
                exec_future *sleeper = exec_create_task(await_then_note, &k), *f;

                fixture_wait(&k.sleeper_begun, 1);
                f = exec_create_task(keep_worker, &k);
                EXPECT_EQ(exec_wait(&f, 1, EXEC_ALL_COMPLETED, EXEC_FOREVER, NULL), 1);
                EXPECT_EQ(exec_await(f, NULL), 0);
                EXPECT_EQ(exec_await(sleeper, NULL), 0);
                exec_future_unref(f);
                exec_future_unref(sleeper);
                exec_future_unref(k.promise);
        }
}

/* ---- X6: two that wake each other for ever ---- */

struct game {
        exec_future *ball[2]; /* whose promise is set next; changed by its owner before it passes on */
        _Atomic(int) stop, n_turns;
};

struct player {
        struct game *game;
        int me;
};

static int play(void *arg, void **value)
{
        struct player *p = arg;
        struct game *g = p->game;
        int rc = 0, stop = 0;

        (void)value;
        while (!rc && !stop) {
                exec_future *mine = g->ball[p->me];

                rc = exec_await(mine, NULL);
                stop = atom_load(&g->stop,
                                 ACQUIRE); /* by who has the turn, and passes it on: so the other one sees it too */
                exec_future_unref(mine);
                g->ball[p->me] = exec_promise_new(NULL);
                atom_add(&g->n_turns, 1, RELAXED);
                exec_promise_set(g->ball[!p->me], NULL);
        }
        return rc;
}

static int stop_game(void *arg, void **value)
{
        (void)value;
        atom_store(&((struct game *)arg)->stop, 1, RELEASE);
        return 0;
}

static void test_X6_third_task_beside_ping_pong(struct fixture *fx)
{
        for (int round = 0; round < 10; round++) {
                struct game g = {{exec_promise_new(NULL), exec_promise_new(NULL)}, 0, 0};
                struct player players[2] = {{&g, 0}, {&g, 1}};
                exec_future *f[2] = {exec_create_task(play, &players[0]), exec_create_task(play, &players[1])}, *third;

                (void)fx;
                EXPECT_EQ(exec_promise_set(g.ball[0], NULL), 0);
                fixture_wait(&g.n_turns, 100);
                third = exec_create_task(stop_game, &g);
                EXPECT_EQ(exec_wait(&third, 1, EXEC_ALL_COMPLETED, EXEC_FOREVER, NULL), 1);
                for (int i = 0; i < 2; i++) /* each may still set the other one's */
                        EXPECT_EQ(exec_await(f[i], NULL), 0);
                for (int i = 0; i < 2; i++) {
                        exec_future_unref(f[i]);
                        exec_future_unref(g.ball[i]);
                }
                exec_future_unref(third);
        }
}

/* ---- X7: who waits for the pieces of a loop is not held up by a task that has nothing to do with it ---- */

struct loop {
        _Atomic(int) is_over, n_pieces;
        exec_future *_Atomic unrelated;
};

/* Ends only behind the loop: whoever ran it on top of the loop's wait would wait for ever. */
static int outlast_loop(void *arg, void **value)
{
        struct loop *l = arg;
        int64_t end = exec_now() + EXEC_SEC(60);

        (void)value;
        while (!atom_load(&l->is_over, ACQUIRE) && exec_now() < end)
                ;
        return atom_load(&l->is_over, ACQUIRE) ? 0 : -ETIMEDOUT;
}

static int piece(size_t begin, size_t end, void *arg)
{
        struct loop *l = arg;

        for (size_t i = begin; i < end; i++) {
                if (i == 20) /* by now others have taken pieces */
                        atom_store(&l->unrelated, exec_create_task(outlast_loop, l), RELEASE);
                fixture_spin(EXEC_US(10));
                atom_add(&l->n_pieces, 1, ACQ_REL);
        }
        return 0;
}

static void test_X7_a_loop_takes_nothing_unrelated(struct fixture *fx)
{
        /* Where forks are tasks, one worker may begin the unrelated one while the loop waits. */
        size_t rounds = is_bound() || fx->n_workers == 1 ? 0 : test_rounds(100);

        for (size_t i = 0; i < rounds; i++) {
                struct loop l = {0, 0, NULL};
                exec_future *f;

                EXPECT_EQ(exec_parallel_for(NULL, 0, 64, 1, piece, &l), 0);
                EXPECT_EQ(atom_load(&l.n_pieces, ACQUIRE), 64);
                atom_store(&l.is_over, 1, RELEASE);
                f = atom_load(&l.unrelated, ACQUIRE);
                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
        }
}

static const struct fixture_case cases[] = {
        CASE(test_X3_all_workers_wait_for_queued_tasks),
        CASE(test_X5_a_long_task_keeps_nobody),
        CASE(test_X6_third_task_beside_ping_pong),
        CASE(test_X7_a_loop_takes_nothing_unrelated),
};

FIXTURE_MAIN("progress", cases)
