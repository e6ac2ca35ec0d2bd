/* list.c - see list.h. */
#include "list.h"

#include <executor/types.h> /* errno */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES    ((size_t)64 << 10)
#define LINE_BYTES_MOST ((size_t)4 << 20) /* with this a file that is no list at all costs little memory */

/* Makes room behind the line that has begun. Returns 0, -ENOMEM or -EMSGSIZE. */
static int make_room(struct list *list)
{
        if (list->begin > 0) {
                memmove(list->buffer, list->buffer + list->begin, list->end - list->begin);
                list->end -= list->begin;
                list->begin = 0;
        }
        if (list->end + 1 < list->size)
                return 0;
        if (list->size >= LINE_BYTES_MOST)
                return -EMSGSIZE;
        char *larger = realloc(list->buffer, 2 * list->size);
        if (!larger)
                return -ENOMEM;
        list->buffer = larger;
        list->size *= 2;
        return 0;
}

/* Reads more. Returns how much, 0 at the end, or a negative errno value. */
static ssize_t fill(struct list *list)
{
        int err = make_room(list);

        if (err == -EMSGSIZE) {
                list->is_skipping = true;
                list->end = list->begin = 0;
        } else if (err) {
                return err;
        }
        ssize_t n = source_read(&list->source, list->buffer + list->end, list->size - list->end - 1);
        if (n < 0)
                return n;
        list->has_ended = n == 0;
        list->end += (size_t)n;
        list->n_bytes += (uint64_t)n;
        return n;
}

/* Hands [begin, end) over; the next line begins at @next. */
static int hand_over(struct list *list, size_t end, size_t next, char **text, size_t *n)
{
        bool was_skipped = list->is_skipping;

        *text = list->buffer + list->begin;
        *n = end - list->begin;
        (*text)[*n] = '\0';
        list->begin = next;
        list->is_skipping = false;
        list->n_line++;
        return was_skipped ? -EMSGSIZE : 1;
}

int list_next(struct list *list, char **text, size_t *n, bool may_wait)
{
        ssize_t n_new = (ssize_t)(list->end - list->begin); /* at the end, not looked at */

        for (;;) {
                char *end = memchr(list->buffer + list->end - n_new, list->delimiter, (size_t)n_new);

                if (end) {
                        size_t at = (size_t)(end - list->buffer);
                        return hand_over(list, at, at + 1, text, n);
                }
                if (list->has_ended && list->begin == list->end && !list->is_skipping)
                        return 0;
                if (list->has_ended)
                        return hand_over(list, list->end, list->end, text, n);
                if (!may_wait && !source_is_ready(&list->source))
                        return -EAGAIN;
                n_new = fill(list);
                if (n_new < 0)
                        return (int)n_new;
        }
}

uint64_t list_position(const struct list *list)
{
        return list->n_bytes - (list->end - list->begin);
}

int list_open(struct list *list, const char *name, char delimiter)
{
        struct stat status;

        *list = (struct list){.delimiter = delimiter, .size = BUFFER_BYTES, .fd = STDIN_FILENO};
        if (strcmp(name, "-") != 0)
                list->fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (list->fd < 0 || fstat(list->fd, &status) != 0) {
                int err = -errno;
                list_close(list);
                return err;
        }
        source_init(&list->source, list->fd, &status);
        list->buffer = malloc(list->size);
        if (!list->buffer) {
                list_close(list);
                return -ENOMEM;
        }
        return 0;
}

void list_close(struct list *list)
{
        free(list->buffer);
        if (list->fd > STDIN_FILENO)
                close(list->fd);
}
