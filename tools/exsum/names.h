/* names.h - the names in one directory, in order, within a budget of memory.
 *
 * The order is that of their bytes; or, for the global order, that of the paths below: a directory's name then counts as
 * if it ended with a slash, so that all paths come out in the order of their bytes. */
#ifndef EXSUM_NAMES_H
#define EXSUM_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names {
        char *arena; /* records: one byte of type (DT_*), the name, its NUL */
        size_t n_bytes, arena_size;
        uint32_t *order; /* where the records begin; sorted by name once names_read() returns */
        size_t n, order_size;
        size_t next;   /* the next to hand over */
        char *last;    /* the last record of the runs before this one, or NULL */
        bool has_more; /* there are names behind this run's */
        bool order_is_global;
};

void names_init(struct names *names, bool order_is_global);
void names_fini(struct names *names);

/* names_read - read the first names behind those already handed over, as many as @budget bytes hold (16 KiB at least).
 * Takes over @fd, which must stand at its directory's start.
 * Returns   0 or a negative errno value; what was read up to then is there nevertheless. */
int names_read(struct names *names, int fd, size_t budget);

/* The next name in this run and its type, or NULL. Valid until names_read() or names_fini(). */
const char *names_next(struct names *names, unsigned char *type);

/* How much memory the names take. */
size_t names_memory(const struct names *names);

#endif
