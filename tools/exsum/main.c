/* main.c - exsum: checksums of files and directory trees in parallel, in the form of sha256sum. */
#include "sum.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILES_OPEN_MOST 65536

/* With a standard stream closed, the first file opened would take its place, and be written to. What is put there
 * instead refuses with EBADF. */
static void occupy_standard_fds(void)
{
        for (int fd = 0; fd <= 2; fd++) {
                if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
                        (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
        }
}

/* Deep trees keep directories open. */
static void raise_open_files_limit(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
                return;
        rlim_t wanted = limit.rlim_max < FILES_OPEN_MOST ? limit.rlim_max : FILES_OPEN_MOST;
        if (limit.rlim_cur >= wanted)
                return;
        limit.rlim_cur = wanted;
        setrlimit(RLIMIT_NOFILE, &limit);
}

static int complain(const char *what, int err)
{
        fprintf(stderr, "exsum: %s: %s\n", what, strerror(-err));
        return 1;
}

static int run(const struct options *options, struct digester *digester)
{
        struct exec_pool_options pool;
        struct sum sum;

        exec_pool_options_init(&pool, sizeof pool);
        pool.n_workers = options->n_workers;
        pool.name = "exsum";
        int err = sum_init(&sum, options, digester);
        if (!err)
                err = exec_run_with(&pool, sum_run, &sum, NULL);
        int write_err = sum.write_err;
        bool has_failed = sum.has_failed;
        sum_fini(&sum);
        if (!write_err && fflush(stdout) != 0)
                write_err = -errno;
        if (write_err == -EPIPE)
                raise(SIGPIPE); /* which workers have blocked: end as any program in a pipe does */
        if (write_err)
                return complain("write error", write_err);
        return err ? complain("cannot go on", err) : has_failed;
}

int main(int argc, char **argv)
{
        struct options options;
        struct digester *digester;

        occupy_standard_fds();
        raise_open_files_limit();
        mallopt(M_MMAP_THRESHOLD, 256 * 1024); /* a large directory's names go back to the system when it is left */
        enum options_answer answer = options_parse(&options, argc, argv);
        if (answer == OPTIONS_MISUSE)
                return 2;
        if (answer == OPTIONS_EXIT)
                return fflush(stdout) ? complain("write error", -errno) : 0;
        int err = digester_new(&digester, options.algorithm);
        if (err == -EINVAL) {
                fprintf(stderr, "exsum: unknown algorithm '%s'\n", options.algorithm);
                return 2;
        }
        if (err)
                return complain("cannot start", err);
        int status = run(&options, digester);
        digester_free(digester);
        return status;
}
