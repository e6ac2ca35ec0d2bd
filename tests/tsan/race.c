/* race.c - two tasks of one worker change one variable: a race, unless an await stands between them.
 *   race unordered | ordered | forks | loop
 * forks and loop: two forks, or two indices of a loop, that nothing orders.
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

static void change_in_fork(struct exec_fork *fork, exec_forks *at)
{
        (void)fork;
        (void)at;
        shared_variable++;
}

static int forks(void *arg, void **value)
{
        struct exec_fork a, b;
        exec_forks *at = exec_forks_here(), *next = exec_fork(at, &a, change_in_fork);

        (void)arg;
        (void)value;
        exec_fork(next, &b, change_in_fork);
        if (exec_join(next, &b))
                change_in_fork(&b, next);
        if (exec_join(at, &a))
                change_in_fork(&a, at);
        return 0;
}

static int change_at(size_t i, void *arg)
{
        (void)i;
        (void)arg;
        shared_variable++;
        return 0;
}

static int loop(void *arg, void **value)
{
        (void)arg;
        (void)value;
        return exec_parallel_for_each(NULL, 0, 2, 1, change_at, NULL);
}

int main(int argc, char **argv)
{
        struct exec_pool_options options;
        static const struct {
                const char *name;
                exec_task_fn body;
        } bodies[] = {{"unordered", unordered}, {"ordered", ordered}, {"forks", forks}, {"loop", loop}};
        exec_task_fn body = NULL;
        int err;

        for (size_t i = 0; argc == 2 && i < sizeof bodies / sizeof *bodies; i++)
                if (!strcmp(argv[1], bodies[i].name))
                        body = bodies[i].body;

        exec_pool_options_init(&options, sizeof options);
        options.n_workers = 1;
        err = exec_run_with(&options, body, NULL, NULL);
        printf("%d, %d changes\n", err, shared_variable);
        return err || shared_variable != 2;
}
