/* anchor.c - see anchor.h. */
#include "anchor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void close_fd(int fd)
{
        if (fd != AT_FDCWD)
                close(fd);
}

struct anchor *anchor_new(int fd, size_t from)
{
        struct anchor *anchor = malloc(sizeof *anchor);

        if (!anchor) {
                close_fd(fd);
                return NULL;
        }
        *anchor = (struct anchor){.fd = fd, .from = from, .n_refs = 1};
        return anchor;
}

struct anchor *anchor_ref(struct anchor *anchor)
{
        anchor->n_refs++;
        return anchor;
}

void anchor_unref(struct anchor *anchor)
{
        if (!anchor || --anchor->n_refs > 0)
                return;
        close_fd(anchor->fd);
        free(anchor);
}
