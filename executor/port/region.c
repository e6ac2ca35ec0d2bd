/* region.c - slots in lists, and pages given back by runs. */
#include "port/region.h"

#include "base/check.h"
#include "port/fault.h"
#include "port/memory.h"
#include "port/sanitizer.h"

#include <sys/mman.h>

enum { NO_SLOT = EXECI_REGION_NO_SLOT };

/* ---- lists ---- */

static void push_cold(struct execi_stack_region *r, size_t i)
{
        r->slots[i].state = SLOT_COLD;
        r->slots[i].next = r->cold;
        r->cold = (uint16_t)i;
}

static size_t pop(struct execi_stack_region *r, uint16_t *head, char *low[], size_t n)
{
        size_t got = 0;

        for (; got < n && *head != NO_SLOT; got++) {
                size_t i = *head;
                *head = r->slots[i].next;
                r->slots[i].state = SLOT_USED;
                low[got] = execi_region_low(r, i);
        }
        r->n_used += got;
        return got;
}

size_t execi_region_pop_warm(struct execi_stack_region *r, char *low[], size_t n)
{
        size_t got = pop(r, &r->warm, low, n);

        r->n_warm -= got;
        return got;
}

size_t execi_region_pop_cold(struct execi_stack_region *r, char *low[], size_t n)
{
        return pop(r, &r->cold, low, n);
}

void execi_region_push_warm(struct execi_stack_region *r, char *low)
{
        size_t i = execi_region_index(r, low);

        CHECK(r->slots[i].state == SLOT_USED, "stack %p is given back twice", (void *)low);
        r->slots[i].state = SLOT_WARM;
        r->slots[i].next = r->warm;
        r->warm = (uint16_t)i;
        r->n_warm++;
        r->n_used--;
}

void execi_region_push_cold(struct execi_stack_region *r, char *low)
{
        push_cold(r, execi_region_index(r, low));
        r->n_used--;
}

/* ---- trim ---- */

/* The top of the warm list is the warmest. */
size_t execi_region_send_away(struct execi_stack_region *r)
{
        uint16_t *at = &r->warm;
        size_t n = 0;

        for (size_t kept = 0; kept < r->n_keep && *at != NO_SLOT; kept++)
                at = &r->slots[*at].next;
        for (size_t i = *at; i != NO_SLOT; i = r->slots[i].next, n++) {
                r->slots[i].state = SLOT_AWAY;
                r->away[i / 64] |= (uint64_t)1 << i % 64;
        }
        *at = NO_SLOT;
        r->n_warm -= n;
        r->n_used += n;
        return n;
}

/* One call for each run of neighbours; the guards between them survive it. */
void execi_region_unback_away(const struct execi_stack_region *r)
{
        for (size_t i = 0, end; i < r->n_slots; i = end + 1) {
                for (end = i; end < r->n_slots && execi_region_is_away(r, end); end++)
                        ;
                if (end > i)
                        execi_unback(execi_region_low(r, i), (end - i) * r->stride - EXECI_GUARD_BYTES);
        }
}

void execi_region_take_back(struct execi_stack_region *r)
{
        for (size_t i = r->n_slots; i > 0; i--) { /* so that the lowest comes first */
                if (!execi_region_is_away(r, i - 1))
                        continue;
                r->away[(i - 1) / 64] &= ~((uint64_t)1 << (i - 1) % 64);
                push_cold(r, i - 1);
                r->n_used--;
        }
}

/* ---- new and free ---- */

static size_t record_bytes(size_t n_slots)
{
        return sizeof(struct execi_stack_region) + n_slots * sizeof(struct execi_slot);
}

struct execi_stack_region *execi_region_new(size_t stride, size_t n)
{
        size_t total;

        if (n > EXECI_REGION_SLOTS_MAX || __builtin_mul_overflow(n, stride, &total))
                return NULL;
        struct execi_stack_region *r = execi_alloc(record_bytes(n));
        if (!r)
                return NULL;
        r->base = execi_map(total, 1);
        if (!r->base) {
                execi_free(r, record_bytes(n));
                return NULL;
        }
        r->bytes = total;
        r->stride = stride;
        r->n_slots = n;
        r->warm = r->cold = NO_SLOT;
        for (size_t i = n; i > 0; i--)
                push_cold(r, i - 1);
        if (!execi_fault(FAULT_MADVISE)) /* a huge page would make every stack cost 2 MiB */
                madvise(r->base, total, MADV_NOHUGEPAGE);
        execi_sanitizer_region_add(r->base, total);
        return r;
}

void execi_region_free(struct execi_stack_region *r)
{
        execi_sanitizer_region_remove(r->base, r->bytes);
        execi_unmap(r->base, r->bytes);
        execi_free(r, record_bytes(r->n_slots));
}
