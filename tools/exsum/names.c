/* names.c - see names.h.
 *
 * To sort a directory one has to hold its names, and a directory may hold any number of them. They are held compactly:
 * one arena, four bytes of order each. When the budget is full the greater half is dropped and everything greater is
 * ignored from then on; the next run reads the directory again and takes what comes behind the last name handed over.
 * A directory that fits, as nearly all do, is read once.
 *
 * I1  arena and order take at most the budget, plus one record (untouched room at the arena's end does not count).
 * I2  with has_more set, every name not held is either at most last, or greater than all that are held.
 */
#include "names.h"

#include <dirent.h>
#include <executor/types.h> /* errno */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Order and qsort()'s own room. */
#define BYTES_PER_NAME (2 * sizeof(uint32_t))

static const char *name_at(const struct names *names, size_t i)
{
        return names->arena + names->order[i] + 1;
}

static int compare(const void *a, const void *b, void *arena)
{
        return strcmp((const char *)arena + *(const uint32_t *)a + 1, (const char *)arena + *(const uint32_t *)b + 1);
}

static void sort(struct names *names)
{
        if (names->n > 1)
                qsort_r(names->order, names->n, sizeof *names->order, compare, names->arena);
}

/* Doubles an array until it has room for @n bytes. */
static int reserve(void **array, size_t *size, size_t n)
{
        size_t larger = *size ? *size : 1024;

        if (n <= *size)
                return 0;
        while (larger < n)
                larger *= 2;
        void *moved = realloc(*array, larger);
        if (!moved)
                return -ENOMEM;
        *array = moved;
        *size = larger;
        return 0;
}

static int add(struct names *names, const char *name, unsigned char type)
{
        size_t n_bytes = strlen(name) + 2;
        void *arena = names->arena, *order = names->order;
        int err = reserve(&arena, &names->arena_size, names->n_bytes + n_bytes);

        names->arena = arena;
        if (!err)
                err = reserve(&order, &names->order_size, (names->n + 1) * sizeof *names->order);
        names->order = order;
        if (err)
                return err;
        names->order[names->n++] = (uint32_t)names->n_bytes;
        names->arena[names->n_bytes] = (char)type;
        memcpy(names->arena + names->n_bytes + 1, name, n_bytes - 1);
        names->n_bytes += n_bytes;
        return 0;
}

/* Drops the greater half; *greatest becomes a copy of the greatest name kept. */
static int drop_half(struct names *names, char **greatest)
{
        size_t end = names->n_bytes;

        sort(names);
        char *kept = strdup(name_at(names, names->n / 2 - 1));
        if (!kept)
                return -ENOMEM;
        free(*greatest);
        *greatest = kept;
        names->n = 0;
        names->n_bytes = 0;
        for (size_t at = 0, n_bytes; at < end; at += n_bytes) {
                n_bytes = strlen(names->arena + at + 1) + 2;
                if (strcmp(names->arena + at + 1, kept) > 0)
                        continue;
                names->order[names->n++] = (uint32_t)names->n_bytes;
                memmove(names->arena + names->n_bytes, names->arena + at, n_bytes);
                names->n_bytes += n_bytes;
        }
        return 0;
}

static bool is_wanted(const struct names *names, const char *name, const char *greatest)
{
        if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')))
                return false;
        if (names->last && strcmp(name, names->last) <= 0)
                return false;
        return !greatest || strcmp(name, greatest) <= 0;
}

/* Reads until the directory ends; *greatest is set when something was dropped. */
static int read_all(struct names *names, DIR *dir, size_t budget, char **greatest)
{
        for (;;) {
                errno = 0;
                struct dirent *found = readdir(dir);
                if (!found)
                        return -errno;
                if (!is_wanted(names, found->d_name, *greatest))
                        continue;
                int err = add(names, found->d_name, found->d_type);
                if (!err && names_memory(names) > budget && names->n > 1)
                        err = drop_half(names, greatest);
                if (err)
                        return err;
        }
}

/* Forgets a run that was handed over, up to its last name. */
static int next_run(struct names *names)
{
        if (names->n > 0) {
                char *last = strdup(name_at(names, names->n - 1));
                if (!last)
                        return -ENOMEM;
                free(names->last);
                names->last = last;
        }
        names->n = names->n_bytes = names->next = 0;
        return 0;
}

int names_read(struct names *names, int fd, size_t budget)
{
        char *greatest = NULL;
        int err = next_run(names);

        names->has_more = false;
        DIR *dir = err ? NULL : fdopendir(fd);
        if (!dir) {
                err = err ? err : -errno;
                close(fd);
                return err;
        }
        err = read_all(names, dir, budget, &greatest);
        closedir(dir);
        sort(names);
        names->has_more = greatest != NULL;
        free(greatest);
        return err;
}

const char *names_next(struct names *names, unsigned char *type)
{
        if (names->next == names->n)
                return NULL;
        *type = (unsigned char)names->arena[names->order[names->next]];
        return name_at(names, names->next++);
}

size_t names_memory(const struct names *names)
{
        return names->n_bytes + names->n * BYTES_PER_NAME;
}

void names_init(struct names *names)
{
        *names = (struct names){0};
}

void names_fini(struct names *names)
{
        free(names->arena);
        free(names->order);
        free(names->last);
        names_init(names);
}
