/* memory.c - the allocator hook, mmap, and what of both is out.
 *
 * The hook is one pointer, so that it is read whole; it may change only while nothing is allocated. Both counters are
 * exact when no call is under way.
 *
 * ThreadSanitizer takes malloc and free for writes. What the library allocates in one task and frees in another it orders
 * by means that ThreadSanitizer does not see, but in an instrumented library: so neither counts.
 *
 * What fails here the callers tell by their own return values: errno stays as it was. */
#include "port/memory.h"

#include <executor/types.h>

#include "base/check.h"
#include "port/atomic.h"
#include "port/fault.h"
#include "port/sanitizer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MALLOC_ALIGN = 16 };
#define ARRAY_MAPPED ((size_t)64 << 10)
#define ARRAY_HUGE   ((size_t)2 << 20)

static _Atomic(const struct exec_allocator *) current; /* NULL: malloc */
static struct exec_allocator custom;
static _Atomic(int64_t) n_allocated, n_mapped;

int exec_set_allocator(const struct exec_allocator *allocator)
{
        if (allocator && (!allocator->alloc || !allocator->free))
                return -EINVAL;
        if (atom_load(&n_allocated, ACQUIRE) != 0)
                return -EALREADY;
        if (allocator)
                custom = *allocator;
        atom_store(&current, allocator ? &custom : NULL, RELEASE);
        return 0;
}

static void *alloc_custom(const struct exec_allocator *a, size_t bytes, bool zeroed)
{
        void *ptr = a->alloc(bytes, a->ctx);

        if (!ptr)
                return NULL;
        CHECK((uintptr_t)ptr % MALLOC_ALIGN == 0, "exec_set_allocator: alloc gave %p, which is not aligned to %d", ptr,
              MALLOC_ALIGN);
        return zeroed ? memset(ptr, 0, bytes) : ptr;
}

static void *alloc(size_t bytes, bool zeroed)
{
        if (bytes == 0)
                bytes = 1;
        if (execi_fault(FAULT_ALLOC) || bytes > INT64_MAX)
                return NULL;
        /* Counted before: who changes the hook meanwhile is refused. */
        atom_add(&n_allocated, (int64_t)bytes, ACQ_REL);
        const struct exec_allocator *a = atom_load(&current, ACQUIRE);
        int saved_errno = errno;
        execi_tsan_ignore_begin();
        void *ptr = a ? alloc_custom(a, bytes, zeroed) : zeroed ? calloc(1, bytes) : malloc(bytes);
        execi_tsan_ignore_end();
        errno = saved_errno;
        if (!ptr)
                atom_sub(&n_allocated, (int64_t)bytes, RELAXED);
        return ptr;
}

void *execi_alloc(size_t bytes)
{
        return alloc(bytes, true);
}

void *execi_alloc_unset(size_t bytes)
{
        return alloc(bytes, false);
}

void execi_free(void *ptr, size_t bytes)
{
        if (!ptr)
                return;
        if (bytes == 0)
                bytes = 1;
        const struct exec_allocator *a = atom_load(&current, ACQUIRE);
        int saved_errno = errno;
        execi_tsan_ignore_begin();
        if (a)
                a->free(ptr, bytes, a->ctx);
        else
                free(ptr);
        execi_tsan_ignore_end();
        errno = saved_errno;
        atom_sub(&n_allocated, (int64_t)bytes, RELEASE);
}

/* The word below an aligned block holds the address of the block it was cut from. There is room: the difference is a
 * multiple of 16 and not 0. */
void *execi_alloc_aligned(size_t bytes, size_t align)
{
        size_t total;

        if (__builtin_add_overflow(bytes, align, &total))
                return NULL;
        char *raw = execi_alloc(total);
        if (!raw)
                return NULL;
        char *ptr = raw + align - (uintptr_t)raw % align;
        ((void **)(void *)ptr)[-1] = raw;
        return ptr;
}

void execi_free_aligned(void *ptr, size_t bytes, size_t align)
{
        if (ptr)
                execi_free(((void **)ptr)[-1], bytes + align);
}

static size_t page_bytes(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t round_up(size_t n, size_t to)
{
        return (n + to - 1) & ~(to - 1);
}

/* Cut [ptr, ptr + bytes) at an aligned place out of a mapping that is longer by @align. */
static char *cut_aligned(char *raw, size_t bytes, size_t align)
{
        char *ptr = raw + (round_up((uintptr_t)raw, align) - (uintptr_t)raw);
        size_t before = (size_t)(ptr - raw), behind = align - before;

        if (before)
                munmap(raw, before);
        if (behind)
                munmap(ptr + bytes, behind);
        return ptr;
}

void *execi_map(size_t bytes, size_t align)
{
        size_t page = page_bytes(), extra = align > page ? align : 0, total;

        if (bytes == 0 || bytes > INT64_MAX / 2 || execi_fault(FAULT_MAP))
                return NULL;
        bytes = round_up(bytes, page);
        if (__builtin_add_overflow(bytes, extra, &total))
                return NULL;
        int saved_errno = errno;
        char *ptr = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        errno = saved_errno;
        if (ptr == MAP_FAILED)
                return NULL;
        if (extra)
                ptr = cut_aligned(ptr, bytes, align);
        atom_add(&n_mapped, (int64_t)bytes, RELAXED);
        return ptr;
}

/* A munmap that would split a mapping can fail at the system's limit of mappings. Freeing cannot fail: then the pages
 * go back and only the addresses stay taken (and counted). */
void execi_unmap(void *ptr, size_t bytes)
{
        int saved_errno = errno;

        if (!ptr)
                return;
        bytes = round_up(bytes, page_bytes());
        if (munmap(ptr, bytes) == 0)
                atom_sub(&n_mapped, (int64_t)bytes, RELAXED);
        else
                madvise(ptr, bytes, MADV_DONTNEED);
        errno = saved_errno;
}

static void advise(void *ptr, size_t bytes, int advice)
{
        int saved_errno = errno;

        if (!execi_fault(FAULT_MADVISE))
                madvise(ptr, bytes, advice);
        errno = saved_errno;
}

void execi_unback(void *ptr, size_t bytes)
{
        advise(ptr, bytes, MADV_DONTNEED);
}

void execi_hugepages(void *ptr, size_t bytes)
{
        advise(ptr, bytes, MADV_HUGEPAGE);
}

void *execi_array_new(size_t bytes)
{
        void *ptr;

        if (bytes < ARRAY_MAPPED)
                return execi_alloc_aligned(bytes, CACHE_LINE);
        if (bytes < ARRAY_HUGE)
                return execi_map(bytes, 1);
        ptr = execi_map(bytes, ARRAY_HUGE);
        if (ptr)
                execi_hugepages(ptr, bytes);
        return ptr;
}

void execi_array_free(void *ptr, size_t bytes)
{
        if (bytes < ARRAY_MAPPED)
                execi_free_aligned(ptr, bytes, CACHE_LINE);
        else
                execi_unmap(ptr, bytes);
}

void execi_array_unback(void *ptr, size_t kept, size_t bytes)
{
        kept = round_up(kept, page_bytes());
        if (bytes >= ARRAY_MAPPED && kept < bytes)
                execi_unback((char *)ptr + kept, bytes - kept);
}

int64_t execi_memory_allocated(void)
{
        return atom_load(&n_allocated, ACQUIRE);
}

int64_t execi_memory_mapped(void)
{
        return atom_load(&n_mapped, RELAXED);
}
