/* invoke.c - several calls side by side: halves of them are forked, so that the stack grows with the logarithm. */
#include "fork/enter.h"
#include "fork/fork.h"

#include <errno.h>

struct part {
        struct exec_fork fork;
        struct exec_call *calls;
        size_t n;
};

static void run_part(struct exec_fork *fork, exec_forks *at);

static void run(struct exec_call calls[], size_t n, exec_forks *at)
{
        struct part upper = {.calls = calls + n / 2, .n = n - n / 2};

        if (n == 1) {
                calls->err = calls->fn(calls->arg, at);
                return;
        }
        run(calls, n / 2, execi_fork(at, &upper.fork, run_part));
        if (exec_join(at, &upper.fork))
                run(upper.calls, upper.n, at);
}

static void run_part(struct exec_fork *fork, exec_forks *at)
{
        struct part *p = (struct part *)fork;

        run(p->calls, p->n, at);
}

struct job {
        struct exec_call *calls;
        size_t n;
};

static int run_job(void *arg, exec_forks *at)
{
        struct job *job = arg;

        run(job->calls, job->n, at);
        for (size_t i = 0; i < job->n; i++)
                if (job->calls[i].err)
                        return job->calls[i].err;
        return 0;
}

int exec_invoke(exec_forks *at, struct exec_call calls[], size_t n)
{
        struct job job = {calls, n};

        if (n && !calls)
                return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (!calls[i].fn)
                        return -EINVAL;
        return n ? execi_enter(at, run_job, &job) : 0;
}
