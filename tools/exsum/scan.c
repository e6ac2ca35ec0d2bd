/* scan.c - see scan.h. */
#include "scan.h"

#include "stop.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_PER_TURN 512

static void count(struct scan *scan, const struct stat *status)
{
        scan->n_files++;
        scan->n_bytes += (uint64_t)status->st_size;
}

/* Takes @fd over. Returns 0, also where it cannot be read, or -E2BIG. */
static int enter(struct scan *scan, int fd)
{
        if (fd < 0)
                return 0;
        DIR *directory = scan->depth < SCAN_DEPTH_MOST ? fdopendir(fd) : NULL;
        if (!directory) {
                close(fd);
                return -E2BIG;
        }
        scan->directories[scan->depth++] = directory;
        return 0;
}

static void leave(struct scan *scan)
{
        closedir(scan->directories[--scan->depth]);
}

/* Takes the next entry of the innermost directory. Returns 0 or a negative errno value. */
static int step(struct scan *scan)
{
        DIR *directory = scan->directories[scan->depth - 1];
        struct dirent *found = readdir(directory);
        struct stat status;

        if (!found) {
                leave(scan);
                return 0;
        }
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
                return 0;
        if (fstatat(dirfd(directory), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
                return 0;
        if (S_ISREG(status.st_mode))
                count(scan, &status);
        if (!S_ISDIR(status.st_mode))
                return 0;
        return enter(scan, openat(dirfd(directory), found->d_name,
                                  O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

/* With one worker the files' tasks have their turns in between. */
static int scan_directory(struct scan *scan, const char *name)
{
        int err = enter(scan, open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));

        for (unsigned n = 1; !err && scan->depth > 0; n++) {
                err = step(scan);
                if (!err && n % ENTRIES_PER_TURN == 0)
                        err = exec_yield();
                if (!err && (stop_is_requested() || exec_cancel_requested()))
                        err = -ECANCELED;
        }
        while (scan->depth > 0)
                leave(scan);
        return err;
}

static int scan_all(void *arg, void **value)
{
        struct scan *scan = arg;
        struct stat status;
        int err = 0;

        (void)value;
        for (char **name = scan->names; *name && !err; name++) {
                if (strcmp(*name, "-") == 0 || stat(*name, &status) != 0)
                        continue;
                if (S_ISDIR(status.st_mode))
                        err = scan_directory(scan, *name);
                else if (S_ISREG(status.st_mode))
                        count(scan, &status);
        }
        return err;
}

void scan_start(struct scan *scan, char **names)
{
        *scan = (struct scan){.names = names};
        scan->task = exec_create_task(scan_all, scan);
}

void scan_stop(struct scan *scan)
{
        if (!scan->task)
                return;
        exec_cancel(scan->task, NULL);
        exec_await(scan->task, NULL);
        exec_future_unref(scan->task);
        scan->task = NULL;
}

bool scan_is_complete(const struct scan *scan)
{
        struct exec_outcome outcome;

        return scan->task && exec_future_outcome(scan->task, &outcome) == 0 && outcome.state == EXEC_DONE;
}
