/* run_main.c - exec_run: a pool for one main task. */
#include "future/here.h"
#include "port/interrupt.h"
#include "port/pause.h"
#include "port/thread.h"
#include "wait/locals.h"

#include <executor/executor.h>

#include <string.h>

struct job {
        const struct exec_pool_options *options;
        struct exec_pool_options without_sigint; /* the same without that flag, which is no pool's */
        bool wants_sigint;
        exec_task_fn main;
        void *arg, **value;
        struct execi_spin lock;
        exec_future *future; /* L(lock) main's, from its creation to its end */
        const char *why;     /* L(lock) of a request that came before there was one */
        bool cancelled;      /* L(lock) there was such a request */
        bool ended;          /* L(lock) main has */
        bool interrupted;    /* a SIGINT was taken; read when that is over */
        /* inside a task */
        exec_future *done; /* set when the thread that runs it is through */
        struct execi_thread thread;
        struct execi_locals *locals; /* of the task, which keeps them: main begins with them */
        int result;
};

/* The waiting task was cancelled: so is main. */
static void cancel_main(struct job *job, const char *why)
{
        exec_future *f;

        execi_spin_lock(&job->lock);
        f = exec_future_ref(job->future);
        job->cancelled = true;
        job->why = why;
        execi_spin_unlock(&job->lock);
        if (f)
                exec_cancel(f, why);
        exec_future_unref(f);
}

static void set_future(struct job *job, exec_future *f)
{
        const char *why;
        bool cancelled;

        execi_spin_lock(&job->lock);
        job->future = f;
        cancelled = job->cancelled;
        why = job->why;
        execi_spin_unlock(&job->lock);
        if (cancelled)
                exec_cancel(f, why);
}

static void unset_future(struct job *job)
{
        execi_spin_lock(&job->lock);
        job->future = NULL;
        job->ended = true;
        execi_spin_unlock(&job->lock);
}

/* Main's future, with a reference, or NULL: it has ended. Main may have begun before its future is known here. */
static exec_future *wait_for_future(struct job *job)
{
        exec_future *f = NULL;
        unsigned turns = 0;
        bool ended = false;

        while (!f && !ended) {
                execi_spin_lock(&job->lock);
                f = exec_future_ref(job->future);
                ended = job->ended;
                execi_spin_unlock(&job->lock);
                if (!f && !ended)
                        execi_spin_yield(&turns);
        }
        return f;
}

static bool on_sigint(void *arg)
{
        struct job *job = arg;
        exec_future *f = wait_for_future(job);

        job->interrupted = f && exec_cancel(f, "SIGINT") == 1;
        exec_future_unref(f);
        return job->interrupted;
}

/* As asyncio's: cancelled by the signal, and by nobody else. */
static bool was_interrupted(struct job *job, exec_future *f)
{
        struct exec_outcome o;

        return job->interrupted && !exec_future_outcome(f, &o) && o.state == EXEC_CANCELLED && !exec_uncancel(f);
}

/* @caught: a SIGINT is. */
static int run_in(struct job *job, exec_pool *pool, bool caught)
{
        struct exec_task_options o;
        exec_future *f;
        int r;

        exec_task_options_init(&o, sizeof o);
        o.pool = pool;
        o.name = "main";
        f = exec_create_task_with(job->main, job->arg, &o);
        set_future(job, f);
        r = exec_await(f, job->value);
        unset_future(job);
        if (caught)
                execi_interrupt_stop();
        if (r == -ECANCELED && was_interrupted(job, f))
                r = -EINTR;
        exec_pool_free(pool); /* cancels and awaits what main left behind */
        exec_future_unref(f);
        return r;
}

static int run(struct job *job)
{
        int r, caught = 0;
        exec_pool *pool;

        if (!job->main)
                return -EINVAL;
        r = exec_pool_new(&pool, job->options);
        if (!r && job->wants_sigint) {
                caught = execi_interrupt_start(on_sigint, job); /* before main can begin */
                if (caught < 0) {
                        exec_pool_free(pool);
                        r = caught;
                }
        }
        return r ? r : run_in(job, pool, caught);
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

/* Inside a task a thread of its own does the blocking steps. The completion queue waits without forwarding a cancel. */
static int run_inside(struct job *job)
{
        exec_completion *queue;
        bool hushed = false;
        int r;

        job->locals = execi_locals_here(execi_worker_current());
        job->done = exec_promise_new(NULL);
        if (exec_future_done(job->done)) /* it could not be made */
                return -ENOMEM;
        queue = exec_as_completed(&job->done, 1);
        r = queue ? execi_thread_start(&job->thread, thread_main, job, "exec-run") : -ENOMEM;
        if (!r) {
                /* Main is waited for in any case, since job lies on this stack. */
                while ((r = exec_completion_next(queue, EXEC_FOREVER, NULL, NULL)) < 0) {
                        hushed |= execi_cancel_hush(execi_worker_current());
                        cancel_main(job, exec_cancel_reason(execi_here_cell()));
                }
                execi_cancel_unhush(execi_worker_current(), hushed);
                execi_thread_join(&job->thread);
                r = job->result;
        }
        exec_completion_free(queue);
        exec_future_unref(job->done);
        return r;
}

/* The flag is for this call; the pool is not to know it. */
static void take_sigint_flag(struct job *job)
{
        const struct exec_pool_options *from = job->options;
        struct exec_pool_options *to = &job->without_sigint;

        if (!from || from->size < offsetof(struct exec_pool_options, flags) + sizeof from->flags || from->size > 4096 ||
            !(from->flags & EXEC_POOL_SIGINT))
                return;
        memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
        to->size = from->size < sizeof *to ? from->size : sizeof *to;
        to->flags &= ~(unsigned)EXEC_POOL_SIGINT;
        job->options = to;
        job->wants_sigint = true;
}

int exec_run_with(const struct exec_pool_options *options, exec_task_fn main, void *arg, void **value)
{
        struct job job = {.options = options, .main = main, .arg = arg, .value = value};
        struct execi_worker *w = execi_worker_current();
        int r = execi_may_wait(w);

        if (r)
                return r;
        take_sigint_flag(&job);
        return w ? run_inside(&job) : run(&job);
}

int exec_run(exec_task_fn main, void *arg, void **value)
{
        return exec_run_with(NULL, main, arg, value);
}
