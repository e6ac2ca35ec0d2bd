/* map_test.c - exec_map: outcomes in the order of the array, while later calls run: U5, U6, U7 of docs/CONFORMANCE.md. */
#include "fixture.h"

enum { N = 100 };

struct item {
        int number;
        int64_t sleep_ns;
        int err;
        exec_future *gate; /* or NULL */
        _Atomic(int) *n_begun, *n_running, *n_most;
};

static void note_most(struct item *it)
{
        int n = atom_add(it->n_running, 1, ACQ_REL) + 1, most = atom_load(it->n_most, ACQUIRE);

        while (n > most && !atom_cas(it->n_most, &most, n, ACQ_REL))
                ;
}

static int work(void *arg, void **value)
{
        struct item *it = arg;
        int rc = 0;

        if (it->n_begun)
                atom_add(it->n_begun, 1, ACQ_REL);
        if (it->n_running)
                note_most(it);
        if (it->sleep_ns)
                rc = exec_sleep(it->sleep_ns);
        if (!rc && it->gate)
                rc = exec_await(it->gate, NULL);
        if (it->n_running)
                atom_sub(it->n_running, 1, ACQ_REL);
        *value = it;
        return rc ? rc : it->err;
}

static exec_map *map_of(struct item *items, size_t n, size_t limit)
{
        struct exec_map_options o;
        exec_map *m = NULL;

        exec_map_options_init(&o, sizeof o);
        o.limit = limit;
        EXPECT_EQ(exec_map_new(&m, work, items, n, sizeof *items, &o), 0);
        return m;
}

/* The later ones end first. */
static void test_U5_order_of_inputs(struct fixture *fx)
{
        static const size_t limits[] = {0, 1, 3, N - 1, N, 10 * N};

        (void)fx;
        for (size_t k = 0; k < N_OF(limits); k++) {
                struct item items[N] = {{0}};
                struct exec_outcome o;
                exec_map *m;

                for (int i = 0; i < N; i++)
                        items[i] = (struct item){.number = i, .sleep_ns = i % 7 ? 0 : EXEC_US(30) * (N - i) / 10};
                m = map_of(items, N, limits[k]);
                for (int i = 0; i < N; i++) {
                        EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), 1);
                        EXPECT_EQ(o.state, EXEC_DONE);
                        EXPECT_PTR(o.value, &items[i]);
                }
                EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), 0);
                EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), 0);
                EXPECT_EQ(exec_map_free(m), 0);
        }
}

/* The first are handed out while a later one runs. */
static void test_U5_before_all_have_ended(struct fixture *fx)
{
        exec_future *gate = exec_promise_new(NULL);
        struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2, .gate = gate}};
        exec_map *m = map_of(items, 3, 0);
        struct exec_outcome o;

        (void)fx;
        EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), 1);
        EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), 1);
        EXPECT_PTR(o.value, &items[1]);
        EXPECT_EQ(exec_map_next(m, 0, &o), -ETIMEDOUT);
        EXPECT_EQ(exec_map_next(m, exec_now() + EXEC_MS(1), &o), -ETIMEDOUT);
        EXPECT_EQ(exec_promise_set(gate, NULL), 0);
        EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), 1);
        EXPECT_PTR(o.value, &items[2]);
        EXPECT_EQ(exec_map_free(m), 0);
        exec_future_unref(gate);
}

static void test_U5_limit_is_kept(struct fixture *fx)
{
        _Atomic(int) n_begun = 0, n_running = 0, n_most = 0;
        struct item items[N];
        struct exec_outcome o;
        exec_map *m;

        (void)fx;
        for (int i = 0; i < N; i++)
                items[i] = (struct item){i, EXEC_US(10), 0, NULL, &n_begun, &n_running, &n_most};
        m = map_of(items, N, 4);
        for (int i = 0; i < N; i++) {
                EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), 1);
                EXPECT(atom_load(&n_begun, ACQUIRE) <= i + 1 + 4);
        }
        EXPECT_EQ(exec_map_free(m), 0);
        EXPECT_EQ(atom_load(&n_begun, ACQUIRE), N);
        EXPECT(atom_load(&n_most, ACQUIRE) >= 1 && atom_load(&n_most, ACQUIRE) <= 4);
}

static void test_U5_of_nothing(struct fixture *fx)
{
        struct exec_outcome o;
        exec_map *m = NULL;

        (void)fx;
        EXPECT_EQ(exec_map_new(&m, work, NULL, 0, sizeof(struct item), NULL), 0);
        EXPECT_EQ(exec_map_next(m, 0, &o), 0);
        EXPECT_EQ(exec_map_free(m), 0);
        EXPECT_EQ(exec_map_free(NULL), 0);
}

static void test_U6_a_failing_item(struct fixture *fx)
{
        static const size_t limits[] = {0, 1, 2};

        (void)fx;
        for (size_t k = 0; k < N_OF(limits); k++) {
                struct item items[4] = {{.number = 0, .sleep_ns = EXEC_US(300)},
                                        {.number = 1},
                                        {.number = 2, .err = -EIO},
                                        {.number = 3}};
                exec_map *m = map_of(items, 4, limits[k]);
                struct exec_outcome o;

                for (int i = 0; i < 4; i++) {
                        EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), 1);
                        EXPECT_EQ(o.state, i == 2 ? EXEC_FAILED : EXEC_DONE);
                        EXPECT_EQ(o.err, items[i].err);
                        EXPECT_PTR(o.value, i == 2 ? NULL : &items[i]);
                }
                EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), 0);
                EXPECT_EQ(exec_map_free(m), 0);
        }
}

/* The second waits until it is let go. */
static int hold(void *arg, void **value)
{
        struct item *it = arg;

        atom_add(it->n_begun, 1, ACQ_REL);
        if (it->number == 1) {
                atom_add(it->n_running, 1, ACQ_REL);
                fixture_wait(it->n_most, 1);
        }
        *value = it;
        return 0;
}

/* The total deadline is over while the second runs. It is not cancelled, its outcome just is not waited for; those that have
 * not begun never do. With a limit of 2 the fourth cannot have begun. */
static void test_U7_total_timeout(struct fixture *fx)
{
        _Atomic(int) n_begun = 0, n_running = 0, go = 0;
        struct item items[6];
        struct exec_map_options o;
        struct exec_outcome out;
        exec_map *m = NULL;
        int64_t deadline;

        (void)fx;
        for (int i = 0; i < 6; i++)
                items[i] = (struct item){i, 0, 0, NULL, &n_begun, &n_running, &go};
        exec_map_options_init(&o, sizeof o);
        o.limit = 2;
        EXPECT_EQ(exec_map_new(&m, hold, items, 6, sizeof items[0], &o), 0);
        EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &out), 1);
        EXPECT_PTR(out.value, &items[0]);
        fixture_wait(&n_running, 1);
        deadline = exec_now() + EXEC_MS(2);
        EXPECT_EQ(exec_map_next(m, deadline, &out), -ETIMEDOUT);
        atom_store(&go, 1, RELEASE);
        EXPECT_EQ(exec_map_free(m), 0);
        EXPECT(atom_load(&n_begun, ACQUIRE) >= 2 && atom_load(&n_begun, ACQUIRE) <= 3);
}

/* Those that never begin: behind one that keeps the only worker. */
static int spin_until(void *arg, void **value)
{
        struct item *it = arg;

        (void)value;
        atom_add(it->n_begun, 1, ACQ_REL);
        while (!atom_load(it->n_most, ACQUIRE))
                ;
        EXPECT(!exec_cancel_requested()); /* one that runs is not cancelled */
        return 0;
}

struct gate {
        struct fixture *fx;
        _Atomic(int) *n_begun, *go;
};

/* When none is left but those that have begun, and the case's own task. */
static void *let_go_later(void *arg)
{
        struct gate *g = arg;

        while (exec_all_tasks(g->fx->pool, NULL, 0) > atom_load(g->n_begun, ACQUIRE) + g->fx->in_task)
                exec_sleep(EXEC_MS(1));
        atom_store(g->go, 1, RELEASE);
        return NULL;
}

static void test_U7_unbegun_never_run(struct fixture *fx)
{
        _Atomic(int) n_begun = 0, go = 0;
        struct gate gate = {fx, &n_begun, &go};
        struct item items[20];
        struct exec_outcome out;
        exec_map *m = NULL;
        pthread_t thread;

        for (int i = 0; i < 20; i++)
                items[i] = (struct item){i, 0, 0, NULL, &n_begun, NULL, &go};
        EXPECT_EQ(exec_map_new(&m, spin_until, items, 20, sizeof items[0], NULL), 0);
        EXPECT_EQ(exec_map_next(m, exec_now() + EXEC_MS(1), &out), -ETIMEDOUT);
        fixture_wait(&n_begun, 1);
        EXPECT_EQ(pthread_create(&thread, NULL, let_go_later, &gate), 0);
        EXPECT_EQ(exec_map_free(m), 0);
        EXPECT(atom_load(&n_begun, ACQUIRE) <= (int)fx->n_workers);
        pthread_join(thread, NULL);
}

/* ---- the caller is cancelled ---- */

struct caller {
        struct item item;
        _Atomic(int) begun;
        bool frees; /* the cancel is to meet exec_map_free() */
        exec_future *gate;
};

static int call_map(void *arg, void **value)
{
        struct caller *c = arg;
        struct exec_outcome o;
        exec_map *m = NULL;
        int rc;

        (void)value;
        EXPECT_EQ(exec_map_new(&m, work, &c->item, 1, 0, NULL), 0);
        while (!atom_load(c->item.n_begun, ACQUIRE))
                exec_yield();
        atom_store(&c->begun, 1, RELEASE);
        rc = c->frees ? 0 : exec_map_next(m, EXEC_FOREVER, &o);
        if (!c->frees) {
                EXPECT_EQ(rc, -ECANCELED);
                EXPECT_PENDING(c->gate); /* passes nothing on */
                EXPECT_EQ(exec_promise_set(c->gate, NULL), 0);
                EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), 1);
                EXPECT_EQ(o.state, EXEC_DONE);
                EXPECT_EQ(exec_map_free(m), 0);
                return rc;
        }
        rc = exec_map_free(m);
        EXPECT_EQ(rc, -ECANCELED);
        EXPECT_CANCELLED(c->gate); /* what the call awaited */
        return rc;
}

static void test_the_caller_is_cancelled(struct fixture *fx)
{
        (void)fx;
        for (int frees = 0; frees < 2; frees++) {
                _Atomic(int) n_begun = 0;
                struct caller c = {.frees = frees, .gate = exec_promise_new(NULL)};
                exec_future *f;

                c.item = (struct item){.gate = c.gate, .n_begun = &n_begun};
                f = exec_create_task(call_map, &c);
                fixture_wait(&c.begun, 1);
                exec_sleep(EXEC_MS(1));
                EXPECT_EQ(exec_cancel(f, "enough"), 1);
                fixture_wait_done(f);
                EXPECT_CANCELLED(f);
                exec_future_unref(f);
                exec_future_unref(c.gate);
        }
}

/* ---- values, arguments, places ---- */

static int value_is_counter(void *arg, void **value)
{
        *value = *(void **)arg;
        return 0;
}

static void test_values_not_handed_out_are_dropped(struct fixture *fx)
{
        _Atomic(int) n_dropped = 0;
        void *items[10];
        struct exec_map_options o;
        struct exec_outcome out;
        exec_map *m = NULL;

        (void)fx;
        for (int i = 0; i < 10; i++)
                items[i] = (void *)&n_dropped;
        exec_map_options_init(&o, sizeof o);
        o.drop_value = drop_bump;
        o.limit = 5;
        EXPECT_EQ(exec_map_new(&m, value_is_counter, items, 10, sizeof items[0], &o), 0);
        EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &out), 1); /* the caller's */
        EXPECT_EQ(atom_load(&n_dropped, ACQUIRE), 0);
        EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, NULL), 1); /* dropped */
        EXPECT(atom_load(&n_dropped, ACQUIRE) >= 1);
        EXPECT_EQ(exec_map_free(m), 0);
        EXPECT(atom_load(&n_dropped, ACQUIRE) <= 6);
}

static void test_arguments(struct fixture *fx)
{
        struct item item = {0};
        struct exec_map_options o;
        exec_map *m = (exec_map *)&item;

        (void)fx;
        exec_map_options_init(NULL, 0);
        exec_map_options_init(&o, sizeof o);
        EXPECT_EQ(exec_map_new(NULL, work, &item, 1, 0, NULL), -EINVAL);
        EXPECT_EQ(exec_map_new(&m, NULL, &item, 1, 0, NULL), -EINVAL);
        EXPECT(!m);
        EXPECT_EQ(exec_map_new(&m, work, NULL, 1, 8, NULL), -EINVAL);
        EXPECT_EQ(exec_map_new(&m, work, &item, SIZE_MAX, 1, NULL), -EINVAL);
        EXPECT_EQ(exec_map_new(&m, work, &item, SIZE_MAX / 16, 64, NULL), -EINVAL);
        o.size = 3;
        EXPECT_EQ(exec_map_new(&m, work, &item, 1, 0, &o), -EINVAL);
        EXPECT_EQ(exec_map_next(NULL, EXEC_FOREVER, NULL), -EINVAL);
}

static void test_without_a_pool(struct fixture *fx)
{
        struct item item = {0};
        exec_map *m;

        (void)fx;
        EXPECT_EQ(exec_map_new(&m, work, &item, 1, 0, NULL), -EINVAL);
}

static void map_in_a_callback(exec_future *f, void *arg)
{
        struct exec_outcome o;
        exec_map *m = arg;

        (void)f;
        EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), -EPERM);
        EXPECT_EQ(exec_map_free(m), -EPERM);
}

static void test_in_a_callback(struct fixture *fx)
{
        _Atomic(int) n_begun = 0;
        exec_future *gate = exec_promise_new(NULL), *f = exec_promise_new(NULL);
        struct item item = {.gate = gate, .n_begun = &n_begun};
        exec_map *m = map_of(&item, 1, 0);

        (void)fx;
        fixture_wait(&n_begun, 1);
        EXPECT_EQ(exec_future_add_callback(f, map_in_a_callback, m), 0);
        EXPECT_EQ(exec_promise_set(f, NULL), 0);
        EXPECT_EQ(exec_promise_set(gate, NULL), 0);
        EXPECT_EQ(exec_map_free(m), 0);
        exec_future_unref(f);
        exec_future_unref(gate);
}

static void test_no_memory(struct fixture *fx)
{
        struct item items[4] = {{0}};
        struct exec_outcome o;
        exec_map *m = NULL;

        (void)fx;
        if (!fixture_fault_arm(FAIL_ALLOC, 1, true))
                return;
        EXPECT_EQ(exec_map_new(&m, work, items, 4, sizeof items[0], NULL), -ENOMEM);
        EXPECT(!m);
        fixture_fault_disarm();
        fixture_fault_arm(FAIL_ALLOC, 2, true); /* the map is there; no task is */
        EXPECT_EQ(exec_map_new(&m, work, items, 4, sizeof items[0], NULL), 0);
        fixture_fault_disarm();
        for (int i = 0; i < 4; i++) {
                EXPECT_EQ(exec_map_next(m, EXEC_FOREVER, &o), 1);
                EXPECT_EQ(o.state, EXEC_FAILED);
                EXPECT_EQ(o.err, -ENOMEM);
        }
        EXPECT_EQ(exec_map_free(m), 0);
}

static const struct fixture_case cases[] = {
        CASE(test_U5_order_of_inputs),
        CASE(test_U5_before_all_have_ended),
        CASE(test_U5_limit_is_kept),
        CASE(test_U5_of_nothing),
        CASE(test_U6_a_failing_item),
        CASE(test_U7_total_timeout),
        CASE_THREAD(test_U7_unbegun_never_run),
        CASE(test_the_caller_is_cancelled),
        CASE(test_values_not_handed_out_are_dropped),
        CASE(test_arguments),
        CASE_BARE(test_without_a_pool),
        CASE(test_in_a_callback),
        CASE(test_no_memory),
};

FIXTURE_MAIN("map", cases)
