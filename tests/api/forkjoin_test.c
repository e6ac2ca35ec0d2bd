/* forkjoin_test.c - forks and joins: right results, and everything of a task inside them. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fib {
        struct exec_fork fork;
        unsigned n;
        uint64_t result;
};

static uint64_t fib(unsigned n, exec_forks *at);

static void fib_fork(struct exec_fork *fork, exec_forks *at)
{
        struct fib *f = (struct fib *)fork;

        f->result = fib(f->n, at);
}

static uint64_t fib(unsigned n, exec_forks *at)
{
        struct fib left = {.n = n - 1};
        uint64_t right;

        if (n < 2)
                return n;
        right = fib(n - 2, exec_fork(at, &left.fork, fib_fork));
        if (exec_join(at, &left.fork))
                left.result = fib(left.n, at);
        return left.result + right;
}

static uint64_t fib_of(unsigned n)
{
        uint64_t a = 0, b = 1;

        while (n--) {
                uint64_t c = a + b;

                a = b;
                b = c;
        }
        return a;
}

static void test_fib(struct fixture *fx)
{
        unsigned n = TEST_TSAN ? 13 : TEST_ASAN ? 18 : 22;

        (void)fx;
        for (int i = 0; i < 5; i++)
                EXPECT_EQ(fib(n, exec_forks_here()), fib_of(n));
}

/* Several tasks that fork at once. */
static int task_fib(void *arg, void **value)
{
        *value = VAL((intptr_t)fib((unsigned)(intptr_t)arg, exec_forks_here()));
        return 0;
}

static void test_many_tasks(struct fixture *fx)
{
        enum { N = 20 };
        unsigned n = TEST_TSAN ? 9 : 15;
        exec_future *f[N];

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = exec_create_task(task_fib, VAL(n));
        for (int i = 0; i < N; i++) {
                void *value = NULL;

                EXPECT_EQ(exec_await(f[i], &value), 0);
                EXPECT_EQ((intptr_t)value, fib_of(n));
                exec_future_unref(f[i]);
        }
}

/* ---- depth ---- */

struct deep {
        struct exec_fork fork;
        unsigned depth;
        uint64_t sum;
};

static void deep_fork(struct exec_fork *fork, exec_forks *at)
{
        struct deep *d = (struct deep *)fork;

        (void)at;
        d->sum = d->depth;
}

/* All forks of all levels are out at once. */
static uint64_t deep(unsigned depth, exec_forks *at)
{
        struct deep here = {.depth = depth};
        uint64_t sum;

        if (!depth)
                return 0;
        sum = deep(depth - 1, exec_fork(at, &here.fork, deep_fork));
        if (exec_join(at, &here.fork))
                here.sum = depth;
        return sum + here.sum;
}

static int task_deep(void *arg, void **value)
{
        uint64_t n = (uint64_t)(uintptr_t)arg;

        (void)value;
        return deep((unsigned)n, exec_forks_here()) == n * (n + 1) / 2 ? 0 : -EIO;
}

/* More than a fork stack holds: what is over runs where it is forked. */
static void test_deeper_than_the_stack_of_forks(struct fixture *fx)
{
        struct exec_task_options o;
        exec_future *f;

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.stack_bytes = (size_t)64 << 20;
        f = exec_create_task_with(task_deep, VAL(TEST_TSAN ? 300 : 20000), &o);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
}

/* ---- where they run ---- */

struct leaf {
        struct exec_fork fork;
        void (*act)(struct leaf *l);
        void *arg;
        int r;
        _Atomic(int) *begun;
        exec_future *seen;
};

static void run_leaf(struct exec_fork *fork, exec_forks *at)
{
        struct leaf *l = (struct leaf *)fork;

        (void)at;
        l->act(l);
}

/* Fork both leaves, run @here, join. */
static void beside(struct leaf *a, struct leaf *b, struct leaf *here)
{
        exec_forks *at = exec_forks_here(), *next = exec_fork(at, &a->fork, run_leaf);

        exec_fork(next, &b->fork, run_leaf);
        here->act(here);
        if (exec_join(next, &b->fork))
                b->act(b);
        if (exec_join(at, &a->fork))
                a->act(a);
}

static void act_nothing(struct leaf *l)
{
        l->r++;
}

static void test_joined_at_home(struct fixture *fx)
{
        struct leaf a = {.act = act_nothing}, b = a, here = a;

        (void)fx;
        for (int i = 0; i < 1000; i++)
                beside(&a, &b, &here);
        EXPECT_EQ(a.r, 1000);
        EXPECT_EQ(b.r, 1000);
        EXPECT_EQ(here.r, 1000);
}

static void act_set(struct leaf *l)
{
        l->r = exec_promise_set(l->arg, VAL(7));
}

static void act_await(struct leaf *l)
{
        void *value = NULL;

        l->r = exec_await(l->arg, &value);
        EXPECT_PTR(value, 7);
}

/* With one worker too: who waits leaves his forks to others. */
static void test_await_what_an_own_fork_does(struct fixture *fx)
{
        exec_future *p = exec_promise_new(NULL);
        struct leaf a = {.act = act_set, .arg = p}, b = {.act = act_nothing}, here = {.act = act_await, .arg = p};

        (void)fx;
        beside(&a, &b, &here);
        EXPECT_EQ(a.r, 0);
        EXPECT_EQ(here.r, 0);
        EXPECT_EQ(b.r, 1);
        exec_future_unref(p);
}

static void act_wait_for_both(struct leaf *l)
{
        atom_add((_Atomic(int) *)l->arg, 1, ACQ_REL);
        for (int i = 0; i < 30000 && atom_load((_Atomic(int) *)l->arg, ACQUIRE) < 2; i++)
                fixture_spin(EXEC_MS(1));
        l->r = atom_load((_Atomic(int) *)l->arg, ACQUIRE) >= 2 ? 0 : -ETIME;
}

/* Neither forks nor joins nor waits: the fork must be found all the same. */
static void test_hidden_forks_are_found(struct fixture *fx)
{
        _Atomic(int) n = 0;
        struct leaf a = {.act = act_wait_for_both, .arg = &n}, b = {.act = act_nothing}, here = a;

        if (fx->n_workers == 1)
                return;
        beside(&a, &b, &here);
        EXPECT_EQ(a.r, 0);
        EXPECT_EQ(here.r, 0);
        EXPECT(fixture_stats(fx->pool).n_forks_stolen + fixture_stats(fx->pool).n_stolen > 0);
}

static void test_in_a_plain_thread(struct fixture *fx)
{
        struct leaf a = {.act = act_nothing}, b = a, here = a;

        (void)fx;
        beside(&a, &b, &here);
        EXPECT_EQ(a.r + b.r + here.r, 3);
        EXPECT_EQ(fib(10, exec_forks_here()), fib_of(10));
}

static void callback(exec_future *f, void *arg)
{
        (void)f;
        *(uint64_t *)arg = fib(8, exec_forks_here());
}

static void test_in_a_callback(struct fixture *fx)
{
        exec_future *p = exec_promise_new(NULL);
        uint64_t result = 0;

        (void)fx;
        EXPECT_EQ(exec_future_add_callback(p, callback, &result), 0);
        EXPECT_EQ(exec_promise_set(p, NULL), 0);
        EXPECT_EQ(result, fib_of(8));
        exec_future_unref(p);
}

/* ---- what a fork sees of its task ---- */

static exec_local *key;

static void act_look(struct leaf *l)
{
        char name[64] = "";

        if (l->begun) { /* so that on several workers all run at once */
                atom_add(l->begun, 1, ACQ_REL);
                for (int i = 0; i < 20 && atom_load(l->begun, ACQUIRE) < 3; i++)
                        exec_sleep(EXEC_MS(1));
        }
        l->seen = exec_current_task();
        exec_task_name(l->seen, name, sizeof name);
        l->r = strcmp(name, "the forker") ? -EIO : exec_local_set(key, VAL(2));
        if (exec_local_get(key) != VAL(1))
                l->r = -EIO;
}

static int task_look(void *arg, void **value)
{
        _Atomic(int) begun = 0;
        struct leaf a = {.act = act_look, .begun = &begun}, b = a, here = a;

        (void)arg;
        (void)value;
        EXPECT_EQ(exec_local_set(key, VAL(1)), 0);
        beside(&a, &b, &here);
        EXPECT_PTR(a.seen, exec_current_task());
        EXPECT_PTR(b.seen, exec_current_task());
        EXPECT_EQ(a.r, -EPERM);
        EXPECT_EQ(b.r, -EPERM);
        EXPECT_EQ(here.r, -EPERM);
        return exec_local_set(key, VAL(3));
}

static void test_task_name_and_locals(struct fixture *fx)
{
        struct exec_task_options o;
        exec_future *f;

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.name = "the forker";
        EXPECT_EQ(exec_local_new(&key, NULL), 0);
        f = exec_create_task_with(task_look, NULL, &o);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        exec_local_free(key);
}

static void act_fail(struct leaf *l)
{
        if (l->begun)
                exec_sleep(EXEC_MS(2));
        l->r = exec_fail(-EIO, "a leaf of %d", 3);
}

static int task_fail_in_fork(void *arg, void **value)
{
        _Atomic(int) begun = 0;
        struct leaf a = {.act = act_fail, .begun = &begun}, b = a, here = a;

        (void)arg;
        (void)value;
        beside(&a, &b, &here);
        return a.r;
}

static void test_error_messages(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_fail_in_fork, NULL);
        const char *message;

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), -EIO);
        message = exec_future_error_message(f, NULL, NULL);
        EXPECT(message && !strcmp(message, "a leaf of 3"));
        exec_future_unref(f);
}

static void act_all_tasks(struct leaf *l)
{
        if (l->begun)
                exec_sleep(EXEC_MS(5));
        l->r = (int)exec_all_tasks(NULL, NULL, 0);
}

static void test_a_fork_is_no_task(struct fixture *fx)
{
        _Atomic(int) begun = 0;
        struct leaf a = {.act = act_all_tasks, .begun = &begun}, b = a, here = {.act = act_all_tasks};

        (void)fx;
        beside(&a, &b, &here);
        EXPECT_EQ(a.r, 1);
        EXPECT_EQ(b.r, 1);
        EXPECT_EQ(here.r, 1);
}

/* A child that is awaited on its parent's stack forks too; afterwards the parent's forks are the parent's again. */
static int body_fork_and_look(size_t i, void *arg)
{
        exec_future *me = exec_current_task(), *f = exec_create_task(task_fib, VAL(5));
        int r = exec_await(f, NULL);

        (void)i;
        exec_future_unref(f);
        fixture_spin(EXEC_US(20)); /* so that others take a part */
        return r ? r : exec_current_task() == me && me == *(exec_future **)arg ? 0 : -EIO;
}

static int task_with_forking_children(void *arg, void **value)
{
        exec_future *me = exec_current_task();

        (void)arg;
        (void)value;
        return exec_parallel_for_each(NULL, 0, TEST_TSAN ? 20 : 400, 0, body_fork_and_look, &me);
}

static void test_a_child_on_the_stack_forks_too(struct fixture *fx)
{
        (void)fx;
        for (int i = 0; i < 5; i++) {
                exec_future *f = exec_create_task(task_with_forking_children, NULL);

                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
        }
}

/* Where a task has a large stack its forks have one too. */
static uint64_t use_stack(unsigned depth)
{
        volatile char room[16 << 10];

        room[0] = (char)depth;
        room[sizeof(room) - 1] = (char)depth;
        return depth ? use_stack(depth - 1) + (uint64_t)(room[0] == room[sizeof(room) - 1]) : 0;
}

static void act_use_stack(struct leaf *l)
{
        if (l->begun)
                act_wait_for_both(l); /* so that on several workers somebody else runs one */
        l->r = (int)use_stack(128);
}

static int task_use_stack(void *arg, void **value)
{
        _Atomic(int) n = 0;
        bool both = *(unsigned *)arg > 1;
        struct leaf a = {.act = act_use_stack, .arg = &n, .begun = both ? &n : NULL};
        struct leaf b = {.act = act_use_stack}, here = a;

        (void)value;
        beside(&a, &b, &here);
        return a.r == 128 && b.r == 128 && here.r == 128 ? 0 : -EIO;
}

static void test_forks_of_a_large_stack(struct fixture *fx)
{
        struct exec_task_options o;
        exec_future *f;

        exec_task_options_init(&o, sizeof o);
        o.stack_bytes = (size_t)8 << 20;
        f = exec_create_task_with(task_use_stack, &fx->n_workers, &o);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
}

/* ---- waits ---- */

static int task_seven(void *arg, void **value)
{
        (void)arg;
        *value = VAL(7);
        return exec_yield();
}

static void act_mixed(struct leaf *l)
{
        exec_future *f[3];
        void *value = NULL;

        for (int i = 0; i < 3; i++)
                f[i] = exec_create_task(task_seven, NULL);
        l->r = exec_sleep(EXEC_US(200));
        if (!l->r)
                l->r = exec_gather(f, 2, NULL, 0);
        if (!l->r)
                l->r = exec_await(f[2], &value);
        if (!l->r && value != VAL(7))
                l->r = -EIO;
        for (int i = 0; i < 3; i++)
                exec_future_unref(f[i]);
}

static void test_waits_in_forks(struct fixture *fx)
{
        (void)fx;
        for (int i = 0; i < (TEST_TSAN ? 5 : 30); i++) {
                struct leaf a = {.act = act_mixed}, b = a, here = a;

                beside(&a, &b, &here);
                EXPECT_EQ(a.r, 0);
                EXPECT_EQ(b.r, 0);
                EXPECT_EQ(here.r, 0);
        }
}

/* A tree in which every node waits somewhere: fibers with forks change their worker. */
struct tree {
        struct exec_fork fork;
        unsigned depth;
        uint64_t n;
};

static uint64_t tree(unsigned depth, exec_forks *at);

static void tree_fork(struct exec_fork *fork, exec_forks *at)
{
        struct tree *t = (struct tree *)fork;

        t->n = tree(t->depth, at);
}

static uint64_t tree(unsigned depth, exec_forks *at)
{
        struct tree left = {.depth = depth - 1};
        uint64_t n;

        if (!depth)
                return 1;
        at = exec_forks_here(); /* as good as the one passed */
        exec_forks *next = exec_fork(at, &left.fork, tree_fork);

        if (depth % 3 == 0)
                exec_yield();
        n = tree(depth - 1, next);
        if (depth % 4 == 0)
                exec_sleep(EXEC_US(50));
        if (exec_join(at, &left.fork))
                left.n = tree(depth - 1, at);
        return n + left.n;
}

static void test_forks_of_fibers_that_move(struct fixture *fx)
{
        unsigned depth = TEST_TSAN ? 6 : TEST_ASAN ? 9 : 12;

        (void)fx;
        for (int i = 0; i < 3; i++)
                EXPECT_EQ(tree(depth, exec_forks_here()), 1u << depth);
}

/* ---- cancellation ---- */

static void act_forever(struct leaf *l)
{
        atom_add(l->begun, 1, ACQ_REL);
        l->r = exec_sleep(EXEC_SEC(100));
        if (l->r == -ECANCELED) /* it stays while forks are out */
                l->r = exec_yield() == -ECANCELED ? -ECANCELED : -EIO;
}

struct victim {
        _Atomic(int) begun;
        int a, b, here, first, second, n;
        void (*act)(struct leaf *l);
};

static int task_victim(void *arg, void **value)
{
        struct victim *v = arg;
        struct leaf a = {.act = v->act, .begun = &v->begun}, b = a, here = a;

        (void)value;
        beside(&a, &b, &here);
        v->a = a.r;
        v->b = b.r;
        v->here = here.r;
        v->n = exec_cancelling(exec_current_task());
        v->first = exec_yield();
        v->second = exec_yield();
        return v->first;
}

static void cancel_victim(struct fixture *fx, void (*act)(struct leaf *l))
{
        struct victim v = {.act = act};
        exec_future *f = exec_create_task(task_victim, &v);

        fixture_wait(&v.begun, 1);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_cancel(f, "enough"), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_EQ(v.a, -ECANCELED);
        EXPECT_EQ(v.b, -ECANCELED);
        EXPECT_EQ(v.here, -ECANCELED);
        EXPECT_EQ(v.n, 1);
        EXPECT_EQ(v.first, -ECANCELED); /* delivered */
        EXPECT_EQ(v.second, 0);         /* once */
        exec_future_unref(f);
}

static void test_cancel_reaches_all_forks(struct fixture *fx)
{
        cancel_victim(fx, act_forever);
}

static void act_await_forever(struct leaf *l)
{
        exec_future *f = exec_create_task(task_forever, NULL);

        atom_add(l->begun, 1, ACQ_REL);
        l->r = exec_await(f, NULL);
        EXPECT_CANCELLED(f); /* passed on */
        exec_future_unref(f);
}

static void test_cancel_goes_on_to_what_forks_await(struct fixture *fx)
{
        cancel_victim(fx, act_await_forever);
}

static void act_gather_forever(struct leaf *l)
{
        exec_future *f[2];

        for (int i = 0; i < 2; i++)
                f[i] = exec_create_task(task_forever, NULL);
        atom_add(l->begun, 1, ACQ_REL);
        l->r = exec_gather(f, 2, NULL, 0);
        for (int i = 0; i < 2; i++)
                exec_future_unref(f[i]);
}

static void act_call_forever(struct leaf *l)
{
        atom_add(l->begun, 1, ACQ_REL);
        l->r = exec_gather_call(task_forever, NULL, 3, 0, NULL, 2, 0);
}

static void act_group_forever(struct leaf *l)
{
        exec_group *g;

        l->r = exec_group_begin(&g, NULL);
        exec_group_start(g, task_forever, NULL);
        exec_group_start(g, task_forever, NULL);
        atom_add(l->begun, 1, ACQ_REL);
        l->r = exec_group_end(g, 0);
        exec_group_free(g);
}

static int main_forever(void *arg, void **value)
{
        atom_add((_Atomic(int) *)arg, 1, ACQ_REL);
        return task_forever(NULL, value);
}

static void act_run_forever(struct leaf *l)
{
        l->r = exec_run(main_forever, (void *)(uintptr_t)l->begun, NULL);
}

static void act_wait_for_forever(struct leaf *l)
{
        exec_future *f = exec_create_task(task_forever, NULL);

        atom_add(l->begun, 1, ACQ_REL);
        l->r = exec_wait_for(f, EXEC_SEC(100), NULL);
        exec_future_unref(f);
}

static void act_completion_forever(struct leaf *l)
{
        exec_future *f = exec_create_task(task_forever, NULL);
        exec_completion *c = exec_as_completed(&f, 1);

        atom_add(l->begun, 1, ACQ_REL);
        l->r = exec_completion_next(c, EXEC_FOREVER, NULL, NULL);
        exec_completion_free(c);
        exec_cancel(f, NULL);
        exec_future_unref(f);
}

static void test_cancel_of_every_wait_in_forks(struct fixture *fx)
{
        cancel_victim(fx, act_gather_forever);
        cancel_victim(fx, act_call_forever);
        cancel_victim(fx, act_group_forever);
        cancel_victim(fx, act_wait_for_forever);
        cancel_victim(fx, act_completion_forever);
}

static void test_cancel_of_a_run_in_forks(struct fixture *fx)
{
        if (TEST_TSAN)
                return; /* three pools more, with threads of their own */
        cancel_victim(fx, act_run_forever);
}

/* Queued, or not yet taken: a fork runs all the same. */
static int task_cancelled_before(void *arg, void **value)
{
        struct leaf a = {.act = act_nothing}, b = a, here = a;

        (void)value;
        exec_cancel(exec_current_task(), "early");
        beside(&a, &b, &here);
        *(int *)arg = a.r + b.r + here.r;
        return exec_yield();
}

static void test_forks_run_though_cancelled(struct fixture *fx)
{
        int n = 0;
        exec_future *f = exec_create_task(task_cancelled_before, &n);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_EQ(n, 3);
        exec_future_unref(f);
}

static void act_timeout(struct leaf *l)
{
        struct exec_timeout scope;

        exec_timeout_begin(&scope, exec_now() + EXEC_MS(2));
        l->r = exec_timeout_end(&scope, exec_sleep(EXEC_SEC(100)));
}

static void act_sleep_long(struct leaf *l)
{
        l->r = exec_sleep(EXEC_MS(20));
}

/* A scope inside one fork is none of the others'. */
static void test_timeout_in_a_fork(struct fixture *fx)
{
        struct leaf a = {.act = act_sleep_long}, b = {.act = act_timeout}, here = {.act = act_sleep_long};

        (void)fx;
        beside(&a, &b, &here);
        EXPECT_EQ(a.r, 0);
        EXPECT_EQ(b.r, -ETIMEDOUT);
        EXPECT_EQ(here.r, 0);
        a.act = act_timeout;
        b.act = act_sleep_long;
        here.act = act_timeout;
        beside(&a, &b, &here);
        EXPECT_EQ(a.r, -ETIMEDOUT);
        EXPECT_EQ(b.r, 0);
        EXPECT_EQ(here.r, -ETIMEDOUT);
        EXPECT_EQ(exec_yield(), 0);
}

static void test_timeout_around_forks(struct fixture *fx)
{
        _Atomic(int) begun = 0;
        struct leaf a = {.act = act_forever, .begun = &begun}, b = a, here = a;
        struct exec_timeout scope;

        (void)fx;
        exec_timeout_begin(&scope, exec_now() + EXEC_MS(5));
        beside(&a, &b, &here);
        EXPECT_EQ(a.r, -ECANCELED);
        EXPECT_EQ(b.r, -ECANCELED);
        EXPECT_EQ(here.r, -ECANCELED);
        EXPECT_EQ(exec_timeout_end(&scope, -ECANCELED), -ETIMEDOUT);
        EXPECT_EQ(exec_yield(), 0);
}

/* A group's own request goes with it, though the task had been cancelled before and gone on. */
static void act_cancelled_group(struct leaf *l)
{
        exec_group *g;

        exec_group_begin(&g, NULL);
        exec_group_start(g, task_forever, NULL);
        exec_group_cancel(g);
        l->r = exec_group_end(g, exec_sleep(EXEC_SEC(100)));
        exec_group_free(g);
        if (!l->r)
                l->r = exec_yield();
}

static int task_cancelled_once(void *arg, void **value)
{
        struct leaf a = {.act = act_nothing}, b = a, here = {.act = act_cancelled_group};

        (void)arg;
        (void)value;
        exec_cancel(exec_current_task(), NULL);
        EXPECT_EQ(exec_yield(), -ECANCELED);
        beside(&a, &b, &here);
        EXPECT_EQ(here.r, 0);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 1);
        return exec_yield();
}

static void test_a_group_in_a_fork_of_one_cancelled_before(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_cancelled_once, NULL);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
}

/* ---- by pointers ---- */

static int call_fib(void *arg, exec_forks *at)
{
        struct fib *f = arg;
        struct fib parts[2] = {{.n = f->n - 1}, {.n = f->n - 2}};
        struct exec_call left = {.fn = call_fib, .arg = &parts[0]};
        exec_forks *next;

        if (f->n < 2) {
                f->result = f->n;
                return 0;
        }
        next = exec_call_fork(at, &left);
        call_fib(&parts[1], next);
        exec_call_join(at, &left);
        f->result = parts[0].result + parts[1].result;
        return 0;
}

static void test_fib_by_pointers(struct fixture *fx)
{
        struct fib f = {.n = TEST_TSAN ? 11 : 18};

        (void)fx;
        EXPECT_EQ(call_fib(&f, exec_forks_here()), 0);
        EXPECT_EQ(f.result, fib_of(f.n));
}

static int call_fib_by_two(void *arg, exec_forks *at)
{
        struct fib *f = arg;
        struct fib parts[2] = {{.n = f->n - 1}, {.n = f->n - 2}};
        int err;

        if (f->n < 2) {
                f->result = f->n;
                return 0;
        }
        err = exec_invoke_two(at, call_fib_by_two, &parts[0], call_fib_by_two, &parts[1]);
        f->result = parts[0].result + parts[1].result;
        return err;
}

static int call_error(void *arg, exec_forks *at)
{
        (void)at;
        return (int)(intptr_t)arg;
}

static int call_count(void *arg, exec_forks *at)
{
        (void)at;
        atom_add((_Atomic(int) *)arg, 1, RELAXED);
        return 0;
}

static void test_invoke_two(struct fixture *fx)
{
        struct fib f = {.n = TEST_TSAN ? 11 : 18};
        _Atomic(int) count = 0;

        (void)fx;
        EXPECT_EQ(call_fib_by_two(&f, exec_forks_here()), 0);
        EXPECT_EQ(f.result, fib_of(f.n));
        EXPECT_EQ(exec_invoke_two(exec_forks_here(), call_error, VAL(-EIO), call_error, VAL(-EBUSY)), -EIO);
        EXPECT_EQ(exec_invoke_two(exec_forks_here(), call_error, VAL(-EIO), call_count, &count), -EIO);
        EXPECT_EQ(exec_invoke_two(exec_forks_here(), call_count, &count, call_error, VAL(-EBUSY)), -EBUSY);
        EXPECT_EQ(atom_load(&count, RELAXED), 2);
}

static void test_invoke(struct fixture *fx)
{
        size_t n = TEST_TSAN ? 200 : 5000;
        struct exec_call *calls = calloc(n, sizeof *calls);
        _Atomic(int) count = 0;

        (void)fx;
        for (size_t i = 0; i < n; i++)
                calls[i] = (struct exec_call){.fn = call_count, .arg = &count};
        EXPECT_EQ(exec_invoke(NULL, calls, n), 0);
        EXPECT_EQ(atom_load(&count, RELAXED), n);
        EXPECT_EQ(exec_invoke(NULL, calls, 1), 0);
        EXPECT_EQ(exec_invoke(NULL, calls, 0), 0);
        calls[5] = (struct exec_call){.fn = call_error, .arg = VAL(-EIO)};
        calls[3] = (struct exec_call){.fn = call_error, .arg = VAL(-EBUSY)};
        EXPECT_EQ(exec_invoke(NULL, calls, n), -EBUSY);
        EXPECT_EQ(calls[5].err, -EIO);
        EXPECT_EQ(exec_invoke(NULL, NULL, 3), -EINVAL);
        calls[7].fn = NULL;
        EXPECT_EQ(exec_invoke(NULL, calls, n), -EINVAL);
        free(calls);
}

static void test_invoke_without_a_pool(struct fixture *fx)
{
        _Atomic(int) count = 0;
        struct exec_call calls[2] = {{.fn = call_count, .arg = &count}, {.fn = call_count, .arg = &count}};

        (void)fx;
        EXPECT_EQ(exec_invoke(NULL, calls, 2), -EINVAL);
        EXPECT_EQ(exec_invoke(exec_forks_here(), calls, 2), 0); /* right here */
        EXPECT_EQ(atom_load(&count, RELAXED), 2);
}

/* ---- without memory ---- */

static int task_fib_without_memory(void *arg, void **value)
{
        uint64_t n, result;

        (void)arg;
        if (!fixture_fault_arm(FAIL_MAP, 1, true)) {
                *value = VAL(1);
                return 0;
        }
        result = fib(10, exec_forks_here());
        n = fixture_fault_disarm();
        EXPECT_EQ(result, fib_of(10));
        *value = VAL(n);
        return 0;
}

static void test_without_memory(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_fib_without_memory, NULL);
        void *value = NULL;

        EXPECT_EQ(exec_await(f, &value), 0);
        if (!TEST_TSAN && !fx->in_task && !getenv("EXEC_TEST_POOL_FLAGS"))
                EXPECT(value != NULL); /* as many as were failed */
        exec_future_unref(f);
        EXPECT_EQ(fib(10, exec_forks_here()), fib_of(10));
}

static const struct fixture_case cases[] = {
        CASE_TASK(test_fib),
        CASE(test_many_tasks),
        CASE(test_deeper_than_the_stack_of_forks),
        CASE_TASK(test_joined_at_home),
        CASE_TASK(test_await_what_an_own_fork_does),
        CASE_TASK(test_hidden_forks_are_found),
        CASE_THREAD(test_in_a_plain_thread),
        CASE(test_in_a_callback),
        CASE(test_task_name_and_locals),
        CASE(test_error_messages),
        CASE_TASK(test_a_fork_is_no_task),
        CASE(test_a_child_on_the_stack_forks_too),
        CASE(test_forks_of_a_large_stack),
        CASE_TASK(test_waits_in_forks),
        CASE_TASK(test_forks_of_fibers_that_move),
        CASE(test_cancel_reaches_all_forks),
        CASE(test_cancel_goes_on_to_what_forks_await),
        CASE(test_cancel_of_every_wait_in_forks),
        CASE(test_cancel_of_a_run_in_forks),
        CASE(test_forks_run_though_cancelled),
        CASE_TASK(test_timeout_in_a_fork),
        CASE_TASK(test_timeout_around_forks),
        CASE(test_a_group_in_a_fork_of_one_cancelled_before),
        CASE_TASK(test_fib_by_pointers),
        CASE_TASK(test_invoke_two),
        CASE(test_invoke),
        CASE_BARE(test_invoke_without_a_pool),
        CASE(test_without_memory),
};

FIXTURE_MAIN("forkjoin", cases)
