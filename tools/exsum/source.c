/* source.c - see source.h. */
#include "source.h"

#include "stop.h"

#include <executor/types.h> /* errno */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* Linux reads so far ahead by itself; smaller files do not pay for the hint. */
#define READAHEAD_BYTES (128 << 10)

void source_init(struct source *source, int fd, const struct stat *status)
{
        *source = (struct source){.fd = fd, .may_wait_for_ever = !S_ISREG(status->st_mode)};
        if (S_ISREG(status->st_mode) && status->st_size >= READAHEAD_BYTES)
                posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

/* Waits for something to read, or for the request to stop. */
static void wait_for_data(const struct source *source)
{
        struct pollfd fds[2] = {{.fd = source->fd, .events = POLLIN}, {.fd = stop_fd(), .events = POLLIN}};

        poll(fds, 2, -1);
}

bool source_is_ready(const struct source *source)
{
        struct pollfd fd = {.fd = source->fd, .events = POLLIN};

        return !source->may_wait_for_ever || poll(&fd, 1, 0) != 0;
}

ssize_t source_read(struct source *source, void *buffer, size_t size)
{
        for (;;) {
                if (source->may_wait_for_ever)
                        wait_for_data(source);
                if (stop_is_requested())
                        return -ECANCELED;
                ssize_t n = read(source->fd, buffer, size);
                if (n >= 0)
                        return n;
                if (errno != EINTR && (errno != EAGAIN || !source->may_wait_for_ever))
                        return -errno;
        }
}
