/* sigint.c - Ctrl-C cancels the main task, which cleans up, as asyncio.run() does; a second one ends the program at once.
 * With an argument it waits for yours; without, as in the tests, it sends the signal itself. */
#include <executor/executor.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static int download(void *arg, void **value)
{
        int err = exec_sleep(EXEC_SEC(60));

        (void)value;
        printf("download %s: %s\n", (const char *)arg, err ? "given up" : "here");
        return err;
}

static int program(void *arg, void **value)
{
        exec_future *f[2] = {exec_create_task(download, "a"), exec_create_task(download, "b")};
        int err;

        (void)value;
        if (arg)
                puts("press Ctrl-C");
        else
                kill(getpid(), SIGINT);
        err = exec_gather(f, 2, NULL, EXEC_UNREF); /* the request goes on to both */
        puts("cleaned up");
        return err;
}

int main(int argc, char **argv)
{
        struct exec_pool_options options;
        int err;

        exec_pool_options_init(&options, sizeof options);
        options.flags = EXEC_POOL_SIGINT;
        err = exec_run_with(&options, program, argc > 1 ? argv[1] : NULL, NULL);
        if (err == -EINTR)
                puts("interrupted");
        return err == -EINTR ? 0 : 1;
}
