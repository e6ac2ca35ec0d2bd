/* run_main.c - exec_run: a pool for one main task. */
#include "future/here.h"
#include "port/pause.h"
#include "port/thread.h"
#include "wait/locals.h"

#include <executor/executor.h>

struct job {
        const struct exec_pool_options *options;
        exec_task_fn main;
        void *arg, **value;
        /* inside a task */
        exec_future *done; /* set when the thread that runs it is through */
        struct execi_spin lock;
        exec_future *future; /* L(lock) main's */
        bool cancelled;      /* L(lock) before there was one */
        struct execi_thread thread;
        struct execi_locals *locals; /* of the task, which keeps them: main begins with them */
        int result;
};

/* true: a request came before it, and is the caller's to pass on; later ones find it. */
static bool set_future(struct job *job, exec_future *f)
{
        bool cancelled;

        execi_spin_lock(&job->lock);
        job->future = f;
        cancelled = job->cancelled;
        execi_spin_unlock(&job->lock);
        return cancelled;
}

static int run(struct job *job)
{
        struct exec_task_options o;
        exec_future *f;
        exec_pool *pool;
        int r;

        if (!job->main)
                return -EINVAL;
        r = exec_pool_new(&pool, job->options);
        if (r)
                return r;
        exec_task_options_init(&o, sizeof o);
        o.pool = pool;
        o.name = "main";
        f = exec_create_task_with(job->main, job->arg, &o);
        if (set_future(job, f))
                exec_cancel(f, NULL);
        r = exec_await(f, job->value);
        set_future(job, NULL);
        exec_pool_free(pool); /* cancels and awaits what main left behind */
        exec_future_unref(f);
        return r;
}

static void *thread_main(void *arg)
{
        struct job *job = arg;

        execi_locals_borrow(job->locals);
        job->result = run(job);
        execi_locals_borrow(NULL);
        exec_promise_set(job->done, NULL);
        return NULL;
}

/* The waiting task was cancelled: so is main; and it is waited for, since job lies on the task's stack. */
static void pass_cancel_on(struct job *job)
{
        exec_future *f;

        execi_spin_lock(&job->lock);
        job->cancelled = true;
        f = exec_future_ref(job->future);
        execi_spin_unlock(&job->lock);
        if (f)
                exec_cancel(f, exec_cancel_reason(exec_current_task()));
        exec_future_unref(f);
}

/* Inside a task a thread of its own does the blocking steps. The completion queue waits without forwarding a cancel. */
static int run_inside(struct job *job)
{
        exec_completion *queue;
        int r;

        job->locals = execi_locals_here(execi_worker_current());
        job->done = exec_promise_new(NULL);
        if (exec_future_done(job->done)) /* it could not be made */
                return -ENOMEM;
        queue = exec_as_completed(&job->done, 1);
        r = queue ? execi_thread_start(&job->thread, thread_main, job, "exec-run") : -ENOMEM;
        if (!r) {
                while ((r = exec_completion_next(queue, EXEC_FOREVER, NULL, NULL)) < 0)
                        pass_cancel_on(job);
                execi_thread_join(&job->thread);
                r = job->result;
        }
        exec_completion_free(queue);
        exec_future_unref(job->done);
        return r;
}

int exec_run_with(const struct exec_pool_options *options, exec_task_fn main, void *arg, void **value)
{
        struct job job = {.options = options, .main = main, .arg = arg, .value = value};
        struct execi_worker *w = execi_worker_current();
        int r = execi_may_wait(w);

        if (r)
                return r;
        return w ? run_inside(&job) : run(&job);
}

int exec_run(exec_task_fn main, void *arg, void **value)
{
        return exec_run_with(NULL, main, arg, value);
}
