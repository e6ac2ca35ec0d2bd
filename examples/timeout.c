/* timeout.c - a deadline for a piece of work, whatever it does inside: waits are cut off, a loop that computes polls, and a
 * child is given what is left of the time. */
#include <executor/executor.h>
#include <stdio.h>

static int slow_answer(void)
{
        int err = exec_sleep(EXEC_SEC(60));

        puts(err ? "slow answer: cleaned up" : "slow answer: here");
        return err;
}

static int endless_sum(void)
{
        for (volatile unsigned sum = 0; !exec_cancel_requested(); sum = sum + 1)
                ;
        return -ECANCELED;
}

static int child(void *arg, void **value)
{
        (void)arg, (void)value;
        return exec_sleep(EXEC_SEC(60));
}

static int program(void *arg, void **value)
{
        struct exec_task_options options;
        struct exec_timeout scope;
        int err = exec_timeout_begin(&scope, exec_now() + EXEC_MS(20));

        (void)arg, (void)value;
        exec_task_options_init(&options, sizeof options);
        if (err)
                return err;
        printf("the wait: %s\n", exec_timeout_end(&scope, slow_answer()) == -ETIMEDOUT ? "timed out" : "in time");

        if ((err = exec_timeout_begin(&scope, exec_now() + EXEC_MS(20))))
                return err;
        printf("the loop: %s\n", exec_timeout_end(&scope, endless_sum()) == -ETIMEDOUT ? "timed out" : "in time");

        if ((err = exec_timeout_begin(&scope, exec_now() + EXEC_MS(200))))
                return err;
        options.flags = EXEC_INHERIT_DEADLINE; /* children do not inherit it by themselves */
        exec_future *f = exec_create_task_with(child, NULL, &options);
        exec_timeout_end(&scope, 0); /* ours is over; the child keeps it */
        err = exec_await(f, NULL);
        printf("the child: %s\n", err == -ETIMEDOUT ? "timed out" : "in time");
        exec_future_unref(f);
        return err == -ETIMEDOUT ? 0 : -EPROTO;
}

int main(void)
{
        return exec_run(program, NULL, NULL) == 0 ? 0 : 1;
}
