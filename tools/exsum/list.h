/* list.h - a file that is read line by line. */
#ifndef EXSUM_LIST_H
#define EXSUM_LIST_H

#include "source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list {
        struct source source;
        int fd;
        char delimiter;
        char *buffer; /* lines not yet handed over lie from begin to end */
        size_t size, begin, end;
        bool has_ended;
        bool is_skipping; /* what follows belongs to a line that was too long */
        uint64_t n_line;  /* of the line handed over last */
        uint64_t n_bytes; /* read so far */
};

/* list_open - @name "-" is standard input. Returns 0 or a negative errno value. */
int list_open(struct list *list, const char *name, char delimiter);
void list_close(struct list *list);

/* list_next - the next line, without what ends it; a NUL stands behind it. Borrowed until the next call.
 * Returns   1; 0 at the end; -EMSGSIZE: the line was too long to be one of a list, and was passed over; -EAGAIN: without
 *           @may_wait, where nothing is there yet; -ENOMEM; what source_read() returned. */
int list_next(struct list *list, char **text, size_t *n, bool may_wait);

/* How many bytes of the file lie before the next line. */
uint64_t list_position(const struct list *list);

#endif
