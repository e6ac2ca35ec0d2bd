/* model_memory.c - the two memories of the checker: store buffers, and histories of stores. See model.h.
 *
 * Histories: an object's stores stand in the order in which they were executed. A view says for each object the oldest
 * store that may still be read. Each thread has one; a release store carries its thread's along, and an acquire load
 * that reads it joins that into its own. A read-modify-write reads the newest store and carries on what that carried
 * (C11's release sequences, in the form of C17 without stores of the same thread). seq_cst is kept per object: such a
 * load reads nothing older than what the last seq_cst access of that object stored or read.
 * The newest value of each object also stands in the object itself. */
#include "model_engine.h"

#include <string.h>

enum { BUFFER_MAX = 32, OBJECTS_MAX = 96, STORES_MAX = 250, TABLE = 256 };

struct buffered {
        void *object;
        size_t size;
        uint64_t value;
};

struct view {
        uint8_t oldest[OBJECTS_MAX];
};

struct stored {
        uint64_t value;
        struct view view; /* only with release */
        bool has_view;
};

struct object {
        void *address;
        unsigned n;
        uint8_t seq_cst;
        struct stored history[STORES_MAX];
};

static enum model_memory memory;
static unsigned n_threads;

static struct buffered buffers[MODEL_THREADS][BUFFER_MAX];
static unsigned n_buffered[MODEL_THREADS];

static struct object objects[OBJECTS_MAX];
static unsigned n_objects;
static uint8_t table[TABLE]; /* hash of the address to index + 1 */
static struct view views[MODEL_THREADS];

/* ---- plain memory ---- */

static uint64_t cut(uint64_t value, size_t size)
{
        return size >= 8 ? value : value & (((uint64_t)1 << size * 8) - 1);
}

uint64_t model_newest(const void *object, size_t size)
{
        uint64_t value = 0;

        memcpy(&value, object, size); /* little endian */
        return value;
}

static void put(void *object, size_t size, uint64_t value)
{
        memcpy(object, &value, size);
}

/* ---- store buffers ---- */

static void put_oldest(unsigned thread)
{
        struct buffered *b = buffers[thread];

        model_trace("its oldest store reaches memory", thread);
        put(b->object, b->size, b->value);
        memmove(b, b + 1, --n_buffered[thread] * sizeof(*b));
        model_changed(false);
}

bool model_memory_drain_all(void)
{
        bool any = false;

        for (unsigned i = 0; i < n_threads; i++) {
                any |= n_buffered[i] != 0;
                while (n_buffered[i])
                        put_oldest(i);
        }
        return any;
}

static struct buffered *buffer_find(unsigned thread, const void *object, bool newest)
{
        struct buffered *found = NULL;

        for (unsigned i = 0; i < n_buffered[thread] && (newest || !found); i++)
                if (buffers[thread][i].object == object)
                        found = &buffers[thread][i];
        return found;
}

/* When the buffers of others were emptied, and how far, need not be known before somebody looks: it is asked here. */
static void settle(unsigned me, const void *object)
{
        unsigned who[MODEL_THREADS], n, answer;

        do {
                n = 0;
                for (unsigned i = 0; i < n_threads; i++)
                        if (i != me && buffer_find(i, object, false))
                                who[n++] = i;
                answer = model_choose(n + 1);
                while (answer && buffer_find(who[answer - 1], object, false) != buffers[who[answer - 1]])
                        put_oldest(who[answer - 1]);
                if (answer)
                        put_oldest(who[answer - 1]);
        } while (answer);
}

/* What others have stored to the same objects may have reached memory first. */
static void drain(unsigned thread)
{
        while (n_buffered[thread]) {
                settle(thread, buffers[thread][0].object);
                put_oldest(thread);
        }
}

bool model_memory_differs(const void *object, size_t size, uint64_t value)
{
        for (unsigned t = 0; t < n_threads; t++)
                for (unsigned i = 0; i < n_buffered[t]; i++)
                        if (buffers[t][i].object == object && buffers[t][i].value != value)
                                return true;
        return model_newest(object, size) != value;
}

void model_memory_settle(unsigned me, const void *object, uint64_t value)
{
        for (unsigned i = 0; i < n_threads; i++) {
                struct buffered *b;

                while (i != me && (b = buffer_find(i, object, false)) && model_newest(object, b->size) == value)
                        put_oldest(i);
        }
}

static uint64_t buffer_load(unsigned thread, const void *object, size_t size)
{
        struct buffered *own = buffer_find(thread, object, true);

        if (own)
                return own->value;
        settle(thread, object);
        return model_newest(object, size);
}

static void buffer_store(unsigned thread, void *object, size_t size, uint64_t value)
{
        if (n_buffered[thread] == BUFFER_MAX)
                put_oldest(thread);
        buffers[thread][n_buffered[thread]++] = (struct buffered){.object = object, .size = size, .value = value};
        model_changed(true); /* it may have reached memory */
}

/* ---- histories ---- */

static unsigned find(void *address, size_t size)
{
        unsigned h = (unsigned)((uintptr_t)address >> 2) * 2654435761u >> 24;

        while (table[h]) {
                if (objects[table[h] - 1].address == address)
                        return table[h] - 1u;
                h = (h + 1) % TABLE;
        }
        if (n_objects == OBJECTS_MAX)
                model_give_up("too many objects");
        table[h] = (uint8_t)++n_objects;
        objects[n_objects - 1].address = address;
        objects[n_objects - 1].n = 1;
        objects[n_objects - 1].seq_cst = 0;
        objects[n_objects - 1].history[0].value = model_newest(address, size);
        objects[n_objects - 1].history[0].has_view = false;
        return n_objects - 1;
}

static void join(struct view *into, const struct view *other)
{
        for (unsigned i = 0; i < n_objects; i++)
                if (other->oldest[i] > into->oldest[i])
                        into->oldest[i] = other->oldest[i];
}

/* The thread reads store @i. */
static uint64_t history_read(unsigned thread, unsigned o, unsigned i, enum model_order order)
{
        struct object *object = &objects[o];
        struct stored *s = &object->history[i];

        if (views[thread].oldest[o] < i)
                views[thread].oldest[o] = (uint8_t)i;
        if ((order & ACQUIRE) && s->has_view)
                join(&views[thread], &s->view);
        if (order == SEQ_CST && object->seq_cst < i)
                object->seq_cst = (uint8_t)i;
        return s->value;
}

static void history_write(unsigned thread, unsigned o, size_t size, uint64_t value, enum model_order order, bool rmw)
{
        struct object *object = &objects[o];
        struct stored *s = &object->history[object->n], *before = s - 1;

        if (object->n == STORES_MAX)
                model_give_up("too many stores");
        views[thread].oldest[o] = (uint8_t)object->n;
        s->value = value;
        s->has_view = false;
        if (order & RELEASE) {
                s->view = views[thread];
                s->has_view = true;
        }
        if (rmw && before->has_view) {
                if (s->has_view)
                        join(&s->view, &before->view);
                else
                        s->view = before->view;
                s->has_view = true;
        }
        if (order == SEQ_CST)
                object->seq_cst = (uint8_t)object->n;
        object->n++;
        put(object->address, size, value);
        model_changed(true);
}

static unsigned oldest_readable(unsigned thread, unsigned o, enum model_order order)
{
        unsigned oldest = views[thread].oldest[o];

        return order == SEQ_CST && objects[o].seq_cst > oldest ? objects[o].seq_cst : oldest;
}

static uint64_t history_load(unsigned thread, void *address, size_t size, enum model_order order)
{
        unsigned o = find(address, size);
        unsigned newest = objects[o].n - 1;
        unsigned oldest = oldest_readable(thread, o, order);
        unsigned back = 0;

        if (newest > oldest && model_can_depart())
                back = model_depart(newest - oldest + 1);
        return history_read(thread, o, newest - back, order);
}

/* A failing compare-and-swap is a load: it may also fail on an old value. Returns the store that it reads. */
static unsigned history_cas_reads(unsigned thread, unsigned o, uint64_t expected, enum model_order order)
{
        unsigned newest = objects[o].n - 1, n = 1, candidates[STORES_MAX] = {newest};

        if (!model_can_depart())
                return newest;
        for (unsigned i = oldest_readable(thread, o, order); i < newest; i++)
                if (objects[o].history[i].value != expected)
                        candidates[n++] = i;
        return candidates[n > 1 ? model_depart(n) : 0];
}

/* ---- both ---- */

void model_memory_start(enum model_memory m, unsigned n)
{
        memory = m;
        n_threads = n;
        n_objects = 0;
        memset(n_buffered, 0, sizeof(n_buffered));
        memset(table, 0, sizeof(table));
        memset(views, 0, sizeof(views));
}

void model_memory_barrier(void)
{
        struct view all = {{0}};

        for (unsigned i = 0; i < n_threads; i++)
                drain(i);
        for (unsigned i = 0; i < n_threads; i++)
                join(&all, &views[i]);
        for (unsigned i = 0; i < n_threads; i++)
                views[i] = all;
}

bool model_memory_catch_up(unsigned thread)
{
        bool news = false;

        for (unsigned i = 0; i < n_objects; i++) {
                news |= views[thread].oldest[i] != objects[i].n - 1;
                views[thread].oldest[i] = (uint8_t)(objects[i].n - 1);
        }
        return news;
}

uint64_t model_load(void *object, size_t size, enum model_order order)
{
        struct model_access a = {.kind = MODEL_LOAD, .object = object, .size = size, .order = order};

        if (!model_running)
                return model_newest(object, size);
        if (!model_access_before(&a)) {
                unsigned me = model_self();

                a.value = memory == MODEL_TSO ? buffer_load(me, object, size) : history_load(me, object, size, a.order);
        }
        model_access_after(&a);
        return a.value;
}

void model_store(void *object, size_t size, uint64_t value, enum model_order order)
{
        struct model_access a = {.kind = MODEL_STORE, .object = object, .size = size, .order = order};

        a.operand = cut(value, size);
        if (!model_running) {
                put(object, size, a.operand);
                return;
        }
        if (!model_access_before(&a)) {
                unsigned me = model_self();

                if (memory == MODEL_WEAK)
                        history_write(me, find(object, size), size, a.operand, a.order, false);
                else
                        buffer_store(me, object, size, a.operand);
                if (a.order == SEQ_CST)
                        drain(me);
        }
        model_access_after(&a);
}

static uint64_t combine(enum model_rmw how, uint64_t old, uint64_t operand)
{
        switch (how) {
        case MODEL_SWAP:
                return operand;
        case MODEL_ADD:
                return old + operand;
        case MODEL_SUB:
                return old - operand;
        case MODEL_OR:
                return old | operand;
        case MODEL_AND:
                return old & operand;
        }
        return 0;
}

uint64_t model_rmw(void *object, size_t size, enum model_rmw how, uint64_t operand, enum model_order order)
{
        struct model_access a = {.kind = MODEL_RMW, .object = object, .size = size, .order = order, .operand = operand};

        if (!model_running) {
                a.value = model_newest(object, size);
                put(object, size, combine(how, a.value, operand));
                return a.value;
        }
        if (!model_access_before(&a)) {
                unsigned me = model_self();

                if (memory == MODEL_TSO) {
                        drain(me);
                        settle(me, object);
                        a.value = model_newest(object, size);
                        put(object, size, combine(how, a.value, a.operand));
                        model_changed(true);
                } else {
                        unsigned o = find(object, size);

                        a.value = history_read(me, o, objects[o].n - 1, a.order);
                        history_write(me, o, size, cut(combine(how, a.value, a.operand), size), a.order, true);
                }
        }
        model_access_after(&a);
        return a.value;
}

static void cas_tso(struct model_access *a)
{
        drain(model_self());
        settle(model_self(), a->object);
        a->value = model_newest(a->object, a->size);
        a->ok = a->value == a->expected;
        if (a->ok) {
                put(a->object, a->size, a->operand);
                model_changed(true);
        }
}

static void cas_weak(struct model_access *a)
{
        unsigned me = model_self(), o = find(a->object, a->size);
        unsigned i = history_cas_reads(me, o, a->expected, a->order);

        a->ok = objects[o].history[i].value == a->expected;
        a->value = history_read(me, o, i, a->ok ? a->order : ACQUIRE);
        if (a->ok)
                history_write(me, o, a->size, a->operand, a->order, true);
}

bool model_cas(void *object, size_t size, uint64_t *expected, uint64_t desired, enum model_order order)
{
        struct model_access a = {.kind = MODEL_CAS, .object = object, .size = size, .order = order};

        a.expected = cut(*expected, size);
        a.operand = cut(desired, size);
        if (!model_running) {
                a.value = model_newest(object, size);
                a.ok = a.value == a.expected;
                if (a.ok)
                        put(object, size, a.operand);
        } else {
                if (!model_access_before(&a)) {
                        if (memory == MODEL_TSO)
                                cas_tso(&a);
                        else
                                cas_weak(&a);
                }
                model_access_after(&a);
        }
        *expected = a.value;
        return a.ok;
}

void model_write(uint64_t *object, uint64_t value)
{
        model_store(object, sizeof(*object), value, RELAXED);
}

uint64_t model_read(uint64_t *object)
{
        if (model_running && memory == MODEL_WEAK) {
                unsigned o = find(object, sizeof(*object));

                if (views[model_self()].oldest[o] != objects[o].n - 1)
                        model_fail("a plain object is read without order behind its write");
        }
        return model_load(object, sizeof(*object), RELAXED);
}
