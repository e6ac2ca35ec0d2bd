/* clean.c - a program without a race that uses every way in which the library orders tasks: create and await, promise,
 * callback, gather, completion queue, group, cancel and its reason, sleep, a plain thread. Plain variables carry the data:
 * each way must be seen by ThreadSanitizer, in both modes, or it reports. It must not see what the library does with its
 * own memory by memcpy and its like: many timers, names. */
#include <executor/executor.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { N = 64, ROUNDS = 8, SLEEPERS = 300 };

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

static int by_group(struct box box[])
{
        exec_group *g;
        long before = sum(box);
        int err;

        if (exec_group_begin(&g, NULL))
                return 1;
        for (int i = 0; i < N; i++)
                if (exec_group_start(g, fill, &box[i]))
                        return 1;
        err = exec_group_end(g, 0);
        exec_group_free(g);
        return err || sum(box) != before + 2 * N;
}

static int read_reason(void *arg, void **value)
{
        struct box *b = arg;
        const char *reason;

        (void)value;
        exec_promise_set(b->baton, NULL);
        exec_sleep_until(EXEC_FOREVER);
        reason = exec_cancel_reason(exec_current_task());
        b->content += reason && !strcmp(reason, "had enough") ? 2 : 0;
        return -ECANCELED;
}

/* A task that awaits what is cancelled with it reads the same reason. */
static int read_reason_of_awaited(void *arg, void **value)
{
        exec_future *f = exec_create_task(read_reason, arg);
        int err = exec_await(f, value);

        exec_future_unref(f);
        return err;
}

static int by_reason(struct box box[])
{
        char reason[16];
        exec_future *f;
        long before = sum(box);
        int err;

        box[0].baton = exec_promise_new(NULL);
        f = exec_create_task(read_reason_of_awaited, &box[0]);
        err = exec_await(box[0].baton, NULL);
        snprintf(reason, sizeof(reason), "%s enough", "had");
        exec_cancel(f, reason);
        err = err || exec_await(f, NULL) != -ECANCELED;
        exec_future_unref(f);
        exec_future_unref(box[0].baton);
        return err || sum(box) != before + 2;
}

/* Wakes the next one, which runs as soon as this one sleeps: so each timer is set by another task. */
static int wake_and_sleep(void *arg, void **value)
{
        exec_future **baton = arg;
        int err = exec_await(baton[0], NULL);

        (void)value;
        exec_promise_set(baton[1], NULL);
        return err ? err : exec_sleep(EXEC_MS(50));
}

/* So many that the workers' timers need more room, more than once. */
static int many_timers(struct box box[])
{
        exec_future *f[SLEEPERS], *batons[SLEEPERS + 1];
        int err;

        (void)box;
        for (int i = 0; i <= SLEEPERS; i++)
                batons[i] = exec_promise_new(NULL);
        for (int i = 0; i < SLEEPERS; i++)
                f[i] = exec_create_task(wake_and_sleep, &batons[i]);
        exec_sleep(EXEC_MS(5)); /* until they wait */
        exec_promise_set(batons[0], NULL);
        err = exec_gather(f, SLEEPERS, NULL, EXEC_UNREF);
        exec_future_unref_all(batons, SLEEPERS + 1);
        return err;
}

static int list_tasks(void *arg, void **value)
{
        int fd = open("/dev/null", O_WRONLY);

        (void)arg;
        (void)value;
        for (int i = 0; i < 20; i++) {
                exec_pool_dump(exec_pool_current(), fd);
                exec_yield();
        }
        close(fd);
        return 0;
}

/* Another task reads the names while tasks are created, some of which have small stacks. */
static int names_read_by_others(struct box box[])
{
        exec_future *f[N], *lister = exec_create_task(list_tasks, NULL);
        struct exec_task_options options;
        long before = sum(box);
        int err;

        exec_task_options_init(&options, sizeof(options));
        options.stack_bytes = (size_t)20 << 10;
        options.name = "small";
        for (int i = 0; i < N; i++) {
                f[i] = exec_create_task_with(fill, &box[i], &options);
                if (i % 8 == 0)
                        exec_yield();
        }
        err = exec_gather(f, N, NULL, EXEC_UNREF);
        err = exec_await(lister, NULL) || err;
        exec_future_unref(lister);
        return err || sum(box) != before + 2 * N;
}

static int (*const ways[])(struct box box[]) = {
        by_gather, by_promise,  by_completion,        by_cancel, by_callback, by_group,
        by_reason, many_timers, names_read_by_others,
};

static int mixed(void *arg, void **value)
{
        struct box box[N] = {{0}};

        (void)arg;
        (void)value;
        for (int i = 0; i < ROUNDS; i++)
                for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++)
                        if (ways[k](box)) {
                                printf("way %zu of round %d\n", k, i);
                                return -EIO;
                        }
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
