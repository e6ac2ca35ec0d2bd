/* entry.c - see entry.h. */
#include "entry.h"

#include "stop.h"

#include <executor/executor.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry *entry_new(const char *name, struct anchor *at, enum entry_kind kind, struct digester *digester,
                        struct meter *meter)
{
        size_t name_bytes = strlen(name) + 1;
        struct entry *entry = malloc(sizeof *entry + name_bytes);

        if (!entry)
                return NULL;
        *entry = (struct entry){
                .digester = digester, .meter = meter, .at = anchor_ref(at), .kind = kind, .name_bytes = name_bytes};
        memcpy(entry->name, name, name_bytes);
        return entry;
}

void entry_free(struct entry *entry)
{
        anchor_unref(entry->at);
        free(entry);
}

/* O_NONBLOCK: what was a regular file when it was found may be a fifo now. And a fifo that was named is waited for in
 * source_read(), which SIGINT ends. */
static int open_entry(const struct entry *entry)
{
        int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

        if (entry->kind == ENTRY_WALKED)
                flags |= O_NOFOLLOW;
        int fd = openat(entry->at->fd, entry->name + entry->at->from, flags);
        return fd < 0 ? -errno : fd;
}

static int sum_open(struct entry *entry, int fd)
{
        struct source source;
        struct stat status;

        if (fstat(fd, &status) != 0)
                return -errno;
        if (entry->kind == ENTRY_WALKED && !S_ISREG(status.st_mode)) {
                entry->is_skipped = true;
                return 0;
        }
        source_init(&source, fd, &status);
        return digester_read(entry->digester, &source, entry->meter, entry->digest, &entry->n_bytes);
}

int entry_sum(void *arg, void **value)
{
        struct entry *entry = arg;
        int fd, err;

        (void)value;
        if (stop_is_requested())
                return -ECANCELED;
        if (entry->kind == ENTRY_STDIN)
                return sum_open(entry, STDIN_FILENO);
        fd = open_entry(entry);
        if (fd == -ELOOP && entry->kind == ENTRY_WALKED) { /* a symbolic link by now */
                entry->is_skipped = true;
                return 0;
        }
        if (fd < 0)
                return fd;
        err = sum_open(entry, fd);
        close(fd);
        return err;
}
