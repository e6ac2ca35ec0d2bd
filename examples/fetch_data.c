/* fetch_data.c - three slow sources fetched at the same time, in three ways. Each way takes as long as the slowest
 * fetch, two seconds, and not the three and a half of their sum. */
#include <executor/executor.h>
#include <stdio.h>

#define N_SOURCES 3

static struct source {
        int64_t delay_ns;
        char *data;
} sources[N_SOURCES] = {
        {EXEC_SEC(2), "Data from API"}, {EXEC_SEC(1), "Data from DB"}, {EXEC_MS(500), "Data from Cache"}};

/* The body of a task. It waits as if for the network; its worker is free meanwhile. */
static int fetch_data(void *arg, void **value)
{
        struct source *source = arg;
        int err = exec_sleep(source->delay_ns);

        *value = source->data;
        return err;
}

static void start_all(exec_future *fetches[N_SOURCES])
{
        for (size_t i = 0; i < N_SOURCES; i++)
                fetches[i] = exec_create_task(fetch_data, &sources[i]);
}

static double seconds_since(int64_t start_ns)
{
        return (double)(exec_now() - start_ns) / 1e9;
}

static int fetch_three_ways(void *arg, void **value)
{
        exec_future *fetches[N_SOURCES], *done;
        struct exec_outcome results[N_SOURCES];
        void *data;
        int err;

        (void)arg, (void)value;
        /* gather: all results together, in the order of the arguments. */
        int64_t start_ns = exec_now();
        start_all(fetches);
        err = exec_gather(fetches, N_SOURCES, results, EXEC_UNREF);
        if (err)
                return err;
        for (size_t i = 0; i < N_SOURCES; i++)
                printf("%s\n", (char *)results[i].value);
        printf("Gathered in %.1fs\n", seconds_since(start_ns));

        /* as_completed: each result as soon as it is there. */
        start_ns = exec_now();
        start_all(fetches);
        exec_completion *queue = exec_as_completed(fetches, N_SOURCES);
        exec_future_unref_all(fetches, N_SOURCES);
        while ((err = exec_completion_next(queue, EXEC_FOREVER, &done, NULL)) == 1) {
                if (exec_await(done, &data) == 0)
                        printf("Completed (%.1fs): %s\n", seconds_since(start_ns), (char *)data);
                exec_future_unref(done);
        }
        exec_completion_free(queue);
        if (err)
                return err;

        /* create_task: start all, do something else, and ask for each when it is needed. */
        start_ns = exec_now();
        start_all(fetches);
        while (exec_now() < start_ns + EXEC_MS(300))
                exec_yield(); /* its own work; it gives way now and then */
        printf("Worked %.1fs\n", seconds_since(start_ns));
        for (size_t i = 0; i < N_SOURCES; i++) {
                if (exec_await(fetches[i], &data) == 0)
                        printf("Awaited (%.1fs): %s\n", seconds_since(start_ns), (char *)data);
                exec_future_unref(fetches[i]);
        }
        return 0;
}

int main(void)
{
        return exec_run(fetch_three_ways, NULL, NULL) == 0 ? 0 : 1;
}
