/* clean.c - a program without a race that uses every way in which the library orders tasks: create and await, promise,
 * callback, gather, completion queue, cancel, sleep, a plain thread. Plain variables carry the data: each way must be
 * seen by ThreadSanitizer, in both modes, or it reports. */
#include <executor/executor.h>

#include <pthread.h>
#include <stdio.h>

enum { N = 64, ROUNDS = 8 };

struct box {
        long content;       /* written by one side, read by the other, ordered by the library alone */
        exec_future *baton; /* a promise */
};

static int fill(void *arg, void **value)
{
        struct box *b = arg;

        b->content++;
        if (b->content % 3 == 0)
                exec_sleep(EXEC_US(200));
        b->content++;
        *value = b;
        return 0;
}

static int fill_after_baton(void *arg, void **value)
{
        struct box *b = arg;
        int err = exec_await(b->baton, NULL);

        return err ? err : fill(arg, value);
}

static int until_cancelled(void *arg, void **value)
{
        struct box *b = arg;

        (void)value;
        b->content++;
        exec_sleep_until(EXEC_FOREVER);
        b->content++;
        return -ECANCELED;
}

static long sum(struct box box[])
{
        long n = 0;

        for (int i = 0; i < N; i++)
                n += box[i].content;
        return n;
}

/* Each returns 0 when the boxes gained 2 each. */
static int by_gather(struct box box[])
{
        exec_future *f[N];
        long before = sum(box);

        for (int i = 0; i < N; i++)
                f[i] = exec_create_task(fill, &box[i]);
        return exec_gather(f, N, NULL, EXEC_UNREF) || sum(box) != before + 2 * N;
}

static int by_promise(struct box box[])
{
        exec_future *f[N];
        long before = sum(box);

        for (int i = 0; i < N; i++) {
                box[i].baton = exec_promise_new(NULL);
                f[i] = exec_create_task(fill_after_baton, &box[i]);
        }
        exec_yield();
        for (int i = 0; i < N; i++)
                exec_promise_set(box[i].baton, NULL);
        for (int i = 0; i < N; i++) {
                if (exec_await(f[i], NULL))
                        return 1;
                exec_future_unref(box[i].baton);
                exec_future_unref(f[i]);
        }
        return sum(box) != before + 2 * N;
}

static int by_completion(struct box box[])
{
        exec_completion *c;
        exec_future *f;
        void *tag;
        long before = sum(box), seen = 0;

        if (exec_completion_new(&c))
                return 1;
        for (int i = 0; i < N; i++) {
                f = exec_create_task(fill, &box[i]);
                exec_completion_add(c, f, &box[i]);
                exec_future_unref(f);
        }
        while (exec_completion_next(c, EXEC_FOREVER, NULL, &tag) == 1)
                seen += ((struct box *)tag)->content;
        exec_completion_free(c);
        return seen != before + 2 * N;
}

static int by_cancel(struct box box[])
{
        exec_future *f = exec_create_task(until_cancelled, &box[0]);
        int err;

        exec_sleep(EXEC_MS(1));
        exec_cancel(f, "enough");
        err = exec_await(f, NULL);
        exec_future_unref(f);
        box[0].content++; /* the task has ended, however far it came */
        return err != -ECANCELED;
}

static void pass_baton(exec_future *f, void *arg)
{
        struct box *b = arg;

        (void)f;
        b->content++;
        exec_promise_set(b->baton, NULL);
}

static int by_callback(struct box box[])
{
        exec_future *f = exec_create_task(fill, &box[0]);
        long before;
        int err;

        box[1].baton = exec_promise_new(NULL);
        before = box[1].content;
        if (exec_future_add_callback(f, pass_baton, &box[1]))
                return 1;
        err = exec_await(box[1].baton, NULL);
        exec_future_unref(box[1].baton);
        exec_future_unref(f);
        return err || box[1].content != before + 1;
}

static int mixed(void *arg, void **value)
{
        struct box box[N] = {{0}};

        (void)arg;
        (void)value;
        for (int i = 0; i < ROUNDS; i++)
                if (by_gather(box) || by_promise(box) || by_completion(box) || by_cancel(box) || by_callback(box))
                        return -EIO;
        return 0;
}

/* The same from a plain thread, into a pool of its own. */
static void *from_a_thread(void *arg)
{
        struct box box = {0};
        exec_pool *pool;
        struct exec_task_options options;
        exec_future *f;

        *(int *)arg = 1;
        if (exec_pool_new(&pool, NULL))
                return NULL;
        exec_task_options_init(&options, sizeof options);
        options.pool = pool;
        for (int i = 0; i < N; i++) {
                f = exec_create_task_with(fill, &box, &options);
                if (exec_await(f, NULL))
                        return NULL;
                exec_future_unref(f);
        }
        if (exec_pool_free(pool) == 0)
                *(int *)arg = box.content != 2 * N;
        return NULL;
}

int main(void)
{
        pthread_t thread;
        struct exec_pool_options options;
        int thread_failed, err;

        exec_pool_options_init(&options, sizeof options);
        options.n_workers = 2;
        if (pthread_create(&thread, NULL, from_a_thread, &thread_failed))
                return 1;
        err = exec_run_with(&options, mixed, NULL, NULL);
        pthread_join(thread, NULL);
        printf("%d, %d\n", err, thread_failed);
        return err || thread_failed;
}
