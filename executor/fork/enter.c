/* enter.c - see enter.h. */
#include "fork/enter.h"

#include "future/here.h"

#include <executor/future.h>
#include <executor/task.h>

struct entry {
        execi_enter_fn fn;
        void *job;
        bool has_run;
        int result;
};

static int entry_main(void *arg, void **value)
{
        struct entry *e = arg;

        (void)value;
        e->result = e->fn(e->job, exec_forks_here());
        e->has_run = true;
        return 0;
}

static int from_thread(execi_enter_fn fn, void *job)
{
        struct entry e = {fn, job, false, 0};
        exec_future *f;
        int r = execi_may_wait(NULL);

        if (r)
                return r;
        f = exec_create_task(entry_main, &e);
        r = exec_await(f, NULL); /* a plain thread is not cancelled; the task may be, before it starts */
        exec_future_unref(f);
        return e.has_run ? e.result : r;
}

int execi_enter(exec_forks *at, execi_enter_fn fn, void *job)
{
        if (at)
                return fn(job, at);
        return execi_worker_current() ? fn(job, exec_forks_here()) : from_thread(fn, job);
}
