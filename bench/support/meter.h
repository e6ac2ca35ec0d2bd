/* meter.h - what is read off the system: time, memory, and CPU time of single threads. */
#ifndef BENCH_SUPPORT_METER_H
#define BENCH_SUPPORT_METER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_MAX_THREADS = 64 };

int64_t bench_now_ns(void);
void bench_pause_until_ns(int64_t deadline_ns);
void bench_pause_ns(int64_t ns);

size_t bench_resident_bytes(void);
/* Touch that much memory once and give it back. In a virtual machine the very first touch of a page waits for the host,
 * several times as long as for the kernel: a bench of memory does this before its clock runs. @advice: MADV_HUGEPAGE or
 * MADV_NOHUGEPAGE, as what is measured will do; the kernel keeps the two in different places. */
void bench_back_memory(size_t bytes, int advice);

/* Threads of this process, by kernel number. */
struct bench_threads {
        unsigned n;
        int id[BENCH_MAX_THREADS];
};

void bench_threads_list(struct bench_threads *out);
/* Those in @now that are not in @before: who was started in between. */
void bench_threads_new(struct bench_threads *out, const struct bench_threads *before, const struct bench_threads *now);
/* CPU time used so far, by all of them. */
int64_t bench_threads_cpu_ns(const struct bench_threads *threads);
/* CPU time used so far by the whole process, ended threads included. */
int64_t bench_process_cpu_ns(void);

#ifdef __cplusplus
}
#endif
#endif
