/* compiler.h - what C11 has no word for: attributes, branch hints, cache lines. */
#ifndef EXECI_BASE_COMPILER_H
#define EXECI_BASE_COMPILER_H

#include <stddef.h>

#if !defined(__LP64__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "executor needs a 64-bit little-endian machine: its words hold pointers beside counts"
#endif

#define LIKELY(x)          __builtin_expect(!!(x), 1)
#define UNLIKELY(x)        __builtin_expect(!!(x), 0)
#define NOINLINE           __attribute__((noinline))
#define COLD               __attribute__((cold, noinline))
#define ALWAYS_INLINE      inline __attribute__((always_inline))
#define ALIGNED(n)         __attribute__((aligned(n)))
#define PRINTF(f, a)       __attribute__((format(printf, f, a)))
#define NO_ASAN            __attribute__((no_sanitize_address))
#define MAYBE_UNUSED       __attribute__((unused))
#define PREFETCH(p)        __builtin_prefetch((p), 1)
#define COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

/* Between two writers: the adjacent-line prefetcher pulls lines in pairs. */
#define CACHE_LINE 64
#define CACHE_PAIR 128

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
