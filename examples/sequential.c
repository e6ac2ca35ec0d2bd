/* sequential.c - awaiting one by one what nobody has created yet is sequential: each task starts only after the one
 * before it has ended. The fix is to create all first, and then to await. */
#include <executor/executor.h>
#include <stdio.h>

static int fetch(void *arg, void **value)
{
        (void)arg, (void)value;
        return exec_sleep(EXEC_MS(200));
}

static int await_and_unref(exec_future *f)
{
        int err = exec_await(f, NULL);

        exec_future_unref(f);
        return err;
}

static int compare(void *arg, void **value)
{
        exec_future *fetches[3];
        int err = 0;

        (void)arg, (void)value;
        /* Slow: 3 * 0.2 s. The second task does not exist while the first one is awaited. */
        int64_t start_ns = exec_now();
        for (int i = 0; i < 3 && !err; i++)
                err = await_and_unref(exec_create_task(fetch, NULL));
        int64_t slow_ns = exec_now() - start_ns;

        /* The fix: 0.2 s. All are running before the first one is awaited. */
        start_ns = exec_now();
        for (int i = 0; i < 3; i++)
                fetches[i] = exec_create_task(fetch, NULL);
        for (int i = 0; i < 3; i++) {
                int ended = await_and_unref(fetches[i]);

                err = err ? err : ended;
        }
        int64_t fast_ns = exec_now() - start_ns;

        printf("created when awaited: %.1f s\n", (double)slow_ns / 1e9);
        printf("created before:       %.1f s\n", (double)fast_ns / 1e9);
        return err ? err : slow_ns >= EXEC_MS(600) && fast_ns < slow_ns ? 0 : -EPROTO;
}

int main(void)
{
        return exec_run(compare, NULL, NULL) == 0 ? 0 : 1;
}
