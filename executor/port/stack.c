/* stack.c - regions, their free stacks, and giving pages back.
 *
 * What is known of a stack lies in its region's array of slots, outside the stacks, so that a free or untouched stack
 * costs four bytes of memory. A slot's state:
 *
 *      COLD -- take_cold --> USED -- put --> WARM -- trim --> AWAY -- trim --> COLD        WARM -- take_warm --> USED
 *
 * A slot's first guard is made while it is USED, outside the lock; without one it goes back to COLD (S1). Free slots
 * form one warm and one cold list a region; regions that have any form a list of each kind. Slots that are USED or AWAY
 * are counted in n_used and keep their region from being unmapped (S3). System calls are made without the lock.
 *
 * Regions grow with what exists, from FIRST_SLOTS to MAX_SLOTS stacks: a small pool reserves little, and a million
 * stacks are 250 mappings. When a region cannot be had, half as large a one is tried. */
#include "port/stack.h"

#include "base/check.h"
#include "port/atomic.h"
#include "port/fault.h"
#include "port/memory.h"
#include "port/sanitizer.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FIRST_SLOTS = 64, MAX_SLOTS = 4096, MAX_SLOTS_SANITIZED = 64, BATCH = 64, N_COLOURS = 19, NO_SLOT = 0xffff };
enum slot_state { SLOT_COLD = 0, SLOT_USED, SLOT_WARM, SLOT_AWAY };

struct slot {
        uint16_t next; /* L(lock) in its region's warm or cold list */
        uint8_t kind;  /* H enum execi_guard; GUARD_BEST: none yet, or the holder of the USED slot makes it now */
        uint8_t state; /* L(lock) enum slot_state */
};

struct execi_stack_region {
        char *base;     /* I */
        size_t bytes;   /* I */
        size_t n_slots; /* I */
        /* All L(lock): */
        struct execi_stack_region *next_warm, *next_cold;
        bool is_on_warm, is_on_cold;
        uint16_t warm, cold; /* heads of its lists */
        size_t n_used, n_warm;
        size_t n_keep; /* what trim leaves warm */
        struct slot slots[];
};

/* A stack that is never used again, alone in its mapping: the head lies below the guard, for the guard's kind. */
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

static char *slot_low(const struct execi_stacks *s, const struct execi_stack_region *r, size_t i)
{
        return r->base + i * stride(s) + EXECI_GUARD_BYTES;
}

static size_t slot_index(const struct execi_stacks *s, const struct execi_stack_region *r, const char *low)
{
        return (size_t)(low - r->base) / stride(s);
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

        for (size_t i = s->n_regions; i > at; i--)
                s->regions[i] = s->regions[i - 1];
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

/* ---- lists of free slots; all need the lock ---- */

static void push_warm(struct execi_stacks *s, struct execi_stack_region *r, size_t i)
{
        r->slots[i].state = SLOT_WARM;
        r->slots[i].next = r->warm;
        r->warm = (uint16_t)i;
        r->n_warm++;
        if (!r->is_on_warm) {
                r->is_on_warm = true;
                r->next_warm = s->warm;
                s->warm = r;
        }
}

static void push_cold(struct execi_stacks *s, struct execi_stack_region *r, size_t i)
{
        r->slots[i].state = SLOT_COLD;
        r->slots[i].next = r->cold;
        r->cold = (uint16_t)i;
        if (!r->is_on_cold) {
                r->is_on_cold = true;
                r->next_cold = s->cold;
                s->cold = r;
        }
}

/* Take regions whose list has run empty off the lists of regions, and what is about to be unmapped. */
static void unlist(struct execi_stacks *s, const struct execi_stack_region *gone)
{
        for (struct execi_stack_region **at = &s->warm, *r; (r = *at);) {
                if (r == gone || r->warm == NO_SLOT) {
                        *at = r->next_warm;
                        r->is_on_warm = false;
                } else {
                        at = &r->next_warm;
                }
        }
        for (struct execi_stack_region **at = &s->cold, *r; (r = *at);) {
                if (r == gone || r->cold == NO_SLOT) {
                        *at = r->next_cold;
                        r->is_on_cold = false;
                } else {
                        at = &r->next_cold;
                }
        }
}

/* ---- regions ---- */

static struct execi_stack_region *region_new(const struct execi_stacks *s, size_t n)
{
        size_t total;

        if (__builtin_mul_overflow(n, stride(s), &total))
                return NULL;
        struct execi_stack_region *r = execi_alloc(sizeof *r + n * sizeof r->slots[0]);
        if (!r)
                return NULL;
        r->base = execi_map(total, 1);
        if (!r->base) {
                execi_free(r, sizeof *r + n * sizeof r->slots[0]);
                return NULL;
        }
        r->bytes = total;
        r->n_slots = n;
        r->warm = r->cold = NO_SLOT;
        if (!execi_fault(FAULT_MADVISE)) /* a huge page would make every stack cost 2 MiB */
                madvise(r->base, total, MADV_NOHUGEPAGE);
        execi_sanitizer_region_add(r->base, total);
        return r;
}

static void region_free(struct execi_stack_region *r)
{
        execi_sanitizer_region_remove(r->base, r->bytes);
        execi_unmap(r->base, r->bytes);
        execi_free(r, sizeof *r + r->n_slots * sizeof r->slots[0]);
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

/* As many slots again as there are. Sanitizers do work for every page of a mapping: small ones there. */
static size_t next_region_slots(const struct execi_stacks *s)
{
        size_t max = execi_sanitizer ? MAX_SLOTS_SANITIZED : MAX_SLOTS;
        size_t n = s->n_slots > FIRST_SLOTS ? s->n_slots : FIRST_SLOTS;

        return n < max ? n : max;
}

/* One more region, all cold. Two threads may both add one. */
static bool grow(struct execi_stacks *s)
{
        struct execi_stack_region *r = NULL;

        execi_spin_lock(&s->lock);
        size_t n = next_region_slots(s);
        execi_spin_unlock(&s->lock);
        for (; n && !r; n /= 2)
                r = region_new(s, n);
        if (!r)
                return false;
        execi_spin_lock(&s->lock);
        bool has_room = reserve_index_locked(s);
        if (has_room) {
                insert_locked(s, r);
                for (size_t i = r->n_slots; i > 0; i--) /* so that the lowest comes first */
                        push_cold(s, r, i - 1);
        }
        execi_spin_unlock(&s->lock);
        if (!has_room)
                region_free(r);
        return has_room;
}

/* ---- get and put ---- */

static size_t take_warm_locked(struct execi_stacks *s, char *low[], size_t n)
{
        size_t got = 0;

        while (got < n && s->warm) {
                struct execi_stack_region *r = s->warm;
                for (; got < n && r->warm != NO_SLOT; got++) {
                        size_t i = r->warm;
                        r->warm = r->slots[i].next;
                        r->slots[i].state = SLOT_USED;
                        r->n_warm--;
                        r->n_used++;
                        low[got] = slot_low(s, r, i);
                }
                if (r->warm == NO_SLOT) {
                        s->warm = r->next_warm;
                        r->is_on_warm = false;
                }
        }
        return got;
}

/* Up to BATCH of one region, *from. */
static size_t take_cold_locked(struct execi_stacks *s, char *low[], size_t n, struct execi_stack_region **from)
{
        struct execi_stack_region *r = s->cold;
        size_t got = 0;

        *from = r;
        for (; r && got < n && got < BATCH && r->cold != NO_SLOT; got++) {
                size_t i = r->cold;
                r->cold = r->slots[i].next;
                r->slots[i].state = SLOT_USED;
                r->n_used++;
                low[got] = slot_low(s, r, i);
        }
        if (r && r->cold == NO_SLOT) {
                s->cold = r->next_cold;
                r->is_on_cold = false;
        }
        return got;
}

/* Give each of the @n stacks just taken its guard if it has none yet, else only count it. What got none moves to the
 * end. Returns how many have one. */
static size_t guard_taken(struct execi_stacks *s, struct execi_stack_region *r, char *low[], size_t n)
{
        enum execi_guard kind[BATCH];
        size_t good = 0, n_old = 0;

        for (size_t i = 0; i < n; i++) { /* the guarded first */
                struct slot *slot = &r->slots[slot_index(s, r, low[i])];
                if (slot->kind == GUARD_BEST)
                        continue;
                if (slot->kind == GUARD_CANARY)
                        execi_guard_write_canary(low[i]); /* trim has wiped it out */
                char *swap = low[n_old];
                low[n_old++] = low[i];
                low[i] = swap;
        }
        atom_sub(&s->n_free, n_old, RELAXED);
        execi_guard_install(s->rung, low + n_old, kind, n - n_old);
        good = n_old;
        for (size_t i = n_old; i < n; i++) {
                enum execi_guard k = kind[i - n_old];
                if (k == GUARD_BEST)
                        continue;
                r->slots[slot_index(s, r, low[i])].kind = (uint8_t)k;
                count_made(s, k, 1);
                char *swap = low[good];
                low[good++] = low[i];
                low[i] = swap;
        }
        return good;
}

static void put_unguarded(struct execi_stacks *s, struct execi_stack_region *r, char *const low[], size_t n)
{
        execi_spin_lock(&s->lock);
        for (size_t i = 0; i < n; i++)
                push_cold(s, r, slot_index(s, r, low[i]));
        r->n_used -= n;
        execi_spin_unlock(&s->lock);
}

static size_t lone_bytes(const struct execi_stacks *s)
{
        return page_bytes() + stride(s);
}

static struct lone_head *lone_head(const char *low)
{
        return (struct lone_head *)(void *)(low - EXECI_GUARD_BYTES - page_bytes());
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

size_t execi_stacks_get(struct execi_stacks *s, char *low[], size_t n)
{
        struct execi_stack_region *r;

        if (!s->recycle)
                return get_lone(s, low, n);
        execi_spin_lock(&s->lock);
        size_t got = take_warm_locked(s, low, n);
        execi_spin_unlock(&s->lock);
        atom_sub(&s->n_free, got, RELAXED);
        while (got < n) {
                execi_spin_lock(&s->lock);
                size_t taken = take_cold_locked(s, low + got, n - got, &r);
                execi_spin_unlock(&s->lock);
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
        for (size_t k = 0; k < n; k++) {
                struct execi_stack_region *r = find_locked(s, low[k]);
                size_t i = slot_index(s, r, low[k]);
                CHECK(r->slots[i].state == SLOT_USED, "stack %p is given back twice", (void *)low[k]); /* S3 */
                r->n_used--;
                push_warm(s, r, i);
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
        for (size_t max = FIRST_SLOTS; keep && max <= MAX_SLOTS; max *= 2) {
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

/* What the region's stacks counted for. */
static void forget_slots(struct execi_stacks *s, const struct execi_stack_region *r)
{
        size_t n[GUARD_CANARY + 1] = {0};

        for (size_t i = 0; i < r->n_slots; i++)
                n[r->slots[i].kind]++;
        for (enum execi_guard kind = GUARD_MADVISE; kind <= GUARD_CANARY; kind++) {
                if (n[kind])
                        count_gone(s, kind, n[kind]);
                atom_sub(&s->n_free, n[kind], RELAXED);
        }
}

/* The warm ones beyond n_keep (the top of the list is the warmest) become AWAY. */
static size_t send_away_locked(struct execi_stack_region *r)
{
        uint16_t *at = &r->warm;
        size_t n = 0;

        for (size_t kept = 0; kept < r->n_keep && *at != NO_SLOT; kept++)
                at = &r->slots[*at].next;
        for (uint16_t i = *at; i != NO_SLOT; i = r->slots[i].next, n++)
                r->slots[i].state = SLOT_AWAY;
        *at = NO_SLOT;
        r->n_warm -= n;
        r->n_used += n;
        return n;
}

/* One call for each run of neighbours; the guards between them survive it. */
static void unback_away(const struct execi_stacks *s, const struct execi_stack_region *r)
{
        for (size_t i = 0, end; i < r->n_slots; i = end + 1) {
                for (end = i; end < r->n_slots && r->slots[end].state == SLOT_AWAY; end++)
                        ;
                if (end > i)
                        execi_unback(slot_low(s, r, i), (end - i) * stride(s) - EXECI_GUARD_BYTES);
        }
}

static void take_back(struct execi_stacks *s, struct execi_stack_region *r, size_t n)
{
        execi_spin_lock(&s->lock);
        for (size_t i = r->n_slots; i > 0; i--) {
                if (r->slots[i - 1].state == SLOT_AWAY)
                        push_cold(s, r, i - 1);
        }
        r->n_used -= n;
        execi_spin_unlock(&s->lock);
}

/* Trim the first region above @base. Returns its base, NULL: there is none. */
static char *trim_next(struct execi_stacks *s, const char *base)
{
        struct execi_stack_region *r = NULL;
        size_t n = 0;

        execi_spin_lock(&s->lock);
        size_t at = regions_upto_locked(s, base);
        if (at < s->n_regions)
                r = s->regions[at];
        bool is_gone = r && !r->n_used && !r->n_keep;
        if (is_gone) {
                remove_locked(s, r);
                unlist(s, r);
        } else if (r) {
                n = send_away_locked(r);
                unlist(s, NULL);
        }
        execi_spin_unlock(&s->lock);
        if (!r)
                return NULL;
        char *done = r->base;
        if (is_gone) {
                forget_slots(s, r);
                region_free(r);
        } else if (n) {
                unback_away(s, r);
                take_back(s, r, n);
        }
        return done;
}

void execi_stacks_trim(struct execi_stacks *s, size_t keep)
{
        if (!s->recycle || atom_swap(&s->is_trimming, true, ACQUIRE))
                return;
        plan_keep(s, keep);
        for (const char *base = NULL; (base = trim_next(s, base));)
                ;
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
        struct execi_stack_region *r = find_locked(s, low);
        enum execi_guard kind = r->slots[slot_index(s, r, low)].kind;
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
                forget_slots(s, s->regions[i]);
                region_free(s->regions[i]);
        }
        execi_free(s->regions, s->regions_capacity * sizeof *s->regions);
        CHECK(atom_load(&s->n_live, RELAXED) == 0, "stacks are still in use");
}
