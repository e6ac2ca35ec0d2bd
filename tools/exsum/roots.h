/* roots.h - the files to sum, one by one: what the command line names, and what lies below the directories among that.
 *
 * In the order of the arguments; or, in the global order, by the bytes of the whole path, also where one argument lies
 * inside another. Then the arguments are sorted, and a walk is begun when no walk in progress has anything before it. */
#ifndef EXSUM_ROOTS_H
#define EXSUM_ROOTS_H

#include "anchor.h"
#include "entry.h"

#include <stdbool.h>
#include <stddef.h>

struct root;
struct branch;

struct roots {
        struct root *roots;
        size_t n, next;
        struct branch *branches; /* the walks in progress: one, or in the global order several */
        struct branch *taken;    /* the one whose head was handed over, or NULL */
        struct anchor *here;
        size_t n_budget_bytes; /* what is left for the names in directories */
        bool order_is_global;
};

/* Borrowed from the roots until the next call. */
struct item {
        const char *path;
        struct anchor *at;
        enum entry_kind kind;
        bool is_alone; /* may be the same pipe or terminal as another: to be read when no other is */
        int err;       /* 0; negative: why this directory, or the rest of it, is missing */
};

/* roots_init - @args up to a NULL; @here stands for the current directory.
 * Returns   0; -ENOMEM. */
int roots_init(struct roots *roots, char **args, struct anchor *here, bool order_is_global);
void roots_fini(struct roots *roots);

/* roots_next - Returns 1 and *item; 0 at the end. */
int roots_next(struct roots *roots, struct item *item);

/* item_of_name - one that was named by the user: "-" is standard input. */
void item_of_name(struct item *item, const char *name, struct anchor *here);

#endif
