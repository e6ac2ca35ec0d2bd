/* race.c - two tasks of one worker change one variable: a race, unless an await stands between them.
 *   race unordered | ordered
 * One worker runs one after the other, so only precise mode (EXEC_TSAN=precise) can tell the two apart. Nothing
 * waits or shares a thing but the variable. */
#include <executor/executor.h>

#include <stdio.h>
#include <string.h>

static int shared_variable;

static int change(void *arg, void **value)
{
        (void)arg;
        (void)value;
        shared_variable++;
        return 0;
}

static int unordered(void *arg, void **value)
{
        exec_future *f[2] = {exec_create_task(change, NULL), exec_create_task(change, NULL)};

        (void)arg;
        (void)value;
        return exec_gather(f, 2, NULL, EXEC_UNREF);
}

static int ordered(void *arg, void **value)
{
        (void)arg;
        (void)value;
        for (int i = 0; i < 2; i++) {
                exec_future *f = exec_create_task(change, NULL);
                int err = exec_await(f, NULL);

                exec_future_unref(f);
                if (err)
                        return err;
        }
        return 0;
}

int main(int argc, char **argv)
{
        struct exec_pool_options options;
        exec_task_fn body = argc == 2 && !strcmp(argv[1], "ordered") ? ordered : unordered;
        int err;

        exec_pool_options_init(&options, sizeof options);
        options.n_workers = 1;
        err = exec_run_with(&options, body, NULL, NULL);
        printf("%d, %d changes\n", err, shared_variable);
        return err || shared_variable != 2;
}
