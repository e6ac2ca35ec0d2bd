/* wait.c - exec_wait() says which of several futures have ended, and leaves the others alone: once until the first has,
 * once until one fails, once for a limited time. */
#include <executor/executor.h>
#include <stdio.h>

struct job {
        const char *name;
        int64_t ns;
        int err;
};

static int work(void *arg, void **value)
{
        const struct job *job = arg;
        int err = exec_sleep(job->ns);

        *value = arg;
        return err ? err : job->err;
}

static int show(const char *what, int n_done, const bool done[], const struct job jobs[3])
{
        printf("%s: %d done:", what, n_done);
        for (int i = 0; i < 3; i++)
                printf(" %s%s", done[i] ? "" : "not ", jobs[i].name);
        printf("\n");
        return n_done;
}

static int wait_in_three_ways(void *arg, void **value)
{
        static const struct job jobs[3] = {
                {"quick", EXEC_MS(20), 0}, {"broken", EXEC_MS(120), -EIO}, {"slow", EXEC_SEC(100), 0}};
        exec_future *f[3];
        bool done[3];
        int n = 0;

        (void)arg, (void)value;
        for (int i = 0; i < 3; i++)
                f[i] = exec_create_task(work, (void *)&jobs[i]);
        n += show("first", exec_wait(f, 3, EXEC_FIRST_COMPLETED, EXEC_FOREVER, done), done, jobs);
        n += show("error", exec_wait(f, 3, EXEC_FIRST_EXCEPTION, EXEC_FOREVER, done), done, jobs);
        n += show("50 ms", exec_wait(f, 3, EXEC_ALL_COMPLETED, exec_now() + EXEC_MS(50), done), done, jobs);
        exec_cancel(f[2], "nobody waits so long");
        n += show("all", exec_wait(f, 3, EXEC_ALL_COMPLETED, EXEC_FOREVER, done), done, jobs);
        exec_future_error_message(f[1], NULL, NULL); /* seen */
        exec_future_unref_all(f, 3);
        return n == 1 + 2 + 2 + 3 ? 0 : -EPROTO;
}

int main(void)
{
        return exec_run(wait_in_three_ways, NULL, NULL) == 0 ? 0 : 1;
}
