/* walk.h - the regular files below a directory, one by one, depth first, each directory's names in order. */
#ifndef EXSUM_WALK_H
#define EXSUM_WALK_H

#include "anchor.h"

#include <stdbool.h>

struct level;

struct walk {
        char *path; /* as displayed: the argument, and below it the names */
        size_t path_len, path_size;
        struct level *levels; /* the open directories, the root first */
        size_t n_levels, n_levels_room;
        struct anchor *here;   /* the current directory of the process */
        size_t n_budget_bytes; /* what is left for names */
        bool order_is_global;  /* names.h */
};

/* One file, or a directory that could not be read (to the end). Borrowed from the walk until the next call. */
struct found {
        const char *path;
        struct anchor *at; /* path + at->from is relative to at->fd */
        int err;           /* 0: a regular file; negative: why path or a part of it is missing */
};

/* walk_init - @here stands for the current directory; names may take @budget_bytes. Cannot fail. */
void walk_init(struct walk *walk, struct anchor *here, size_t budget_bytes, bool order_is_global);
void walk_fini(struct walk *walk);

/* walk_start - begin at directory @root, which may be a symbolic link. The walk before must have ended.
 * Returns   0 or a negative errno value. */
int walk_start(struct walk *walk, const char *root);

/* walk_next - Returns 1 and *found; 0 at the end. */
int walk_next(struct walk *walk, struct found *found);

#endif
