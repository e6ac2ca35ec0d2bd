/* no_alloc_test.c - what ends a wait needs no memory: tasks wait in every way there is; then every allocation would fail, and
 * they are completed, cancelled, timed out, or their pool is stopped. Not one allocation is asked for, and each wait ends as
 * it does elsewhere. With mappings refused instead all end too. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum ending { COMPLETE, CANCEL, DEADLINE, SHUTDOWN, FREE, REQUEST_STOP, N_ENDINGS };

/* One task that waits. */
struct waiting {
        int (*wait)(struct waiting *w);
        const char *name;
        bool has_deadline;
        exec_future *promise; /* what it waits for in the end */
        int64_t deadline_ns;
        exec_future *task;
        int rc;
};

static int by_await(struct waiting *w)
{
        return exec_await(w->promise, NULL);
}

static int by_await_until(struct waiting *w)
{
        return exec_await_until(w->promise, w->deadline_ns, NULL);
}

static int by_wait(struct waiting *w)
{
        int rc = exec_wait(&w->promise, 1, EXEC_ALL_COMPLETED, w->deadline_ns, NULL);

        return rc == 1 ? exec_await(w->promise, NULL) : rc ? rc : -ETIMEDOUT;
}

static int by_wait_of_many(struct waiting *w)
{
        exec_future *f[40];
        int rc;

        for (int i = 0; i < 40; i++)
                f[i] = w->promise;
        rc = exec_wait(f, 40, EXEC_FIRST_EXCEPTION, w->deadline_ns, NULL);
        return rc == 40 ? exec_await(w->promise, NULL) : rc ? rc : -ETIMEDOUT;
}

static int by_wait_for(struct waiting *w)
{
        return exec_wait_for(w->promise, w->deadline_ns == EXEC_FOREVER ? EXEC_FOREVER : w->deadline_ns - exec_now(),
                             NULL);
}

static int by_any(struct waiting *w)
{
        return exec_any(&w->promise, 1, NULL, NULL, EXEC_CANCEL_REST);
}

static int by_gather(struct waiting *w)
{
        exec_future *f[3] = {w->promise, exec_sleep_future(0), w->promise};
        int rc = exec_gather(f, 3, NULL, 0);

        exec_future_unref(f[1]);
        return rc;
}

static int by_gather_future(struct waiting *w)
{
        exec_future *inner = exec_gather_future(&w->promise, 1, 0),
                    *outer = exec_gather_future(&inner, 1, EXEC_COLLECT);
        int rc = exec_await(outer, NULL);

        exec_future_unref(outer);
        exec_future_unref(inner);
        return rc;
}

static int by_shield(struct waiting *w)
{
        exec_future *shield = exec_shield(w->promise);
        int rc = exec_await(shield, NULL);

        exec_future_unref(shield);
        return rc;
}

static int by_completion(struct waiting *w)
{
        exec_completion *c = exec_as_completed(&w->promise, 1);
        exec_future *f = NULL;
        int rc = exec_completion_next(c, w->deadline_ns, &f, NULL);

        exec_completion_free(c);
        exec_future_unref(f);
        return rc == 1 ? 0 : rc;
}

static int child_awaits(void *promise, void **value)
{
        return exec_await(promise, value);
}

static int by_child(struct waiting *w)
{
        exec_future *child = exec_create_task(child_awaits, w->promise);
        int rc = exec_await(child, NULL);

        exec_future_unref(child);
        return rc;
}

static int by_group(struct waiting *w)
{
        exec_group *g;
        int rc;

        EXPECT_EQ(exec_group_begin(&g, NULL), 0);
        EXPECT_EQ(exec_group_start(g, child_awaits, w->promise), 0);
        EXPECT_EQ(exec_group_start(g, child_awaits, w->promise), 0);
        rc = exec_group_end(g, 0);
        exec_group_free(g);
        return rc;
}

static int by_full_group(struct waiting *w)
{
        struct exec_group_options o;
        exec_group *g;
        int rc;

        exec_group_options_init(&o, sizeof o);
        o.limit = 1;
        EXPECT_EQ(exec_group_begin(&g, &o), 0);
        EXPECT_EQ(exec_group_start(g, child_awaits, w->promise), 0);
        exec_future_unref(exec_group_create_task(g, NULL, NULL)); /* waits for room; what comes of it no matter */
        rc = exec_group_end(g, 0);
        exec_group_free(g);
        return rc == -EINVAL ? 0 : rc;
}

static int by_scope(struct waiting *w)
{
        struct exec_timeout outer = {{0}}, inner = {{0}};
        int rc;

        EXPECT_EQ(exec_timeout_begin(&outer, w->deadline_ns), 0);
        EXPECT_EQ(exec_timeout_begin(&inner, EXEC_FOREVER), 0);
        rc = exec_await(w->promise, NULL);
        return exec_timeout_end(&outer, exec_timeout_end(&inner, rc));
}

static void set_other(exec_future *f, void *other)
{
        (void)f;
        exec_promise_set(other, NULL);
}

static int by_callback(struct waiting *w)
{
        exec_future *other = exec_promise_new(NULL);
        int rc;

        EXPECT_EQ(exec_future_add_callback(w->promise, set_other, other), 0);
        rc = exec_await(other, NULL);
        exec_future_remove_callback(w->promise, set_other, other);
        exec_future_unref(other);
        return rc;
}

static int by_sleep(struct waiting *w)
{
        int rc = exec_sleep_until(w->deadline_ns);

        return rc ? rc : -ETIMEDOUT;
}

static int by_map(struct waiting *w)
{
        struct exec_outcome o;
        exec_map *m = NULL;
        int rc;

        EXPECT_EQ(exec_map_new(&m, child_awaits, w->promise, 1, 0, NULL), 0);
        rc = exec_map_next(m, w->deadline_ns, &o);
        if (rc < 0)
                exec_cancel(w->promise, NULL); /* what the call awaits, and free waits for */
        exec_map_free(m);
        return rc == 1 ? o.err : rc;
}

static const struct waiting ways[] = {
        {by_await, "await", false, NULL, 0, NULL, 0},      {by_await_until, "await_until", true, NULL, 0, NULL, 0},
        {by_wait, "wait", true, NULL, 0, NULL, 0},         {by_wait_of_many, "wait of many", true, NULL, 0, NULL, 0},
        {by_wait_for, "wait_for", true, NULL, 0, NULL, 0}, {by_any, "any", false, NULL, 0, NULL, 0},
        {by_gather, "gather", false, NULL, 0, NULL, 0},    {by_gather_future, "gather future", false, NULL, 0, NULL, 0},
        {by_shield, "shield", false, NULL, 0, NULL, 0},    {by_completion, "completion", true, NULL, 0, NULL, 0},
        {by_child, "child", false, NULL, 0, NULL, 0},      {by_group, "group", false, NULL, 0, NULL, 0},
        {by_scope, "scope", true, NULL, 0, NULL, 0},       {by_callback, "callback", false, NULL, 0, NULL, 0},
        {by_map, "map", true, NULL, 0, NULL, 0},           {by_sleep, "sleep", true, NULL, 0, NULL, 0},
};

/* Only where no call in its clean-up needs memory by itself: with room a child would be made. */
static const struct waiting full_group = {by_full_group, "full group", false, NULL, 0, NULL, 0};

enum { N_WAYS = N_OF(ways), N_SAME = 3, MOST = (N_WAYS + 1) * N_SAME };

static int wait_task(void *arg, void **value)
{
        struct waiting *w = arg;

        (void)value;
        w->rc = w->wait(w);
        return w->rc == -ETIMEDOUT ? 0 : w->rc;
}

/* How many tasks of the pool wait: what the dump says, so that they have really left their workers. */
static int n_waiting(exec_pool *pool)
{
        static char text[1 << 16];
        int fd = memfd_create("dump", 0), n = 0;
        ssize_t size;

        if (!EXPECT(fd >= 0))
                return -1;
        EXPECT_EQ(exec_pool_dump(pool, fd), 0);
        size = pread(fd, text, sizeof text - 1, 0);
        text[size > 0 ? size : 0] = '\0';
        close(fd);
        for (const char *at = text; (at = strstr(at, " waits for ")); at++)
                n++;
        return n;
}

/* Those that wait are counted between two counts of all that agree: else some may have been created meanwhile, and wait in the
 * place of others. */
static bool all_wait_or_have_ended(exec_pool *pool)
{
        int64_t n, end = exec_now() + EXEC_SEC(60);
        int n_wait = -1;

        while (n = exec_all_tasks(pool, NULL, 0), n_wait = n_waiting(pool),
               n_wait != n || n != exec_all_tasks(pool, NULL, 0)) {
                if (exec_now() >= end)
                        return EXPECT_EQ(n_wait, n);
                exec_sleep(EXEC_MS(1));
        }
        return true;
}

static int expected(const struct waiting *w, enum ending how)
{
        if (how == COMPLETE)
                return w->wait == by_sleep ? -ECANCELED : 0;
        return how == DEADLINE && w->has_deadline ? -ETIMEDOUT : how == DEADLINE ? 0 : -ECANCELED;
}

/* A pool that stops cancels children too: a group whose children ended so before its end was cancelled has ended well, and a
 * creator may have had room. */
static bool may_be_well(const struct waiting *w, enum ending how)
{
        return w->wait == by_full_group || (w->wait == by_group && how >= SHUTDOWN);
}

static void drive(exec_pool **pool, struct waiting *w, size_t n, enum ending how)
{
        switch (how) {
        case CANCEL:
                for (size_t i = 0; i < n; i++)
                        EXPECT_EQ(exec_cancel(w[i].task, "no more"), 1);
                break;
        case SHUTDOWN:
                EXPECT_EQ(exec_pool_shutdown(*pool, EXEC_CANCEL, EXEC_FOREVER), 0);
                break;
        case FREE:
                EXPECT_EQ(exec_pool_free(*pool), 0);
                *pool = NULL;
                break;
        case REQUEST_STOP:
                EXPECT_EQ(exec_pool_request_stop(*pool), 0);
                break;
        case DEADLINE: /* those that have none are completed */
                for (size_t i = 0; i < n; i++)
                        if (w[i].has_deadline)
                                fixture_wait_done(w[i].task);
                /* fall through */
        default:
                for (size_t i = 0; i < n; i++) {
                        if (how == COMPLETE || !w[i].has_deadline)
                                exec_promise_set(w[i].promise, NULL);
                        if (how == COMPLETE && w[i].wait == by_sleep)
                                exec_cancel(w[i].task, NULL);
                }
        }
}

static exec_pool *pool_of(unsigned n_workers)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = n_workers;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        return pool;
}

static size_t begin_all(exec_pool *pool, struct waiting *w, enum ending how)
{
        size_t n_ways = N_WAYS + (how == COMPLETE ? 0 : 1), n = 0;
        int64_t deadline_ns = how == DEADLINE ? exec_now() + EXEC_MS(30) : EXEC_FOREVER;

        if (how == DEADLINE)
                n_ways = N_WAYS;
        for (size_t i = 0; i < n_ways * N_SAME; i++, n++) {
                w[n] = i / N_SAME < N_WAYS ? ways[i / N_SAME] : full_group;
                w[n].deadline_ns = deadline_ns;
                w[n].promise = exec_promise_new(NULL);
                w[n].task = create_in(pool, wait_task, &w[n]);
        }
        return n;
}

static void end_all(unsigned n_workers, enum ending how, enum fixture_fault kind)
{
        exec_pool *pool = pool_of(n_workers);
        static struct waiting w[MOST];
        size_t n = begin_all(pool, w, how);
        uint64_t n_refused;

        /* A worker that a task has left may still be about to provide the next stack. */
        if (!all_wait_or_have_ended(pool) || !fixture_wait_asleep(pool) || !fixture_fault_arm(kind, 1, true))
                return;
        drive(&pool, w, n, how);
        for (size_t i = 0; i < n; i++)
                exec_await(w[i].task, NULL);
        n_refused = fixture_fault_disarm();
        if (kind == FAIL_ALLOC)
                EXPECT_EQ(n_refused, 0);
        for (size_t i = 0; i < n; i++) {
                if (!(w[i].rc == 0 && may_be_well(&w[i], how)) && !EXPECT_EQ(w[i].rc, expected(&w[i], how)))
                        printf("no_alloc: %s, ending %d\n", w[i].name, how);
                exec_future_unref(w[i].task);
                exec_future_unref(w[i].promise);
        }
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void no_log(int level, const char *message, void *ctx)
{
        (void)level, (void)message, (void)ctx;
}

#define ENDING_CASE(name, how)                                                                                         \
        static void test_##name(struct fixture *fx)                                                                    \
        {                                                                                                              \
                exec_set_log(no_log, NULL);                                                                            \
                end_all(fx->n_workers, how, FAIL_ALLOC);                                                               \
                end_all(fx->n_workers, how, FAIL_MAP);                                                                 \
                exec_set_log(NULL, NULL);                                                                              \
        }

ENDING_CASE(complete, COMPLETE)
ENDING_CASE(cancel, CANCEL)
ENDING_CASE(deadline, DEADLINE)
ENDING_CASE(shutdown, SHUTDOWN)
ENDING_CASE(free, FREE)
ENDING_CASE(request_stop, REQUEST_STOP)

static const struct fixture_case cases[] = {
        CASE_THREAD(test_complete), CASE_THREAD(test_cancel), CASE_THREAD(test_deadline),
        CASE_THREAD(test_shutdown), CASE_THREAD(test_free),   CASE_THREAD(test_request_stop),
};

FIXTURE_MAIN("no_alloc", cases)
