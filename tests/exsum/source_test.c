/* A source gives what is in the file, from a cold page cache and a warm one, where it is short and where it grows. */
#include "../../tools/exsum/source.h"

#include <executor/types.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

enum { N_BYTES = (20 << 20) + 5, BUFFER = 100000 };

static char path[] = "/var/tmp/source_test.XXXXXX";
static unsigned char *wanted;

static int setup(void **state)
{
        int fd = mkstemp(path);
        uint32_t seed = 1;

        (void)state;
        wanted = malloc(N_BYTES);
        if (fd < 0 || !wanted)
                return -1;
        for (size_t i = 0; i < N_BYTES; i++)
                wanted[i] = (unsigned char)((seed = seed * 1664525 + 1013904223) >> 24);
        if (write(fd, wanted, N_BYTES) != N_BYTES || fsync(fd) != 0)
                return -1;
        return close(fd);
}

static int teardown(void **state)
{
        (void)state;
        free(wanted);
        return unlink(path);
}

static struct source open_source(int *fd)
{
        struct source source;
        struct stat status;

        *fd = open(path, O_RDONLY);
        assert_true(*fd >= 0);
        assert_int_equal(fstat(*fd, &status), 0);
        source_init(&source, *fd, &status);
        return source;
}

/* Returns how much it gave. */
static size_t read_all(struct source *source)
{
        static unsigned char buffer[BUFFER];
        size_t at = 0;
        ssize_t n;

        while ((n = source_read(source, buffer, sizeof buffer)) > 0) {
                assert_true(at + (size_t)n <= N_BYTES);
                assert_memory_equal(buffer, wanted + at, (size_t)n);
                at += (size_t)n;
        }
        assert_int_equal(n, 0);
        return at;
}

/* Takes the file out of the page cache. Returns false where that cannot be done or seen, as on a tmpfs. */
static bool make_cold(int fd)
{
        char byte;
        struct iovec room = {.iov_base = &byte, .iov_len = 1};

        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        return preadv2(fd, &room, 1, N_BYTES / 2, RWF_NOWAIT) < 0 && errno == EAGAIN;
}

static void a_large_file_is_read_to_its_end(void **state)
{
        (void)state;
        for (int is_warm = 0; is_warm < 2; is_warm++) {
                int fd;
                struct source source = open_source(&fd);
                bool is_cold = !is_warm && make_cold(fd);

                if (!is_warm && !is_cold)
                        print_message("not tested: a cold file\n");
                assert_true(source.reads_ahead);
                assert_int_equal(read_all(&source), N_BYTES);
                assert_true(!is_cold || (source.asked > 0 && source.at == N_BYTES));
                close(fd);
        }
}

static void what_is_not_large_is_read_plainly(void **state)
{
        struct source source;
        struct stat status;
        int fd = open("/dev/null", O_RDONLY);
        char byte;

        (void)state;
        assert_int_equal(fstat(fd, &status), 0);
        source_init(&source, fd, &status);
        assert_true(source.may_wait_for_ever && !source.reads_ahead);
        assert_true(source_is_ready(&source));
        assert_int_equal(source_read(&source, &byte, 1), 0);
        close(fd);
        assert_int_equal(source_read(&source, &byte, 1), -EBADF);
}

static void a_pipe_is_waited_for(void **state)
{
        struct source source;
        struct stat status;
        char byte = 0;
        int fds[2];

        (void)state;
        assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
        assert_int_equal(fstat(fds[0], &status), 0);
        source_init(&source, fds[0], &status);
        assert_false(source_is_ready(&source));
        assert_int_equal(write(fds[1], "x", 1), 1);
        assert_true(source_is_ready(&source));
        assert_int_equal(source_read(&source, &byte, 1), 1);
        assert_int_equal(byte, 'x');
        assert_false(source_is_ready(&source));
        close(fds[1]);
        assert_true(source_is_ready(&source));
        assert_int_equal(source_read(&source, &byte, 1), 0);
        close(fds[0]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_large_file_is_read_to_its_end),
                cmocka_unit_test(what_is_not_large_is_read_plainly),
                cmocka_unit_test(a_pipe_is_waited_for),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
