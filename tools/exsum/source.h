/* source.h - an open file that is read to its end: ahead of its reader where it is large, and never so that SIGINT would
 * have to wait for it. */
#ifndef EXSUM_SOURCE_H
#define EXSUM_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct source {
        int fd; /* borrowed */
        bool may_wait_for_ever;
        bool reads_ahead;
        off_t at, asked; /* while it reads ahead: read so far, and asked for */
};

/* @status is what fstat(2) says of @fd. */
void source_init(struct source *source, int fd, const struct stat *status);

/* source_read - read(2).
 * Returns   how much; 0 at the end; -ECANCELED: the run is to stop; a negative errno value. */
ssize_t source_read(struct source *source, void *buffer, size_t size);

/* source_is_ready - false where source_read() would have to wait for others, as at a pipe. */
bool source_is_ready(const struct source *source);

#endif
