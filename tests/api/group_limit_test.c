/* group_limit_test.c - task groups that are full, used wrongly, out of memory, left, or ended with a deadline. What else groups
 * do is in group_test.c. */
#include "fixture.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static exec_group *begin_limited(size_t limit, unsigned when_full)
{
        struct exec_group_options o;
        exec_group *g = NULL;

        exec_group_options_init(&o, sizeof o);
        o.limit = limit;
        o.when_full = when_full;
        EXPECT_EQ(exec_group_begin(&g, &o), 0);
        return g;
}

struct load {
        exec_group *group;
        exec_future *gate, *child;
        _Atomic(int) runs, now, most, begun;
};

/* How many run at once. */
static int count_load(void *arg, void **value)
{
        struct load *l = arg;
        int now = atom_add(&l->now, 1, ACQ_REL) + 1, most = atom_load(&l->most, ACQUIRE), err;

        *value = NULL;
        while (now > most && !atom_cas(&l->most, &most, now, ACQ_REL))
                ;
        err = exec_sleep(atom_add(&l->runs, 1, ACQ_REL) % 3 ? 0 : EXEC_US(20));
        atom_sub(&l->now, 1, ACQ_REL);
        return err;
}

static int at_the_gate(void *arg, void **value)
{
        struct load *l = arg;

        *value = NULL;
        atom_add(&l->begun, 1, ACQ_REL);
        return exec_await_until(l->gate, EXEC_FOREVER, NULL);
}

static int sleep_noted(void *arg, void **value)
{
        struct load *l = arg;

        *value = NULL;
        atom_add(&l->begun, 1, ACQ_REL);
        return exec_sleep_until(EXEC_FOREVER);
}

static void test_limit_waits(struct fixture *fx)
{
        int n = (int)test_scale(2000);
        struct load l = {.group = begin_limited(3, EXEC_GROUP_WAIT)};

        (void)fx;
        for (int i = 0; i < n; i++) {
                EXPECT_EQ(exec_group_start(l.group, count_load, &l), 0);
                EXPECT(exec_group_pending(l.group) <= 3);
        }
        EXPECT_EQ(exec_group_end(l.group, 0), 0);
        EXPECT_EQ(atom_load(&l.runs, ACQUIRE), n);
        EXPECT(atom_load(&l.most, ACQUIRE) <= 3);
        exec_group_free(l.group);
}

static int create_many(void *arg, void **value)
{
        struct load *l = arg;

        *value = NULL;
        for (int i = 0; i < 100; i++)
                EXPECT_EQ(exec_group_start(l->group, count_load, l), 0);
        return 0;
}

/* Several creators wait for room at the same time. */
static void test_limit_many_creators(struct fixture *fx)
{
        struct load l = {.group = begin_limited(2, EXEC_GROUP_WAIT)};
        exec_future *f[8];

        (void)fx;
        for (int i = 0; i < 8; i++)
                f[i] = exec_create_task(create_many, &l);
        for (int i = 0; i < 100; i++)
                EXPECT_EQ(exec_group_start(l.group, count_load, &l), 0);
        EXPECT_EQ(exec_gather(f, 8, NULL, EXEC_UNREF), 0);
        EXPECT_EQ(exec_group_end(l.group, 0), 0);
        EXPECT_EQ(atom_load(&l.runs, ACQUIRE), 900);
        EXPECT(atom_load(&l.most, ACQUIRE) <= 2);
        exec_group_free(l.group);
}

static void test_limit_refuses(struct fixture *fx)
{
        struct load l = {.group = begin_limited(2, EXEC_GROUP_REFUSE), .gate = exec_promise_new(NULL)};
        _Atomic(int) drops = 0;
        struct exec_task_options o;
        exec_future *f;

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.drop_arg = drop_bump;
        EXPECT_EQ(exec_group_start(l.group, at_the_gate, &l), 0);
        EXPECT_EQ(exec_group_start(l.group, at_the_gate, &l), 0);
        EXPECT_EQ(exec_group_start_with(l.group, task_bump, &drops, &o), -EAGAIN);
        f = exec_group_create_task_with(l.group, task_bump, &drops, &o);
        EXPECT_FAILED(f, -EAGAIN);
        exec_future_unref(f);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 2);
        fixture_wait(&l.begun, 2);
        EXPECT_EQ(exec_promise_set(l.gate, NULL), 0);
        while (exec_group_pending(l.group))
                exec_yield();
        EXPECT_EQ(exec_group_start(l.group, task_bump, &drops), 0); /* there is room again */
        EXPECT_EQ(exec_group_end(l.group, 0), 0);
        EXPECT_EQ(exec_group_n_errors(l.group), 0);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 3);
        exec_group_free(l.group);
        exec_future_unref(l.gate);
}

static void test_limit_caller_runs(struct fixture *fx)
{
        struct load l = {.group = begin_limited(2, EXEC_GROUP_CALLER_RUNS), .gate = exec_promise_new(NULL)};
        _Atomic(int) runs = 0;
        exec_future *f;

        (void)fx;
        EXPECT_EQ(exec_group_start(l.group, at_the_gate, &l), 0);
        EXPECT_EQ(exec_group_start(l.group, at_the_gate, &l), 0);
        for (int i = 0; i < 50; i++) {
                f = exec_group_create_task(l.group, task_bump, &runs);
                EXPECT_EQ(atom_load(&runs, ACQUIRE), i + 1); /* it has ended by now */
                EXPECT_DONE(f, &runs);
                exec_future_unref(f);
        }
        EXPECT_EQ(exec_group_pending(l.group), 2);
        EXPECT_EQ(exec_promise_set(l.gate, NULL), 0);
        EXPECT_EQ(exec_group_end(l.group, 0), 0);
        exec_group_free(l.group);
        exec_future_unref(l.gate);
}

static int fail_in_caller(void *arg, void **value)
{
        exec_group *g = begin_limited(1, EXEC_GROUP_CALLER_RUNS);
        struct load l = {.group = g};
        exec_future *f;
        int err;

        (void)arg;
        *value = NULL;
        EXPECT_EQ(exec_group_start(g, sleep_noted, &l), 0);
        fixture_wait(&l.begun, 1);
        f = exec_group_create_task(g, task_fail, ERR(-EIO));
        EXPECT_FAILED(f, -EIO);
        exec_future_unref(f);
        EXPECT_EQ(exec_group_start(g, task_value, NULL), -EALREADY);
        err = exec_sleep(EXEC_SEC(1000)); /* the failure has cancelled the body */
        EXPECT_EQ(err, -ECANCELED);
        EXPECT_EQ(exec_group_end(g, err), -EIO);
        EXPECT_EQ(exec_group_n_errors(g), 1);
        exec_group_free(g);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        return exec_sleep(1);
}

static void test_limit_caller_runs_and_it_fails(struct fixture *fx)
{
        exec_future *f = exec_create_task(fail_in_caller, NULL);

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
}

enum way { START, CREATE, START_CALLER_RUNS, CREATE_CALLER_RUNS };

struct creator {
        struct load l;
        enum way way;
        _Atomic(int) waits;
};

static int create_in_a_full_group(void *arg, void **value)
{
        struct creator *k = arg;
        bool start = k->way == START || k->way == START_CALLER_RUNS;
        exec_future *f;
        int err;

        *value = NULL;
        k->l.group = begin_limited(1, k->way >= START_CALLER_RUNS ? EXEC_GROUP_CALLER_RUNS : EXEC_GROUP_WAIT);
        EXPECT_EQ(exec_group_start(k->l.group, sleep_noted, &k->l), 0);
        fixture_wait(&k->l.begun, 1);
        atom_store(&k->waits, 1, RELEASE);
        if (start) {
                err = exec_group_start(k->l.group, sleep_noted, &k->l);
                EXPECT_EQ(err, -ECANCELED); /* told here, and not again */
                EXPECT_EQ(exec_sleep(1), 0);
        } else {
                f = exec_group_create_task(k->l.group, sleep_noted, &k->l);
                EXPECT_CANCELLED(f);
                exec_future_unref(f);
                err = exec_sleep(EXEC_SEC(1000)); /* told at the next wait */
                EXPECT_EQ(err, -ECANCELED);
        }
        EXPECT_EQ(exec_group_end(k->l.group, err), -ECANCELED);
        EXPECT_EQ(atom_load(&k->l.begun, ACQUIRE), k->way >= START_CALLER_RUNS ? 2 : 1);
        exec_group_free(k->l.group);
        return err;
}

static void test_limit_creator_is_cancelled(struct fixture *fx)
{
        for (enum way way = START; way <= CREATE_CALLER_RUNS; way++) {
                struct creator k = {.way = way};
                exec_future *f = exec_create_task(create_in_a_full_group, &k);

                fixture_wait(way >= START_CALLER_RUNS ? &k.l.begun : &k.waits, way >= START_CALLER_RUNS ? 2 : 1);
                fixture_settle(fx->pool);
                EXPECT_EQ(exec_cancel(f, NULL), 1);
                EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
                EXPECT_EQ(exec_cancelling(f), 1);
                exec_future_unref(f);
        }
}

/* Creators who wait for room are told when the group fails. */
static int create_until_told(void *arg, void **value)
{
        struct load *l = arg;

        *value = NULL;
        atom_add(&l->now, 1, ACQ_REL);
        EXPECT_EQ(exec_group_start(l->group, task_value, NULL), -EALREADY);
        atom_add(&l->runs, 1, ACQ_REL);
        return 0;
}

static void test_limit_group_fails_while_creators_wait(struct fixture *fx)
{
        struct load l = {.group = begin_limited(1, EXEC_GROUP_WAIT)};
        exec_future *f[5];

        EXPECT_EQ(exec_group_start(l.group, sleep_noted, &l), 0);
        for (int i = 0; i < 5; i++)
                f[i] = exec_create_task(create_until_told, &l);
        fixture_wait(&l.now, 5);
        fixture_settle(fx->pool);
        EXPECT_EQ(exec_group_end(l.group, -EIO), -EIO);
        EXPECT_EQ(exec_gather(f, 5, NULL, EXEC_UNREF), 0);
        EXPECT_EQ(atom_load(&l.runs, ACQUIRE), 5);
        exec_group_free(l.group);
}

/* A creator that was woken because there is room is cancelled at that moment: the room is not lost to the others. */
struct room_race {
        exec_group *group;
        exec_future *_Atomic victim;
        _Atomic(int) runs;
};

static int create_one(void *arg, void **value)
{
        struct room_race *k = arg;
        int err = exec_group_start(k->group, task_bump, &k->runs);

        *value = NULL;
        EXPECT(!err || err == -ECANCELED);
        return err;
}

static void cancel_victim(void *arg)
{
        exec_cancel(atom_load(&((struct room_race *)arg)->victim, ACQUIRE), NULL);
}

static void test_limit_cancel_races_room(struct fixture *fx)
{
        size_t rounds = test_rounds(500);
        uint64_t random = 521288629;
        struct room_race k;
        struct rival r;

        (void)fx;
        rival_start(&r, cancel_victim, &k);
        for (size_t i = 0; i < rounds && !fixture_failed(); i++) {
                struct load l = {.gate = exec_promise_new(NULL)};
                exec_future *f[3];
                int done = 0;

                k.group = l.group = begin_limited(1, EXEC_GROUP_WAIT);
                atom_store(&k.runs, 0, RELAXED);
                EXPECT_EQ(exec_group_start(l.group, at_the_gate, &l), 0);
                for (int j = 0; j < 3; j++)
                        f[j] = exec_create_task(create_one, &k);
                atom_store(&k.victim, f[test_random(&random) % 3], RELEASE);
                fixture_wait(&l.begun, 1);
                rival_release(&r);
                fixture_spin((int64_t)(test_random(&random) % 30000));
                EXPECT_EQ(exec_promise_set(l.gate, NULL), 0);
                for (int j = 0; j < 3; j++) {
                        int err = exec_await(f[j], NULL); /* nobody waits for ever */

                        EXPECT(!err || err == -ECANCELED);
                        done += !err;
                }
                rival_wait(&r);
                EXPECT(done >= 2);
                EXPECT_EQ(exec_group_end(l.group, 0), 0);
                EXPECT_EQ(atom_load(&k.runs, ACQUIRE) >= done, 1);
                exec_group_free(l.group);
                exec_future_unref_all(f, 3);
                exec_future_unref(l.gate);
        }
        rival_stop(&r);
}

/* ---- deadlines ---- */

static void test_end_with_a_deadline(struct fixture *fx)
{
        struct load l = {.group = begin_limited(0, 0), .gate = exec_promise_new(NULL)};
        _Atomic(int) runs = 0;

        (void)fx;
        EXPECT_EQ(exec_group_start(l.group, at_the_gate, &l), 0);
        EXPECT_EQ(exec_group_end_until(l.group, 0, exec_now() - 1), -ETIMEDOUT);
        EXPECT_EQ(exec_group_end_until(l.group, 0, exec_now() + EXEC_MS(5)), -ETIMEDOUT);
        EXPECT_EQ(exec_group_pending(l.group), 1);
        EXPECT_EQ(exec_group_start(l.group, task_bump, &runs), 0); /* it is as open as before */
        EXPECT_EQ(exec_promise_set(l.gate, NULL), 0);
        EXPECT_EQ(exec_group_end_until(l.group, 0, exec_now() + EXEC_SEC(1000)), 0);
        EXPECT_EQ(atom_load(&runs, ACQUIRE), 1);
        EXPECT_EQ(exec_group_end_until(l.group, 0, EXEC_FOREVER), -EALREADY);
        exec_group_free(l.group);
        exec_future_unref(l.gate);
}

static int end_with_deadline(void *arg, void **value)
{
        struct load *l = arg;
        int err;

        *value = NULL;
        l->group = begin_limited(0, 0);
        EXPECT_EQ(exec_group_start(l->group, sleep_noted, l), 0);
        err = exec_group_end_until(l->group, 0, exec_now() + EXEC_SEC(1000));
        exec_group_free(l->group);
        return err;
}

static void test_end_with_a_deadline_cancelled(struct fixture *fx)
{
        struct load l = {.group = NULL};
        exec_future *f = exec_create_task(end_with_deadline, &l);

        fixture_wait(&l.begun, 1);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        exec_future_unref(f);
        EXPECT_EQ(fixture_stats(fx->pool).n_timers, 0);
}

static void test_end_races_the_deadline(struct fixture *fx)
{
        size_t rounds = test_rounds(500);
        uint64_t random = 2463534242;

        (void)fx;
        for (size_t i = 0; i < rounds && !fixture_failed(); i++) {
                exec_group *g = begin_limited(0, 0);
                int err;

                EXPECT_EQ(exec_group_start(g, task_sleep, NS(EXEC_US(50))), 0);
                err = exec_group_end_until(g, 0, exec_now() + (int64_t)(test_random(&random) % 100000));
                EXPECT(!err || err == -ETIMEDOUT);
                EXPECT_EQ(exec_group_end(g, 0), err ? 0 : -EALREADY);
                exec_group_free(g);
        }
}

/* ---- wrong calls, and groups that are left ---- */

static int end_it(void *arg, void **value)
{
        *value = NULL;
        EXPECT_EQ(exec_group_end(arg, 0), -EPERM);
        return 0;
}

static void test_misuse(struct fixture *fx)
{
        struct exec_group_options o = {0};
        exec_group *g = (exec_group *)&o;
        exec_future *f;

        (void)fx;
        EXPECT_EQ(exec_group_begin(NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_group_begin(&g, &o), -EINVAL); /* no size */
        EXPECT(!g);
        exec_group_options_init(&o, sizeof o);
        o.when_full = 3;
        EXPECT_EQ(exec_group_begin(&g, &o), -EINVAL);
        exec_group_options_init(NULL, 0);
        exec_group_options_init(&o, sizeof o);
        o.size = 8; /* of an older caller */
        o.when_full = 99;
        EXPECT_EQ(exec_group_begin(&g, &o), 0);

        f = exec_group_create_task(NULL, task_value, NULL);
        EXPECT_FAILED(f, -EINVAL);
        exec_future_unref(f);
        EXPECT_EQ(exec_group_start(NULL, task_value, NULL), -EINVAL);
        EXPECT_EQ(exec_group_start(g, NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_group_n_errors(g), 0); /* told to its caller, not the group's */
        EXPECT_EQ(exec_group_cancel(NULL), -EINVAL);
        EXPECT_EQ(exec_group_end(NULL, 0), -EINVAL);
        EXPECT_EQ(exec_group_end_until(NULL, 0, 0), -EINVAL);
        EXPECT_EQ(exec_group_pending(NULL), 0);
        EXPECT_EQ(exec_group_n_errors(NULL), 0);
        EXPECT(!exec_group_error(NULL, 0));
        EXPECT(!exec_group_error(g, SIZE_MAX));

        f = exec_create_task(end_it, g); /* by another task than the one that began it */
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        EXPECT_EQ(exec_group_end(g, 0), 0);
        exec_group_free(g);
}

static void in_a_callback(exec_future *f, void *arg)
{
        struct load *l = arg;
        exec_group *g = begin_limited(1, EXEC_GROUP_WAIT);

        (void)f;
        l->child = exec_group_create_task(g, sleep_noted, l);
        EXPECT_EQ(exec_group_start(g, sleep_noted, l), -EPERM); /* it would have to wait */
        EXPECT_EQ(exec_group_end(g, 0), -EPERM);
        EXPECT_EQ(exec_group_cancel(g), 1);
        exec_group_free(g);
        atom_add(&l->runs, 1, ACQ_REL);
}

static void test_in_a_callback(struct fixture *fx)
{
        struct load l = {.gate = exec_promise_new(NULL)};

        EXPECT_EQ(exec_future_add_callback(l.gate, in_a_callback, &l), 0);
        EXPECT_EQ(exec_promise_set(l.gate, NULL), 0);
        EXPECT_EQ(atom_load(&l.runs, ACQUIRE), 1);
        exec_future_unref(l.gate);
        (void)fx;
        EXPECT_EQ(exec_await(l.child, NULL), -ECANCELED); /* l is its own too */
        exec_future_unref(l.child);
}

static void test_freed_without_an_end(struct fixture *fx)
{
        struct load l = {.group = begin_limited(0, 0)};
        exec_future *f[3];
        int last;

        (void)fx;
        for (int i = 0; i < 3; i++)
                f[i] = exec_group_create_task(l.group, i == 1 ? task_fail : sleep_noted,
                                              i == 1 ? ERR(-EIO) : (void *)&l);
        fixture_wait_done(f[1]);
        exec_group_free(l.group);
        EXPECT_EQ(exec_await(f[0], NULL), -ECANCELED);
        last = exec_await(f[2], NULL);
        EXPECT(last == -ECANCELED || last == -EALREADY); /* EALREADY: the other had failed before it was created */
        exec_future_unref_all(f, 3);
        if (exec_current_task())
                while (exec_cancel_requested() || exec_cancelling(exec_current_task()) > 0)
                        exec_uncancel(NULL);
}

static void test_freed_while_children_run(struct fixture *fx)
{
        size_t rounds = test_rounds(300);
        uint64_t random = 88675123;

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                exec_group *g = begin_limited(0, 0);
                exec_future *f = exec_group_create_task(g, task_sleep, NS(EXEC_US(5)));
                int err;

                fixture_spin((int64_t)(test_random(&random) % 20000));
                exec_group_free(g);
                err = exec_await(f, NULL);
                EXPECT(!err || err == -ECANCELED);
                exec_future_unref(f);
        }
}

/* ---- memory ---- */

static int without_memory(void *arg, void **value)
{
        struct load l = {.group = NULL};
        exec_future *f;
        bool fired;
        int err;

        *value = NULL;
        fixture_settle(arg);
        if (!fixture_fault_arm(FAIL_ALLOC, 1, true))
                return 0;
        EXPECT_EQ(exec_group_begin(&l.group, NULL), -ENOMEM);
        EXPECT(!l.group);
        fixture_fault_disarm();

        l.group = begin_limited(0, 0);
        EXPECT_EQ(exec_group_start(l.group, sleep_noted, &l), 0);
        fixture_wait(&l.begun, 1);
        fixture_fault_arm(FAIL_ALLOC, 1, true);
        EXPECT_EQ(exec_group_start(l.group, task_value, NULL), -ENOMEM);
        EXPECT_EQ(exec_group_n_errors(l.group), 0);
        f = exec_group_create_task(l.group, task_value, NULL);
        fired = fixture_fault_disarm() > 0;
        EXPECT(fired);
        EXPECT_FAILED(f, -ENOMEM);
        exec_future_unref(f);
        err = exec_sleep(EXEC_SEC(1000));
        EXPECT_EQ(err, -ECANCELED);
        EXPECT_EQ(exec_group_end(l.group, err), -ENOMEM);
        EXPECT_EQ(exec_group_n_errors(l.group), 1);
        exec_group_free(l.group);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        return exec_sleep(1);
}

static void test_no_memory_for_a_child(struct fixture *fx)
{
        exec_future *f = exec_create_task(without_memory, fx->pool);

        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
}

static int fail_at_the_gate(void *arg, void **value)
{
        struct load *l = arg;

        *value = NULL;
        atom_add(&l->begun, 1, ACQ_REL);
        exec_sleep_until(EXEC_FOREVER);
        return -EIO;
}

/* Failing, cancelling, ending and freeing need no memory: every allocation fails meanwhile. */
static void test_ending_needs_no_memory(struct fixture *fx)
{
        int n = (int)test_live(100);
        struct load l = {.group = begin_limited(0, 0)};
        uint64_t failed = 0;

        for (int i = 0; i < n; i++)
                EXPECT_EQ(exec_group_start(l.group, i % 2 ? sleep_noted : fail_at_the_gate, &l), 0);
        fixture_wait(&l.begun, n);
        fixture_settle(fx->pool);
        if (fixture_fault_arm(FAIL_ALLOC, 1, true)) {
                EXPECT_EQ(exec_group_cancel(l.group), 1);
                EXPECT_EQ(exec_group_end(l.group, 0), -EIO);
                failed = fixture_fault_disarm();
                EXPECT_EQ(failed, 0);
                EXPECT_EQ(exec_group_n_errors(l.group), n / 2 + n % 2);
        } else {
                EXPECT_EQ(exec_group_end(l.group, -EIO), -EIO);
        }
        exec_group_free(l.group);
        if (exec_current_task())
                EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
}

/* ---- what the program does in the midst of it ---- */

/* A drop function that calls the group whose child is being cancelled. */
static void drop_and_create(void *arg)
{
        struct load *l = arg;

        EXPECT_EQ(exec_group_start(l->group, task_value, NULL), -EALREADY);
        EXPECT_EQ(exec_group_cancel(l->group), 0);
        atom_add(&l->runs, 1, ACQ_REL);
}

static int never_runs(void *arg, void **value)
{
        *value = NULL;
        atom_add(&((struct load *)arg)->begun, 1, ACQ_REL);
        return exec_sleep_until(EXEC_FOREVER);
}

static void test_drop_functions_call_the_group(struct fixture *fx)
{
        struct load l = {.group = begin_limited(0, 0)};
        struct exec_task_options o;

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.drop_arg = drop_and_create;
        for (int i = 0; i < 50; i++)
                EXPECT_EQ(exec_group_start_with(l.group, never_runs, &l, &o), 0);
        EXPECT_EQ(exec_group_end(l.group, -EIO), -EIO);
        EXPECT_EQ(atom_load(&l.runs, ACQUIRE), 50);
        exec_group_free(l.group);
}

/* Created while another thread cancels the group: each child is refused, or ends; none is left. */
struct create_race {
        exec_group *_Atomic group;
        _Atomic(int) runs, drops;
};

static void cancel_group(void *arg)
{
        EXPECT_EQ(exec_group_cancel(atom_load(&((struct create_race *)arg)->group, ACQUIRE)), 1);
}

static int end_race(void *arg, void **value)
{
        struct create_race *k = arg;
        exec_group *g = begin_limited(0, 0);
        int n = 0;
        struct exec_task_options o;

        *value = NULL;
        exec_task_options_init(&o, sizeof o);
        o.drop_arg = drop_bump;
        atom_store(&k->group, g, RELEASE);
        while (exec_group_start_with(g, task_forever, &k->drops, &o) == 0)
                for (n++; n % 100 == 0 && !exec_cancel_requested();) /* so many are enough */
                        sched_yield();
        EXPECT_EQ(exec_group_end(g, 0), 0);
        EXPECT_EQ(atom_load(&k->drops, ACQUIRE), n + 1);
        EXPECT_EQ(exec_cancelling(exec_current_task()), 0);
        exec_group_free(g);
        return exec_sleep(1);
}

static void test_cancel_races_creating(struct fixture *fx)
{
        size_t rounds = test_rounds(200);
        struct create_race k;
        struct rival r;

        (void)fx;
        rival_start(&r, cancel_group, &k);
        for (size_t i = 0; i < rounds && !fixture_failed(); i++) {
                exec_future *f;

                memset(&k, 0, sizeof k);
                f = exec_create_task(end_race, &k);
                while (!atom_load(&k.group, ACQUIRE))
                        exec_yield();
                rival_release(&r);
                EXPECT_EQ(exec_await(f, NULL), 0);
                rival_wait(&r);
                exec_future_unref(f);
        }
        rival_stop(&r);
}

static const struct fixture_case cases[] = {
        CASE(test_limit_waits),
        CASE(test_limit_many_creators),
        CASE(test_limit_refuses),
        CASE(test_limit_caller_runs),
        CASE(test_limit_caller_runs_and_it_fails),
        CASE(test_limit_creator_is_cancelled),
        CASE(test_limit_group_fails_while_creators_wait),
        CASE(test_limit_cancel_races_room),
        CASE(test_end_with_a_deadline),
        CASE(test_end_with_a_deadline_cancelled),
        CASE(test_end_races_the_deadline),
        CASE(test_misuse),
        CASE(test_in_a_callback),
        CASE(test_freed_without_an_end),
        CASE(test_freed_while_children_run),
        CASE(test_no_memory_for_a_child),
        CASE(test_ending_needs_no_memory),
        CASE(test_drop_functions_call_the_group),
        CASE_THREAD(test_cancel_races_creating),
};

FIXTURE_MAIN("group_limit", cases)
