/* debug_test.c - debug mode: where tasks were created and asked to end, and who runs for long: I11, R14 of
 * docs/CONFORMANCE.md. (How long a step lasts is tests/unit/sched_step_test.c's.) */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static exec_pool *pool_with(unsigned n_workers, unsigned flags, int64_t slow_ns)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = n_workers;
        o.flags = flags;
        o.slow_ns = slow_ns;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        return pool;
}

static struct exec_task_options options_in(exec_pool *pool)
{
        struct exec_task_options o;

        exec_task_options_init(&o, sizeof o);
        o.pool = pool;
        return o;
}

static bool is_text(const char *a, const char *b)
{
        return a && b && !strcmp(a, b);
}

/* ---- I11: places of creation ---- */

static int create_ways(void *arg, void **value)
{
        struct exec_task_options o = options_in(NULL);
        const char *here[5];
        exec_future *f[5];
        exec_group *g;
        int n_equal = 0;

        (void)value;
        EXPECT_EQ(exec_group_begin(&g, NULL), 0);
        f[0] = exec_create_task(task_value, NULL), here[0] = EXEC_PLACE;
        f[1] = exec_create_task_with(task_value, NULL, &o), here[1] = EXEC_PLACE;
        f[2] = exec_create_task_with(task_value, NULL, NULL), here[2] = EXEC_PLACE;
        f[3] = exec_group_create_task(g, task_value, NULL), here[3] = EXEC_PLACE;
        f[4] = exec_group_create_task_with(g, task_value, NULL, &o), here[4] = EXEC_PLACE;
        for (int i = 0; i < 5; i++) {
                EXPECT(strstr(here[i], "debug_test.c:"));
                n_equal += is_text(exec_task_place(f[i]), here[i]);
                if (!arg)
                        EXPECT(!exec_task_place(f[i]));
        }
        EXPECT_EQ(n_equal, arg ? 5 : 0);
        EXPECT_EQ(exec_group_end(g, 0), 0);
        EXPECT_EQ(exec_gather(f, 5, NULL, 0), 0);
        exec_future_unref_all(f, 5);
        exec_group_free(g);
        return 0;
}

static void create_in_ways(exec_pool *pool, bool known)
{
        void *arg = known ? pool : NULL;
        exec_future *f = create_in(pool, create_ways, arg);

        EXPECT_EQ(exec_pool_set_default(pool), 0);
        EXPECT_EQ(create_ways(arg, NULL), 0);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT((exec_task_place(f) != NULL) == known);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_set_default(NULL), 0);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_I11_place_of_creation(struct fixture *fx)
{
        EXPECT_EQ(exec_pool_free(fx->pool), 0);
        fx->pool = NULL;
        create_in_ways(pool_with(fx->n_workers, EXEC_POOL_DEBUG, EXEC_FOREVER), true);
}

static void test_I11_not_outside_debug_mode(struct fixture *fx)
{
        EXPECT_EQ(exec_pool_free(fx->pool), 0);
        fx->pool = NULL;
        if (!getenv("EXEC_DEBUG"))
                create_in_ways(pool_with(fx->n_workers, 0, 0), false);
}

/* As a program in another language does. */
static void test_I11_told_by_hand(struct fixture *fx)
{
        exec_pool *pool = pool_with(fx->n_workers, EXEC_POOL_DEBUG, 0);
        struct exec_task_options o = options_in(pool);
        exec_future *f = exec_create_task_with_at("tasks.py:12", task_forever, NULL, &o);
        exec_future *unknown = exec_create_task_with_at(NULL, task_value, NULL, &o), *p = exec_promise_new(NULL);

        EXPECT(is_text(exec_task_place(f), "tasks.py:12"));
        EXPECT(!exec_cancel_place(f));
        EXPECT(!exec_task_place(unknown));
        EXPECT(!exec_task_place(p));
        EXPECT(!exec_task_place(NULL));
        EXPECT(!exec_cancel_place(NULL));
        EXPECT_EQ(exec_cancel_at("tasks.py:20", f, NULL), 1);
        EXPECT(is_text(exec_cancel_place(f), "tasks.py:20"));
        EXPECT_EQ(exec_cancel_at("tasks.py:21", p, NULL), 1);
        EXPECT(!exec_cancel_place(p));
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_EQ(exec_await(unknown, NULL), 0);
        exec_future_unref(f);
        exec_future_unref(unknown);
        exec_future_unref(p);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

/* ---- I11: who cancelled ---- */

struct chain {
        exec_future *inner, *gathered[2];
        _Atomic(int) begun;
};

static int await_chain(void *arg, void **value)
{
        struct chain *c = arg;

        (void)value;
        c->inner = exec_create_task(task_forever, NULL);
        c->gathered[0] = exec_create_task(task_forever, NULL);
        c->gathered[1] = exec_create_task(task_forever, NULL);
        atom_store(&c->begun, 1, RELEASE);
        EXPECT_EQ(exec_await(c->inner, NULL), -ECANCELED);
        atom_store(&c->begun, 2, RELEASE);
        return exec_gather(c->gathered, 2, NULL, 0);
}

/* It goes on with the request, along what is awaited. */
static void test_I11_who_cancelled(struct fixture *fx)
{
        exec_pool *pool = pool_with(fx->n_workers, EXEC_POOL_DEBUG, EXEC_FOREVER);
        const char *first, *second;
        struct chain c = {0};
        exec_future *f = create_in(pool, await_chain, &c), *unbegun;

        fixture_wait(&c.begun, 1);
        fixture_settle(pool);
        exec_cancel(f, "one"), first = EXEC_PLACE;
        fixture_wait(&c.begun, 2);
        EXPECT(is_text(exec_cancel_place(c.inner), first));
        fixture_settle(pool);
        exec_cancel(f, "two"), second = EXEC_PLACE;
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT(is_text(exec_cancel_place(f), second));
        EXPECT(is_text(exec_cancel_place(c.inner), first));
        for (int i = 0; i < 2; i++) {
                EXPECT(is_text(exec_cancel_place(c.gathered[i]), second));
                exec_future_unref(c.gathered[i]);
        }
        exec_future_unref(c.inner);
        exec_future_unref(f);
        unbegun = create_in(pool, task_forever, NULL);
        exec_cancel(unbegun, NULL), first = EXEC_PLACE;
        EXPECT_EQ(exec_await(unbegun, NULL), -ECANCELED);
        EXPECT(is_text(exec_cancel_place(unbegun), first));
        exec_future_unref(unbegun);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

/* ---- I11: the dump, all tasks, the log ---- */

static void read_dump(exec_pool *pool, char *text, size_t size)
{
        int fds[2];
        ssize_t n;

        EXPECT_EQ(pipe(fds), 0);
        EXPECT_EQ(exec_pool_dump(pool, fds[1]), 0);
        close(fds[1]);
        n = read(fds[0], text, size - 1);
        text[n > 0 ? n : 0] = '\0';
        close(fds[0]);
}

static int resist(void *arg, void **value)
{
        (void)value;
        atom_store((_Atomic(int) *)arg, 1, RELEASE);
        EXPECT_EQ(exec_sleep_until(EXEC_FOREVER), -ECANCELED);
        atom_store((_Atomic(int) *)arg, 2, RELEASE);
        return exec_sleep_until(EXEC_FOREVER);
}

static void test_I11_in_the_dump(struct fixture *fx)
{
        exec_pool *pool = pool_with(fx->n_workers, EXEC_POOL_DEBUG, 0);
        struct exec_task_options o = options_in(pool);
        exec_future *f, *found[2];
        _Atomic(int) step = 0;
        char text[2048];

        o.name = "resister";
        f = exec_create_task_with_at("here.c:1", resist, (void *)&step, &o);
        fixture_wait(&step, 1);
        read_dump(pool, text, sizeof text);
        EXPECT(strstr(text, "resister"));
        EXPECT(strstr(text, ", created at here.c:1\n"));
        exec_cancel_at("there.c:2", f, NULL);
        fixture_wait(&step, 2);
        read_dump(pool, text, sizeof text);
        EXPECT(strstr(text, ", created at here.c:1, asked to end at there.c:2\n"));
        EXPECT_EQ(exec_all_tasks(pool, found, 2), 1);
        EXPECT_PTR(found[0], f);
        EXPECT(is_text(exec_task_place(found[0]), "here.c:1"));
        EXPECT(is_text(exec_cancel_place(found[0]), "there.c:2"));
        exec_future_unref(found[0]);
        exec_cancel(f, NULL);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static struct {
        pthread_mutex_t mutex;
        int n;
        char text[512];
} heard = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void hear(int level, const char *message, void *ctx)
{
        (void)ctx;
        if (level != EXEC_LOG_WARN)
                return;
        pthread_mutex_lock(&heard.mutex);
        heard.n++;
        snprintf(heard.text, sizeof heard.text, "%s", message);
        pthread_mutex_unlock(&heard.mutex);
}

static void hear_begin(void)
{
        heard.n = 0;
        heard.text[0] = '\0';
        exec_set_log(hear, NULL);
}

static void test_I11_unhandled_error(struct fixture *fx)
{
        exec_pool *pool = pool_with(fx->n_workers, EXEC_POOL_DEBUG, EXEC_FOREVER);
        struct exec_task_options o = options_in(pool);
        exec_future *f = exec_create_task_with_at("here.c:3", task_fail, ERR(-EIO), &o);

        fixture_wait_done(f);
        hear_begin();
        exec_future_unref(f);
        exec_set_log(NULL, NULL);
        EXPECT_EQ(heard.n, 1);
        EXPECT(strstr(heard.text, "created at here.c:3"));
        EXPECT_EQ(exec_pool_free(pool), 0);
}

/* ---- the warning of one that runs for long ---- */

static int compute(void *arg, void **value)
{
        *value = arg;
        fixture_spin(EXEC_MS(30));
        return 0;
}

static int compute_then_wait(void *arg, void **value)
{
        fixture_spin(EXEC_MS(30));
        *value = arg;
        return exec_sleep(EXEC_US(10));
}

static int await_one(void *arg, void **value)
{
        struct exec_task_options o = options_in(NULL);
        exec_future *f;
        int rc;

        o.name = "the child";
        f = exec_create_task_with_at("child.c:5", arg ? compute : compute_then_wait, arg, &o);
        rc = exec_await(f, value);
        exec_future_unref(f);
        return rc;
}

static void test_slow_task_is_told(struct fixture *fx)
{
        static const exec_task_fn fns[] = {compute, compute_then_wait};

        for (size_t i = 0; i < N_OF(fns); i++) {
                exec_pool *pool = pool_with(fx->n_workers, EXEC_POOL_DEBUG, EXEC_MS(20));
                struct exec_task_options o = options_in(pool);
                exec_future *f;

                o.name = "the slow one";
                hear_begin();
                f = exec_create_task_with_at("slow.c:4", fns[i], &o, &o);
                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
                EXPECT_EQ(exec_pool_free(pool), 0);
                exec_set_log(NULL, NULL);
                EXPECT(heard.n >= 1);
                EXPECT(strstr(heard.text, "task the slow one, created at slow.c:4, ran for "));
                EXPECT(strstr(heard.text, " ms without a wait"));
        }
}

/* On its awaiter's stack or on its own: it is the child that is told. */
static void test_slow_child_is_told(struct fixture *fx)
{
        for (int waits = 0; waits < 2; waits++) {
                exec_pool *pool = pool_with(fx->n_workers, EXEC_POOL_DEBUG, EXEC_MS(20));
                exec_future *f;

                hear_begin();
                f = create_in(pool, await_one, waits ? NULL : pool);
                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
                EXPECT_EQ(exec_pool_free(pool), 0);
                exec_set_log(NULL, NULL);
                EXPECT(heard.n >= 1);
                if (heard.n == 1)
                        EXPECT(strstr(heard.text, "task the child, created at child.c:5, ran for "));
        }
}

static void test_slow_task_outside_debug_mode(struct fixture *fx)
{
        exec_pool *pool = pool_with(fx->n_workers, 0, EXEC_MS(1));
        exec_future *f;

        hear_begin();
        f = create_in(pool, compute, pool);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        f = create_in(pool, compute_then_wait, pool);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(pool), 0);
        exec_set_log(NULL, NULL);
        EXPECT_EQ(heard.n, getenv("EXEC_DEBUG") ? heard.n : 0);
}

/* ---- R14: flag and environment ---- */

static bool is_debug(unsigned flags)
{
        exec_pool *pool = pool_with(1, flags, 0);
        struct exec_task_options o = options_in(pool);
        exec_future *f = exec_create_task_with_at("x.c:1", task_value, NULL, &o);
        bool known = exec_task_place(f) != NULL;

        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(pool), 0);
        return known;
}

static void test_R14_environment(struct fixture *fx)
{
        (void)fx;
        unsetenv("EXEC_DEBUG");
        EXPECT(!is_debug(0));
        EXPECT(is_debug(EXEC_POOL_DEBUG));
        setenv("EXEC_DEBUG", "1", 1);
        EXPECT(is_debug(0));
        setenv("EXEC_DEBUG", "0", 1);
        EXPECT(!is_debug(0));
        EXPECT(is_debug(EXEC_POOL_DEBUG));
        setenv("EXEC_DEBUG", "", 1);
        EXPECT(!is_debug(0));
}

static void test_slow_ns_out_of_range(struct fixture *fx)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        (void)fx;
        exec_pool_options_init(&o, sizeof o);
        o.flags = EXEC_POOL_DEBUG;
        o.slow_ns = -1;
        EXPECT_EQ(exec_pool_new(&pool, &o), -EINVAL);
        o.size = offsetof(struct exec_pool_options, slow_ns); /* of a program that does not know the field */
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

/* A task that cannot have what debug mode needs cannot be created. */
static void test_no_memory(struct fixture *fx)
{
        exec_pool *pool = pool_with(fx->n_workers, EXEC_POOL_DEBUG, 0);
        struct exec_task_options o = options_in(pool);
        exec_future *f;

        for (int n = 1; n < 10 && fixture_fault_arm(FAIL_ALLOC, (uint64_t)n, true); n++) {
                f = exec_create_task_with(task_value, NULL, &o);
                fixture_fault_disarm();
                EXPECT(exec_await(f, NULL) == 0 || exec_await(f, NULL) == -ENOMEM);
                exec_future_unref(f);
        }
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static const struct fixture_case cases[] = {
        CASE_THREAD(test_I11_place_of_creation),
        CASE_THREAD(test_I11_not_outside_debug_mode),
        CASE_THREAD(test_I11_told_by_hand),
        CASE_THREAD(test_I11_who_cancelled),
        CASE_THREAD(test_I11_in_the_dump),
        CASE_THREAD(test_I11_unhandled_error),
        CASE_THREAD(test_slow_task_is_told),
        CASE_THREAD(test_slow_child_is_told),
        CASE_THREAD(test_slow_task_outside_debug_mode),
        CASE_CHILD(test_R14_environment),
        CASE_BARE(test_slow_ns_out_of_range),
        CASE_THREAD(test_no_memory),
};

FIXTURE_MAIN("debug", cases)
