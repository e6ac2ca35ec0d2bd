/* cancel.c - a task is asked to end, with a reason. Its wait returns -ECANCELED; it cleans up and passes that on, or
 * it swallows the request and ends as it likes. */
#include <executor/executor.h>
#include <stdio.h>
#include <stdlib.h>

/* Cleans up, and ends cancelled. */
static int polite(void *arg, void **value)
{
        char *buffer = malloc(4096);
        int err = exec_sleep_until(EXEC_FOREVER);

        (void)arg, (void)value;
        free(buffer);
        printf("polite: cleaned up because of \"%s\"\n", exec_cancel_reason(exec_current_task()));
        return err;
}

/* Swallows the request: its next waits work again, and it ends with a result. */
static int stubborn(void *arg, void **value)
{
        int err = exec_sleep_until(EXEC_FOREVER);

        if (err == -ECANCELED)
                exec_uncancel(NULL);
        err = exec_sleep(EXEC_MS(10));
        *value = arg;
        return err;
}

static int cancel_both(void *arg, void **value)
{
        exec_future *tasks[] = {exec_create_task(polite, NULL), exec_create_task(stubborn, "made it anyway")};
        struct exec_outcome outcomes[2];

        (void)arg, (void)value;
        int err = exec_sleep(EXEC_MS(20)); /* let both begin; one that has not begun would never run */
        for (int i = 0; i < 2; i++)
                exec_cancel(tasks[i], "the user went away");
        if (!err)
                err = exec_gather(tasks, 2, outcomes, EXEC_COLLECT);
        if (!err && (outcomes[0].state != EXEC_CANCELLED || outcomes[1].state != EXEC_DONE))
                err = -EPROTO;
        if (!err)
                printf("polite: cancelled; stubborn: %s\n", (char *)outcomes[1].value);
        exec_future_unref_all(tasks, 2);
        return err;
}

int main(void)
{
        return exec_run(cancel_both, NULL, NULL) == 0 ? 0 : 1;
}
