/* heap.h - a 4-ary min-heap of timers, from which any timer can be removed. No locking.
 *
 * Entries {deadline, slot} lie together in one array; where a timer's entry stands is kept in a second compact
 * array, not in the timer: sifting past a million timers must not touch a million stacks.
 * A push never fails: when the arrays cannot grow the timer goes to an unsorted overflow list.
 *
 * H1 a timer is in the heap or the overflow list from push until pop or remove, and in neither otherwise.
 * H2 execi_heap_min() is the least deadline of both, EXEC_FOREVER (INT64_MAX) when empty. */
#ifndef EXECI_BASE_HEAP_H
#define EXECI_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct execi_timer {
        int64_t deadline_ns;
        struct execi_timer *next; /* overflow list */
        uint32_t slot;            /* index into the slot array, or one of two marks: overflow, not in the heap */
        uint32_t kind;            /* for the owner of the heap: what the timer belongs to */
};

struct execi_heap_entry;
struct execi_heap_slot;

struct execi_heap {
        struct execi_heap_entry *entries;
        struct execi_heap_slot *slots;
        uint32_t n, capacity, free_slot;
        struct execi_timer *overflow;
        size_t n_overflow;
};

void execi_heap_init(struct execi_heap *h);
void execi_heap_fini(struct execi_heap *h);
void execi_timer_init(struct execi_timer *t, int64_t deadline_ns, uint32_t kind);
void execi_heap_push(struct execi_heap *h, struct execi_timer *t);
bool execi_heap_remove(struct execi_heap *h, struct execi_timer *t); /* false: it is not in the heap */
struct execi_timer *execi_heap_pop(struct execi_heap *h, int64_t now_ns); /* earliest that is due, or NULL */
int64_t execi_heap_min(const struct execi_heap *h);
size_t execi_heap_count(const struct execi_heap *h);
void execi_heap_trim(struct execi_heap *h); /* give memory back: all of it when empty, else shrink to fit */

#endif
