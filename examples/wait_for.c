/* wait_for.c - a task gets 50 ms. Then it is cancelled, and exec_wait_for() returns when it has cleaned up: nothing of it
 * goes on behind the caller's back. */
#include <executor/executor.h>
#include <stdio.h>
#include <string.h>

static int download(void *arg, void **value)
{
        int err = exec_sleep(*(int64_t *)arg);

        *value = "the page";
        if (err == -ECANCELED)
                printf("  cancelled (%s): closing the connection\n", exec_cancel_reason(exec_current_task()));
        return err;
}

static int download_with_limit(int64_t takes_ns, int64_t limit_ns)
{
        exec_future *f = exec_create_task(download, &takes_ns);
        void *page = NULL;
        int err = exec_wait_for(f, limit_ns, &page);

        printf("%s\n", err ? strerror(-err) : (const char *)page);
        exec_future_unref(f);
        return err;
}

static int quick_and_slow(void *arg, void **value)
{
        (void)arg, (void)value;
        bool ok = download_with_limit(EXEC_MS(1), EXEC_SEC(100)) == 0;

        return ok && download_with_limit(EXEC_SEC(100), EXEC_MS(50)) == -ETIMEDOUT ? 0 : -EPROTO;
}

int main(void)
{
        return exec_run(quick_and_slow, NULL, NULL) == 0 ? 0 : 1;
}
