/* anchor.h - an open directory that paths start from, so that no path handed to the kernel grows too long.
 * Counted; only the walking task touches the count. */
#ifndef EXSUM_ANCHOR_H
#define EXSUM_ANCHOR_H

#include <stddef.h>

struct anchor {
        int fd;      /* AT_FDCWD for the first one */
        size_t from; /* a displayed path below it, from this byte on, is the path relative to fd */
        unsigned n_refs;
};

/* Takes over @fd, also when it returns NULL for want of memory. */
struct anchor *anchor_new(int fd, size_t from);
struct anchor *anchor_ref(struct anchor *anchor);
void anchor_unref(struct anchor *anchor); /* the last one closes fd */

#endif
