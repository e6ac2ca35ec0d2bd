/* gather_errors.c - one of three tasks fails. By default gather returns at once with the first error and the rest goes
 * on; with EXEC_COLLECT it waits for all and an error is an outcome like any other. */
#include <executor/executor.h>
#include <stdio.h>
#include <string.h>

static int fetch(void *arg, void **value)
{
        const char *name = arg;
        bool is_broken = strcmp(name, "DB") == 0;
        int err = exec_sleep(is_broken ? EXEC_MS(50) : EXEC_MS(500));

        *value = arg;
        return err || !is_broken ? err : exec_fail(-EIO, "%s does not answer", name);
}

/* A line for each; counts those in @state. */
static int show(exec_future *const fetches[3], const struct exec_outcome outcomes[3], int state)
{
        static const char *const words[] = {"still running", "done", "failed", "cancelled"};
        int n = 0;

        for (int i = 0; i < 3; i++) {
                const char *message = exec_future_error_message(fetches[i], NULL, NULL);

                printf("  %d: %s %s\n", i, words[outcomes[i].state], message ? message : "");
                n += outcomes[i].state == state;
        }
        return n;
}

static int both_policies(void *arg, void **value)
{
        exec_future *fetches[3] = {exec_create_task(fetch, "API"), exec_create_task(fetch, "DB"),
                                   exec_create_task(fetch, "Cache")};
        struct exec_outcome outcomes[3];

        (void)arg, (void)value;
        int err = exec_gather(fetches, 3, outcomes, 0);
        printf("first error: %s\n", strerror(-err));
        bool ok = err == -EIO && show(fetches, outcomes, EXEC_PENDING) == 2;

        err = exec_gather(fetches, 3, outcomes, EXEC_COLLECT);
        printf("all collected: %d\n", err);
        ok = ok && err == 0 && show(fetches, outcomes, EXEC_DONE) == 2;
        exec_future_unref_all(fetches, 3);
        return ok ? 0 : -EPROTO;
}

int main(void)
{
        return exec_run(both_policies, NULL, NULL) == 0 ? 0 : 1;
}
