/* exit.c - a pool that lives as long as the program, and work that nobody waits for: exit() lets it end first. */
#include <executor/executor.h>
#include <stdio.h>
#include <stdlib.h>

static exec_pool *background;

static int write_log(void *arg, void **value)
{
        int err = exec_sleep(EXEC_MS(10));

        (void)value;
        printf("written: %s\n", (const char *)arg);
        return err;
}

int main(void)
{
        static const char *const lines[] = {"one", "two", "three"};
        struct exec_pool_options options;

        exec_pool_options_init(&options, sizeof options);
        options.flags = EXEC_POOL_DRAIN_AT_EXIT;
        if (exec_pool_new(&background, &options))
                return 1;
        exec_pool_set_default(background);
        for (int i = 0; i < 3; i++)
                exec_future_unref(exec_create_task(write_log, (void *)lines[i]));
        puts("main is through");
        exit(0); /* as a return from main() */
}
