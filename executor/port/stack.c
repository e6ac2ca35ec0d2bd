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
#include "port/memory.h"
#include "port/region.h"
#include "port/sanitizer.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FIRST_SLOTS = 64, SLOTS_MAX_SANITIZED = 64, BATCH = 64, N_COLOURS = 19 };

/* A stack that is never used again lies alone in its mapping, with this below its guard. */
struct lone_head {
        enum execi_guard kind;
};

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

/* ---- the index of regions ---- */

/* How many regions begin at or below @address. */
static size_t regions_upto_locked(const struct execi_stacks *s, const char *address)
{
        size_t low = 0, high = s->n_regions;

        while (low < high) {
                size_t mid = (low + high) / 2;
                if (s->regions[mid]->base <= address)
                        low = mid + 1;
                else
                        high = mid;
        }
        return low;
}

static struct execi_stack_region *find_locked(const struct execi_stacks *s, const char *low)
{
        size_t at = regions_upto_locked(s, low);
        struct execi_stack_region *r = at ? s->regions[at - 1] : NULL;

        CHECK(r && low < r->base + r->bytes, "stack %p does not belong here", (const void *)low);
        return r;
}

static void insert_locked(struct execi_stacks *s, struct execi_stack_region *r)
{
        size_t at = regions_upto_locked(s, r->base);

        execi_tsan_ignore_begin(); /* gcc makes a memmove of it, which ThreadSanitizer sees, but not the lock */
        for (size_t i = s->n_regions; i > at; i--)
                s->regions[i] = s->regions[i - 1];
        execi_tsan_ignore_end();
        s->regions[at] = r;
        s->n_regions++;
        s->n_slots += r->n_slots;
}

static void remove_locked(struct execi_stacks *s, struct execi_stack_region *r)
{
        size_t at = regions_upto_locked(s, r->base) - 1;

        s->n_regions--;
        s->n_slots -= r->n_slots;
        for (size_t i = at; i < s->n_regions; i++)
                s->regions[i] = s->regions[i + 1];
}

/* Room in the index for one more. false: no memory. Called and returns with the lock held, but lets go of it. */
static bool reserve_index_locked(struct execi_stacks *s)
{
        while (s->n_regions == s->regions_capacity) {
                size_t old = s->regions_capacity, wanted = old ? old * 2 : 8;
                execi_spin_unlock(&s->lock);
                struct execi_stack_region **bigger = execi_alloc(wanted * sizeof *bigger), **unused = bigger;
                execi_spin_lock(&s->lock);
                if (!bigger)
                        return false;
                if (s->regions_capacity == old) {
                        for (size_t i = 0; i < s->n_regions; i++)
                                bigger[i] = s->regions[i];
                        unused = s->regions;
                        s->regions = bigger;
                        s->regions_capacity = wanted;
                        wanted = old;
                }
                execi_spin_unlock(&s->lock);
                execi_free(unused, wanted * sizeof *unused);
                execi_spin_lock(&s->lock);
        }
        return true;
}

/* ---- lists of regions ---- */

static void list_warm_locked(struct execi_stacks *s, struct execi_stack_region *r)
{
        if (r->is_on_warm)
                return;
        r->is_on_warm = true;
        r->next_warm = s->warm;
        s->warm = r;
}

static void list_cold_locked(struct execi_stacks *s, struct execi_stack_region *r)
{
        if (r->is_on_cold)
                return;
        r->is_on_cold = true;
        r->next_cold = s->cold;
        s->cold = r;
}

/* Take the regions that have no such slot any more off the lists, and the one that is about to be unmapped. */
static void unlist_locked(struct execi_stacks *s, const struct execi_stack_region *gone)
{
        for (struct execi_stack_region **at = &s->warm, *r; (r = *at);) {
                if (r == gone || r->warm == EXECI_REGION_NO_SLOT) {
                        *at = r->next_warm;
                        r->is_on_warm = false;
                } else {
                        at = &r->next_warm;
                }
        }
        for (struct execi_stack_region **at = &s->cold, *r; (r = *at);) {
                if (r == gone || r->cold == EXECI_REGION_NO_SLOT) {
                        *at = r->next_cold;
                        r->is_on_cold = false;
                } else {
                        at = &r->next_cold;
                }
        }
}

/* ---- growing ---- */

/* As many slots again as there are. Sanitizers do work for every page of a mapping: small ones there. */
static size_t next_region_slots(const struct execi_stacks *s)
{
        size_t max = execi_sanitizer ? SLOTS_MAX_SANITIZED : EXECI_REGION_SLOTS_MAX;
        size_t n = s->n_slots > FIRST_SLOTS ? s->n_slots : FIRST_SLOTS;

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
        bool has_room = reserve_index_locked(s);
        if (has_room) {
                insert_locked(s, r);
                list_cold_locked(s, r);
        }
        execi_spin_unlock(&s->lock);
        if (!has_room)
                execi_region_free(r);
        return has_room;
}

/* ---- lone stacks ---- */

static size_t lone_bytes(const struct execi_stacks *s)
{
        return page_bytes() + stride(s);
}

static struct lone_head *lone_head(const char *low)
{
        return (struct lone_head *)(uintptr_t)(low - EXECI_GUARD_BYTES - page_bytes());
}

static size_t get_lone(struct execi_stacks *s, char *low[], size_t n)
{
        size_t got = 0;

        for (; got < n; got++) {
                enum execi_guard kind;
                char *base = execi_map(lone_bytes(s), 1);
                if (!base)
                        break;
                low[got] = base + page_bytes() + EXECI_GUARD_BYTES;
                execi_guard_install(s->rung, &low[got], &kind, 1);
                if (kind == GUARD_BEST) {
                        execi_unmap(base, lone_bytes(s));
                        break;
                }
                lone_head(low[got])->kind = kind;
                execi_sanitizer_region_add(base, lone_bytes(s));
                count_made(s, kind, 1);
        }
        return got;
}

static void put_lone(struct execi_stacks *s, char *const low[], size_t n)
{
        for (size_t i = 0; i < n; i++) {
                struct lone_head *base = lone_head(low[i]);
                count_gone(s, base->kind, 1);
                execi_sanitizer_region_remove(base, lone_bytes(s));
                execi_unmap(base, lone_bytes(s));
        }
}

/* ---- get and put ---- */

static size_t take_warm(struct execi_stacks *s, char *low[], size_t n)
{
        size_t got = 0;

        execi_spin_lock(&s->lock);
        while (got < n && s->warm) {
                struct execi_stack_region *r = s->warm;
                got += execi_region_pop_warm(r, low + got, n - got);
                if (r->warm != EXECI_REGION_NO_SLOT)
                        break;
                s->warm = r->next_warm;
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
        struct execi_stack_region *r = *from = s->cold;
        if (r) {
                got = execi_region_pop_cold(r, low, n < BATCH ? n : BATCH);
                if (r->cold == EXECI_REGION_NO_SLOT) {
                        s->cold = r->next_cold;
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
        list_cold_locked(s, r);
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
        execi_spin_lock(&s->lock);
        for (size_t i = 0; i < n; i++) {
                struct execi_stack_region *r = find_locked(s, low[i]);
                execi_region_push_warm(r, low[i]); /* S3 */
                list_warm_locked(s, r);
        }
        atom_add(&s->n_free, n, RELAXED); /* before anybody can take them: it never falls below 0 */
        execi_spin_unlock(&s->lock);
}

/* ---- trim ---- */

/* Spread @keep over the warm stacks: first over regions that stay anyhow, then over small ones. */
static void plan_keep(struct execi_stacks *s, size_t keep)
{
        execi_spin_lock(&s->lock);
        for (size_t i = 0; i < s->n_regions; i++) {
                struct execi_stack_region *r = s->regions[i];
                r->n_keep = !r->n_used ? 0 : r->n_warm < keep ? r->n_warm : keep;
                keep -= r->n_keep;
        }
        for (size_t max = FIRST_SLOTS; keep && max <= EXECI_REGION_SLOTS_MAX; max *= 2) {
                for (size_t i = 0; i < s->n_regions; i++) {
                        struct execi_stack_region *r = s->regions[i];
                        if (r->n_used || r->n_keep || r->n_slots > max)
                                continue;
                        r->n_keep = r->n_warm < keep ? r->n_warm : keep;
                        keep -= r->n_keep;
                }
        }
        execi_spin_unlock(&s->lock);
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

/* Trim the first region above @base. Returns its base, NULL: there is none. */
static const char *trim_next(struct execi_stacks *s, const char *base)
{
        struct execi_stack_region *r = NULL;
        size_t n_away = 0;

        execi_spin_lock(&s->lock);
        size_t at = regions_upto_locked(s, base);
        if (at < s->n_regions)
                r = s->regions[at];
        bool is_unused = r && !r->n_used && !r->n_keep;
        if (is_unused) {
                remove_locked(s, r);
                unlist_locked(s, r);
        } else if (r) {
                n_away = execi_region_send_away(r);
                unlist_locked(s, NULL);
        }
        execi_spin_unlock(&s->lock);
        if (!r)
                return NULL;
        base = r->base;
        if (is_unused) {
                drop(s, r);
        } else if (n_away) {
                execi_region_unback_away(r);
                execi_spin_lock(&s->lock);
                execi_region_take_back(r);
                list_cold_locked(s, r);
                execi_spin_unlock(&s->lock);
        }
        return base;
}

void execi_stacks_trim(struct execi_stacks *s, size_t keep)
{
        const char *base = NULL;

        if (!s->recycle || atom_swap(&s->is_trimming, true, ACQUIRE))
                return;
        plan_keep(s, keep);
        do
                base = trim_next(s, base);
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
                return lone_head(low)->kind;
        execi_spin_lock(&s->lock);
        enum execi_guard kind = execi_region_slot(find_locked(s, low), low)->kind;
        execi_spin_unlock(&s->lock);
        return kind;
}

bool execi_stack_intact(struct execi_stacks *s, const char *low)
{
        if (!atom_load(&s->n_guard[GUARD_CANARY], RELAXED) || execi_stack_guard(s, low) != GUARD_CANARY)
                return true;
        return execi_guard_canary_intact(low);
}

size_t execi_stack_touched(const struct execi_stacks *s, const char *low)
{
        const size_t page = page_bytes();
        unsigned char resident[64];

        for (size_t at = 0; at < s->bytes; at += sizeof resident * page) {
                size_t part = s->bytes - at < sizeof resident * page ? s->bytes - at : sizeof resident * page;
                if (mincore((void *)(uintptr_t)(low + at), part, resident))
                        return 0;
                for (size_t i = 0; i < part / page; i++) {
                        if (resident[i] & 1)
                                return s->bytes - at - i * page;
                }
        }
        return 0;
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
        for (size_t i = 0; i < s->n_regions; i++) {
                CHECK(s->regions[i]->n_used == 0, "%zu stacks are still in use", s->regions[i]->n_used);
                drop(s, s->regions[i]);
        }
        execi_free(s->regions, s->regions_capacity * sizeof *s->regions);
        CHECK(atom_load(&s->n_live, RELAXED) == 0, "stacks are still in use");
}
