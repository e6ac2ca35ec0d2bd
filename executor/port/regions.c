/* regions.c - a sorted array and two lists. */
#include "port/regions.h"

#include "base/check.h"
#include "port/memory.h"
#include "port/sanitizer.h"

/* ---- by address ---- */

size_t execi_regions_upto_locked(const struct execi_regions *rs, const char *address)
{
        size_t low = 0, high = rs->n;

        while (low < high) {
                size_t mid = (low + high) / 2;
                if (rs->by_address[mid]->base <= address)
                        low = mid + 1;
                else
                        high = mid;
        }
        return low;
}

struct execi_stack_region *execi_regions_find_locked(const struct execi_regions *rs, const char *low)
{
        size_t at = execi_regions_upto_locked(rs, low);
        struct execi_stack_region *r = at ? rs->by_address[at - 1] : NULL;

        CHECK(r && execi_region_has(r, low), "stack %p does not belong here", (const void *)low);
        return r;
}

/* Upwards. gcc makes a memmove of it, which ThreadSanitizer sees, but not the lock. */
static void copy(struct execi_stack_region **to, struct execi_stack_region *const *from, size_t n)
{
        execi_tsan_ignore_begin();
        for (size_t i = 0; i < n; i++)
                to[i] = from[i];
        execi_tsan_ignore_end();
}

bool execi_regions_reserve_locked(struct execi_regions *rs, struct execi_spin *lock)
{
        while (rs->n == rs->capacity) {
                size_t old = rs->capacity, wanted = old ? old * 2 : 8;
                execi_spin_unlock(lock);
                struct execi_stack_region **bigger = execi_alloc(wanted * sizeof *bigger), **unused = bigger;
                execi_spin_lock(lock);
                if (!bigger)
                        return false;
                if (rs->capacity == old) {
                        copy(bigger, rs->by_address, rs->n);
                        unused = rs->by_address;
                        rs->by_address = bigger;
                        rs->capacity = wanted;
                        wanted = old;
                }
                execi_spin_unlock(lock);
                execi_free(unused, wanted * sizeof *unused);
                execi_spin_lock(lock);
        }
        return true;
}

void execi_regions_insert_locked(struct execi_regions *rs, struct execi_stack_region *r)
{
        size_t at = execi_regions_upto_locked(rs, r->base);

        execi_tsan_ignore_begin(); /* as in copy() */
        for (size_t i = rs->n; i > at; i--)
                rs->by_address[i] = rs->by_address[i - 1];
        execi_tsan_ignore_end();
        rs->by_address[at] = r;
        rs->n++;
        rs->n_slots += r->n_slots;
}

/* ---- lists ---- */

void execi_regions_list_warm_locked(struct execi_regions *rs, struct execi_stack_region *r)
{
        if (r->is_on_warm)
                return;
        r->is_on_warm = true;
        r->next_warm = rs->warm;
        rs->warm = r;
}

void execi_regions_list_cold_locked(struct execi_regions *rs, struct execi_stack_region *r)
{
        if (r->is_on_cold)
                return;
        r->is_on_cold = true;
        r->next_cold = rs->cold;
        rs->cold = r;
}

static void unlist_locked(struct execi_regions *rs, const struct execi_stack_region *gone)
{
        for (struct execi_stack_region **at = &rs->warm, *r; (r = *at);) {
                if (r == gone || r->warm == EXECI_REGION_NO_SLOT) {
                        *at = r->next_warm;
                        r->is_on_warm = false;
                } else {
                        at = &r->next_warm;
                }
        }
        for (struct execi_stack_region **at = &rs->cold, *r; (r = *at);) {
                if (r == gone || r->cold == EXECI_REGION_NO_SLOT) {
                        *at = r->next_cold;
                        r->is_on_cold = false;
                } else {
                        at = &r->next_cold;
                }
        }
}

void execi_regions_unlist_locked(struct execi_regions *rs)
{
        unlist_locked(rs, NULL);
}

void execi_regions_remove_locked(struct execi_regions *rs, struct execi_stack_region *r)
{
        size_t at = execi_regions_upto_locked(rs, r->base) - 1;

        rs->n--;
        rs->n_slots -= r->n_slots;
        copy(rs->by_address + at, rs->by_address + at + 1, rs->n - at);
        unlist_locked(rs, r);
}
