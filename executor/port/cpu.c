/* cpu.c - the affinity mask and the cgroups' CPU quota.
 *
 * /proc/self/cgroup says where this process is in each hierarchy, /proc/self/mountinfo where that hierarchy is mounted
 * and which of its folders is the mount's root. A quota holds for all below, so every level from ours up to the mount
 * is read and the least counts. Whatever cannot be read sets no limit. */
#include "port/cpu.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A kind of cgroup hierarchy that can hold a CPU quota. */
struct hierarchy {
        bool is_v2;
        char *path;       /* ours in it, as /proc/self/cgroup says */
        char *mount_root; /* the folder of the hierarchy that is mounted */
        char *mount_point;
};

/* Is @word one of the comma-separated words of @list? */
static bool has_word(const char *list, const char *word)
{
        size_t len = strlen(word);

        for (const char *at = strstr(list, word); at; at = strstr(at + 1, word)) {
                bool starts = at == list || at[-1] == ',';
                bool ends = at[len] == '\0' || at[len] == ',' || at[len] == '\n';
                if (starts && ends)
                        return true;
        }
        return false;
}

/* In place: mountinfo writes space, tab, newline and backslash as \ooo. */
static void unescape(char *s)
{
        char *out = s;

        while (*s) {
                if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
                        *out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
                        s += 4;
                } else {
                        *out++ = *s++;
                }
        }
        *out = '\0';
}

static FILE *open_below(const char *root, const char *path)
{
        char full[PATH_MAX / 4];

        if ((size_t)snprintf(full, sizeof full, "%s%s", root, path) >= sizeof full)
                return NULL;
        return fopen(full, "re");
}

/* A line of /proc/self/cgroup: "0::/path" (v2) or "4:cpu,cpuacct:/path" (v1). */
static void parse_cgroup_line(char *line, struct hierarchy *v1, struct hierarchy *v2)
{
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;

        if (!path)
                return;
        *controllers++ = '\0';
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        struct hierarchy *h = NULL;
        if (strcmp(line, "0") == 0 && *controllers == '\0')
                h = v2;
        else if (has_word(controllers, "cpu"))
                h = v1;
        if (h && !h->path)
                h->path = strdup(path);
}

/* A line of /proc/self/mountinfo: "36 35 98:0 /root /mount/point options optional... - type source superoptions". */
static void parse_mount_line(char *line, struct hierarchy *v1, struct hierarchy *v2)
{
        char *tail = strstr(line, " - "), *save = NULL;

        if (!tail)
                return;
        *tail = '\0';
        char *type = strtok_r(tail + 3, " \n", &save);
        strtok_r(NULL, " \n", &save); /* source */
        char *options = strtok_r(NULL, " \n", &save);
        struct hierarchy *h = NULL;
        if (type && strcmp(type, "cgroup2") == 0)
                h = v2;
        else if (type && strcmp(type, "cgroup") == 0 && options && has_word(options, "cpu"))
                h = v1;
        if (!h || h->mount_point)
                return;
        for (int i = 0; i < 3; i++) /* mount, parent, device */
                strtok_r(i ? NULL : line, " ", &save);
        char *root = strtok_r(NULL, " ", &save);
        char *point = strtok_r(NULL, " ", &save);
        if (!root || !point)
                return;
        unescape(root);
        unescape(point);
        h->mount_root = strdup(root);
        h->mount_point = strdup(point);
}

static void for_each_line(const char *root, const char *path, struct hierarchy *v1, struct hierarchy *v2,
                          void (*parse)(char *, struct hierarchy *, struct hierarchy *))
{
        FILE *f = open_below(root, path);
        char *line = NULL;
        size_t capacity = 0;

        if (!f)
                return;
        while (getline(&line, &capacity, f) > 0)
                parse(line, v1, v2);
        free(line);
        fclose(f);
}

/* The first one or two numbers of a file; a word in place of the first counts as -1. Returns how many. */
static int read_numbers(const char *root, const char *folder, const char *name, long long n[2])
{
        char path[PATH_MAX / 4], text[64];
        int found = 0;

        if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
                return 0;
        FILE *f = open_below(root, path);
        if (!f)
                return 0;
        if (fgets(text, sizeof text, f)) {
                char *second = strchr(text, ' ');
                found = sscanf(text, "%lld", &n[0]);
                if (found < 1) {
                        n[0] = -1;
                        found = 1;
                }
                if (second)
                        found += sscanf(second, "%lld", &n[1]) == 1;
        }
        fclose(f);
        return found;
}

/* The quota that one folder sets, rounded up to CPUs; 0: none. */
static unsigned folder_quota(const char *root, const char *folder, bool is_v2)
{
        long long n[2] = {-1, 100000};

        if (is_v2) {
                if (read_numbers(root, folder, "cpu.max", n) < 1)
                        return 0;
        } else {
                long long period[2];
                if (read_numbers(root, folder, "cpu.cfs_quota_us", n) < 1 ||
                    read_numbers(root, folder, "cpu.cfs_period_us", period) < 1)
                        return 0;
                n[1] = period[0];
        }
        if (n[0] <= 0 || n[1] <= 0)
                return 0;
        long long cpus = n[0] / n[1] + (n[0] % n[1] != 0);
        return cpus < INT_MAX ? (unsigned)cpus : INT_MAX;
}

static unsigned least(unsigned a, unsigned b)
{
        return !a || (b && b < a) ? b : a;
}

/* From our folder up to where the hierarchy is mounted. Our path seen through the mount: without the mount's root; if
 * it does not lie below that root, our folder is not visible, and the mount's own is the best that can be read. */
static unsigned hierarchy_quota(const char *root, const struct hierarchy *h)
{
        char folder[PATH_MAX / 4];
        unsigned quota = 0;

        if (!h->path || !h->mount_point || !h->mount_root)
                return 0;
        size_t root_len = strcmp(h->mount_root, "/") == 0 ? 0 : strlen(h->mount_root);
        const char *below = strncmp(h->path, h->mount_root, root_len) == 0 ? h->path + root_len : "";
        if (*below != '/' || strncmp(below, "/..", 3) == 0)
                below = "";
        if ((size_t)snprintf(folder, sizeof folder, "%s%s", h->mount_point, below) >= sizeof folder)
                return 0;
        for (size_t len = strlen(folder), top = strlen(h->mount_point);;) {
                quota = least(quota, folder_quota(root, folder, h->is_v2));
                if (len <= top)
                        return quota;
                while (len > top && folder[--len] != '/')
                        ;
                folder[len] = '\0';
        }
}

static void hierarchy_fini(struct hierarchy *h)
{
        free(h->path);
        free(h->mount_root);
        free(h->mount_point);
}

unsigned execi_cpu_quota(const char *root)
{
        struct hierarchy v1 = {.is_v2 = false}, v2 = {.is_v2 = true};

        for_each_line(root, "/proc/self/cgroup", &v1, &v2, parse_cgroup_line);
        for_each_line(root, "/proc/self/mountinfo", &v1, &v2, parse_mount_line);
        unsigned quota = least(hierarchy_quota(root, &v1), hierarchy_quota(root, &v2));
        hierarchy_fini(&v1);
        hierarchy_fini(&v2);
        return quota;
}

/* The system call itself: it takes a mask of any size, the C library's macros want to know it. */
static unsigned affinity_count(void)
{
        unsigned long mask[1024 / sizeof(long)]; /* 8192 CPUs, the most that x86-64 kernels can be built for */
        long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
        unsigned n = 0;

        if (bytes <= 0) {
                long online = sysconf(_SC_NPROCESSORS_ONLN);
                return online > 0 ? (unsigned)online : 1;
        }
        for (size_t i = 0; i < (size_t)bytes / sizeof mask[0]; i++)
                n += (unsigned)__builtin_popcountl(mask[i]);
        return n ? n : 1;
}

unsigned execi_cpu_count(void)
{
        unsigned n = affinity_count(), quota = execi_cpu_quota("");

        return quota && quota < n ? quota : n;
}
