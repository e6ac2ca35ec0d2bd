/* meter.c - time, memory and CPU time. */
#include "meter.h"
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int64_t to_ns(const struct timespec *t)
{
        return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

int64_t bench_now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return to_ns(&t);
}

void bench_pause_until_ns(int64_t deadline_ns)
{
        struct timespec t = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
                ;
}

void bench_pause_ns(int64_t ns)
{
        bench_pause_until_ns(bench_now_ns() + ns);
}

size_t bench_resident_bytes(void)
{
        unsigned long total, resident;
        FILE *file = fopen("/proc/self/statm", "r");

        if (!file || fscanf(file, "%lu %lu", &total, &resident) != 2)
                bench_die("/proc/self/statm cannot be read");
        fclose(file);
        return resident * (size_t)sysconf(_SC_PAGESIZE);
}

void bench_back_memory(size_t bytes, int advice)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (base == MAP_FAILED)
                bench_die("%zu bytes: %s", bytes, strerror(errno));
        madvise(base, bytes, advice); /* a wish */
        for (size_t at = 0; at < bytes; at += page)
                base[at] = 1;
        munmap(base, bytes);
}

void bench_threads_list(struct bench_threads *out)
{
        DIR *dir = opendir("/proc/self/task");
        struct dirent *entry;

        if (!dir)
                bench_die("/proc/self/task cannot be read");
        out->n = 0;
        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                if (out->n == BENCH_MAX_THREADS)
                        bench_die("more than %d threads", BENCH_MAX_THREADS);
                out->id[out->n++] = atoi(entry->d_name);
        }
        closedir(dir);
}

static bool is_among(const struct bench_threads *threads, int id)
{
        for (unsigned i = 0; i < threads->n; i++) {
                if (threads->id[i] == id)
                        return true;
        }
        return false;
}

void bench_threads_new(struct bench_threads *out, const struct bench_threads *before, const struct bench_threads *now)
{
        struct bench_threads fresh = {0};

        for (unsigned i = 0; i < now->n; i++) {
                if (!is_among(before, now->id[i]))
                        fresh.id[fresh.n++] = now->id[i];
        }
        *out = fresh;
}

/* The kernel's clock of one thread of this process: ~thread in the high bits, "per thread" and "scheduled time" in the
 * low three. What pthread_getcpuclockid() computes, for threads whose pthread handle is not ours. */
static clockid_t thread_clock(int id)
{
        return (clockid_t)(~(unsigned)id << 3 | 6);
}

int64_t bench_threads_cpu_ns(const struct bench_threads *threads)
{
        int64_t sum = 0;

        for (unsigned i = 0; i < threads->n; i++) {
                struct timespec t;

                if (clock_gettime(thread_clock(threads->id[i]), &t))
                        bench_die("no CPU clock of thread %d: %s", threads->id[i], strerror(errno));
                sum += to_ns(&t);
        }
        return sum;
}

int64_t bench_process_cpu_ns(void)
{
        struct rusage usage;

        if (getrusage(RUSAGE_SELF, &usage))
                bench_die("getrusage: %s", strerror(errno));
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * (int64_t)1000000000 +
               (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * (int64_t)1000;
}
