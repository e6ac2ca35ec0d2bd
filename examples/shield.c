/* shield.c - a task that must not be cut off, though those that wait for it may be: behind a shield. */
#include <executor/executor.h>
#include <stdio.h>

static int save(void *arg, void **value)
{
        int err = exec_sleep(EXEC_MS(50));

        *value = arg;
        printf("saved: %s\n", err ? "no, it was cancelled" : "yes");
        return err;
}

static int save_in_time(void *arg, void **value)
{
        exec_future *saving = exec_create_task(save, "the file");
        exec_future *shield = exec_shield(saving);
        int err = exec_wait_for(shield, EXEC_MS(5), NULL); /* cancels the shield only */

        (void)arg;
        printf("in time: %s\n", err == -ETIMEDOUT ? "no, but it goes on" : "yes");
        exec_future_unref(shield);
        err = exec_await(saving, value);
        exec_future_unref(saving);
        return err;
}

int main(void)
{
        return exec_run(save_in_time, NULL, NULL) == 0 ? 0 : 1;
}
