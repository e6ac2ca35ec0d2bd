/* unstarted_test.c - exec_try_cancel_unstarted(): a task ends before it begins, or is told of nothing. */
#include "fixture.h"

struct stage {
        _Atomic(int) running, go, told, drops;
};

static int run_until_told(void *arg, void **value)
{
        struct stage *s = arg;

        atom_store(&s->running, 1, RELEASE);
        while (!atom_load(&s->go, ACQUIRE))
                if (exec_cancel_requested())
                        atom_store(&s->told, 1, RELEASE);
        if (exec_yield())
                atom_store(&s->told, 1, RELEASE);
        *value = arg;
        return 0;
}

static void drop_stage(void *arg)
{
        atom_add(&((struct stage *)arg)->drops, 1, ACQ_REL);
}

static exec_pool *pool_of_one(void)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = 1;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        return pool;
}

static void test_U9_cancel_only_what_has_not_begun(struct fixture *fx)
{
        static const char why[] = "too late";
        struct exec_task_options o;
        struct stage s = {0, 0, 0, 0};
        exec_pool *pool = pool_of_one();
        exec_future *running = create_in(pool, run_until_told, &s), *queued, *finished;

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.pool = pool;
        o.drop_arg = drop_stage;
        fixture_wait(&s.running, 1);
        queued = exec_create_task_with(run_until_told, &s, &o);
        EXPECT_EQ(exec_try_cancel_unstarted(running, why), 0);
        EXPECT_EQ(exec_try_cancel_unstarted(queued, why), 1);
        EXPECT_CANCELLED(queued); /* at once */
        EXPECT_PTR(exec_cancel_reason(queued), why);
        EXPECT_EQ(exec_cancelling(queued), 1);
        EXPECT_EQ(atom_load(&s.drops, ACQUIRE), 1);
        EXPECT_EQ(exec_try_cancel_unstarted(queued, NULL), 1); /* so it had ended before */
        EXPECT_EQ(exec_cancel(queued, NULL), 0);
        EXPECT_PTR(exec_cancel_reason(running), NULL);
        EXPECT_EQ(exec_cancelling(running), 0);
        atom_store(&s.go, 1, RELEASE);
        EXPECT_EQ(exec_await(running, NULL), 0);
        EXPECT_DONE(running, &s);
        EXPECT_EQ(atom_load(&s.told, ACQUIRE), 0);
        EXPECT_EQ(exec_try_cancel_unstarted(running, why), 0);
        finished = create_in(pool, task_fail, ERR(-EIO));
        EXPECT_EQ(exec_await(finished, NULL), -EIO);
        EXPECT_EQ(exec_try_cancel_unstarted(finished, why), 0);
        exec_future_unref(finished);
        exec_future_unref(queued);
        exec_future_unref(running);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_U9_suspended(struct fixture *fx)
{
        exec_future *never = exec_promise_new(NULL), *f;
        struct awaiter a = {never, 0};

        (void)fx;
        f = exec_create_task(task_await_noted, &a);
        fixture_wait(&a.begun, 1);
        EXPECT_EQ(exec_try_cancel_unstarted(f, NULL), 0);
        EXPECT_EQ(exec_cancelling(f), 0);
        EXPECT_PENDING(never); /* nothing went on to it */
        EXPECT_EQ(exec_cancel(f, NULL), 1);
        EXPECT_EQ(exec_await(f, NULL), -ECANCELED);
        EXPECT_CANCELLED(f);
        EXPECT_EQ(exec_try_cancel_unstarted(f, NULL), 0); /* cancelled, but it had begun */
        exec_future_unref(f);
        exec_future_unref(never);
}

/* Queued behind the case itself: all are there to be had. */
static void test_U9_all_of_many(struct fixture *fx)
{
        enum { N = 1000 };
        exec_future *f[N];
        struct exec_outcome out[N];
        _Atomic(int) runs = 0;

        (void)fx;
        for (int i = 0; i < N; i++)
                f[i] = exec_create_task(task_bump, &runs);
        for (int i = 0; i < N; i += 2)
                EXPECT_EQ(exec_try_cancel_unstarted(f[i], NULL), 1);
        EXPECT_EQ(exec_gather(f, N, out, EXEC_COLLECT), 0);
        for (int i = 0; i < N; i++)
                EXPECT_EQ(out[i].state, i % 2 ? EXEC_DONE : EXEC_CANCELLED);
        EXPECT_EQ(atom_load(&runs, ACQUIRE), N / 2);
        exec_future_unref_all(f, N);
}

/* The awaiter of one that is ended hears of it. */
static void test_U9_awaited(struct fixture *fx)
{
        size_t rounds = test_rounds(1000);

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                exec_future *f = exec_create_task(task_value, VAL(1));
                int r, answer = exec_try_cancel_unstarted(f, NULL);

                r = exec_await(f, NULL);
                EXPECT_EQ(r, answer ? -ECANCELED : 0);
                if (fx->n_workers == 1 && fx->in_task)
                        EXPECT_EQ(answer, 1);
                exec_future_unref(f);
        }
}

/* The answer and what came of it agree, in every order of the two. */
static int note_told(void *arg, void **value)
{
        struct stage *s = arg;

        atom_add(&s->running, 1, ACQ_REL);
        if (exec_cancel_requested())
                atom_store(&s->told, 1, RELEASE);
        *value = arg;
        return 0;
}

static int note_told_and_wait(void *arg, void **value)
{
        struct stage *s = arg;

        note_told(arg, value);
        for (int i = 0; i < 2; i++)
                if (exec_yield())
                        atom_store(&s->told, 1, RELEASE);
        return 0;
}

static void race(struct fixture *fx, exec_task_fn fn, exec_pool *pool)
{
        size_t rounds = test_rounds(2000), n_ended = 0;
        uint64_t random = 88172645463325252u;

        for (size_t i = 0; i < rounds; i++) {
                struct stage s = {0, 0, 0, 0};
                exec_future *f = create_in(pool, fn, &s);
                int answer;

                fixture_spin((int64_t)(test_random(&random) % 4000));
                answer = exec_try_cancel_unstarted(f, NULL);
                EXPECT(answer == 0 || answer == 1);
                EXPECT_EQ(exec_await(f, NULL), answer ? -ECANCELED : 0);
                EXPECT_EQ(atom_load(&s.running, ACQUIRE), !answer);
                EXPECT_EQ(atom_load(&s.told, ACQUIRE), 0);
                EXPECT_EQ(exec_cancelling(f), answer);
                EXPECT_EQ(exec_try_cancel_unstarted(f, NULL), answer);
                n_ended += (size_t)answer;
                exec_future_unref(f);
        }
        if (fx->n_workers == 1 && fx->in_task && pool == fx->pool)
                EXPECT_EQ(n_ended, rounds);
}

static void test_U9_races_the_start(struct fixture *fx)
{
        race(fx, note_told, fx->pool);
}

static void test_U9_races_the_start_of_one_that_waits(struct fixture *fx)
{
        race(fx, note_told_and_wait, fx->pool);
}

/* A rival tries, or cancels, at the same time: it ends once. */
struct rivalry {
        exec_future *_Atomic f;
        _Atomic(int) answer;
        bool tries;
};

static void oppose(void *arg)
{
        struct rivalry *x = arg;
        exec_future *f = atom_load(&x->f, ACQUIRE);

        atom_store(&x->answer, x->tries ? exec_try_cancel_unstarted(f, NULL) : exec_cancel(f, NULL), RELEASE);
}

static void rivals(bool tries)
{
        size_t rounds = test_rounds(1000);
        uint64_t random = 362436069;
        struct rivalry x = {.tries = tries};
        struct rival r;

        rival_start(&r, oppose, &x);
        for (size_t i = 0; i < rounds; i++) {
                _Atomic(int) runs = 0;
                exec_future *f = exec_create_task(task_bump, &runs);
                int mine, theirs, err;

                atom_store(&x.f, f, RELEASE);
                rival_release(&r);
                fixture_spin((int64_t)(test_random(&random) % 2000));
                mine = exec_try_cancel_unstarted(f, NULL);
                rival_wait(&r);
                theirs = atom_load(&x.answer, ACQUIRE);
                err = exec_await(f, NULL);
                EXPECT_EQ(err, mine || theirs ? -ECANCELED : 0);
                if (mine || tries)
                        EXPECT_EQ(atom_load(&runs, ACQUIRE), !(mine || theirs));
                EXPECT(atom_load(&runs, ACQUIRE) <= 1);
                exec_future_unref(f);
        }
        rival_stop(&r);
}

static void test_U9_two_try(struct fixture *fx)
{
        (void)fx;
        rivals(true);
}

static void test_U9_races_cancel(struct fixture *fx)
{
        (void)fx;
        rivals(false);
}

/* A request withdrawn before the start, and one that is tried, in either order. */
static void test_U9_after_a_withdrawn_request(struct fixture *fx)
{
        struct stage s = {0, 0, 0, 0};
        exec_pool *pool = pool_of_one();
        exec_future *running = create_in(pool, run_until_told, &s), *f;
        _Atomic(int) runs = 0;

        (void)fx;
        fixture_wait(&s.running, 1);
        f = create_in(pool, task_bump, &runs);
        EXPECT_EQ(exec_uncancel(f), 0); /* nothing to withdraw */
        EXPECT_EQ(exec_try_cancel_unstarted(f, NULL), 1);
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
        f = create_in(pool, task_bump, &runs);
        atom_store(&s.go, 1, RELEASE);
        EXPECT_EQ(exec_await(f, NULL), 0);
        EXPECT_EQ(exec_try_cancel_unstarted(f, NULL), 0);
        EXPECT_EQ(atom_load(&runs, ACQUIRE), 1);
        exec_future_unref(f);
        EXPECT_EQ(exec_await(running, NULL), 0);
        exec_future_unref(running);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

static void test_arguments(struct fixture *fx)
{
        exec_future *promise = exec_promise_new(NULL), *sleep = exec_sleep_future(EXEC_SEC(1000));
        exec_future *refused = exec_create_task(NULL, NULL);

        (void)fx;
        EXPECT_EQ(exec_try_cancel_unstarted(NULL, NULL), -EINVAL);
        EXPECT_EQ(exec_try_cancel_unstarted(promise, NULL), -EINVAL);
        EXPECT_EQ(exec_try_cancel_unstarted(sleep, NULL), -EINVAL);
        EXPECT_PENDING(promise);
        EXPECT_PENDING(sleep);
        EXPECT(exec_try_cancel_unstarted(refused, NULL) <= 0);
        exec_cancel(sleep, NULL);
        exec_future_unref(refused);
        exec_future_unref(sleep);
        exec_future_unref(promise);
}

static const struct fixture_case cases[] = {
        CASE_BARE(test_U9_cancel_only_what_has_not_begun),
        CASE(test_U9_suspended),
        CASE_ONE(test_U9_all_of_many),
        CASE(test_U9_awaited),
        CASE(test_U9_races_the_start),
        CASE(test_U9_races_the_start_of_one_that_waits),
        CASE(test_U9_two_try),
        CASE(test_U9_races_cancel),
        CASE_BARE(test_U9_after_a_withdrawn_request),
        CASE(test_arguments),
};

FIXTURE_MAIN("unstarted", cases)
