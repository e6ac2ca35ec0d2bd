/* tour.c - three fetches: gather those that answer, cut off one that does not in time, cancel one that is not wanted. */
#include <executor/executor.h>
#include <stdio.h>

struct site {
        const char *name;
        int64_t ns; /* the time its answer takes */
};

static int fetch(void *arg, void **value)
{
        const struct site *site = arg;
        int err = exec_sleep(site->ns);

        if (err)
                return exec_fail(err, "%s gave up", site->name);
        *value = arg;
        return 0;
}

static int program(void *arg, void **value)
{
        static struct site quick = {"quick", EXEC_MS(20)}, slow = {"slow", EXEC_MS(50)},
                           silent = {"silent", EXEC_SEC(600)};
        (void)arg, (void)value;

        exec_future *f[2] = {exec_create_task(fetch, &quick), exec_create_task(fetch, &slow)};
        struct exec_outcome out[2];
        int err = exec_gather(f, 2, out, 0);
        for (int i = 0; !err && i < 2; i++)
                printf("gathered %s\n", ((struct site *)out[i].value)->name);
        exec_future_unref_all(f, 2);
        if (err)
                return err;

        exec_future *late = exec_create_task(fetch, &silent);
        struct exec_timeout scope;
        err = exec_timeout_begin(&scope, exec_now() + EXEC_MS(30));
        if (!err)
                err = exec_timeout_end(&scope, exec_await(late, NULL));
        printf("timed out: %s\n", err == -ETIMEDOUT ? "yes" : "no");
        exec_future_unref(late);

        exec_future *unwanted = exec_create_task(fetch, &silent);
        exec_cancel(unwanted, "nobody wants it");
        err = exec_await(unwanted, NULL);
        printf("cancelled: %s (%s)\n", err == -ECANCELED ? "yes" : "no", exec_cancel_reason(unwanted));
        exec_future_unref(unwanted);
        return 0;
}

int main(void)
{
        return exec_run(program, NULL, NULL) ? 1 : 0;
}
