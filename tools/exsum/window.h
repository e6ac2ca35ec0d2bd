/* window.h - the entries between being found and being printed, in the order in which they were found. */
#ifndef EXSUM_WINDOW_H
#define EXSUM_WINDOW_H

#include "entry.h"

struct window {
        struct entry *first, *last;
        size_t n;
        size_t n_bytes; /* that they take */
};

void window_push(struct window *window, struct entry *entry);
void window_remove(struct window *window, struct entry *entry);

/* No room for another: what memory is bounded by. */
bool window_is_full(const struct window *window);

#endif
