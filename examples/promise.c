/* promise.c - a promise is a future finished by hand. Here a plain thread, as a library with threads of its own might
 * have, delivers an answer to a task that waits for it without blocking a worker. */
#include <executor/executor.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *deliver(void *arg)
{
        exec_future *promise = arg;
        struct timespec delay = {.tv_nsec = EXEC_MS(100)};
        char *answer = strdup("the answer");

        nanosleep(&delay, NULL);
        if (exec_promise_set(promise, answer) != 0)
                free(answer); /* somebody cancelled the promise: the value is still ours */
        exec_future_unref(promise);
        return NULL;
}

static int ask(void *arg, void **value)
{
        exec_future *promise = exec_promise_new(free);
        pthread_t thread;
        void *answer = NULL;

        (void)arg, (void)value;
        int err = -pthread_create(&thread, NULL, deliver, exec_future_ref(promise));
        if (err) {
                exec_future_unref(promise); /* the thread's reference */
                exec_promise_fail(promise, err);
        }
        err = exec_await(promise, &answer);
        if (!err) {
                printf("got %s\n", (char *)answer);
                pthread_join(thread, NULL); /* it has delivered and is about to end: this blocks the worker briefly */
        }
        exec_future_unref(promise); /* the last reference drops the answer */
        return err;
}

int main(void)
{
        return exec_run(ask, NULL, NULL) == 0 ? 0 : 1;
}
