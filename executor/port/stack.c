/* stack.c - a set of regions: which stack is handed out next, and giving memory back.
 *
 * Regions with warm slots form one list, those with cold ones another; get takes from the first of the warm list, so
 * that the stack put back last comes first, then from the cold one. A slot's first guard is made while it is USED,
 * outside the lock; without one it goes back (S1). A region with slots in use, or away in a trim, stays (S3). System
 * calls are made without the lock.
 *
 * Regions grow with what exists, from FIRST_SLOTS stacks: a small pool reserves little, and a million stacks are 250
 * mappings. When a region cannot be had, half as large a one is tried. A region that trim finds unused is unmapped, not
 * only emptied: that costs a quarter more and gives the page tables back too (0.6 KiB a stack).
 *
 * Counters are relaxed: they order nothing. */
#include "port/stack.h"

#include "base/check.h"
#include "port/atomic.h"
#include "port/depth.h"
#include "port/lone.h"
#include "port/memory.h"
#include "port/region.h"
#include "port/sanitizer.h"

#include <errno.h>
#include <unistd.h>

enum { FIRST_SLOTS = 64, SLOTS_MAX_SANITIZED = 64, BATCH = 64, N_COLOURS = 19 };

static size_t page_bytes(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t stride(const struct execi_stacks *s)
{
        return s->bytes + EXECI_GUARD_BYTES;
}

static void count_made(struct execi_stacks *s, enum execi_guard kind, size_t n)
{
        uint64_t live = atom_add(&s->n_live, n, RELAXED) + n; /* @relaxed count */
        uint64_t peak = atom_load(&s->n_peak, RELAXED);

        atom_add(&s->n_guard[kind], n, RELAXED);
        while (peak < live && !atom_cas(&s->n_peak, &peak, live, ACQ_REL))
                ;
}

static void count_gone(struct execi_stacks *s, enum execi_guard kind, size_t n)
{
        atom_sub(&s->n_live, n, RELAXED);
        atom_sub(&s->n_guard[kind], n, RELAXED);
        execi_guard_forget(kind, n);
}

/* ---- growing ---- */

/* As many slots again as there are. Sanitizers do work for every page of a mapping: small ones there. */
static size_t next_region_slots(const struct execi_stacks *s)
{
        size_t max = execi_sanitizer ? SLOTS_MAX_SANITIZED : EXECI_REGION_SLOTS_MAX;
        size_t n = s->regions.n_slots > FIRST_SLOTS ? s->regions.n_slots : FIRST_SLOTS;

        return n < max ? n : max;
}

/* One more region. Two threads may both add one. */
static bool grow(struct execi_stacks *s)
{
        struct execi_stack_region *r = NULL;

        execi_spin_lock(&s->lock);
        size_t n = next_region_slots(s);
        execi_spin_unlock(&s->lock);
        for (; n && !r; n /= 2)
                r = execi_region_new(stride(s), n);
        if (!r)
                return false;
        execi_spin_lock(&s->lock);
        bool has_room = execi_regions_reserve_locked(&s->regions, &s->lock);
        if (has_room) {
                execi_regions_insert_locked(&s->regions, r);
                execi_regions_list_cold_locked(&s->regions, r);
        }
        execi_spin_unlock(&s->lock);
        if (!has_room)
                execi_region_free(r);
        return has_room;
}

/* ---- lone stacks ---- */

static size_t get_lone(struct execi_stacks *s, char *low[], size_t n)
{
        size_t got = 0;

        while (got < n && (low[got] = execi_lone_new(s->bytes, s->rung)))
                count_made(s, execi_lone_guard(low[got++]), 1);
        return got;
}

static void put_lone(struct execi_stacks *s, char *const low[], size_t n)
{
        for (size_t i = 0; i < n; i++) {
                execi_depth_see(s, low[i]);
                count_gone(s, execi_lone_guard(low[i]), 1);
                execi_lone_free(low[i], s->bytes);
        }
}

/* ---- get and put ---- */

static size_t take_warm(struct execi_stacks *s, char *low[], size_t n)
{
        size_t got = 0;

        execi_spin_lock(&s->lock);
        while (got < n && s->regions.warm) {
                struct execi_stack_region *r = s->regions.warm;
                got += execi_region_pop_warm(r, low + got, n - got);
                if (r->warm != EXECI_REGION_NO_SLOT)
                        break;
                s->regions.warm = r->next_warm;
                r->is_on_warm = false;
        }
        execi_spin_unlock(&s->lock);
        atom_sub(&s->n_free, got, RELAXED);
        return got;
}

/* Up to BATCH of one region, *from. */
static size_t take_cold(struct execi_stacks *s, char *low[], size_t n, struct execi_stack_region **from)
{
        size_t got = 0;

        execi_spin_lock(&s->lock);
        struct execi_stack_region *r = *from = s->regions.cold;
        if (r) {
                got = execi_region_pop_cold(r, low, n < BATCH ? n : BATCH);
                if (r->cold == EXECI_REGION_NO_SLOT) {
                        s->regions.cold = r->next_cold;
                        r->is_on_cold = false;
                }
        }
        execi_spin_unlock(&s->lock);
        return got;
}

static void swap(char **a, char **b)
{
        char *t = *a;

        *a = *b;
        *b = t;
}

/* Give each of the @n stacks just taken its guard, if it has none from an earlier use. What got none moves to the end.
 * Returns how many have one. */
static size_t guard_taken(struct execi_stacks *s, struct execi_stack_region *r, char *low[], size_t n)
{
        enum execi_guard kind[BATCH];
        size_t n_old = 0;

        for (size_t i = 0; i < n; i++) {
                struct execi_slot *slot = execi_region_slot(r, low[i]);
                if (slot->kind == GUARD_CANARY)
                        execi_guard_write_canary(low[i]); /* trim has wiped it out */
                if (slot->kind != GUARD_BEST)
                        swap(&low[i], &low[n_old++]);
        }
        atom_sub(&s->n_free, n_old, RELAXED);
        execi_guard_install(s->rung, low + n_old, kind, n - n_old);
        size_t good = n_old;
        for (size_t i = n_old; i < n; i++) {
                if (kind[i - n_old] == GUARD_BEST)
                        continue;
                execi_region_slot(r, low[i])->kind = (uint8_t)kind[i - n_old];
                count_made(s, kind[i - n_old], 1);
                swap(&low[i], &low[good++]);
        }
        return good;
}

static void put_unguarded(struct execi_stacks *s, struct execi_stack_region *r, char *const low[], size_t n)
{
        execi_spin_lock(&s->lock);
        for (size_t i = 0; i < n; i++)
                execi_region_push_cold(r, low[i]);
        execi_regions_list_cold_locked(&s->regions, r);
        execi_spin_unlock(&s->lock);
}

size_t execi_stacks_get(struct execi_stacks *s, char *low[], size_t n)
{
        struct execi_stack_region *r;

        if (!s->recycle)
                return get_lone(s, low, n);
        size_t got = take_warm(s, low, n);
        while (got < n) {
                size_t taken = take_cold(s, low + got, n - got, &r);
                if (!taken) {
                        if (!grow(s))
                                break;
                        continue;
                }
                size_t good = guard_taken(s, r, low + got, taken);
                got += good;
                if (good < taken) {
                        put_unguarded(s, r, low + got, taken - good);
                        break;
                }
        }
        return got;
}

void execi_stacks_put(struct execi_stacks *s, char *const low[], size_t n)
{
        if (!s->recycle) {
                put_lone(s, low, n);
                return;
        }
        struct execi_stack_region *r = NULL;
        execi_spin_lock(&s->lock);
        for (size_t i = 0; i < n; i++) {
                if (!r || !execi_region_has(r, low[i])) /* most often that of the one before */
                        r = execi_regions_find_locked(&s->regions, low[i]);
                execi_region_push_warm(r, low[i]); /* S3 */
                execi_regions_list_warm_locked(&s->regions, r);
        }
        atom_add(&s->n_free, n, RELAXED); /* before anybody can take them: it never falls below 0 */
        execi_spin_unlock(&s->lock);
}

/* ---- trim ---- */

/* Spread @keep over the warm stacks: first over regions that stay anyhow, then over small ones. Returns how many are
 * warm. */
static size_t plan_keep(struct execi_stacks *s, size_t keep)
{
        size_t n_warm = 0;

        execi_spin_lock(&s->lock);
        for (size_t i = 0; i < s->regions.n; i++) {
                struct execi_stack_region *r = s->regions.by_address[i];
                n_warm += r->n_warm;
                r->n_keep = !r->n_used ? 0 : r->n_warm < keep ? r->n_warm : keep;
                keep -= r->n_keep;
        }
        for (size_t max = FIRST_SLOTS; keep && max <= EXECI_REGION_SLOTS_MAX; max *= 2) {
                for (size_t i = 0; i < s->regions.n; i++) {
                        struct execi_stack_region *r = s->regions.by_address[i];
                        if (r->n_used || r->n_keep || r->n_slots > max)
                                continue;
                        r->n_keep = r->n_warm < keep ? r->n_warm : keep;
                        keep -= r->n_keep;
                }
        }
        execi_spin_unlock(&s->lock);
        return n_warm;
}

/* Unmap a region that nobody can reach any more. */
static void drop(struct execi_stacks *s, struct execi_stack_region *r)
{
        size_t n[GUARD_CANARY + 1] = {0};

        for (size_t i = 0; i < r->n_slots; i++)
                n[r->slots[i].kind]++;
        for (enum execi_guard kind = GUARD_MADVISE; kind <= GUARD_CANARY; kind++) {
                if (!n[kind])
                        continue;
                count_gone(s, kind, n[kind]);
                atom_sub(&s->n_free, n[kind], RELAXED);
        }
        execi_region_free(r);
}

/* Trim the first region above @base. Returns its base, NULL: there is none. @n_warm: of all regions. */
static const char *trim_next(struct execi_stacks *s, const char *base, size_t n_warm)
{
        struct execi_stack_region *r = NULL;
        size_t n_away = 0;

        execi_spin_lock(&s->lock);
        size_t at = execi_regions_upto_locked(&s->regions, base);
        if (at < s->regions.n)
                r = s->regions.by_address[at];
        bool is_unused = r && !r->n_used && !r->n_keep;
        if (is_unused) {
                execi_regions_remove_locked(&s->regions, r);
                s->n_unmapped++;
        } else if (r) {
                n_away = execi_region_send_away(r);
                execi_regions_unlist_locked(&s->regions);
        }
        execi_spin_unlock(&s->lock);
        if (!r)
                return NULL;
        base = r->base;
        if (is_unused) {
                execi_region_send_away(r);
                execi_depth_see_away(s, r, n_warm);
                drop(s, r);
        } else if (n_away) {
                execi_depth_see_away(s, r, n_warm);
                execi_region_unback_away(r);
                execi_spin_lock(&s->lock);
                execi_region_take_back(r);
                execi_regions_list_cold_locked(&s->regions, r);
                execi_spin_unlock(&s->lock);
        }
        return base;
}

void execi_stacks_trim(struct execi_stacks *s, size_t keep)
{
        const char *base = NULL;

        if (!s->recycle || atom_swap(&s->is_trimming, true, ACQUIRE))
                return;
        size_t n_warm = plan_keep(s, keep);
        do
                base = trim_next(s, base, n_warm);
        while (base);
        atom_store(&s->is_trimming, false, RELEASE);
}

/* ---- questions ---- */

unsigned execi_stack_colour(const struct execi_stacks *s, const char *low)
{
        return (unsigned)((uintptr_t)low / stride(s) % N_COLOURS);
}

enum execi_guard execi_stack_guard(struct execi_stacks *s, const char *low)
{
        if (!s->recycle)
                return execi_lone_guard(low);
        execi_spin_lock(&s->lock);
        enum execi_guard kind = execi_region_slot(execi_regions_find_locked(&s->regions, low), low)->kind;
        execi_spin_unlock(&s->lock);
        return kind;
}

bool execi_stack_intact(struct execi_stacks *s, const char *low)
{
        if (!atom_load(&s->n_guard[GUARD_CANARY], RELAXED) || execi_stack_guard(s, low) != GUARD_CANARY)
                return true;
        return execi_guard_canary_intact(low);
}

/* ---- start and end ---- */

int execi_stacks_init(struct execi_stacks *s, size_t bytes, enum execi_guard rung, bool recycle)
{
        size_t page = page_bytes();

        if (rung == GUARD_MADVISE && !execi_guard_probe())
                return -ENOTSUP;
        *s = (struct execi_stacks){.bytes = (bytes + page - 1) / page * page, .rung = rung, .recycle = recycle};
        return 0;
}

void execi_stacks_fini(struct execi_stacks *s)
{
        for (size_t i = 0; i < s->regions.n; i++) {
                struct execi_stack_region *r = s->regions.by_address[i];
                CHECK(r->n_used == 0, "%zu stacks are still in use", r->n_used);
                drop(s, r);
        }
        execi_free(s->regions.by_address, s->regions.capacity * sizeof *s->regions.by_address);
        CHECK(atom_load(&s->n_live, RELAXED) == 0, "stacks are still in use");
}
