/* local.c - each request has a number, set once in a task-local: all that the request calls, and all tasks it creates, find
 * it there. Two requests at once do not see each other's. */
#include <executor/executor.h>
#include <stdio.h>
#include <stdlib.h>

static exec_local *request; /* the key; made once */

static int step(void *arg, void **value)
{
        int err = exec_sleep(EXEC_MS((long)arg)); /* after it perhaps on another thread */

        *value = exec_local_get(request);
        return err;
}

/* Sets its number, and creates tasks, which begin with it. */
static int handle(void *arg, void **value)
{
        int *number = malloc(sizeof *number);
        exec_future *steps[2];
        struct exec_outcome out[2];
        int err;

        if (!number)
                return -ENOMEM;
        *number = (int)(long)arg;
        err = exec_local_set(request, number);
        if (err)
                return free(number), err;
        steps[0] = exec_create_task(step, (void *)20);
        steps[1] = exec_create_task(step, (void *)10);
        err = exec_gather(steps, 2, out, 0);
        if (!err && (out[0].value != number || out[1].value != number))
                err = -EPROTO;
        exec_future_unref_all(steps, 2);
        *value = arg;
        return err; /* then the number is freed: nobody sees it any more */
}

static int program(void *arg, void **value)
{
        exec_future *f[2] = {exec_create_task(handle, (void *)1), exec_create_task(handle, (void *)2)};
        struct exec_outcome out[2];
        int err = exec_gather(f, 2, out, EXEC_UNREF);

        (void)arg, (void)value;
        if (!err)
                printf("requests %ld and %ld were handled\n", (long)out[0].value, (long)out[1].value);
        return err;
}

int main(void)
{
        int err = exec_local_new(&request, free) || exec_run(program, NULL, NULL);

        exec_local_free(request);
        return err;
}
