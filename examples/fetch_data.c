/* fetch_data.c - three slow sources fetched at the same time, in three ways. Each way takes as long as the slowest
 * fetch, two seconds, and not the three and a half of their sum. */
#include <executor/executor.h>
#include <stdio.h>

static struct source {
        int64_t delay_ns;
        char *data;
} sources[3] = {{EXEC_SEC(2), "Data from API"}, {EXEC_SEC(1), "Data from DB"}, {EXEC_MS(500), "Data from Cache"}};

/* The body of a task. It waits as if for the network; its worker is free meanwhile. */
static int fetch_data(void *arg, void **value)
{
        struct source *source = arg;

        *value = source->data;
        return exec_sleep(source->delay_ns);
}

static int64_t start_all(exec_future *fetches[3])
{
        int64_t start_ns = exec_now();

        for (int i = 0; i < 3; i++)
                fetches[i] = exec_create_task(fetch_data, &sources[i]);
        return start_ns;
}

static int fetch_three_ways(void *arg, void **value)
{
        exec_future *fetches[3], *done;
        struct exec_outcome results[3];
        void *data;

        (void)arg, (void)value;
        /* gather: all results together, in the order of the arguments. */
        int64_t start_ns = start_all(fetches);
        int err = exec_gather(fetches, 3, results, EXEC_UNREF);
        for (int i = 0; i < 3 && !err; i++)
                printf("%s\n", (char *)results[i].value);
        printf("Gathered in %.1fs\n", (double)(exec_now() - start_ns) / 1e9);

        /* as_completed: each result as soon as it is there. */
        start_ns = start_all(fetches);
        exec_completion *queue = exec_as_completed_with(fetches, 3, EXEC_UNREF);
        while (exec_completion_next(queue, EXEC_FOREVER, &done, NULL) == 1) {
                if (exec_await(done, &data) == 0)
                        printf("Completed (%.1fs): %s\n", (double)(exec_now() - start_ns) / 1e9, (char *)data);
                exec_future_unref(done);
        }
        exec_completion_free(queue);

        /* create_task: start all, do something else, and ask for each when it is needed. */
        start_ns = start_all(fetches);
        while (exec_now() < start_ns + EXEC_MS(300))
                exec_yield(); /* its own work; it gives way now and then */
        printf("Worked %.1fs\n", (double)(exec_now() - start_ns) / 1e9);
        for (int i = 0; i < 3; i++) {
                if (exec_await(fetches[i], &data) == 0)
                        printf("Awaited (%.1fs): %s\n", (double)(exec_now() - start_ns) / 1e9, (char *)data);
                exec_future_unref(fetches[i]);
        }
        return err;
}

int main(void)
{
        return exec_run(fetch_three_ways, NULL, NULL) == 0 ? 0 : 1;
}
