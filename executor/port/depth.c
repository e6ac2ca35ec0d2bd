/* depth.c - looking at resident pages, at one stack or at a sample of a set.
 *
 * Only pages below what is known already are looked at. Huge stacks are searched downward in blocks, and the search ends
 * after GAP_BLOCKS of them (16 MiB) without a page: nobody asks about every page of a TiB.
 *
 * Stacks in use are looked at without keeping anybody from trimming (Y2): their addresses are noted under the lock,
 * looked at without it, and believed only if no region has been unmapped meanwhile. Whoever unmapped one has looked at it
 * himself. */
#include "port/depth.h"

#include "port/atomic.h"
#include "port/clock.h"
#include "port/region.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SAMPLE_MAX = 1024, SAMPLE_LEAST = 16, FEW = 64, BATCH = 32, BLOCK_PAGES = 256, GAP_BLOCKS = 16 };

static const int64_t REST_NS = 250000000; /* between two large samples of stacks in use */

/* ---- one stack ---- */

/* The depth of a stack of @bytes, where @known bytes count as touched. errno stays. */
static size_t depth(const char *low, size_t bytes, size_t known)
{
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);
        unsigned char resident[BLOCK_PAGES];
        size_t left = known < bytes ? (bytes - known) / page : 0;
        int saved_errno = errno;

        for (int n_empty = 0; left && n_empty < GAP_BLOCKS;) {
                size_t n = left < BLOCK_PAGES ? left : BLOCK_PAGES, i = 0;
                left -= n;
                if (mincore((void *)(uintptr_t)(low + left * page), n * page, resident))
                        break;
                while (i < n && !(resident[i] & 1))
                        i++;
                if (i < n)
                        known = bytes - (left + i) * page;
                n_empty = i < n ? 0 : n_empty + 1;
        }
        errno = saved_errno;
        return known;
}

size_t execi_stack_touched(const struct execi_stacks *s, const char *low)
{
        return depth(low, s->bytes, 0);
}

/* ---- the deepest of a set ---- */

static size_t deepest(const struct execi_stacks *s)
{
        return atom_load(&s->deepest_bytes, RELAXED); /* @relaxed count */
}

static void note(struct execi_stacks *s, size_t bytes)
{
        size_t before = deepest(s);

        while (before < bytes && !atom_cas(&s->deepest_bytes, &before, bytes, ACQ_REL))
                ;
}

static size_t depth_beyond(const struct execi_stacks *s, const char *low, size_t known)
{
        size_t canary_bytes = (size_t)sysconf(_SC_PAGESIZE); /* Y3 */

        return depth(low + canary_bytes, s->bytes - canary_bytes, known);
}

void execi_depth_see(struct execi_stacks *s, const char *low)
{
        note(s, depth_beyond(s, low, deepest(s)));
}

/* ---- samples ---- */

/* Of @n stacks at most @max are looked at: every how many? *first: the first one, another each time. */
static size_t sample_step(struct execi_stacks *s, size_t n, size_t max, size_t *first)
{
        size_t step = n ? (n - 1) / max + 1 : 1;

        *first = atom_add(&s->n_samples, 1, RELAXED) % step;
        return step;
}

void execi_depth_see_away(struct execi_stacks *s, const struct execi_stack_region *r, size_t n)
{
        size_t i, step = sample_step(s, n, SAMPLE_MAX, &i);

        for (; i < r->n_slots; i += step) {
                if (execi_region_is_away(r, i))
                        execi_depth_see(s, execi_region_low(r, i));
        }
}

/* A walk over the stacks that may have pages, a batch at a time. */
struct walk {
        const char *from;   /* of the region to go on with: no region below is left */
        size_t at;          /* the slot to go on with there */
        size_t first, step; /* of a sample */
        uint64_t n_unmapped;
        size_t n;
        const char *low[BATCH];
};

static size_t count_locked(const struct execi_stacks *s)
{
        size_t n = 0;

        for (size_t i = 0; i < s->regions.n; i++)
                n += s->regions.by_address[i]->n_used + s->regions.by_address[i]->n_warm;
        return n;
}

/* Few stacks are all looked at. A large sample takes 2 ms: who asks again and again gets small ones meanwhile. */
static size_t sample_max(struct execi_stacks *s, size_t n)
{
        if (n <= FEW)
                return FEW;
        int64_t now_ns = execi_clock_now();
        int64_t last_ns = atom_load(&s->sampled_ns, RELAXED); /* @relaxed hint */
        if (last_ns && now_ns - last_ns < REST_NS)
                return SAMPLE_LEAST;
        atom_store(&s->sampled_ns, now_ns, RELAXED);
        return SAMPLE_MAX;
}

static void walk_begin(struct execi_stacks *s, struct walk *w)
{
        execi_spin_lock(&s->lock);
        size_t n = count_locked(s);
        execi_spin_unlock(&s->lock);
        w->step = sample_step(s, n, sample_max(s, n), &w->first);
        w->at = w->first;
}

static struct execi_stack_region *region_from_locked(const struct execi_stacks *s, const char *from)
{
        size_t at = execi_regions_upto_locked(&s->regions, from);

        if (at && s->regions.by_address[at - 1]->base == from)
                at--;
        return at < s->regions.n ? s->regions.by_address[at] : NULL;
}

/* Up to a batch out of one region, so that the lock is held for a moment only. false: there is no more. */
static bool walk_next_locked(const struct execi_stacks *s, struct walk *w)
{
        struct execi_stack_region *r = region_from_locked(s, w->from);

        w->n = 0;
        w->n_unmapped = s->n_unmapped;
        if (!r)
                return false;
        if (r->base != w->from)
                w->at = w->first;
        w->from = r->base;
        if (r->n_used + r->n_warm == 0)
                w->at = r->n_slots;
        for (; w->n < BATCH && w->at < r->n_slots; w->at += w->step) {
                if (r->slots[w->at].state != SLOT_COLD)
                        w->low[w->n++] = execi_region_low(r, w->at);
        }
        if (w->at >= r->n_slots) {
                w->from = r->base + r->bytes;
                w->at = w->first;
        }
        return true;
}

size_t execi_stacks_depth(struct execi_stacks *s)
{
        struct walk w = {.n = 0};
        size_t found = 0;
        bool is_more = s->recycle;

        if (is_more)
                walk_begin(s, &w);
        while (is_more) {
                execi_spin_lock(&s->lock);
                if (w.n_unmapped == s->n_unmapped) /* Y2 */
                        note(s, found);
                is_more = walk_next_locked(s, &w);
                execi_spin_unlock(&s->lock);
                found = deepest(s);
                for (size_t i = 0; i < w.n; i++)
                        found = depth_beyond(s, w.low[i], found);
        }
        return deepest(s);
}
