/* window.c - see window.h. */
#include "window.h"

/* Behind one large file so many small ones may wait to be printed. 16,384 entries with names of 100 bytes are 4 MiB;
 * the second bound is for long names. */
#define ENTRIES_MOST ((size_t)16384)
#define BYTES_MOST   ((size_t)8 << 20)

static size_t bytes_of(const struct entry *entry)
{
        return sizeof *entry + entry->name_bytes;
}

void window_push(struct window *window, struct entry *entry)
{
        entry->next = NULL;
        entry->prev = window->last;
        if (window->last)
                window->last->next = entry;
        else
                window->first = entry;
        window->last = entry;
        window->n++;
        window->n_bytes += bytes_of(entry);
}

void window_remove(struct window *window, struct entry *entry)
{
        if (entry->prev)
                entry->prev->next = entry->next;
        else
                window->first = entry->next;
        if (entry->next)
                entry->next->prev = entry->prev;
        else
                window->last = entry->prev;
        window->n--;
        window->n_bytes -= bytes_of(entry);
}

bool window_is_full(const struct window *window)
{
        return window->n >= ENTRIES_MOST || window->n_bytes >= BYTES_MOST;
}
