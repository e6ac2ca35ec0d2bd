/* memory.h - all memory the library takes: small objects through the user's allocator, large ones by mmap. */
#ifndef EXECI_PORT_MEMORY_H
#define EXECI_PORT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed. NULL: out of memory. Aligned to 16. */
void *execi_alloc(size_t bytes);
void *execi_alloc_unset(size_t bytes); /* not zeroed */
/* Aligned to @align, a power of two of at least 16; to be freed with execi_free_aligned(). */
void *execi_alloc_aligned(size_t bytes, size_t align);
void execi_free(void *ptr, size_t bytes); /* NULL allowed */
void execi_free_aligned(void *ptr, size_t bytes, size_t align);

/* Anonymous, zeroed, not reserved. @align is a power of two. NULL: out of memory. */
void *execi_map(size_t bytes, size_t align);
void execi_unmap(void *ptr, size_t bytes);
/* Give the pages back, keep the addresses; what they held may be lost or not. */
void execi_unback(void *ptr, size_t bytes);

/* An array that may become large, zeroed, aligned to a cache line: small ones through the user's allocator, others
 * mapped, so that their memory goes back at once; the largest with huge pages, where they can be had. */
void *execi_array_new(size_t bytes);
void execi_array_free(void *ptr, size_t bytes);
/* Give the pages of a mapped one back, but for those of the first @kept bytes. */
void execi_array_unback(void *ptr, size_t kept, size_t bytes);
void execi_hugepages(void *ptr, size_t bytes); /* a wish */

/* What is out now, for the leak checks of the tests: bytes from the allocator, bytes mapped. */
int64_t execi_memory_allocated(void);
int64_t execi_memory_mapped(void);

#endif
