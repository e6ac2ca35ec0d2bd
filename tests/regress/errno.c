/* errno.c - a task that goes on on another thread after each wait asks for errno again: is it that thread's?
 * Built in several ways. With EXEC_KEEP_ERRNO, the C library's own errno, each must say "stale": compilers compute its
 * address once for each function. */
#include <executor/executor.h>

#include <stdio.h>

enum { ROUNDS = 200 };

static int *(*volatile where)(void) = __errno_location; /* volatile: asked each time */

static struct {
        int moved; /* to another worker */
        int stale; /* errno lay in another thread */
        int lost;  /* its value did not come along */
} seen;

static int move_about(void *arg, void **value)
{
        (void)arg;
        (void)value;
        for (int i = 0; i < ROUNDS; i++) {
                int worker = exec_pool_worker(), err;

                errno = 1000 + i;
                err = exec_sleep(EXEC_US(20));
                if (err)
                        return err;
                seen.moved += exec_pool_worker() != worker;
                seen.stale += &errno != where();
                seen.lost += errno != 1000 + i;
        }
        return 0;
}

int main(void)
{
        struct exec_pool_options options;
        int err;

        exec_pool_options_init(&options, sizeof options);
        options.n_workers = 2;
        options.flags = EXEC_POOL_FORCE_MIGRATE;
        err = exec_run_with(&options, move_about, NULL, NULL);
        printf("%d: %s: moved %d, stale %d, lost %d of %d\n", err, seen.stale ? "stale" : "fresh", seen.moved,
               seen.stale, seen.lost, ROUNDS);
        return err || seen.moved < ROUNDS / 2 || seen.stale || seen.lost;
}
