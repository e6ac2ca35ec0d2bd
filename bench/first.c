/* first.c - a thousand tasks end one after the other, each when it is told; in between one task waits for the first of
 * those that are left to end. So a wait over all that are left begins, suspends, and is ended by one of them.
 *
 *   wait    exec_wait(EXEC_FIRST_COMPLETED) over the rest, again and again
 *   queue   one completion queue of all */
#include "figure.h"
#include "meter.h"
#include "pool.h"

#include <stdatomic.h>
#include <string.h>

enum { N = 1000, STRIDE = 619 }; /* the order in which they end: far from that of the array */

struct follower {
        struct job *job;
        exec_future *go;
};

struct job {
        size_t n_times;
        struct follower followers[N];
        exec_future *tasks[N];
        exec_future *left[N]; /* those not seen to have ended */
        bool done[N];
        _Atomic size_t n_ready;
        int64_t ns;
};

static int follow(void *arg, void **value)
{
        struct follower *follower = arg;

        (void)value;
        atomic_fetch_add_explicit(&follower->job->n_ready, 1, memory_order_relaxed);
        return exec_await(follower->go, NULL);
}

/* Until each has begun. */
static int create_all(struct job *job)
{
        atomic_store_explicit(&job->n_ready, 0, memory_order_relaxed);
        for (size_t i = 0; i < N; i++) {
                job->followers[i] = (struct follower){job, exec_promise_new(NULL)};
                job->tasks[i] = exec_create_task(follow, &job->followers[i]);
        }
        while (atomic_load_explicit(&job->n_ready, memory_order_relaxed) < N) {
                int err = exec_yield();

                if (err)
                        return err;
        }
        return 0;
}

static void free_all(struct job *job)
{
        for (size_t i = 0; i < N; i++)
                exec_future_unref(job->followers[i].go);
        exec_future_unref_all(job->tasks, N);
}

/* Tell the one whose turn it is. */
static exec_future *tell(struct job *job, size_t turn)
{
        size_t i = turn * STRIDE % N;

        bench_expect(exec_promise_set(job->followers[i].go, NULL), "exec_promise_set");
        return job->tasks[i];
}

/* Take the one that has ended out of those that are left. */
static int drop_done(struct job *job, size_t n_left, const exec_future *expected)
{
        for (size_t i = 0; i < n_left; i++) {
                if (!job->done[i])
                        continue;
                if (job->left[i] != expected)
                        return -EIO;
                job->left[i] = job->left[n_left - 1];
                return 0;
        }
        return -EIO;
}

static int wait_turns(struct job *job)
{
        memcpy(job->left, job->tasks, sizeof(job->left));
        for (size_t turn = 0; turn < N; turn++) {
                exec_future *told = tell(job, turn);
                int n_done = exec_wait(job->left, N - turn, EXEC_FIRST_COMPLETED, EXEC_FOREVER, job->done);
                int err = n_done == 1 ? drop_done(job, N - turn, told) : -EIO;

                if (err)
                        return n_done < 0 ? n_done : err;
        }
        return 0;
}

static int queue_turns(struct job *job)
{
        exec_completion *queue = exec_as_completed(job->tasks, N);
        int err = queue ? 0 : -ENOMEM;

        for (size_t turn = 0; !err && turn < N; turn++) {
                exec_future *told = tell(job, turn);
                exec_future *ended;
                int got = exec_completion_next(queue, EXEC_FOREVER, &ended, NULL);

                if (got != 1)
                        return got ? got : -EIO;
                err = ended == told ? 0 : -EIO;
                exec_future_unref(ended);
        }
        exec_completion_free(queue);
        return err;
}

static int take_turns(struct job *job, int (*turns)(struct job *job))
{
        job->ns = 0;
        for (size_t i = 0; i < job->n_times; i++) {
                int64_t start_ns;
                int err = create_all(job);

                if (err)
                        return err;
                start_ns = bench_now_ns();
                err = turns(job);
                job->ns += bench_now_ns() - start_ns;
                if (err)
                        return err;
                free_all(job);
        }
        return 0;
}

static int wait_main(void *arg, void **value)
{
        (void)value;
        return take_turns(arg, wait_turns);
}

static int queue_main(void *arg, void **value)
{
        (void)value;
        return take_turns(arg, queue_turns);
}

static void run(const struct bench *b, const char *variant, exec_task_fn fn, unsigned n_workers)
{
        static struct job job;
        struct bench_figure figure = {.variant = variant, .workers = n_workers};
        struct bench_samples ns = {0};
        exec_pool *pool;

        if (!bench_wants(b, variant))
                return;
        job.n_times = b->is_quick ? 2 : 20;
        figure.work = job.n_times * N;
        pool = bench_pool_new(b, n_workers);
        bench_run_on(pool, fn, &job);
        for (unsigned round = 0; round < b->n_rounds; round++) {
                bench_run_on(pool, fn, &job);
                bench_add(&ns, (double)job.ns / (double)figure.work);
        }
        bench_pool_free(pool);
        bench_report(b, &figure, "time per wait", "ns", &ns);
}

int main(int argc, char **argv)
{
        static const char *const variants[] = {"wait", "queue", NULL};
        static const struct bench_program program = {"first", "executor", variants, "1,2", 5};
        struct bench b;

        bench_init(&b, &program, argc, argv);
        for (unsigned i = 0; i < b.n_worker_counts; i++) {
                run(&b, "wait", wait_main, b.workers[i]);
                run(&b, "queue", queue_main, b.workers[i]);
        }
        return bench_fini(&b);
}
