/* walk.c - see walk.h.
 *
 * A stack of levels, no recursion: depth costs memory for the names of each open directory, and none of the task's
 * stack. Symbolic links below the root are not followed; sockets, fifos and devices are passed over.
 *
 * I1  path up to a level's path_len names its directory and ends with a slash.
 * I2  what is handed to the kernel is relative to the level's anchor and shorter than PATH_MAX: a directory whose
 *     displayed path is ANCHOR_BYTES longer than its anchor's becomes an anchor itself.
 * I3  the names of all levels together take at most the budget, plus NAMES_BYTES_LEAST for each level beyond that.
 */
#include "walk.h"

#include "names.h"

#include <dirent.h>
#include <executor/types.h> /* errno */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANCHOR_BYTES      2048
#define NAMES_BYTES_LEAST ((size_t)16 << 10)
#define OPEN_DIRECTORY    (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)

struct level {
        struct names names;
        struct anchor *at;
        size_t path_len;
        size_t budget_bytes;  /* what its names may take */
        size_t charged_bytes; /* what they do take, subtracted from the walk's budget */
};

static int set_path(struct walk *walk, size_t keep, const char *name)
{
        size_t n_bytes = strlen(name);

        if (keep + n_bytes + 2 > walk->path_size) { /* a slash and the NUL */
                size_t size = 2 * (keep + n_bytes + 2);
                char *path = realloc(walk->path, size);

                if (!path)
                        return -ENOMEM;
                walk->path = path;
                walk->path_size = size;
        }
        memcpy(walk->path + keep, name, n_bytes + 1);
        walk->path_len = keep + n_bytes;
        return 0;
}

static int read_names(struct walk *walk, struct level *level, int fd)
{
        walk->n_budget_bytes += level->charged_bytes;
        int err = names_read(&level->names, fd, level->budget_bytes);
        size_t bytes = names_memory(&level->names);
        level->charged_bytes = bytes < walk->n_budget_bytes ? bytes : walk->n_budget_bytes;
        walk->n_budget_bytes -= level->charged_bytes;
        return err;
}

/* The next run of a directory too large for one. */
static int read_more_names(struct walk *walk, struct level *level)
{
        const char *path = walk->path + level->at->from;

        walk->path[level->path_len] = '\0';
        int fd = openat(level->at->fd, *path ? path : ".", OPEN_DIRECTORY);
        if (fd < 0) {
                level->names.has_more = false;
                return -errno;
        }
        return read_names(walk, level, fd);
}

static struct level *push_level(struct walk *walk)
{
        if (walk->n_levels == walk->n_levels_room) {
                size_t room = walk->n_levels_room ? 2 * walk->n_levels_room : 16;
                struct level *levels = realloc(walk->levels, room * sizeof *levels);

                if (!levels)
                        return NULL;
                walk->levels = levels;
                walk->n_levels_room = room;
        }
        walk->levels[walk->n_levels] = (struct level){0};
        return &walk->levels[walk->n_levels++];
}

static void pop_level(struct walk *walk)
{
        struct level *level = &walk->levels[--walk->n_levels];

        walk->n_budget_bytes += level->charged_bytes;
        names_fini(&level->names);
        anchor_unref(level->at);
}

/* The anchor for what lies in the directory @fd at the path, whose own is @at. Without a file descriptor to spare it
 * stays the old one: the kernel then refuses what lies too deep. */
static struct anchor *choose_anchor(struct walk *walk, struct anchor *at, int fd)
{
        int copy = walk->path_len - at->from > ANCHOR_BYTES ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;

        return copy < 0 ? anchor_ref(at) : anchor_new(copy, walk->path_len);
}

/* Enters the directory at the path. */
static int enter(struct walk *walk, struct anchor *at, int flags)
{
        int fd = openat(at->fd, walk->path + at->from, OPEN_DIRECTORY | flags);

        if (fd < 0)
                return -errno;
        if (walk->path[walk->path_len - 1] != '/')
                memcpy(walk->path + walk->path_len++, "/", 2);
        struct level *level = push_level(walk);
        if (!level) {
                close(fd);
                return -ENOMEM;
        }
        size_t budget = walk->n_budget_bytes / 4 * 3;
        level->budget_bytes = budget > NAMES_BYTES_LEAST ? budget : NAMES_BYTES_LEAST;
        level->path_len = walk->path_len;
        level->at = choose_anchor(walk, at, fd);
        names_init(&level->names, walk->order_is_global);
        if (!level->at) {
                close(fd);
                pop_level(walk);
                return -ENOMEM;
        }
        return read_names(walk, level, fd);
}

static int type_of(struct walk *walk, struct anchor *at, unsigned char *type)
{
        struct stat status;

        if (*type != DT_UNKNOWN)
                return 0;
        if (fstatat(at->fd, walk->path + at->from, &status, AT_SYMLINK_NOFOLLOW) != 0)
                return -errno;
        *type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_FIFO;
        return 0;
}

/* Goes on with a name of the innermost level. Returns true when *found is to be handed over. */
static bool visit(struct walk *walk, const char *name, unsigned char type, struct found *found)
{
        struct level *level = &walk->levels[walk->n_levels - 1];

        found->at = level->at;
        found->err = set_path(walk, level->path_len, name);
        if (!found->err)
                found->err = type_of(walk, found->at, &type);
        if (!found->err && type == DT_DIR)
                found->err = enter(walk, found->at, O_NOFOLLOW);
        found->path = walk->path;
        return found->err || type == DT_REG;
}

int walk_next(struct walk *walk, struct found *found)
{
        while (walk->n_levels > 0) {
                struct level *level = &walk->levels[walk->n_levels - 1];
                unsigned char type;
                const char *name = names_next(&level->names, &type);

                if (name) {
                        if (visit(walk, name, type, found))
                                return 1;
                } else if (level->names.has_more) {
                        int err = read_more_names(walk, level);
                        if (err) {
                                *found = (struct found){walk->path, level->at, err};
                                return 1;
                        }
                } else {
                        pop_level(walk);
                }
        }
        return 0;
}

int walk_start(struct walk *walk, const char *root)
{
        int err = set_path(walk, 0, root);

        return err ? err : enter(walk, walk->here, 0);
}

void walk_init(struct walk *walk, struct anchor *here, size_t budget_bytes, bool order_is_global)
{
        *walk = (struct walk){
                .here = anchor_ref(here), .n_budget_bytes = budget_bytes, .order_is_global = order_is_global};
}

void walk_fini(struct walk *walk)
{
        while (walk->n_levels > 0)
                pop_level(walk);
        anchor_unref(walk->here);
        free(walk->levels);
        free(walk->path);
}
