/* as_completed_open.c - many tasks, at most four in flight: an open completion queue is refilled while it is drained,
 * so memory stays bounded however long the list is. The tag tells which task it was. */
#include <executor/executor.h>
#include <stdio.h>

#define N_TASKS   20
#define IN_FLIGHT 4

static int square(void *arg, void **value)
{
        int *number = arg;
        int err = exec_sleep(EXEC_MS(5 + *number % 3 * 10));

        (void)value;
        *number *= *number;
        return err;
}

static int start(exec_completion *queue, int *number)
{
        exec_future *f = exec_create_task(square, number);
        int err = exec_completion_add(queue, f, number);

        exec_future_unref(f); /* the queue holds a reference of its own */
        return err;
}

static int sum_of_squares(void *arg, void **value)
{
        static int numbers[N_TASKS];
        int n_started = 0, sum = 0, more;
        exec_completion *queue;
        void *tag;
        int err = exec_completion_new(&queue);

        (void)arg, (void)value;
        if (err)
                return err;
        do {
                for (; n_started < N_TASKS && exec_completion_pending(queue) < IN_FLIGHT && !err; n_started++) {
                        numbers[n_started] = n_started;
                        err = start(queue, &numbers[n_started]);
                }
                more = err ? err : exec_completion_next(queue, EXEC_FOREVER, NULL, &tag);
                if (more == 1) {
                        printf("number %d: %d\n", (int)((int *)tag - numbers), *(int *)tag);
                        sum += *(int *)tag;
                }
        } while (more == 1); /* 0: nothing is left in the queue */
        exec_completion_free(queue);
        return more ? more : sum == 2470 ? 0 : -EPROTO;
}

int main(void)
{
        return exec_run(sum_of_squares, NULL, NULL) == 0 ? 0 : 1;
}
