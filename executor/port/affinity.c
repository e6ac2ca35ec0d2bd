/* affinity.c - the system calls of the kernel's masks: unlike the C library's they tell how much of a mask there is. */
#include "port/affinity.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int execi_affinity_thread(void)
{
        return (int)syscall(SYS_gettid);
}

int execi_affinity_cpu(void)
{
        int saved_errno = errno, cpu = sched_getcpu();

        errno = saved_errno;
        return cpu < AFFINITY_MAX_CPUS ? cpu : -1;
}

bool execi_affinity_get(int thread, struct execi_affinity *out)
{
        int saved_errno = errno;
        long bytes;

        memset(out, 0, sizeof *out);
        bytes = syscall(SYS_sched_getaffinity, thread, sizeof *out, out);
        errno = saved_errno;
        return bytes > 0;
}

bool execi_affinity_set(int thread, const struct execi_affinity *mask)
{
        int saved_errno = errno;
        bool is_set = !syscall(SYS_sched_setaffinity, thread, sizeof *mask, mask);

        errno = saved_errno;
        return is_set;
}

bool execi_affinity_is_empty(const struct execi_affinity *mask)
{
        unsigned long all = 0;

        for (size_t i = 0; i < sizeof mask->words / sizeof mask->words[0]; i++)
                all |= mask->words[i];
        return !all;
}
