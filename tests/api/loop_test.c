/* loop_test.c - loops, reductions, and worker-local memory. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static size_t many(size_t n)
{
        return TEST_TSAN ? n / 100 + 1 : n; /* in its precise mode each chunk is a task with a stack */
}

/* ---- each index once ---- */

struct seen {
        _Atomic(unsigned char) *at;
        size_t begin, end, grain;
        _Atomic(int) n_bad;
};

static int see_chunk(size_t begin, size_t end, void *arg)
{
        struct seen *s = arg;

        if (begin >= end || begin < s->begin || end > s->end)
                atom_add(&s->n_bad, 1, RELAXED);
        if (s->grain && ((begin - s->begin) % s->grain || (end - begin != s->grain && end != s->end)))
                atom_add(&s->n_bad, 1, RELAXED);
        for (size_t i = begin; i < end; i++)
                atom_add(&s->at[i - s->begin], 1, RELAXED);
        return 0;
}

static int see_index(size_t i, void *arg)
{
        struct seen *s = arg;

        atom_add(&s->at[i - s->begin], 1, RELAXED);
        return 0;
}

EXEC_CHUNKS_OF(see_indices, see_index)

static void expect_each_once(struct seen *s)
{
        size_t n_bad = 0;

        for (size_t i = 0; i < s->end - s->begin; i++) {
                n_bad += atom_load(&s->at[i], RELAXED) != 1;
                atom_store(&s->at[i], 0, RELAXED);
        }
        EXPECT_EQ(n_bad, 0);
        EXPECT_EQ(atom_load(&s->n_bad, RELAXED), 0);
}

static void test_each_index_once(struct fixture *fx)
{
        static const size_t sizes[] = {1, 2, 3, 31, 32, 33, 64, 65, 1000, 4096, 100003};
        static const size_t grains[] = {0, 1, 2, 7, 100, 1000000};

        (void)fx;
        for (size_t i = 0; i < N_OF(sizes); i++)
                for (size_t k = 0; k < N_OF(grains); k++) {
                        size_t n = TEST_TSAN && sizes[i] > 1000 ? 1003 : sizes[i];
                        struct seen s = {.begin = 17, .end = 17 + n, .grain = grains[k]};

                        if (n / (grains[k] ? grains[k] : n) > many(20000))
                                continue;
                        s.at = calloc(n, 1);
                        EXPECT_EQ(exec_parallel_for(NULL, s.begin, s.end, s.grain, see_chunk, &s), 0);
                        expect_each_once(&s);
                        EXPECT_EQ(exec_parallel_for_each(NULL, s.begin, s.end, s.grain, see_index, &s), 0);
                        expect_each_once(&s);
                        EXPECT_EQ(exec_parallel_for(NULL, s.begin, s.end, 0, see_indices, &s), 0);
                        expect_each_once(&s);
                        free((void *)s.at);
                }
}

/* ---- each worker begins with its own share ---- */

static _Thread_local unsigned worker_id;

static int remember_id(unsigned worker, void *ctx)
{
        (void)ctx;
        worker_id = worker;
        return 0;
}

enum { SHARES = 4 };

struct shares {
        size_t n;
        _Atomic(size_t) first[SHARES]; /* where the caller's first chunk began, + 1 */
        unsigned caller;
};

static int first_chunk(size_t begin, size_t end, void *arg)
{
        struct shares *s = arg;
        size_t none = 0;

        (void)end;
        if (worker_id == s->caller)
                atom_cas(&s->first[s->caller], &none, begin + 1, ACQ_REL);
        return 0;
}

static int loop_from_here(void *arg, void **value)
{
        struct shares *s = arg;

        (void)value;
        s->caller = worker_id;
        atom_store(&s->first[s->caller], 0, RELAXED);
        return exec_parallel_for(NULL, 100, 100 + s->n, 0, first_chunk, s);
}

static void test_each_worker_begins_with_its_share(struct fixture *fx)
{
        struct shares s = {.n = many(4096)};
        struct exec_pool_options options;
        struct exec_task_options task;
        exec_pool *pool;

        (void)fx;
        exec_pool_options_init(&options, sizeof options);
        options.n_workers = SHARES;
        options.start_hook = remember_id;
        EXPECT_EQ(exec_pool_new(&pool, &options), 0);
        exec_task_options_init(&task, sizeof task);
        task.pool = pool;
        for (unsigned i = 0; i < 64; i++) {
                exec_future *f = exec_create_task_with(loop_from_here, &s, &task);

                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
                EXPECT_EQ(atom_load(&s.first[s.caller], RELAXED), 101 + s.caller * (s.n / SHARES));
        }
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static int never(size_t begin, size_t end, void *arg)
{
        (void)begin;
        (void)end;
        *(int *)arg = 1;
        return 0;
}

static void test_bounds(struct fixture *fx)
{
        int called = 0;

        (void)fx;
        EXPECT_EQ(exec_parallel_for(NULL, 5, 5, 0, never, &called), 0);
        EXPECT_EQ(exec_parallel_for(NULL, SIZE_MAX, SIZE_MAX, 3, never, &called), 0);
        EXPECT_EQ(exec_parallel_for(NULL, 6, 5, 0, never, &called), -EINVAL);
        EXPECT_EQ(exec_parallel_for(NULL, 0, 5, 0, NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_parallel_for_each(NULL, 0, 5, 0, NULL, NULL), -EINVAL);
        EXPECT_EQ(called, 0);
}

static int count_ends(size_t begin, size_t end, void *arg)
{
        if (begin == SIZE_MAX - 10 || end == SIZE_MAX)
                atom_add((_Atomic(int) *)arg, 1, RELAXED);
        return 0;
}

static void test_the_last_indices_there_are(struct fixture *fx)
{
        _Atomic(int) n = 0;

        (void)fx;
        EXPECT_EQ(exec_parallel_for(NULL, SIZE_MAX - 10, SIZE_MAX, 4, count_ends, &n), 0);
        EXPECT_EQ(atom_load(&n, RELAXED), 2);
}

/* ---- planes ---- */

struct plane {
        _Atomic(unsigned char) *at;
        struct exec_tile all;
        size_t grain;
        _Atomic(int) n_bad;
};

static int see_tile(const struct exec_tile *t, void *arg)
{
        struct plane *p = arg;
        size_t width = p->all.column_end - p->all.column;

        if (t->row >= t->row_end || t->column >= t->column_end ||
            (p->grain && (t->row_end - t->row > p->grain || t->column_end - t->column > p->grain)))
                atom_add(&p->n_bad, 1, RELAXED);
        for (size_t r = t->row; r < t->row_end; r++)
                for (size_t c = t->column; c < t->column_end; c++)
                        atom_add(&p->at[(r - p->all.row) * width + (c - p->all.column)], 1, RELAXED);
        return 0;
}

static void test_each_point_once(struct fixture *fx)
{
        static const size_t sizes[][2] = {{1, 1}, {1, 100}, {100, 1}, {7, 13}, {64, 64}, {100, 333}};
        static const size_t grains[] = {0, 1, 10, 1000};

        (void)fx;
        for (size_t i = 0; i < N_OF(sizes); i++)
                for (size_t k = 0; k < N_OF(grains); k++) {
                        size_t n = sizes[i][0] * sizes[i][1], n_bad = 0;
                        struct plane p = {.all = {3, 3 + sizes[i][0], 5, 5 + sizes[i][1]}, .grain = grains[k]};

                        if (TEST_TSAN && grains[k] == 1 && n > 1000)
                                continue;
                        p.at = calloc(n, 1);
                        EXPECT_EQ(exec_parallel_for_2d(NULL, &p.all, p.grain, see_tile, &p), 0);
                        for (size_t j = 0; j < n; j++)
                                n_bad += atom_load(&p.at[j], RELAXED) != 1;
                        EXPECT_EQ(n_bad, 0);
                        EXPECT_EQ(atom_load(&p.n_bad, RELAXED), 0);
                        free((void *)p.at);
                }
}

static void test_bounds_of_planes(struct fixture *fx)
{
        struct exec_tile none = {3, 3, 0, 10}, wrong = {3, 2, 0, 10}, fine = {0, 1, 0, 1};

        (void)fx;
        EXPECT_EQ(exec_parallel_for_2d(NULL, &none, 0, see_tile, NULL), 0);
        EXPECT_EQ(exec_parallel_for_2d(NULL, &wrong, 0, see_tile, NULL), -EINVAL);
        EXPECT_EQ(exec_parallel_for_2d(NULL, NULL, 0, see_tile, NULL), -EINVAL);
        EXPECT_EQ(exec_parallel_for_2d(NULL, &fine, 0, NULL, NULL), -EINVAL);
}

/* ---- early ends ---- */

struct early {
        size_t at;
        int answer;
        _Atomic(size_t) n;
};

static int end_at(size_t i, void *arg)
{
        struct early *e = arg;

        atom_add(&e->n, 1, RELAXED);
        return i == e->at ? e->answer : 0;
}

static void test_stop_and_errors(struct fixture *fx)
{
        size_t n = many(100000);
        struct early e = {.at = n / 3, .answer = EXEC_LOOP_STOP};

        (void)fx;
        EXPECT_EQ(exec_parallel_for_each(NULL, 0, n, 0, end_at, &e), 0);
        EXPECT(atom_load(&e.n, RELAXED) < n);
        e.answer = -EIO;
        atom_store(&e.n, 0, RELAXED);
        EXPECT_EQ(exec_parallel_for_each(NULL, 0, n, 0, end_at, &e), -EIO);
        EXPECT(atom_load(&e.n, RELAXED) < n);
        e.at = 0;
        EXPECT_EQ(exec_parallel_for_each(NULL, 0, n, 64, end_at, &e), -EIO);
        e.at = n - 1;
        EXPECT_EQ(exec_parallel_for_each(NULL, 0, n, 64, end_at, &e), -EIO);
        e.answer = EIO; /* forgotten the minus */
        EXPECT_EQ(exec_parallel_for_each(NULL, 0, n, 0, end_at, &e), -EINVAL);
}

static int count_chunk(size_t begin, size_t end, void *arg)
{
        for (volatile size_t i = begin; i < end; i++)
                ;
        atom_add((_Atomic(size_t) *)arg, 1, RELAXED);
        return 0;
}

static int loop_over_chunks(void *arg, void **value)
{
        *value = NULL;
        return exec_parallel_for(NULL, 0, many(20000000), 0, count_chunk, arg);
}

/* Far more workers than CPUs, so that always some have nothing to do: while there is something for them to take, no piece is
 * cut further. */
static void test_pieces_stay_large(struct fixture *fx)
{
        enum { WORKERS = 64, PIECES = WORKERS * 32, STEPS = 30 };
        struct exec_pool_options o;
        exec_pool *pool = NULL;
        _Atomic(size_t) n_chunks = 0;
        exec_future *t;

        (void)fx;
        exec_pool_options_init(&o, sizeof o);
        o.n_workers = WORKERS;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        t = create_in(pool, loop_over_chunks, &n_chunks);
        EXPECT_EQ(exec_await(t, NULL), 0);
        EXPECT(atom_load(&n_chunks, RELAXED) < PIECES * STEPS + many(20000000) / 50);
        exec_future_unref(t);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static int wait_or_begin(size_t i, void *arg)
{
        (void)i;
        atom_add((_Atomic(int) *)arg, 1, ACQ_REL);
        return exec_sleep(EXEC_SEC(100));
}

static int spin_long(size_t i, void *arg)
{
        (void)i;
        atom_add((_Atomic(int) *)arg, 1, ACQ_REL);
        fixture_spin(EXEC_US(300));
        return 0;
}

struct cancelled {
        exec_index_fn body;
        _Atomic(int) begun;
        int r, after;
        size_t n;
};

static int task_loop(void *arg, void **value)
{
        struct cancelled *c = arg;

        (void)value;
        c->r = exec_parallel_for_each(NULL, 0, c->n, 0, c->body, &c->begun);
        c->after = exec_yield(); /* the request was delivered by the loop */
        return c->r;
}

static void expect_cancelled(struct cancelled *c)
{
        exec_future *f = exec_create_task(task_loop, c);

        fixture_wait(&c->begun, 1);
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_EQ(c->r, -ECANCELED);
        EXPECT((size_t)atom_load(&c->begun, RELAXED) < c->n);
        exec_future_unref(f);
}

static void test_cancel_while_bodies_wait(struct fixture *fx)
{
        struct cancelled c = {.body = wait_or_begin, .n = 1000};

        (void)fx;
        expect_cancelled(&c);
        EXPECT_EQ(c.after, 0); /* whether a body's wait said so, or the loop itself */
}

static void test_cancel_while_bodies_compute(struct fixture *fx)
{
        struct cancelled c = {.body = spin_long, .n = 100000};

        (void)fx;
        expect_cancelled(&c);
        EXPECT_EQ(c.after, 0);
}

/* ---- one inside another ---- */

static int add_one(size_t i, void *arg)
{
        (void)i;
        atom_add((_Atomic(size_t) *)arg, 1, RELAXED);
        return 0;
}

static int inner_loop(size_t i, void *arg)
{
        return exec_parallel_for_each(NULL, 0, i, 0, add_one, arg);
}

static int inner_wait(size_t i, void *arg)
{
        int r = i % 7 ? 0 : exec_yield();

        return r ? r : add_one(i, arg);
}

static void test_nested(struct fixture *fx)
{
        size_t n = many(300);
        _Atomic(size_t) count = 0;

        (void)fx;
        EXPECT_EQ(exec_parallel_for_each(NULL, 0, n, 0, inner_loop, &count), 0);
        EXPECT_EQ(atom_load(&count, RELAXED), n * (n - 1) / 2);
        atom_store(&count, 0, RELAXED);
        EXPECT_EQ(exec_parallel_for_each(NULL, 0, many(2000), 0, inner_wait, &count), 0);
        EXPECT_EQ(atom_load(&count, RELAXED), many(2000));
}

static void test_without_a_pool(struct fixture *fx)
{
        _Atomic(size_t) count = 0;

        (void)fx;
        EXPECT_EQ(exec_parallel_for_each(NULL, 0, 10, 0, add_one, &count), -EINVAL);
        EXPECT_EQ(exec_parallel_for_each(exec_forks_here(), 0, 10, 0, add_one, &count), 0);
        EXPECT_EQ(atom_load(&count, RELAXED), 10);
}

/* ---- reductions ---- */

static int sum_body(size_t begin, size_t end, void *acc, void *arg)
{
        (void)arg;
        for (size_t i = begin; i < end; i++)
                *(uint64_t *)acc += i;
        return 0;
}

static void sum_combine(void *acc, void *right, void *arg)
{
        (void)arg;
        *(uint64_t *)acc += *(uint64_t *)right;
}

static const struct exec_reduce sum = {
        .size = sizeof sum, .acc_bytes = sizeof(uint64_t), .body = sum_body, .combine = sum_combine};

static void test_sums(struct fixture *fx)
{
        static const size_t grains[] = {0, 1, 10, 1000000};

        (void)fx;
        for (unsigned flags = 0; flags <= EXEC_REDUCE_FIXED; flags++)
                for (size_t k = 0; k < N_OF(grains); k++) {
                        size_t n = many(10000);
                        struct exec_reduce how = sum;
                        uint64_t acc = 5;

                        how.flags = flags;
                        how.grain = grains[k];
                        EXPECT_EQ(exec_parallel_reduce(NULL, 0, n, &acc, &how), 0);
                        EXPECT_EQ(acc, 5 + n * (n - 1) / 2);
                        EXPECT_EQ(exec_parallel_reduce(NULL, 7, 7, &acc, &how), 0);
                        EXPECT_EQ(acc, 5 + n * (n - 1) / 2);
                }
}

/* x -> a x + b modulo 2^64: composing such maps is associative, not commutative. */
struct map {
        uint64_t a, b;
};

static void map_init(void *acc, void *arg)
{
        (void)arg;
        *(struct map *)acc = (struct map){1, 0};
}

static void map_then(struct map *m, uint64_t a, uint64_t b)
{
        m->a = a * m->a;
        m->b = a * m->b + b;
}

static int map_body(size_t begin, size_t end, void *acc, void *arg)
{
        (void)arg;
        for (size_t i = begin; i < end; i++)
                map_then(acc, 2 * i + 3, i ^ 0x55);
        return 0;
}

static void map_combine(void *acc, void *right, void *arg)
{
        const struct map *r = right;

        (void)arg;
        map_then(acc, r->a, r->b);
}

static void test_order_is_kept(struct fixture *fx)
{
        struct exec_reduce how = {.size = sizeof how,
                                  .acc_bytes = sizeof(struct map),
                                  .init = map_init,
                                  .body = map_body,
                                  .combine = map_combine};
        struct map expected = {1, 0};

        (void)fx;
        map_body(0, many(20000), &expected, NULL);
        for (int i = 0; i < (TEST_TSAN ? 6 : 20); i++) {
                struct map got = {1, 0};

                how.flags = i % 2 ? EXEC_REDUCE_FIXED : 0;
                EXPECT_EQ(exec_parallel_reduce(NULL, 0, many(20000), &got, &how), 0);
                EXPECT_EQ(got.a, expected.a);
                EXPECT_EQ(got.b, expected.b);
        }
}

static int float_body(size_t begin, size_t end, void *acc, void *arg)
{
        (void)arg;
        for (size_t i = begin; i < end; i++)
                *(float *)acc += 1.0F / (float)(i + 1);
        return 0;
}

static void float_combine(void *acc, void *right, void *arg)
{
        (void)arg;
        *(float *)acc += *(float *)right;
}

static void test_fixed_is_the_same_everywhere(struct fixture *fx)
{
        static _Atomic(uint32_t) first; /* over all numbers of workers */
        struct exec_reduce how = {.size = sizeof how,
                                  .acc_bytes = sizeof(float),
                                  .body = float_body,
                                  .combine = float_combine,
                                  .flags = EXEC_REDUCE_FIXED};

        (void)fx;
        for (int i = 0; i < (TEST_TSAN ? 3 : 10); i++) {
                uint32_t none = 0, bits;
                float acc = 0;

                EXPECT_EQ(exec_parallel_reduce(NULL, 0, many(50000), &acc, &how), 0);
                memcpy(&bits, &acc, sizeof bits);
                if (!atom_cas(&first, &none, bits, ACQ_REL))
                        EXPECT_EQ(bits, none);
        }
}

static int sum_error(size_t begin, size_t end, void *acc, void *arg)
{
        (void)acc;
        (void)arg;
        return begin <= 500 && 500 < end ? -EIO : 0;
}

static void test_reduce_refuses(struct fixture *fx)
{
        struct exec_reduce how = sum;
        uint64_t acc = 0;

        (void)fx;
        how.body = sum_error;
        EXPECT_EQ(exec_parallel_reduce(NULL, 0, 1000, &acc, &how), -EIO);
        how.flags = EXEC_REDUCE_FIXED;
        EXPECT_EQ(exec_parallel_reduce(NULL, 0, 1000, &acc, &how), -EIO);
        how.flags = 2;
        EXPECT_EQ(exec_parallel_reduce(NULL, 0, 1000, &acc, &how), -EINVAL);
        how = sum;
        how.acc_bytes = 0;
        EXPECT_EQ(exec_parallel_reduce(NULL, 0, 1000, &acc, &how), -EINVAL);
        how = sum;
        how.combine = NULL;
        EXPECT_EQ(exec_parallel_reduce(NULL, 0, 1000, &acc, &how), -EINVAL);
        how = sum;
        how.size = 3;
        EXPECT_EQ(exec_parallel_reduce(NULL, 0, 1000, &acc, &how), -EINVAL);
        EXPECT_EQ(exec_parallel_reduce(NULL, 0, 1000, NULL, &sum), -EINVAL);
        EXPECT_EQ(exec_parallel_reduce(NULL, 0, 1000, &acc, NULL), -EINVAL);
        EXPECT_EQ(exec_parallel_reduce(NULL, 2, 1, &acc, &sum), -EINVAL);
        how = sum;
        how.acc_bytes = SIZE_MAX - 5;
        how.flags = EXEC_REDUCE_FIXED;
        EXPECT_EQ(exec_parallel_reduce(NULL, 0, 1000, &acc, &how), -ENOMEM);
}

static int sum_slowly(size_t begin, size_t end, void *acc, void *arg)
{
        if (begin % 64 == 0)
                fixture_spin(EXEC_US(20));
        return sum_body(begin, end, acc, arg);
}

static void one_init(void *acc, void *arg)
{
        (void)arg;
        *(uint64_t *)acc = 1;
}

static int one_stop(size_t begin, size_t end, void *acc, void *arg)
{
        (void)end;
        (void)acc;
        (void)arg;
        return begin ? 0 : EXEC_LOOP_STOP;
}

static void one_combine(void *acc, void *right, void *arg)
{
        (void)arg;
        *(uint64_t *)acc *= *(uint64_t *)right;
}

/* What was not begun is neutral. */
static void test_reduce_stops(struct fixture *fx)
{
        struct exec_reduce how = {.size = sizeof how,
                                  .acc_bytes = sizeof(uint64_t),
                                  .init = one_init,
                                  .body = one_stop,
                                  .combine = one_combine};

        (void)fx;
        for (how.flags = 0; how.flags <= EXEC_REDUCE_FIXED; how.flags++) {
                uint64_t acc = 7;

                EXPECT_EQ(exec_parallel_reduce(NULL, 0, many(1000), &acc, &how), 0);
                EXPECT_EQ(acc, 7);
        }
}

/* Pieces that find no memory for an accumulator are run by those who join them. */
static void test_reduce_without_memory(struct fixture *fx)
{
        struct exec_reduce how = sum;
        uint64_t acc = 0;

        (void)fx;
        how.body = sum_slowly;
        if (!fixture_fault_arm(FAIL_ALLOC, 1, true))
                return;
        EXPECT_EQ(exec_parallel_reduce(NULL, 0, 5000, &acc, &how), 0);
        EXPECT_EQ(acc, 5000 * 4999 / 2);
        how.flags = EXEC_REDUCE_FIXED;
        EXPECT_EQ(exec_parallel_reduce(NULL, 0, 5000, &acc, &how), -ENOMEM);
        fixture_fault_disarm();
}

/* ---- worker-local memory ---- */

static void set_ten(void *slot, void *arg)
{
        (void)arg;
        *(uint64_t *)slot = 10;
}

static void add_slot(void *slot, void *arg)
{
        *(uint64_t *)arg += *(uint64_t *)slot;
}

static int count_here(size_t begin, size_t end, void *arg)
{
        uint64_t *n = exec_worker_local_get(arg);

        if (!n)
                return -EIO;
        *n += end - begin;
        if (begin % 32 == 0) {
                exec_yield();
                n = exec_worker_local_get(arg);
        }
        *n += end - begin;
        return 0;
}

static void test_worker_local(struct fixture *fx)
{
        size_t n = many(20000);
        exec_worker_local *l;
        uint64_t sum_of_all = 0;

        EXPECT_EQ(exec_worker_local_new(&l, NULL, sizeof(uint64_t), set_ten, NULL), 0);
        EXPECT_EQ(exec_parallel_for(NULL, 0, n, 16, count_here, l), 0);
        exec_worker_local_each(l, add_slot, &sum_of_all);
        EXPECT_EQ(sum_of_all, 2 * n + 10 * fx->n_workers);
        if (!fx->in_task)
                EXPECT_PTR(exec_worker_local_get(l), NULL);
        exec_worker_local_free(l);
}

/* It may outlive its pool, and another pool may come to lie where that was. */
static int get_foreign(void *arg, void **value)
{
        (void)value;
        return exec_worker_local_get(arg) ? -EIO : 0;
}

static void test_worker_local_of_a_pool_that_is_gone(struct fixture *fx)
{
        struct exec_pool_options o;

        (void)fx;
        exec_pool_options_init(&o, sizeof o);
        for (int i = 0; i < 8; i++) {
                exec_worker_local *l;
                exec_pool *pool;
                exec_future *f;

                o.n_workers = 2;
                EXPECT_EQ(exec_pool_new(&pool, &o), 0);
                EXPECT_EQ(exec_worker_local_new(&l, pool, 8, NULL, NULL), 0);
                exec_pool_free(pool);
                o.n_workers = 8;
                EXPECT_EQ(exec_pool_new(&pool, &o), 0);
                f = create_in(pool, get_foreign, l);
                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
                exec_pool_free(pool);
                exec_worker_local_free(l);
        }
}

static void test_worker_local_refuses(struct fixture *fx)
{
        exec_worker_local *l;

        (void)fx;
        EXPECT_EQ(exec_worker_local_new(NULL, NULL, 8, NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_worker_local_new(&l, NULL, 0, NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_worker_local_new(&l, NULL, SIZE_MAX - 5, NULL, NULL), -ENOMEM);
        EXPECT_PTR(l, NULL);
        EXPECT_PTR(exec_worker_local_get(NULL), NULL);
        exec_worker_local_each(NULL, add_slot, NULL);
        exec_worker_local_free(NULL);
}

static const struct fixture_case cases[] = {
        CASE(test_each_index_once),
        CASE_BARE(test_each_worker_begins_with_its_share),
        CASE(test_bounds),
        CASE(test_the_last_indices_there_are),
        CASE(test_each_point_once),
        CASE(test_bounds_of_planes),
        CASE(test_stop_and_errors),
        CASE_BARE(test_pieces_stay_large),
        CASE(test_cancel_while_bodies_wait),
        CASE_THREAD(test_cancel_while_bodies_compute), /* no worker is left for a task that would cancel it */
        CASE(test_nested),
        CASE_BARE(test_without_a_pool),
        CASE(test_sums),
        CASE(test_order_is_kept),
        CASE(test_fixed_is_the_same_everywhere),
        CASE(test_reduce_refuses),
        CASE(test_reduce_stops),
        CASE_TASK(test_reduce_without_memory),
        CASE(test_worker_local),
        CASE(test_worker_local_refuses),
        CASE_BARE(test_worker_local_of_a_pool_that_is_gone),
};

FIXTURE_MAIN("loop", cases)
