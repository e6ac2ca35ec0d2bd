/* local_test.c - task-locals: who begins with which values, who sees a change, and when a value is dropped. */
#include "fixture.h"

/* Every case has its own key; its values are counters that count their drops. */
static exec_local *key;

static void begin(exec_drop_fn drop)
{
        EXPECT_EQ(exec_local_new(&key, drop), 0);
        EXPECT_PTR(exec_local_get(key), NULL);
}

static void end(void)
{
        EXPECT_EQ(exec_local_set(key, NULL), 0); /* this plain thread's, or this task's */
        exec_local_free(key);
        key = NULL;
}

static int read_local(void *arg, void **value)
{
        (void)arg;
        *value = exec_local_get(key);
        return 0;
}

/* Another's value is not seen, its change neither. */
static void test_I1_value_at_creation(struct fixture *fx)
{
        exec_future *before, *after;

        (void)fx;
        begin(NULL);
        EXPECT_EQ(exec_local_set(key, VAL(1)), 0);
        before = exec_create_task(read_local, NULL);
        EXPECT_EQ(exec_local_set(key, VAL(2)), 0);
        after = exec_create_task(read_local, NULL);
        EXPECT_EQ(exec_await(before, NULL), 0);
        EXPECT_EQ(exec_await(after, NULL), 0);
        EXPECT_DONE(before, VAL(1));
        EXPECT_DONE(after, VAL(2));
        EXPECT_PTR(exec_local_get(key), VAL(2));
        exec_future_unref(before);
        exec_future_unref(after);
        end();
}

static int change_often(void *arg, void **value)
{
        int err = 0;

        *value = exec_local_get(key);
        for (int i = 0; !err && i < 10; i++) {
                err = exec_local_set(key, VAL((intptr_t)arg * 100 + i));
                if (!err)
                        err = i % 3 ? exec_yield() : exec_sleep(EXEC_US(100));
                if (exec_local_get(key) != VAL((intptr_t)arg * 100 + i))
                        err = -EILSEQ;
        }
        return err;
}

static void test_I2_isolated(struct fixture *fx)
{
        enum { N = 100 };
        exec_future *f[N];

        (void)fx;
        begin(NULL);
        EXPECT_EQ(exec_local_set(key, VAL(7)), 0);
        for (int i = 0; i < N; i++)
                f[i] = exec_create_task(change_often, VAL(i + 1));
        for (int i = 0; i < N; i++) {
                EXPECT_EQ(exec_await(f[i], NULL), 0);
                EXPECT_DONE(f[i], VAL(7));
        }
        EXPECT_PTR(exec_local_get(key), VAL(7));
        exec_future_unref_all(f, N);
        end();
}

/* Through many generations; each adds one. */
static int generation(void *arg, void **value)
{
        exec_future *f;
        int err;

        if ((intptr_t)arg == 0) {
                *value = exec_local_get(key);
                return 0;
        }
        err = exec_local_set(key, VAL((intptr_t)exec_local_get(key) + 1));
        f = exec_create_task(generation, VAL((intptr_t)arg - 1));
        if (!err)
                err = exec_await(f, value);
        exec_future_unref(f);
        return err;
}

static void test_I1_through_generations(struct fixture *fx)
{
        exec_future *f;

        (void)fx;
        begin(NULL);
        EXPECT_EQ(exec_local_set(key, VAL(1000)), 0);
        f = exec_create_task(generation, VAL(100));
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, VAL(1100));
        EXPECT_PTR(exec_local_get(key), VAL(1000));
        exec_future_unref(f);
        end();
}

/* A child that is called on its awaiter's frame has its own values, and leaves the awaiter's alone. */
static int set_and_return(void *arg, void **value)
{
        *value = exec_local_get(key);
        return exec_local_set(key, arg);
}

static void test_I1_direct_await(struct fixture *fx)
{
        uint64_t n_direct = fixture_stats(fx->pool).n_direct_awaits;

        begin(NULL);
        for (int i = 1; i <= 100; i++) {
                exec_future *f;

                EXPECT_EQ(exec_local_set(key, VAL(i)), 0);
                f = exec_create_task(set_and_return, VAL(-1));
                EXPECT_EQ(exec_await(f, NULL), 0);
                EXPECT_DONE(f, VAL(i));
                EXPECT_PTR(exec_local_get(key), VAL(i));
                exec_future_unref(f);
        }
        EXPECT(fx->n_workers > 1 || test_is_precise() || fixture_stats(fx->pool).n_direct_awaits > n_direct);
        end();
}

/* ---- callbacks ---- */

struct heard {
        _Atomic(int) calls;
        void *began_with, *then;
        exec_future *child;
        int rc;
};

static void change_in_callback(exec_future *f, void *arg)
{
        struct heard *h = arg;
        (void)f;
        h->began_with = exec_local_get(key);
        h->rc = exec_local_set(key, VAL(99));
        h->then = exec_local_get(key);
        h->child = exec_create_task(read_local, NULL);
        atom_add(&h->calls, 1, ACQ_REL);
}

static int await_and_read(void *arg, void **value)
{
        struct awaiter *a = arg;
        int err = exec_local_set(key, VAL(5));

        if (!err)
                err = task_await_noted(a, value);
        *value = exec_local_get(key);
        return err;
}

static void test_C7_change_in_a_callback(struct fixture *fx)
{
        exec_future *promise = exec_promise_new(NULL), *f;
        struct awaiter a = {promise, 0};
        struct heard h = {.rc = -1};

        (void)fx;
        begin(NULL);
        EXPECT_EQ(exec_local_set(key, VAL(3)), 0);
        EXPECT_EQ(exec_future_add_callback(promise, change_in_callback, &h), 0);
        EXPECT_EQ(exec_local_set(key, VAL(4)), 0);
        f = exec_create_task(await_and_read, &a);
        fixture_wait(&a.begun, 1);
        EXPECT_EQ(exec_promise_set(promise, NULL), 0);
        EXPECT_EQ(atom_load(&h.calls, ACQUIRE), 1);
        EXPECT_PTR(h.began_with, VAL(3)); /* as it was when it was added */
        EXPECT_EQ(h.rc, 0);
        EXPECT_PTR(h.then, VAL(99));
        EXPECT_EQ(exec_await(h.child, NULL), 0);
        EXPECT_DONE(h.child, VAL(99));
        exec_future_unref(h.child);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, VAL(5));
        EXPECT_PTR(exec_local_get(key), VAL(4));
        exec_future_unref(f);
        exec_future_unref(promise);
        end();
}

/* A callback that is added to what is done, one that is removed, one that is never called. */
static void drop_counted(void *ptr)
{
        atom_add((_Atomic(int) *)ptr, 1, ACQ_REL);
}

static void test_C7_values_of_callbacks_are_dropped(struct fixture *fx)
{
        exec_future *promise = exec_promise_new(NULL), *removed = exec_promise_new(NULL),
                    *lost = exec_promise_new(NULL);
        _Atomic(int) drops = 0;
        struct heard h = {.rc = -1};

        (void)fx;
        begin(drop_counted);
        EXPECT_EQ(exec_local_set(key, &drops), 0);
        EXPECT_EQ(exec_promise_set(promise, NULL), 0);
        EXPECT_EQ(exec_future_add_callback(removed, change_in_callback, &h), 0);
        EXPECT_EQ(exec_future_add_callback(lost, change_in_callback, &h), 0);
        EXPECT_EQ(exec_local_set(key, NULL), 0);
        EXPECT_EQ(exec_future_remove_callback(removed, change_in_callback, &h), 1);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 0);
        exec_future_unref(lost);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 1);
        exec_future_unref(removed);
        exec_future_unref(promise);
        end();
}

/* ---- drops ---- */

static int hold(void *arg, void **value)
{
        int err = task_await_noted(arg, value);

        *value = exec_local_get(key);
        return err;
}

static void test_I1_dropped_by_the_last(struct fixture *fx)
{
        enum { N = 20 };
        exec_future *promise = exec_promise_new(NULL), *f[N];
        struct awaiter a[N];
        _Atomic(int) drops = 0;

        (void)fx;
        begin(drop_counted);
        EXPECT_EQ(exec_local_set(key, &drops), 0);
        for (int i = 0; i < N; i++) {
                a[i].f = promise;
                atom_store(&a[i].begun, 0, RELAXED);
                f[i] = exec_create_task(hold, &a[i]);
        }
        EXPECT_EQ(exec_local_set(key, NULL), 0);
        EXPECT_PTR(exec_local_get(key), NULL);
        for (int i = 0; i < N; i++)
                fixture_wait(&a[i].begun, 1);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 0);
        EXPECT_EQ(exec_promise_set(promise, NULL), 0);
        for (int i = 0; i < N; i++) {
                EXPECT_EQ(exec_await(f[i], NULL), 0);
                EXPECT_DONE(f[i], &drops);
        }
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 1); /* before the last of them was done */
        exec_future_unref_all(f, N);
        exec_future_unref(promise);
        end();
}

/* Set anew, ended by an error, cancelled before it began, refused: once each. */
static int set_twice_and_fail(void *arg, void **value)
{
        (void)value;
        if (exec_local_set(key, arg) || exec_local_set(key, arg) || exec_local_set(key, arg))
                return -ENOMEM;
        return -EIO;
}

static void test_I1_dropped_once_each(struct fixture *fx)
{
        _Atomic(int) drops = 0, runs = 0;
        exec_future *f;

        (void)fx;
        begin(drop_counted);
        f = exec_create_task(set_twice_and_fail, &drops);
        EXPECT_EQ(exec_await(f, NULL), -EIO);
        exec_future_unref(f);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 3);
        EXPECT_EQ(exec_local_set(key, &drops), 0);
        f = exec_create_task(task_bump, &runs);
        EXPECT_EQ(exec_local_set(key, NULL), 0);
        exec_cancel(f, NULL); /* perhaps before it has begun */
        exec_await(f, NULL);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 4);
        exec_future_unref(f);
        EXPECT_EQ(exec_local_set(key, &drops), 0);
        f = exec_create_task(task_bump, &runs);
        EXPECT_EQ(exec_local_set(key, NULL), 0);
        exec_try_cancel_unstarted(f, NULL);
        exec_await(f, NULL);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 5);
        exec_future_unref(f);
        end();
}

/* In a drop function there are no locals; a wait is refused, a task may be made. */
struct dropping {
        _Atomic(int) drops;
        void *seen;
        int rc_set, rc_wait;
        exec_future *child;
};

static void look_around(void *ptr)
{
        struct dropping *d = ptr;

        d->seen = exec_local_get(key);
        d->rc_set = exec_local_set(key, VAL(1));
        d->rc_wait = exec_sleep(0);
        d->child = exec_create_task(read_local, NULL);
        atom_add(&d->drops, 1, ACQ_REL);
}

static int set_it(void *arg, void **value)
{
        (void)value;
        return exec_local_set(key, arg);
}

static void test_drop_has_none(struct fixture *fx)
{
        struct dropping d = {.seen = VAL(1)};
        exec_future *f;

        (void)fx;
        begin(look_around);
        f = exec_create_task(set_it, &d);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(atom_load(&d.drops, ACQUIRE), 1);
        EXPECT_PTR(d.seen, NULL);
        EXPECT_EQ(d.rc_set, -EPERM);
        EXPECT_EQ(d.rc_wait, -EPERM);
        EXPECT_EQ(exec_await(d.child, NULL), 0);
        EXPECT_DONE(d.child, NULL);
        exec_future_unref(d.child);
        exec_future_unref(f);
        end();
}

/* ---- several keys; keys that are freed ---- */

enum { KEYS = 40 };

static int read_all(void *arg, void **value)
{
        exec_local **keys = arg;
        uintptr_t sum = 0;

        for (int i = 0; i < KEYS; i++)
                sum = sum * 3 + (uintptr_t)exec_local_get(keys[i]);
        *value = VAL(sum);
        return 0;
}

static void test_I1_many_keys(struct fixture *fx)
{
        exec_local *keys[KEYS];
        _Atomic(int) drops[KEYS];
        uint64_t random = 88172645463325252u;
        int n_set = 0, n_drops = 0;

        (void)fx;
        for (int i = 0; i < KEYS; i++) {
                atom_store(&drops[i], 0, RELAXED);
                EXPECT_EQ(exec_local_new(&keys[i], drop_counted), 0);
        }
        for (size_t i = 0; i < test_scale(2000); i++) {
                size_t k = test_random(&random) % KEYS;
                bool unset = test_random(&random) % 4 == 0;
                exec_future *f = NULL;

                if (i % 3 == 0) /* then the map is shared */
                        f = exec_create_task(read_all, keys);
                n_set += !unset;
                EXPECT_EQ(exec_local_set(keys[k], unset ? NULL : &drops[k]), 0);
                EXPECT_PTR(exec_local_get(keys[k]), unset ? NULL : &drops[k]);
                if (f) {
                        EXPECT_EQ(exec_await(f, NULL), 0);
                        exec_future_unref(f);
                }
        }
        for (int i = 0; i < KEYS; i++) {
                EXPECT_EQ(exec_local_set(keys[i], NULL), 0);
                n_drops += atom_load(&drops[i], ACQUIRE);
                exec_local_free(keys[i]);
        }
        EXPECT_EQ(n_drops, n_set);
}

struct keyed {
        exec_local *k;
        _Atomic(int) *drops;
        struct awaiter a;
};

static int set_and_wait(void *arg, void **value)
{
        struct keyed *s = arg;
        int err = exec_local_set(s->k, s->drops);

        return err ? err : task_await_noted(&s->a, value);
}

static void test_key_freed_while_a_task_has_a_value(struct fixture *fx)
{
        exec_future *promise = exec_promise_new(NULL), *f;
        _Atomic(int) drops = 0;
        struct keyed s = {NULL, &drops, {promise, 0}};

        (void)fx;
        EXPECT_EQ(exec_local_new(&s.k, drop_counted), 0);
        f = exec_create_task(set_and_wait, &s);
        fixture_wait(&s.a.begun, 1);
        exec_local_free(s.k);
        EXPECT_EQ(exec_local_new(&s.k, NULL), 0); /* perhaps at the same address */
        EXPECT_PTR(exec_local_get(s.k), NULL);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 0);
        exec_promise_set(promise, NULL);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 1);
        exec_local_free(s.k);
        exec_future_unref(f);
        exec_future_unref(promise);
}

/* ---- threads and pools ---- */

struct threaded {
        _Atomic(int) drops;
        void *seen, *child;
};

static void *use_thread(void *arg)
{
        struct threaded *t = arg;
        exec_future *f;

        t->seen = exec_local_get(key);
        EXPECT_EQ(exec_local_set(key, &t->drops), 0);
        f = exec_create_task(read_local, NULL);
        EXPECT_EQ(exec_await(f, &t->child), 0);
        exec_future_unref(f);
        return NULL;
}

static void test_threads_have_their_own(struct fixture *fx)
{
        struct threaded t = {.seen = VAL(1)};
        pthread_t thread;

        (void)fx;
        begin(drop_counted);
        EXPECT_EQ(pthread_create(&thread, NULL, use_thread, &t), 0);
        pthread_join(thread, NULL);
        EXPECT_PTR(t.seen, NULL);
        EXPECT_PTR(t.child, &t.drops);
        EXPECT_EQ(atom_load(&t.drops, ACQUIRE), 1); /* at its end */
        EXPECT_PTR(exec_local_get(key), NULL);
        end();
}

static void test_I5_in_another_pool(struct fixture *fx)
{
        exec_pool *pool = NULL;
        exec_future *f;

        (void)fx;
        begin(NULL);
        EXPECT_EQ(exec_pool_new(&pool, NULL), 0);
        EXPECT_EQ(exec_local_set(key, VAL(8)), 0);
        f = create_in(pool, generation, VAL(3)); /* and its children there */
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, VAL(11));
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(pool), 0);
        end();
}

static void test_run_inherits(struct fixture *fx)
{
        void *value = NULL;

        (void)fx;
        begin(NULL);
        EXPECT_EQ(exec_local_set(key, VAL(6)), 0);
        EXPECT_EQ(exec_run(generation, VAL(2), &value), 0);
        EXPECT_PTR(value, VAL(8));
        EXPECT_PTR(exec_local_get(key), VAL(6));
        end();
}

/* ---- errors ---- */

static void test_arguments(struct fixture *fx)
{
        (void)fx;
        EXPECT_EQ(exec_local_new(NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_local_set(NULL, VAL(1)), -EINVAL);
        EXPECT_PTR(exec_local_get(NULL), NULL);
        exec_local_free(NULL);
        begin(NULL);
        EXPECT_EQ(exec_local_set(key, NULL), 0);
        end();
}

static void test_no_memory(struct fixture *fx)
{
        _Atomic(int) drops = 0, runs = 0;
        exec_local *none = VAL(1);

        (void)fx;
        begin(drop_counted);
        EXPECT_EQ(exec_local_set(key, &drops), 0);
        for (uint64_t n = 1; n <= 3; n++) {
                exec_future *f;
                bool failed;

                if (!fixture_fault_arm(FAIL_ALLOC, n, false))
                        break;
                f = exec_create_task(task_bump, &runs);
                failed = fixture_fault_disarm();
                EXPECT_EQ(exec_await(f, NULL), failed ? -ENOMEM : 0);
                exec_future_unref(f);
        }
        if (fixture_fault_arm(FAIL_ALLOC, 1, false)) {
                EXPECT_EQ(exec_local_set(key, &runs), -ENOMEM);
                fixture_fault_disarm();
        }
        if (fixture_fault_arm(FAIL_ALLOC, 1, false)) {
                EXPECT_EQ(exec_local_new(&none, NULL), -ENOMEM);
                EXPECT_PTR(none, NULL);
                fixture_fault_disarm();
        }
        EXPECT_PTR(exec_local_get(key), &drops);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 0);
        end();
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 1);
}

static const struct fixture_case cases[] = {
        CASE(test_I1_value_at_creation),
        CASE(test_I1_through_generations),
        CASE_TASK(test_I1_direct_await),
        CASE(test_I1_dropped_by_the_last),
        CASE(test_I1_dropped_once_each),
        CASE(test_I1_many_keys),
        CASE(test_I2_isolated),
        CASE_THREAD(test_I5_in_another_pool),
        CASE(test_C7_change_in_a_callback),
        CASE(test_C7_values_of_callbacks_are_dropped),
        CASE(test_drop_has_none),
        CASE(test_key_freed_while_a_task_has_a_value),
        CASE_THREAD(test_threads_have_their_own),
        CASE(test_run_inherits),
        CASE(test_arguments),
        CASE(test_no_memory),
};

FIXTURE_MAIN("local", cases)
