/* deque.c - the shared half of the deque: growing, publishing, taking back, stealing, forcing. See deque.h.
 *
 * Orders. An item's contents travel owner -> thief in one of two ways:
 *   publish: the owner's CAS of split_top -> the thief's CAS of split_top;
 *   force:   the owner's release store of bottom -> the forcing thief's acquire load of bottom, then its CAS of
 *            split_top -> the stealing thief's CAS of split_top.
 * Slots travel back thief -> owner by rtop: release after the last slot was read, acquire before one is overwritten.
 *
 * Force against pop, both orders of the two stores (| is the membarrier, which drains the owner's store buffer):
 *
 *      owner (pop)                     forcing thief
 *      store bottom = b                CAS split = b + 1
 *                                      |
 *      read split                      read bottom
 *
 * Both cannot miss: a read of split before the barrier has its store of bottom drained by it, so the thief sees b and
 * lowers split; a read after it sees the raised split, and the owner goes to pop_slow, which decides by CAS. */
#include "queue/deque.h"

#include "port/membarrier.h"
#include "port/memory.h"

#include <errno.h>

#define CAPACITY_MAX ((uint32_t)1 << 30) /* circular numbers are compared as int32_t */
/* Items asked for while the thief still holds them in hand: about as many lines as one core can fetch at once. */
#define STEAL_PREFETCH 12

static uint64_t pack(uint32_t split, uint32_t top)
{
        return (uint64_t)split << 32 | top;
}

/* ---- arrays ---- */

static size_t array_bytes(uint32_t capacity)
{
        return sizeof(struct execi_deque_array) + (size_t)capacity * sizeof(_Atomic(void *));
}

static struct execi_deque_array *array_new(uint32_t capacity)
{
        struct execi_deque_array *a = execi_array_new(array_bytes(capacity));

        if (a)
                a->capacity = capacity;
        return a;
}

static void array_free(struct execi_deque_array *a)
{
        execi_array_free(a, array_bytes(a->capacity));
}

/* Copies from rtop on: a thief that has moved top may still be reading what is below top. */
static struct execi_deque_array *array_grow(struct execi_deque_array *old, uint32_t rtop, uint32_t bottom)
{
        struct execi_deque_array *a;

        if (old->capacity >= CAPACITY_MAX)
                return NULL;
        a = array_new(old->capacity * 2);
        if (!a)
                return NULL;
        a->older = old;
        for (uint32_t i = rtop; i != bottom; i++)
                atom_store(&a->slots[i & (a->capacity - 1)], atom_load(&old->slots[i & (old->capacity - 1)], RELAXED),
                           RELAXED);
        return a;
}

/* ---- owner ---- */

static void use_array(struct execi_deque *d, struct execi_deque_array *a)
{
        d->mask = a->capacity - 1;
        d->slots = a->slots;
        atom_store(&d->array, a, RELEASE); /* the slots copied so far; read by steal after its CAS */
}

/* Move limit on, or grow. false: neither was possible. */
static bool make_room(struct execi_deque *d)
{
        struct execi_deque_array *a = atom_load(&d->array, RELAXED);
        uint32_t bottom = atom_load(&d->bottom, RELAXED);
        uint32_t rtop = atom_load(&d->rtop, ACQUIRE); /* @pair deque.rtop: below it all slots were read */

        if (bottom - rtop == a->capacity) {
                a = array_grow(a, rtop, bottom);
                if (!a)
                        return false;
                use_array(d, a);
        }
        d->limit = rtop + a->capacity;
        return true;
}

bool execi_deque_push_slow(struct execi_deque *d, void *item)
{
        return make_room(d) && execi_deque_push(d, item);
}

bool execi_deque_publish(struct execi_deque *d)
{
        uint32_t bottom = atom_load(&d->bottom, RELAXED);
        uint64_t x = atom_load(&d->split_top, RELAXED);
        int32_t n;

        do {
                n = (int32_t)(bottom - execi_deque_split(x));
                if (n <= 0) /* less than 0: a forcing thief is at work */
                        return false;
                if (!d->all_public)
                        n -= n / 2;
        } while (!atom_cas(&d->split_top, &x, pack(execi_deque_split(x) + (uint32_t)n, execi_deque_top(x)), SEQ_CST));
        return true;
}

/* Where split goes when the owner takes back: half of the public part stays, or all but the one item to return. */
static uint32_t lowered_split(const struct execi_deque *d, uint64_t x, uint32_t bottom)
{
        uint32_t top = execi_deque_top(x);
        int32_t public = (int32_t)(execi_deque_split(x) - top);
        int32_t inside = (int32_t)(bottom - top);

        if (d->all_public)
                return bottom - 1;
        return top + (uint32_t)(public < inside ? public : inside) / 2;
}

void *execi_deque_pop_slow(struct execi_deque *d)
{
        uint32_t bottom = atom_load(&d->bottom, RELAXED);
        uint64_t x = atom_load(&d->split_top, RELAXED);

        while ((int32_t)(bottom - execi_deque_top(x)) > 0) {
                if ((int32_t)(bottom - execi_deque_split(x)) <= 0 &&
                    !atom_cas(&d->split_top, &x, pack(lowered_split(d, x, bottom), execi_deque_top(x)), SEQ_CST))
                        continue;
                /* D2: what was taken back is only private, and a forcing thief may raise split again */
                atom_store(&d->bottom, bottom - 1, RELEASE);
                COMPILER_BARRIER();
                x = atom_load(&d->split_top, RELAXED);
                if ((int32_t)(bottom - 1 - execi_deque_split(x)) >= 0)
                        return atom_load(&d->slots[(bottom - 1) & d->mask], RELAXED);
                atom_store(&d->bottom, bottom, RELEASE);
        }
        return NULL;
}

/* ---- thieves ---- */

static void read_slots(struct execi_deque *d, uint32_t top, void *items[], uint32_t n)
{
        struct execi_deque_array *a = atom_load(&d->array, ACQUIRE);

        for (uint32_t i = 0; i < n; i++) {
                items[i] = atom_load(&a->slots[(top + i) & (a->capacity - 1)], RELAXED);
                if (i == 0 || n - i < STEAL_PREFETCH) /* the first is run next, the last are popped next */
                        PREFETCH(items[i]);
        }
}

static size_t steal_locked(struct execi_deque *d, void *items[], size_t max)
{
        uint64_t x = atom_load(&d->split_top, RELAXED);
        uint32_t top, n;

        do {
                int32_t public = (int32_t)(execi_deque_split(x) - execi_deque_top(x));

                if (public <= 0)
                        return 0;
                top = execi_deque_top(x);
                n = (uint32_t) public - (uint32_t) public / 2;
                if (n > max)
                        n = (uint32_t)max;
        } while (!atom_cas(&d->split_top, &x, pack(execi_deque_split(x), top + n), SEQ_CST));
        read_slots(d, top, items, n);           /* D3 */
        atom_store(&d->rtop, top + n, RELEASE); /* @pair deque.rtop */
        return n;
}

size_t execi_deque_steal(struct execi_deque *d, void *items[], size_t max)
{
        size_t n;

        if (!execi_deque_has_public(d) || !execi_spin_try(&d->thief))
                return 0;
        n = steal_locked(d, items, max);
        execi_spin_unlock(&d->thief);
        return n;
}

/* D4. The word is changed only by the owner meanwhile, whose every CAS leaves a split that is right: so one try. */
static void force_locked(struct execi_deque *d)
{
        uint64_t x = atom_load(&d->split_top, ACQUIRE);
        uint32_t top = execi_deque_top(x);
        uint32_t bottom = atom_load(&d->bottom, ACQUIRE);
        uint64_t raised = pack(bottom, top);

        if ((int32_t)(bottom - execi_deque_split(x)) <= 0 || !atom_cas(&d->split_top, &x, raised, SEQ_CST))
                return;
        execi_membarrier();
        bottom = atom_load(&d->bottom, ACQUIRE); /* what it read becomes visible to thieves by the lock's release */
        if ((int32_t)(bottom - execi_deque_split(raised)) >= 0)
                return;
        if ((int32_t)(bottom - top) < 0) /* one too low, in a pop that found nothing */
                bottom = top;
        atom_cas(&d->split_top, &raised, pack(bottom, top), SEQ_CST);
}

bool execi_deque_force(struct execi_deque *d)
{
        if (!execi_deque_has_private(d) || !execi_spin_try(&d->thief))
                return false;
        force_locked(d);
        execi_spin_unlock(&d->thief);
        return execi_deque_has_public(d);
}

/* ---- start and end ---- */

int execi_deque_init(struct execi_deque *d, uint32_t capacity, uint32_t start, bool all_public)
{
        struct execi_deque_array *a = array_new(capacity);

        if (!a)
                return -ENOMEM;
        use_array(d, a);
        atom_store(&d->bottom, start, RELAXED);
        atom_store(&d->split_top, pack(start, start), RELAXED);
        atom_store(&d->rtop, start, RELAXED);
        execi_spin_init(&d->thief);
        d->limit = start + capacity;
        d->all_public = all_public;
        return 0;
}

static void free_arrays(struct execi_deque_array *a)
{
        while (a) {
                struct execi_deque_array *older = a->older;

                array_free(a);
                a = older;
        }
}

void execi_deque_trim(struct execi_deque *d)
{
        struct execi_deque_array *a = atom_load(&d->array, RELAXED);
        size_t bytes = array_bytes(a->capacity);

        if (atom_load(&d->rtop, ACQUIRE) != atom_load(&d->bottom, RELAXED)) /* D5; @pair deque.rtop */
                return;
        free_arrays(a->older);
        a->older = NULL;
        execi_array_unback(a, sizeof *a, bytes);
}

void execi_deque_fini(struct execi_deque *d)
{
        free_arrays(atom_load(&d->array, RELAXED));
        atom_store(&d->array, NULL, RELAXED);
}
