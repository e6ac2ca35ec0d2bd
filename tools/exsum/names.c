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
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Order and qsort()'s own room. */
#define BYTES_PER_NAME (2 * sizeof(uint32_t))

/* A record: one byte of type, the name, its NUL. */
static const char *record_at(const struct names *names, size_t i)
{
        return names->arena + names->order[i];
}

static size_t record_bytes(const char *record)
{
        return strlen(record + 1) + 2;
}

static char *record_copy(const char *record)
{
        size_t n_bytes = record_bytes(record);
        char *copy = malloc(n_bytes);

        if (copy)
                memcpy(copy, record, n_bytes);
        return copy;
}

/* In the global order: the byte that decides, where those before it are equal. */
static int byte_at(unsigned char type, const char *name, size_t i)
{
        return name[i] ? (unsigned char)name[i] : type == DT_DIR ? '/' : 0;
}

static int compare_names(const struct names *names, unsigned char type_a, const char *a, unsigned char type_b,
                         const char *b)
{
        size_t i = 0;

        if (!names->order_is_global)
                return strcmp(a, b);
        while (a[i] && a[i] == b[i])
                i++;
        if (!a[i] && !b[i])
                return 0;
        return byte_at(type_a, a, i) - byte_at(type_b, b, i);
}

static int compare_records(const struct names *names, const char *a, const char *b)
{
        return compare_names(names, (unsigned char)a[0], a + 1, (unsigned char)b[0], b + 1);
}

static int compare(const void *a, const void *b, void *arg)
{
        const struct names *names = arg;

        return compare_records(names, names->arena + *(const uint32_t *)a, names->arena + *(const uint32_t *)b);
}

static void sort(struct names *names)
{
        if (names->n > 1)
                qsort_r(names->order, names->n, sizeof *names->order, compare, names);
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

/* Drops the greater half; *greatest becomes a copy of the greatest record kept. */
static int drop_half(struct names *names, char **greatest)
{
        size_t end = names->n_bytes;

        sort(names);
        char *kept = record_copy(record_at(names, names->n / 2 - 1));
        if (!kept)
                return -ENOMEM;
        free(*greatest);
        *greatest = kept;
        names->n = 0;
        names->n_bytes = 0;
        for (size_t at = 0, n_bytes; at < end; at += n_bytes) {
                n_bytes = record_bytes(names->arena + at);
                if (compare_records(names, names->arena + at, kept) > 0)
                        continue;
                names->order[names->n++] = (uint32_t)names->n_bytes;
                memmove(names->arena + names->n_bytes, names->arena + at, n_bytes);
                names->n_bytes += n_bytes;
        }
        return 0;
}

static bool is_dots(const char *name)
{
        return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static bool is_wanted(const struct names *names, unsigned char type, const char *name, const char *greatest)
{
        const char *last = names->last;

        if (last && compare_names(names, type, name, (unsigned char)last[0], last + 1) <= 0)
                return false;
        return !greatest || compare_names(names, type, name, (unsigned char)greatest[0], greatest + 1) <= 0;
}

/* Not every file system tells types; in the global order one has to know the directories. */
static unsigned char type_of(const struct names *names, DIR *dir, const struct dirent *found)
{
        struct stat status;

        if (found->d_type != DT_UNKNOWN || !names->order_is_global)
                return found->d_type;
        if (fstatat(dirfd(dir), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
                return DT_UNKNOWN;
        return IFTODT(status.st_mode);
}

/* Reads until the directory ends; *greatest is set when something was dropped. */
static int read_all(struct names *names, DIR *dir, size_t budget, char **greatest)
{
        for (;;) {
                errno = 0;
                struct dirent *found = readdir(dir);
                if (!found)
                        return -errno;
                if (is_dots(found->d_name))
                        continue;
                unsigned char type = type_of(names, dir, found);
                if (!is_wanted(names, type, found->d_name, *greatest))
                        continue;
                int err = add(names, found->d_name, type);
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
                char *last = record_copy(record_at(names, names->n - 1));
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
        const char *record = record_at(names, names->next++);

        *type = (unsigned char)record[0];
        return record + 1;
}

size_t names_memory(const struct names *names)
{
        return names->n_bytes + names->n * BYTES_PER_NAME;
}

void names_init(struct names *names, bool order_is_global)
{
        *names = (struct names){.order_is_global = order_is_global};
}

void names_fini(struct names *names)
{
        free(names->arena);
        free(names->order);
        free(names->last);
        names_init(names, names->order_is_global);
}
