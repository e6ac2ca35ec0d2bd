/* heap.c - see heap.h.
 *
 * The root is entry 3 of an array aligned to a cache line: so the children of i are 4(i - 2) .. 4(i - 2) + 3, which is
 * one cache line, and the parent of i is i / 4 + 2.
 * Slots are handed out from a free list, or, when that is empty, the next one never used: then the slots in use are
 * just 0 .. n - 1. */
#include "queue/heap.h"

#include "base/check.h"
#include "port/memory.h"
#include "port/sanitizer.h"

#include <string.h>

#define ROOT         3u
#define CAPACITY_MIN 64u
#define CAPACITY_MAX ((uint32_t)1 << 29)
#define NO_SLOT      UINT32_MAX

struct execi_heap_entry {
        int64_t deadline_ns;
        uint32_t slot;
};

/* ---- the block of memory ---- */

static size_t block_bytes(uint32_t capacity)
{
        return ((size_t)capacity + ROOT) * sizeof(struct execi_heap_entry) +
               (size_t)capacity * (sizeof(struct execi_timer *) + sizeof(uint32_t));
}

static void block_free(struct execi_heap_entry *block, uint32_t capacity)
{
        execi_array_free(block, block_bytes(capacity));
}

/* Move to a block for @capacity >= n. Every slot in use is below @capacity. */
static bool resize(struct execi_heap *h, uint32_t capacity)
{
        struct execi_heap_entry *entries = execi_array_new(block_bytes(capacity));
        struct execi_timer **timers;
        uint32_t *positions;
        uint32_t kept = capacity < h->capacity ? capacity : h->capacity;

        if (!entries)
                return false;
        timers = (struct execi_timer **)(void *)(entries + capacity + ROOT);
        positions = (uint32_t *)(void *)(timers + capacity);
        if (kept) {
                execi_tsan_ignore_begin(); /* which sees memcpy, but not the lock */
                memcpy(entries + ROOT, h->entries + ROOT, (size_t)h->n * sizeof(*entries));
                memcpy(timers, h->timers, (size_t)kept * sizeof(*timers));
                memcpy(positions, h->positions, (size_t)kept * sizeof(*positions));
                execi_tsan_ignore_end();
                block_free(h->entries, h->capacity);
        }
        h->entries = entries;
        h->timers = timers;
        h->positions = positions;
        h->capacity = capacity;
        return true;
}

static bool grow(struct execi_heap *h)
{
        if (h->capacity >= CAPACITY_MAX)
                return false;
        return resize(h, h->capacity ? h->capacity * 2 : CAPACITY_MIN);
}

/* ---- sifting ---- */

static inline void place(struct execi_heap *h, uint32_t i, struct execi_heap_entry e)
{
        h->entries[i] = e;
        h->positions[e.slot] = i;
}

static void sift_up(struct execi_heap *h, uint32_t i, struct execi_heap_entry e)
{
        while (i > ROOT) {
                uint32_t parent = i / 4 + 2;

                if (h->entries[parent].deadline_ns <= e.deadline_ns)
                        break;
                place(h, i, h->entries[parent]);
                i = parent;
        }
        place(h, i, e);
}

static uint32_t least_child(const struct execi_heap_entry *entries, uint32_t first)
{
        uint32_t a = first + (entries[first + 1].deadline_ns < entries[first].deadline_ns);
        uint32_t b = first + 2 + (entries[first + 3].deadline_ns < entries[first + 2].deadline_ns);

        return entries[b].deadline_ns < entries[a].deadline_ns ? b : a;
}

/* Fill the hole at @i with @e, which was the last entry: nearly always it belongs near the bottom again. So the hole
 * goes all the way down along the least children, and @e rises from there: half the comparisons. */
static void sift_down(struct execi_heap *h, uint32_t i, struct execi_heap_entry e)
{
        uint32_t end = h->n + ROOT;
        uint32_t child;

        while ((child = 4 * (i - 2)) + 3 < end) {
                child = least_child(h->entries, child);
                place(h, i, h->entries[child]);
                i = child;
        }
        if (child < end) {
                uint32_t least = child;

                while (++child < end)
                        if (h->entries[child].deadline_ns < h->entries[least].deadline_ns)
                                least = child;
                place(h, i, h->entries[least]);
                i = least;
        }
        sift_up(h, i, e);
}

/* ---- in and out of the arrays ---- */

static void insert(struct execi_heap *h, struct execi_timer *t)
{
        uint32_t slot = h->n;

        if (h->free_slot != NO_SLOT) {
                slot = h->free_slot;
                h->free_slot = h->positions[slot];
        }
        h->timers[slot] = t;
        t->slot = slot;
        sift_up(h, ROOT + h->n++, (struct execi_heap_entry){.deadline_ns = t->deadline_ns, .slot = slot});
}

static struct execi_timer *take_at(struct execi_heap *h, uint32_t i)
{
        uint32_t slot = h->entries[i].slot;
        struct execi_timer *t = h->timers[slot];
        uint32_t last = ROOT + --h->n;
        struct execi_heap_entry e = h->entries[last];

        if (i != last) {
                if (i > ROOT && e.deadline_ns < h->entries[i / 4 + 2].deadline_ns)
                        sift_up(h, i, e);
                else
                        sift_down(h, i, e);
        }
        h->timers[slot] = NULL;
        h->positions[slot] = h->free_slot;
        h->free_slot = slot;
        t->slot = EXECI_TIMER_OUTSIDE;
        return t;
}

/* ---- overflow ---- */

static void overflow_push(struct execi_heap *h, struct execi_timer *t)
{
        t->slot = EXECI_TIMER_OVERFLOW;
        t->next = h->overflow;
        h->overflow = t;
        h->n_overflow++;
        if (t->deadline_ns < h->overflow_min_ns)
                h->overflow_min_ns = t->deadline_ns;
}

static struct execi_timer *overflow_unlink(struct execi_heap *h, struct execi_timer **link)
{
        struct execi_timer *t = *link;

        *link = t->next;
        t->next = NULL;
        t->slot = EXECI_TIMER_OUTSIDE;
        h->n_overflow--;
        if (t->deadline_ns == h->overflow_min_ns) {
                h->overflow_min_ns = INT64_MAX;
                for (struct execi_timer *o = h->overflow; o && h->overflow_min_ns > t->deadline_ns; o = o->next)
                        if (o->deadline_ns < h->overflow_min_ns)
                                h->overflow_min_ns = o->deadline_ns;
        }
        return t;
}

static struct execi_timer **overflow_find(struct execi_heap *h, const struct execi_timer *t)
{
        struct execi_timer **link = &h->overflow;

        while (*link != t)
                link = &(*link)->next;
        return link;
}

static struct execi_timer *overflow_take_least(struct execi_heap *h)
{
        struct execi_timer **link = &h->overflow;

        while ((*link)->deadline_ns != h->overflow_min_ns)
                link = &(*link)->next;
        return overflow_unlink(h, link);
}

/* H3 */
static void refill(struct execi_heap *h)
{
        while (h->overflow && h->n < h->capacity)
                insert(h, overflow_unlink(h, &h->overflow));
}

/* ---- API ---- */

void execi_timer_init(struct execi_timer *t, int64_t deadline_ns, uint32_t kind)
{
        t->deadline_ns = deadline_ns;
        t->next = NULL;
        t->slot = EXECI_TIMER_OUTSIDE;
        t->kind = kind;
}

void execi_heap_push(struct execi_heap *h, struct execi_timer *t)
{
        ASSERT(t->slot == EXECI_TIMER_OUTSIDE); /* H1 */
        if (h->n == h->capacity && !grow(h)) {
                overflow_push(h, t);
                return;
        }
        insert(h, t);
        refill(h);
}

bool execi_heap_remove(struct execi_heap *h, struct execi_timer *t)
{
        if (t->slot == EXECI_TIMER_OUTSIDE)
                return false;
        if (t->slot == EXECI_TIMER_OVERFLOW)
                overflow_unlink(h, overflow_find(h, t));
        else
                take_at(h, h->positions[t->slot]);
        refill(h);
        return true;
}

struct execi_timer *execi_heap_pop(struct execi_heap *h, int64_t now_ns)
{
        struct execi_timer *t;
        int64_t min = execi_heap_min(h);

        if (execi_heap_count(h) == 0 || min > now_ns)
                return NULL;
        if (h->n && h->entries[ROOT].deadline_ns == min)
                t = take_at(h, ROOT);
        else
                t = overflow_take_least(h);
        refill(h);
        return t;
}

int64_t execi_heap_min(const struct execi_heap *h)
{
        int64_t min = h->n ? h->entries[ROOT].deadline_ns : INT64_MAX;

        return min < h->overflow_min_ns ? min : h->overflow_min_ns;
}

size_t execi_heap_count(const struct execi_heap *h)
{
        return h->n + h->n_overflow;
}

/* Give the slots from @capacity on other numbers below it, of which there are enough free ones; forget the free list
 * above. */
static void renumber(struct execi_heap *h, uint32_t capacity)
{
        uint32_t slot = h->free_slot, *link = &h->free_slot;
        uint32_t used = h->n; /* slots ever used: those of entries and the free ones */

        while (slot != NO_SLOT) {
                used++;
                if (slot < capacity) {
                        *link = slot;
                        link = &h->positions[slot];
                }
                slot = h->positions[slot];
        }
        *link = NO_SLOT;
        for (slot = capacity; slot < used; slot++) {
                struct execi_timer *t = h->timers[slot];
                uint32_t to = h->free_slot;

                if (!t)
                        continue;
                h->free_slot = h->positions[to];
                h->timers[to] = t;
                h->positions[to] = h->positions[slot];
                h->entries[h->positions[to]].slot = to;
                t->slot = to;
        }
}

void execi_heap_trim(struct execi_heap *h)
{
        uint32_t capacity = CAPACITY_MIN;

        if (execi_heap_count(h) == 0) {
                block_free(h->entries, h->capacity);
                execi_heap_init(h);
                return;
        }
        while (capacity < h->n)
                capacity *= 2;
        if (capacity >= h->capacity)
                return;
        renumber(h, capacity);
        resize(h, capacity); /* no memory: all stays as it is, in the larger block */
}

void execi_heap_init(struct execi_heap *h)
{
        *h = (struct execi_heap){.free_slot = NO_SLOT, .overflow_min_ns = INT64_MAX};
}

void execi_heap_fini(struct execi_heap *h)
{
        block_free(h->entries, h->capacity);
        execi_heap_init(h);
}
