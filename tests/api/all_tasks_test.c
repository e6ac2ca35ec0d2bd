/* all_tasks_test.c - exec_all_tasks(): every task that has not ended, each once, with a reference. */
#include "fixture.h"

#include <stdlib.h>

enum { N = 100, ROOM = 400 };

static size_t count_of(exec_future *const *list, int64_t n, const exec_future *f)
{
        size_t found = 0;

        for (int64_t i = 0; i < n; i++)
                found += list[i] == f;
        return found;
}

static void unref_list(exec_future **list, int64_t n)
{
        exec_future_unref_all(list, (size_t)n);
}

/* Suspended tasks, and the case itself where it is one: exactly these. */
static void test_I7_exactly_the_live_tasks(struct fixture *fx)
{
        exec_future *never = exec_promise_new(NULL), *tasks[N], *list[ROOM];
        struct awaiter a[N];
        int64_t n;

        for (int i = 0; i < N; i++) {
                a[i].f = never;
                atom_store(&a[i].begun, 0, RELAXED);
                tasks[i] = exec_create_task(task_await_noted, &a[i]);
        }
        for (int i = 0; i < N; i++)
                fixture_wait(&a[i].begun, 1);
        n = exec_all_tasks(fx->pool, list, ROOM);
        EXPECT_EQ(n, N + fx->in_task);
        for (int i = 0; i < N; i++)
                EXPECT_EQ(count_of(list, n, tasks[i]), 1);
        if (fx->in_task)
                EXPECT_EQ(count_of(list, n, exec_current_task()), 1);
        unref_list(list, n);
        EXPECT_EQ(exec_all_tasks(NULL, NULL, 0), N + fx->in_task);
        exec_promise_set(never, NULL);
        EXPECT_EQ(exec_gather(tasks, N, NULL, EXEC_COLLECT), 0);
        EXPECT_EQ(exec_all_tasks(NULL, NULL, 0), fx->in_task);
        exec_future_unref_all(tasks, N);
        exec_future_unref(never);
}

/* No more than there is room for; what is behind is not touched. */
static void test_I7_little_room(struct fixture *fx)
{
        exec_future *never = exec_promise_new(NULL), *tasks[10], *list[10];
        int64_t n;

        for (int i = 0; i < 10; i++)
                tasks[i] = exec_create_task(task_await, never);
        for (size_t room = 0; room < 10; room++) {
                for (int i = 0; i < 10; i++)
                        list[i] = never;
                n = exec_all_tasks(fx->pool, list, room);
                EXPECT_EQ(n, 10 + fx->in_task);
                for (size_t i = 0; i < 10; i++)
                        EXPECT((list[i] != never) == (i < room));
                unref_list(list, (int64_t)room);
        }
        exec_promise_set(never, NULL);
        EXPECT_EQ(exec_gather(tasks, 10, NULL, EXEC_COLLECT | EXEC_UNREF), 0);
        exec_future_unref(never);
}

/* What nobody else refers to: the list's reference keeps it. */
static void test_I7_detached_tasks(struct fixture *fx)
{
        exec_future *never = exec_promise_new(NULL), *list[ROOM];
        int64_t n;

        (void)fx;
        for (int i = 0; i < N; i++)
                exec_future_unref(exec_create_task(task_await, never));
        n = exec_all_tasks(NULL, list, ROOM);
        EXPECT_EQ(n, N + fx->in_task);
        exec_promise_set(never, VAL(1));
        for (int64_t i = 0; i < n; i++)
                if (list[i] != exec_current_task()) {
                        EXPECT_EQ(exec_await(list[i], NULL), 0);
                        EXPECT_DONE(list[i], VAL(1));
                }
        unref_list(list, n);
        exec_future_unref(never);
}

/* Before it begins, while it runs; not afterwards. */
static int find_itself(void *arg, void **value)
{
        exec_future *list[ROOM];
        int64_t n = exec_all_tasks(NULL, list, ROOM);

        *value = VAL(count_of(list, n, exec_current_task()));
        atom_add((_Atomic(int) *)arg, 1, ACQ_REL);
        unref_list(list, n);
        return 0;
}

static void test_I9_while_it_runs(struct fixture *fx)
{
        _Atomic(int) runs = 0;
        exec_future *f = exec_create_task(find_itself, &runs), *list[ROOM];
        int64_t n;

        (void)fx;
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, VAL(1));
        n = exec_all_tasks(NULL, list, ROOM);
        EXPECT_EQ(count_of(list, n, f), 0);
        unref_list(list, n);
        exec_future_unref(f);
}

static void test_I7_not_yet_begun(struct fixture *fx)
{
        exec_future *f[10], *list[ROOM];
        int64_t n;

        (void)fx;
        for (int i = 0; i < 10; i++)
                f[i] = exec_create_task(task_value, NULL);
        n = exec_all_tasks(NULL, list, ROOM); /* the one worker runs this case: none has begun */
        EXPECT_EQ(n, 11);
        for (int i = 0; i < 10; i++)
                EXPECT_EQ(count_of(list, n, f[i]), 1);
        unref_list(list, n);
        EXPECT_EQ(exec_gather(f, 10, NULL, EXEC_UNREF), 0);
}

/* Ten pools at once, each with a main task and a hundred others. */
static int main_of_pool(void *arg, void **value)
{
        exec_future *never = exec_promise_new(NULL), *f[N], *list[ROOM];
        int64_t n;
        int rc;

        (void)arg;
        for (int i = 0; i < N; i++)
                f[i] = exec_create_task(task_await, never);
        exec_yield();
        n = exec_all_tasks(NULL, list, ROOM);
        *value = VAL(n);
        for (int i = 0; i < N; i++)
                if (count_of(list, n, f[i]) != 1)
                        *value = VAL(-1);
        if (count_of(list, n, exec_current_task()) != 1)
                *value = VAL(-2);
        unref_list(list, n);
        exec_promise_set(never, NULL);
        rc = exec_gather(f, N, NULL, EXEC_UNREF);
        exec_future_unref(never);
        return rc;
}

static void *run_pool(void *arg)
{
        struct exec_pool_options o;
        size_t rounds = test_rounds(5);
        void *value = NULL;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = 2;
        for (size_t i = 0; i < rounds; i++) {
                EXPECT_EQ(exec_run_with(&o, main_of_pool, NULL, &value), 0);
                EXPECT_PTR(value, VAL(N + 1));
        }
        return arg;
}

static void test_I7_ten_pools(struct fixture *fx)
{
        enum { POOLS = 10 };
        pthread_t threads[POOLS];
        int n = 0;

        (void)fx;
        while (n < (TEST_TSAN ? 2 : POOLS) && !pthread_create(&threads[n], NULL, run_pool, NULL))
                n++;
        while (n)
                pthread_join(threads[--n], NULL);
}

/* While tasks come and go: what is listed is a task, and stays one. */
static void list_all(void *arg)
{
        exec_future *list[ROOM];
        char name[64];
        int64_t n = exec_all_tasks(arg, list, ROOM);

        EXPECT(n >= 0);
        if (n > ROOM)
                n = ROOM;
        for (int64_t i = 0; i < n; i++)
                EXPECT(exec_task_name(list[i], name, sizeof name) > 0);
        unref_list(list, n);
}

static int make_two(void *arg, void **value)
{
        exec_future *f[2] = {exec_create_task(task_bump, arg), exec_create_task(task_bump, arg)};

        *value = arg;
        return exec_gather(f, 2, NULL, EXEC_UNREF);
}

static void test_I7_while_tasks_come_and_go(struct fixture *fx)
{
        size_t rounds = test_rounds(300);
        _Atomic(int) runs = 0;
        struct rival r;

        rival_start(&r, list_all, fx->pool);
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f[20];

                rival_release(&r);
                for (int k = 0; k < 20; k++)
                        f[k] = exec_create_task(make_two, &runs);
                EXPECT_EQ(exec_gather(f, 20, NULL, EXEC_UNREF), 0);
                rival_wait(&r);
        }
        rival_stop(&r);
        EXPECT_EQ(atom_load(&runs, ACQUIRE), (int)rounds * 40);
}

static void test_arguments(struct fixture *fx)
{
        exec_future *list[1];

        EXPECT_EQ(exec_all_tasks(fx->pool, NULL, 1), -EINVAL);
        EXPECT_EQ(exec_all_tasks(fx->pool, NULL, SIZE_MAX), -EINVAL);
        EXPECT_EQ(exec_all_tasks(fx->pool, NULL, 0), fx->in_task);
        if (!fx->in_task) {
                exec_pool_set_default(NULL);
                EXPECT_EQ(exec_all_tasks(NULL, list, 1), -EINVAL);
                exec_pool_set_default(fx->pool);
        }
}

static const struct fixture_case cases[] = {
        CASE(test_I7_exactly_the_live_tasks), CASE(test_I7_little_room),    CASE(test_I7_detached_tasks),
        CASE_ONE(test_I7_not_yet_begun),      CASE_BARE(test_I7_ten_pools), CASE(test_I7_while_tasks_come_and_go),
        CASE(test_I9_while_it_runs),          CASE(test_arguments),
};

FIXTURE_MAIN("all_tasks", cases)
