/* circle_test.c - tasks that await one another in a circle: the one that closes it is told. */
#include "fixture.h"

enum { MOST = 12 };

struct ring {
        struct member {
                exec_future *f; /* this one */
                struct ring *ring;
                int rc;
        } member[MOST];
        int n;
        _Atomic(int) begun, turn; /* the members await one after another */
        int64_t deadline_ns;      /* of the first one's wait */
};

/* Member i awaits member i + 1, when those before it do; the last one awaits the first. */
static int await_next(void *arg, void **value)
{
        struct member *m = arg;
        struct ring *r = m->ring;
        int i = (int)(m - r->member);
        exec_future *next;

        (void)value;
        atom_add(&r->begun, 1, ACQ_REL);
        while (atom_load(&r->turn, ACQUIRE) < i)
                exec_sleep(EXEC_US(50));
        atom_add(&r->turn, 1, ACQ_REL);
        next = r->member[(i + 1) % r->n].f;
        if (i == r->n - 1) /* the others have begun to wait by now, most likely; else it would not be told */
                exec_sleep(EXEC_MS(50));
        if (i == 0 && r->deadline_ns != EXEC_FOREVER)
                m->rc = exec_await_until(next, exec_now() + r->deadline_ns, NULL);
        else
                m->rc = exec_await(next, NULL);
        return m->rc;
}

static void start(struct ring *r, int n, int64_t deadline_ns)
{
        r->n = n;
        r->deadline_ns = deadline_ns;
        atom_store(&r->turn, -1, RELAXED);
        atom_store(&r->begun, 0, RELAXED);
        for (int i = 0; i < n; i++)
                r->member[i].ring = r;
        for (int i = 0; i < n; i++)
                r->member[i].f = exec_create_task(await_next, &r->member[i]);
        fixture_wait(&r->begun, n); /* each on a stack of its own */
        atom_store(&r->turn, 0, RELEASE);
}

/* Wait for all; a circle that nobody was told of is cut open. */
static void finish(struct ring *r)
{
        for (int i = 0; i < r->n; i++)
                if (exec_await_until(r->member[i].f, exec_now() + EXEC_SEC(5), NULL) == -ETIMEDOUT &&
                    !exec_future_done(r->member[i].f))
                        exec_cancel(r->member[i].f, NULL);
        for (int i = 0; i < r->n; i++)
                exec_await(r->member[i].f, NULL);
        for (int i = 0; i < r->n; i++)
                exec_future_unref(r->member[i].f);
}

/* The last one is told, and its error ends the others' waits. On a slow machine one before it may not have got as far as
 * its wait: then another try. */
static void test_X1_circle(struct fixture *fx)
{
        (void)fx;
        for (int n = 2; n <= MOST; n += 5) {
                int n_told = 0;

                for (int tries = 0; tries < 5 && n_told != n; tries++) {
                        struct ring r;

                        start(&r, n, EXEC_FOREVER);
                        finish(&r);
                        n_told = 0;
                        for (int i = 0; i < n; i++)
                                n_told += r.member[i].rc == -EDEADLK;
                }
                EXPECT_EQ(n_told, n);
        }
}

/* One with a deadline in it ends by itself: nobody is told. */
static void test_X1_with_a_deadline(struct fixture *fx)
{
        struct ring r;

        (void)fx;
        start(&r, 3, EXEC_MS(150));
        finish(&r);
        for (int i = 0; i < 3; i++)
                EXPECT_EQ(r.member[i].rc, -ETIMEDOUT);
}

static void test_X1_itself(struct fixture *fx)
{
        (void)fx;
        EXPECT_EQ(exec_await(exec_current_task(), NULL), -EDEADLK);
}

/* A child on its awaiter's frame awaits that one. */
static int await_creator(void *arg, void **value)
{
        int err = exec_await(arg, NULL);

        (void)value;
        exec_future_unref(arg); /* its own: where the creator is the one that is told, that one may end first */
        return err;
}

static void test_X1_child_awaits_its_awaiter(struct fixture *fx)
{
        exec_future *f = exec_create_task(await_creator, exec_future_ref(exec_current_task()));

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), -EDEADLK);
        exec_future_unref(f);
}

static int await_through(void *arg, void **value)
{
        exec_future *f = exec_create_task(await_creator, exec_future_ref(arg));
        int err = exec_await(f, value);

        exec_future_unref(f);
        return err;
}

static void test_X1_grandchild_awaits_it(struct fixture *fx)
{
        exec_future *f = exec_create_task(await_through, exec_current_task());

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), -EDEADLK);
        exec_future_unref(f);
}

/* What waits for the same, or in a tree or a lattice, is no circle. */
static int await_both(void *arg, void **value)
{
        exec_future **f = arg;
        int err = exec_await(f[0], NULL);

        return err ? err : exec_await(f[1], value);
}

static int tree(void *arg, void **value)
{
        intptr_t depth = (intptr_t)arg;
        exec_future *f[3], *pair[2];
        int err = 0;

        *value = arg;
        if (depth == 0)
                return exec_yield();
        for (int i = 0; i < 2; i++)
                pair[i] = f[i] = exec_create_task(tree, VAL(depth - 1));
        f[2] = exec_create_task(await_both, pair);
        exec_yield();
        for (int i = 2; i >= 0; i--) {
                int r = exec_await(f[i], NULL);

                err = err ? err : r;
        }
        exec_future_unref_all(f, 3);
        return err;
}

static void test_no_circle(struct fixture *fx)
{
        (void)fx;
        for (size_t i = 0; i < test_scale(20); i++) {
                exec_future *f = exec_create_task(tree, VAL(7));

                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
        }
}

static const struct fixture_case cases[] = {
        CASE(test_X1_circle),
        CASE(test_X1_with_a_deadline),
        CASE_TASK(test_X1_itself),
        CASE_TASK(test_X1_child_awaits_its_awaiter),
        CASE_ONE(test_X1_grandchild_awaits_it),
        CASE(test_no_circle),
};

FIXTURE_MAIN("circle", cases)
