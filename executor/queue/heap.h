/* heap.h - a 4-ary min-heap of timers, from which any timer can be removed. No locking.
 *
 * Entries {deadline, slot} lie together in one array, the four children of one in one cache line; where a slot's entry
 * stands is kept in a second compact array, not in the timer: sifting past a million timers must not touch a million
 * stacks. 28 bytes a timer.
 * A push never fails: when the arrays cannot grow the timer goes to an unsorted overflow list.
 *
 * H1 a timer is in the heap or the overflow list from push until pop or remove, and in neither otherwise.
 * H2 execi_heap_min() is the least deadline of both, EXEC_FOREVER (INT64_MAX) when empty.
 * H3 the overflow list is used only while the heap is full. */
#ifndef EXECI_QUEUE_HEAP_H
#define EXECI_QUEUE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXECI_TIMER_OUTSIDE  UINT32_MAX
#define EXECI_TIMER_OVERFLOW (UINT32_MAX - 1)

struct execi_timer {
        int64_t deadline_ns;
        struct execi_timer *next; /* overflow list */
        uint32_t slot;            /* in the heap: its slot; else one of the marks above */
        uint32_t kind;            /* for the owner of the heap: what the timer belongs to */
};

struct execi_heap_entry;

struct execi_heap {
        struct execi_heap_entry *entries; /* [ROOT, ROOT + n); all three arrays are one block of memory */
        struct execi_timer **timers;      /* by slot */
        uint32_t *positions;              /* by slot: index of its entry; of a free slot: the next free slot */
        uint32_t n, capacity, free_slot;
        struct execi_timer *overflow;
        size_t n_overflow;
        int64_t overflow_min_ns;
};

void execi_heap_init(struct execi_heap *h);
void execi_heap_fini(struct execi_heap *h);
void execi_timer_init(struct execi_timer *t, int64_t deadline_ns, uint32_t kind);
void execi_heap_push(struct execi_heap *h, struct execi_timer *t);
bool execi_heap_remove(struct execi_heap *h, struct execi_timer *t);      /* false: it is not in the heap */
struct execi_timer *execi_heap_pop(struct execi_heap *h, int64_t now_ns); /* earliest that is due, or NULL */
int64_t execi_heap_min(const struct execi_heap *h);
size_t execi_heap_count(const struct execi_heap *h);
void execi_heap_trim(struct execi_heap *h); /* give memory back: all of it when empty, else shrink to fit */

#endif
