/* main.c - exsum: checksums of files and directory trees in parallel, made and checked, in the form of sha256sum. */
#include "check.h"
#include "stop.h"
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

struct work {
        const struct options *options;
        struct digester *digester;
        struct run run;
        struct check check;
};

/* The first task. */
static int work_body(void *arg, void **value)
{
        struct work *work = arg;
        int err = run_init(&work->run, work->options, work->options->check ? check_retire : sum_retire);

        (void)value;
        if (err)
                return err;
        err = work->options->check ? check_run(&work->check, &work->run, work->digester)
                                   : sum_run(&work->run, work->digester);
        return run_end(&work->run, err);
}

static int status_of(const struct run *run)
{
        return run->is_stopped ? 128 + SIGINT : run->has_failed;
}

static int execute(const struct options *options, struct digester *digester)
{
        struct work work = {.options = options, .digester = digester};
        struct exec_pool_options pool;

        exec_pool_options_init(&pool, sizeof pool);
        pool.n_workers = options->n_workers;
        pool.name = "exsum";
        int err = exec_run_with(&pool, work_body, &work, NULL);
        int write_err = work.run.write_err, status = status_of(&work.run);
        run_fini(&work.run);
        check_fini(&work.check);
        if (!write_err && fflush(stdout) != 0)
                write_err = -errno;
        if (write_err == -EPIPE)
                raise(SIGPIPE); /* which workers have blocked: end as any program in a pipe does */
        if (write_err)
                return complain("write error", write_err);
        return err ? complain("cannot go on", err) : status;
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
        const char *algorithm = options.algorithm ? options.algorithm : "sha256";
        int err = digester_new(&digester, algorithm);
        if (err == -EINVAL) {
                fprintf(stderr, "exsum: unknown algorithm '%s'\n", algorithm);
                return 2;
        }
        if (err)
                return complain("cannot start", err);
        stop_install();
        int status = execute(&options, digester);
        digester_free(digester);
        return status;
}
