/* task_test.c - creating tasks, and what they know about themselves: section 3 of docs/CONFORMANCE.md. T5 is in
 * cross_pool_test.c. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char forty_two;

static void test_T1_value(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_value, &forty_two);
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &forty_two);
        EXPECT_DONE(f, &forty_two);
        exec_future_unref(f);
}

static int leave_value_alone(void *arg, void **value)
{
        (void)arg, (void)value;
        return 0;
}

static void test_T1_value_not_set(struct fixture *fx)
{
        exec_future *f = exec_create_task(leave_value_alone, &forty_two);
        void *value = &forty_two;

        (void)fx;
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, NULL);
        exec_future_unref(f);
}

static void test_T1_many(struct fixture *fx)
{
        enum { MAX = 20000 };
        size_t n = test_scale(MAX);
        exec_future **f = calloc(n, sizeof(exec_future *));
        _Atomic(int) sum = 0;

        (void)fx;
        for (size_t i = 0; i < n; i++)
                f[i] = exec_create_task(task_bump, &sum);
        for (size_t i = 0; i < n; i++)
                EXPECT_EQ(exec_await(f[i], NULL), 0);
        EXPECT_EQ(atom_load(&sum, ACQUIRE), n);
        exec_future_unref_all(f, n);
        free(f);
}

static void test_T1_detached(struct fixture *fx)
{
        int n = (int)test_scale(5000);
        _Atomic(int) sum = 0;

        (void)fx;
        for (int i = 0; i < n; i++)
                exec_future_unref(exec_create_task(task_bump, &sum));
        fixture_wait(&sum, n);
}

static void test_T2_result_from_outside(struct fixture *fx)
{
        exec_future *gate = exec_promise_new(NULL), *f = exec_create_task(task_await, gate);
        void *value = NULL;

        (void)fx;
        EXPECT_EQ(exec_promise_set(f, f), -EINVAL);
        EXPECT_EQ(exec_promise_fail(f, -EIO), -EINVAL);
        EXPECT_EQ(exec_promise_set(gate, &forty_two), 0);
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &forty_two);
        EXPECT_EQ(exec_promise_set(f, f), -EINVAL);
        EXPECT_DONE(f, &forty_two);
        exec_future_unref(f);
        exec_future_unref(gate);
}

static int force_own_result(void *arg, void **value)
{
        EXPECT_EQ(exec_promise_set(exec_current_task(), arg), -EINVAL);
        EXPECT_EQ(exec_promise_fail(exec_current_task(), -EIO), -EINVAL);
        EXPECT_PENDING(exec_current_task());
        *value = &forty_two;
        return 0;
}

static void test_T3_forced_result_refused(struct fixture *fx)
{
        exec_future *f = exec_create_task(force_own_result, fx);

        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_DONE(f, &forty_two);
        exec_future_unref(f);
}

static void test_T6_no_function(struct fixture *fx)
{
        _Atomic(int) drops = 0;
        struct exec_task_options o;
        exec_future *f = exec_create_task(NULL, &forty_two);

        (void)fx;
        EXPECT_FAILED(f, -EINVAL);
        EXPECT_EQ(exec_await(f, NULL), -EINVAL);
        EXPECT_EQ(exec_cancel(f, NULL), 0);
        exec_future_unref(f);

        exec_task_options_init(&o, sizeof o);
        o.drop_arg = drop_bump;
        f = exec_create_task_with(NULL, &drops, &o);
        EXPECT_FAILED(f, -EINVAL);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), 1);
        exec_future_unref(f);
}

struct name {
        char text[100];
        int length;
};

static int read_name(void *arg, void **value)
{
        struct name *n = arg;

        n->length = exec_task_name(exec_current_task(), n->text, sizeof n->text);
        *value = arg;
        return 0;
}

static exec_future *create_named(const char *name, struct name *n)
{
        struct exec_task_options o;

        exec_task_options_init(&o, sizeof o);
        o.name = name;
        return exec_create_task_with(read_name, n, &o);
}

static void test_T7_name(struct fixture *fx)
{
        char given[] = "fetch the thing", outside[100];
        struct name inside = {"", -1};
        exec_future *f = create_named(given, &inside);

        (void)fx;
        given[0] = 'X'; /* it was copied */
        EXPECT_EQ(exec_task_name(f, outside, sizeof outside), 15);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(inside.length, 15);
        EXPECT(!strcmp(inside.text, "fetch the thing"));
        EXPECT(!strcmp(outside, "fetch the thing"));
        EXPECT_EQ(exec_task_name(f, outside, sizeof outside), 15);
        EXPECT(!strcmp(outside, "fetch the thing"));
        exec_future_unref(f);
}

static void test_T7_default_names(struct fixture *fx)
{
        enum { N = 20 };
        unsigned long last = 0;
        exec_future *f[N];

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = exec_create_task(task_value, NULL);
        for (int i = 0; i < N; i++) {
                char text[64], rest = 0;
                unsigned long number = 0;

                EXPECT(exec_task_name(f[i], text, sizeof text) > 5);
                EXPECT_EQ(sscanf(text, "task-%lu%c", &number, &rest), 1);
                EXPECT(i == 0 || number > last);
                last = number;
                exec_await(f[i], NULL);
        }
        exec_future_unref_all(f, N);
}

/* The same name whenever it is asked for, from inside and outside. */
static void test_T7_default_name_stays(struct fixture *fx)
{
        struct name inside = {"", -1};
        exec_future *f = create_named(NULL, &inside);
        char before[64], after[64];

        (void)fx;
        EXPECT(exec_task_name(f, before, sizeof before) > 0);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT(exec_task_name(f, after, sizeof after) > 0);
        EXPECT(!strcmp(before, inside.text));
        EXPECT(!strcmp(before, after));
        exec_future_unref(f);
}

static void test_T8_name_cut(struct fixture *fx)
{
        struct name inside = {"", -1};
        char text[8] = "1234567", name[101];
        exec_future *f, *promise = exec_promise_new(NULL);

        (void)fx;
        memset(name, 'n', 100);
        name[100] = 0;
        f = create_named(name, &inside);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(inside.length, 63);
        EXPECT_EQ(strlen(inside.text), 63);
        EXPECT(!strncmp(inside.text, name, 63));
        EXPECT_EQ(exec_task_name(f, text, 5), 63);
        EXPECT(!strcmp(text, "nnnn"));
        EXPECT_EQ(exec_task_name(f, text, 1), 63);
        EXPECT(!strcmp(text, ""));
        exec_future_unref(f);
        EXPECT_EQ(exec_task_name(promise, text, sizeof text), -EINVAL);
        EXPECT_EQ(exec_task_name(NULL, text, sizeof text), -EINVAL);
        exec_future_unref(promise);
}

struct where {
        _Atomic(int) ran, worker;
};

static int note_where(void *arg, void **value)
{
        struct where *w = arg;

        *value = NULL;
        atom_store(&w->worker, exec_pool_worker(), RELAXED);
        atom_store(&w->ran, 1, RELEASE);
        return 0;
}

static void test_T11_not_on_the_creators_stack(struct fixture *fx)
{
        struct where w = {0, -1};
        int me = exec_pool_worker();
        exec_future *f = exec_create_task(note_where, &w);

        fixture_spin(EXEC_MS(2));
        if (fx->n_workers == 1)
                EXPECT_EQ(atom_load(&w.ran, ACQUIRE), 0);
        if (atom_load(&w.ran, ACQUIRE))
                EXPECT(atom_load(&w.worker, RELAXED) != me);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(atom_load(&w.ran, ACQUIRE), 1);
        exec_future_unref(f);
}

/* T15: memory ends while tasks are created: each is created and runs, or has failed with -ENOMEM; none is lost. */
static size_t create_until_refused(exec_future *f[], size_t max, exec_task_fn fn, void *arg,
                                   const struct exec_task_options *o)
{
        for (size_t n = 0; n < max; n++) {
                struct exec_outcome out;

                f[n] = exec_create_task_with(fn, arg, o);
                if (!exec_future_outcome(f[n], &out) && out.state == EXEC_FAILED)
                        return n + 1;
        }
        return max;
}

static void expect_refused_last(exec_future *const f[], size_t n)
{
        for (size_t i = 0; i + 1 < n; i++) {
                int rc = exec_await(f[i], NULL);

                EXPECT(rc == 0 || rc == -ENOMEM); /* without a stack for it a task may fail later */
        }
        EXPECT_FAILED(f[n - 1], -ENOMEM);
        EXPECT_EQ(exec_await(f[n - 1], NULL), -ENOMEM);
        EXPECT_EQ(exec_cancel(f[n - 1], NULL), 0);
}

static void test_T15_no_memory_for_a_name(struct fixture *fx)
{
        enum { MAX = 1000 };
        exec_future *f[MAX];
        _Atomic(int) drops = 0;
        struct exec_task_options o;
        size_t n;

        exec_task_options_init(&o, sizeof o);
        o.pool = fx->pool;
        o.drop_arg = drop_bump;
        o.name = "named, so that it needs memory of its own";
        if (!fixture_fault_arm(FAIL_ALLOC, 5, true))
                return;
        n = create_until_refused(f, MAX, task_value, &drops, &o);
        EXPECT(fixture_fault_disarm() > 0);
        expect_refused_last(f, n);
        fixture_wait(&drops, (int)n);
        exec_future_unref_all(f, n);
        EXPECT_EQ(atom_load(&drops, ACQUIRE), n);
}

static void test_T15_no_memory_for_tasks(struct fixture *fx)
{
        size_t max = 300000, n;
        exec_future **f = calloc(max, sizeof(exec_future *));
        _Atomic(int) runs = 0;

        (void)fx;
        /* Under ThreadSanitizer a task may come from the allocator. */
        if (!TEST_TSAN && fixture_fault_arm(FAIL_MAP, 1, true)) {
                n = create_until_refused(f, max, task_bump, &runs, NULL);
                EXPECT(fixture_fault_disarm() > 0);
                expect_refused_last(f, n);
                EXPECT(atom_load(&runs, ACQUIRE) < (int)n);
                exec_future_unref_all(f, n);
        }
        free(f);
}

static int fan_out(void *arg, void **value)
{
        intptr_t depth = (intptr_t)arg;
        exec_future *f[5];

        *value = NULL;
        if (!depth)
                return 0;
        for (int i = 0; i < 5; i++)
                f[i] = exec_create_task(fan_out, VAL(depth - 1));
        return exec_gather(f, 5, NULL, EXEC_UNREF);
}

static void test_T17_recursive_gather(struct fixture *fx)
{
        uint64_t before = fixture_stats(fx->pool).n_created;
        intptr_t depth = TEST_TSAN ? 3 : 4;
        exec_future *f = exec_create_task(fan_out, VAL(depth));

        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        EXPECT_EQ(fixture_stats(fx->pool).n_created - before, depth == 4 ? 781 : 156);
}

static void test_T18_nothing_is_kept(struct fixture *fx)
{
        uint64_t before = fixture_stats(fx->pool).n_futures;
        _Atomic(int) dropped_args = 0, dropped_values = 0;
        struct exec_task_options o;
        exec_future *f;
        void *value = NULL;
        int64_t end;

        exec_task_options_init(&o, sizeof o);
        o.drop_value = drop_bump;
        f = exec_create_task_with(task_value, &dropped_values, &o);
        EXPECT_EQ(exec_await(f, &value), 0);
        EXPECT_PTR(value, &dropped_values);
        EXPECT_EQ(atom_load(&dropped_values, ACQUIRE), 0);
        exec_future_unref(f);
        fixture_wait(&dropped_values, 1);

        o.drop_value = NULL;
        o.drop_arg = drop_bump;
        f = exec_create_task_with(leave_value_alone, &dropped_args, &o);
        EXPECT_EQ(exec_await(f, NULL), 0);
        fixture_wait(&dropped_args, 1); /* the body has returned, the handle is still held */
        exec_future_unref(f);
        for (end = exec_now() + EXEC_SEC(10); fixture_stats(fx->pool).n_futures > before && exec_now() < end;)
                exec_sleep(EXEC_MS(1));
        EXPECT_EQ(fixture_stats(fx->pool).n_futures, before);
        EXPECT_EQ(atom_load(&dropped_args, ACQUIRE), 1);
        EXPECT_EQ(atom_load(&dropped_values, ACQUIRE), 1);
}

struct sized {
        size_t size;
        unsigned char *expected;
        _Atomic(int) ok;
};

struct copied {
        struct sized *sized;
        unsigned char bytes[];
};

static int compare_argument(void *arg, void **value)
{
        struct copied *c = arg;
        struct sized *s = c->sized;

        *value = NULL;
        exec_yield(); /* the copy lives as long as the body */
        atom_store(&s->ok, !memcmp(c->bytes, s->expected, s->size) && (uintptr_t)arg % 16 == 0, RELEASE);
        return 0;
}

static void test_T19_argument_is_copied(struct fixture *fx)
{
        static const size_t sizes[] = {0, 1, 7, 8, 9, 24, 40, 56, 57, 100, 1000, 5000, 100000};

        (void)fx;
        for (size_t i = 0; i < N_OF(sizes); i++) {
                struct sized s = {sizes[i], malloc(sizes[i] + 1), 0};
                struct copied *c = malloc(sizeof *c + sizes[i]);
                struct exec_task_options o;
                exec_future *f;

                for (size_t k = 0; k < sizes[i]; k++)
                        s.expected[k] = (unsigned char)(k * 7 + i);
                c->sized = &s;
                memcpy(c->bytes, s.expected, sizes[i]);
                exec_task_options_init(&o, sizeof o);
                o.arg_size = sizeof *c + sizes[i];
                f = exec_create_task_with(compare_argument, c, &o);
                memset(c, 0xee, sizeof *c + sizes[i]);
                free(c);
                EXPECT_EQ(exec_await(f, NULL), 0);
                EXPECT_EQ(atom_load(&s.ok, ACQUIRE), 1);
                exec_future_unref(f);
                free(s.expected);
        }
}

static int check_small(void *arg, void **value)
{
        *value = VAL(*(uint16_t *)arg);
        return (uintptr_t)arg % 16 ? -EFAULT : 0;
}

static void test_T19_small_arguments(struct fixture *fx)
{
        enum { N = 100 };
        exec_future *f[N];
        struct exec_task_options o;

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.arg_size = sizeof(uint16_t);
        for (uint16_t i = 0; i < N; i++)
                f[i] = exec_create_task_with(check_small, &i, &o);
        for (uint16_t i = 0; i < N; i++) {
                void *value = NULL;

                EXPECT_EQ(exec_await(f[i], &value), 0);
                EXPECT_PTR(value, VAL(i));
        }
        exec_future_unref_all(f, N);
}

struct identity {
        exec_future *_Atomic self;
        _Atomic(int) ready;
};

static int who_am_i(void *arg, void **value)
{
        struct identity *i = arg;
        exec_future *self;

        *value = NULL;
        fixture_wait(&i->ready, 1);
        self = atom_load(&i->self, ACQUIRE);
        EXPECT_PTR(exec_current_task(), self);
        exec_yield();
        EXPECT_PTR(exec_current_task(), self);
        exec_sleep(EXEC_MS(1));
        EXPECT_PTR(exec_current_task(), self);
        return exec_current_task() == self ? 0 : -EINVAL;
}

static void test_current_task(struct fixture *fx)
{
        enum { N = 10 };
        struct identity id[N] = {{NULL, 0}};
        exec_future *me = exec_current_task(), *f[N];

        EXPECT_EQ(me != NULL, fx->in_task);
        for (int i = 0; i < N; i++) {
                f[i] = exec_create_task(who_am_i, &id[i]);
                atom_store(&id[i].self, f[i], RELEASE);
                atom_store(&id[i].ready, 1, RELEASE);
        }
        for (int i = 0; i < N; i++) {
                EXPECT_EQ(exec_await(f[i], NULL), 0);
                EXPECT_PTR(exec_current_task(), me); /* also where the child ran on our stack */
        }
        exec_future_unref_all(f, N);
}

/* errno is set by the C library, as in most programs. Under ThreadSanitizer, which sees our own stores but not those, two
 * tasks of one worker that assign to this thread's errno would look like a race, as for any thread-local. */
static int fail_in_the_c_library(int how)
{
        switch (how) {
        case 0:
                return close(-1) ? EBADF : 0;
        case 1:
                return strtol("999999999999999999999999", NULL, 10) > 0 ? ERANGE : 0;
        default:
                return sysconf(-1) < 0 ? EINVAL : 0;
        }
}

static int set_errno(void *arg, void **value)
{
        int mine;

        *value = NULL;
        for (int i = 0; i < 5; i++) {
                mine = fail_in_the_c_library((int)(intptr_t)arg % 3);
                exec_yield();
                EXPECT_EQ(errno, mine);
                exec_sleep(EXEC_US(100));
                EXPECT_EQ(errno, mine);
        }
        return 0;
}

static void test_errno_belongs_to_the_task(struct fixture *fx)
{
        enum { N = 20 };
        exec_future *f[N];

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = exec_create_task(set_errno, VAL(i + 1));
        EXPECT_EQ(exec_gather(f, N, NULL, EXEC_UNREF), 0);
}

static int use_stack(void *arg, void **value)
{
        volatile char *page;
        size_t bytes = (size_t)(uintptr_t)arg;
        volatile char block[4096];

        *value = NULL;
        page = block;
        for (size_t i = 0; i < sizeof block; i += 64)
                page[i] = (char)bytes;
        exec_yield();
        if (bytes > 2 * sizeof block)
                return use_stack(VAL(bytes - sizeof block), value) | (block[64] != (char)bytes);
        return 0;
}

static void test_stack_of_the_size_asked_for(struct fixture *fx)
{
        static const size_t sizes[] = {16 << 10, 64 << 10, 256 << 10, 1 << 20};
        exec_future *f[N_OF(sizes)];
        struct exec_task_options o;

        (void)fx;
        for (size_t i = 0; i < N_OF(sizes); i++) {
                exec_task_options_init(&o, sizeof o);
                o.stack_bytes = sizes[i];
                /* A sanitizer makes frames larger than what this one asks for. */
                f[i] = exec_create_task_with(use_stack, VAL(TEST_TSAN || TEST_ASAN ? sizes[i] / 4 : sizes[i] / 2), &o);
        }
        EXPECT_EQ(exec_gather(f, N_OF(sizes), NULL, EXEC_UNREF), 0);
}

static int stay_on_worker(void *arg, void **value)
{
        int worker = exec_pool_worker();

        *value = NULL;
        for (int i = 0; i < 20; i++) {
                i % 2 ? exec_yield() : exec_sleep(EXEC_US(100));
                if (exec_pool_worker() != worker)
                        atom_add((_Atomic(int) *)arg, 1, ACQ_REL);
        }
        return 0;
}

static void test_tied_task_stays_on_its_worker(struct fixture *fx)
{
        enum { N = 40 };
        _Atomic(int) moved = 0;
        exec_future *f[N];
        struct exec_task_options o;

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.flags = EXEC_TIED;
        for (int i = 0; i < N; i++)
                f[i] = exec_create_task_with(stay_on_worker, &moved, &o);
        EXPECT_EQ(exec_gather(f, N, NULL, EXEC_UNREF), 0);
        EXPECT_EQ(atom_load(&moved, ACQUIRE), 0);
}

struct fairness {
        _Atomic(int) others, n_others;
};

static int yield_until_others_ended(void *arg, void **value)
{
        struct fairness *s = arg;
        int64_t end = exec_now() + EXEC_SEC(20);

        *value = NULL;
        while (atom_load(&s->others, ACQUIRE) < atom_load(&s->n_others, ACQUIRE)) {
                if (exec_now() > end)
                        return -ETIMEDOUT;
                exec_yield();
        }
        return 0;
}

static int yield_some_times(void *arg, void **value)
{
        struct fairness *s = arg;

        *value = NULL;
        for (int i = 0; i < 10; i++)
                exec_yield();
        exec_sleep(EXEC_US(100));
        atom_add(&s->others, 1, ACQ_REL);
        return 0;
}

/* One that gives way again and again lets the others through, tied or not, as they are or not. */
static void test_yielding_tasks_do_not_starve_others(struct fixture *fx)
{
        enum { N = 12 };
        struct fairness s = {0, N - 3};
        struct exec_task_options o;
        exec_future *f[N];

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        for (int i = 0; i < N; i++) {
                o.flags = i % 2 ? EXEC_TIED : 0;
                f[i] = exec_create_task_with(i < 3 ? yield_until_others_ended : yield_some_times, &s, &o);
        }
        EXPECT_EQ(exec_gather(f, N, NULL, EXEC_UNREF), 0);
}

static const struct fixture_case cases[] = {
        CASE(test_T1_value),
        CASE(test_T1_value_not_set),
        CASE(test_T1_many),
        CASE(test_T1_detached),
        CASE(test_T2_result_from_outside),
        CASE(test_T3_forced_result_refused),
        CASE(test_T6_no_function),
        CASE(test_T7_name),
        CASE(test_T7_default_names),
        CASE(test_T7_default_name_stays),
        CASE(test_T8_name_cut),
        CASE_TASK(test_T11_not_on_the_creators_stack),
        CASE_THREAD(test_T15_no_memory_for_a_name),
        CASE_TASK(test_T15_no_memory_for_tasks),
        CASE(test_T17_recursive_gather),
        CASE(test_T18_nothing_is_kept),
        CASE(test_T19_argument_is_copied),
        CASE(test_T19_small_arguments),
        CASE(test_current_task),
        CASE(test_errno_belongs_to_the_task),
        CASE(test_stack_of_the_size_asked_for),
        CASE(test_tied_task_stays_on_its_worker),
        CASE(test_yielding_tasks_do_not_starve_others),
};

FIXTURE_MAIN("task", cases)
