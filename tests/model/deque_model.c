/* deque_model.c - every order of the steps of an owner and of thieves, on queue/deque.c itself: D1, each item once, and
 * what was written into an item before its push is seen by who gets it. Then the same with one thing broken at a time:
 * each must be found. */
#include "queue/deque.h"

#include "model.h"
#include "model_suite.h"

#include <string.h>

enum { ITEMS = 5 };

static struct execi_deque d;
static uint64_t items[ITEMS + 1]; /* numbered from 1; the content is plain memory */
static unsigned n_taken[ITEMS + 1], n_pushed;

/* What the mutations remember; anew in each execution. */
static struct {
        uint64_t value[MODEL_THREADS];
        bool armed[MODEL_THREADS];
} memo;

/* ---- steps of the programs ---- */

static void start(uint32_t capacity, bool all_public)
{
        memset(items, 0, sizeof(items));
        memset(n_taken, 0, sizeof(n_taken));
        memset(&memo, 0, sizeof(memo));
        n_pushed = 0;
        execi_deque_init(&d, capacity, UINT32_MAX, all_public); /* the second index wraps */
        model_name(&d.bottom, "bottom");
        model_name(&d.split_top, "split_top");
        model_name(&d.rtop, "rtop");
        model_name(&d.array, "array");
        model_name(&d.thief.held, "thief");
}

static void start_4(void)
{
        start(4, false);
}

static void start_2(void)
{
        start(2, false);
}

static void start_1(void)
{
        start(1, false);
}

static void start_all_public(void)
{
        start(4, true);
}

static void push(void)
{
        uint64_t *item = &items[++n_pushed];

        model_write(item, 1);
        MODEL_CHECK(execi_deque_push(&d, item));
}

static void take(void *item)
{
        ptrdiff_t i = (uint64_t *)item - items;

        MODEL_CHECK(i >= 1 && i <= ITEMS);
        MODEL_CHECK(n_taken[i]++ == 0);
        MODEL_CHECK(model_read(&items[i]) == 1);
}

static bool pop(void)
{
        void *item = execi_deque_pop(&d);

        if (item)
                take(item);
        return item;
}

static void publish(void)
{
        execi_deque_publish(&d);
}

static void steal(void)
{
        void *stolen[2];
        size_t n = execi_deque_steal(&d, stolen, 2);

        while (n)
                take(stolen[--n]);
}

static void force_and_steal(void)
{
        execi_deque_force(&d);
        steal();
}

static void each_once(void)
{
        while (pop())
                ;
        for (unsigned i = 1; i <= n_pushed; i++)
                MODEL_CHECK(n_taken[i] == 1);
        MODEL_CHECK(!execi_deque_has_public(&d) && !execi_deque_has_private(&d));
}

/* ---- programs ---- */

static void published_owner(void)
{
        push();
        push();
        publish();
        pop();
        pop();
        push();
        pop();
}

static const struct model_program published = {
        .name = "published",
        .n_threads = 2,
        .bound = {5, 5},
        .setup = start_4,
        .thread = {published_owner, steal},
        .verify = each_once,
};

static void private_owner(void)
{
        push();
        push();
        pop();
        pop();
        pop();
        push();
}

static const struct model_program forced = {
        .name = "forced",
        .n_threads = 2,
        .bound = {4, 4},
        .setup = start_4,
        .thread = {private_owner, force_and_steal},
        .verify = each_once,
};

static void taking_back_owner(void)
{
        push();
        push();
        publish();
        pop();
        pop();
}

static const struct model_program taken_back = {
        .name = "taken back",
        .n_threads = 2,
        .bound = {4, 4},
        .setup = start_4,
        .thread = {taking_back_owner, force_and_steal},
        .verify = each_once,
};

static void short_owner(void)
{
        push();
        pop();
        push();
}

static const struct model_program two_thieves = {
        .name = "two thieves",
        .n_threads = 3,
        .bound = {4, 4},
        .setup = start_4,
        .thread = {short_owner, force_and_steal, steal},
        .verify = each_once,
};

static void reusing_owner(void)
{
        push();
        push();
        publish();
        push(); /* where the first was, if that is stolen; else a larger array */
        pop();
}

static const struct model_program slots_reused = {
        .name = "slots reused",
        .n_threads = 2,
        .bound = {5, 5},
        .setup = start_2,
        .thread = {reusing_owner, steal},
        .verify = each_once,
};

/* At the end the first index holds another item than at the beginning, in another array, under the same split_top. */
static void growing_owner(void)
{
        push();
        publish();
        pop();
        push();
        push();
        pop();
        pop();
        push();
        publish();
}

static const struct model_program grown = {
        .name = "grown",
        .n_threads = 2,
        .bound = {5, 5},
        .setup = start_1,
        .thread = {growing_owner, steal},
        .verify = each_once,
};

/* The first array may be freed only when nobody reads it any more. */
static void trimming_owner(void)
{
        push();
        publish();
        push();
        pop();
        pop();
        memo.armed[0] = true;
        execi_deque_trim(&d);
        memo.armed[0] = false;
        push();
        publish();
}

static void steal_twice(void)
{
        steal();
        steal();
}

static const struct model_program trimmed = {
        .name = "trimmed",
        .n_threads = 2,
        .bound = {4, 4},
        .setup = start_1,
        .thread = {trimming_owner, steal_twice},
        .verify = each_once,
};

static void open_owner(void)
{
        push();
        publish();
        push();
        publish();
        pop();
        pop();
        push();
        publish();
}

static const struct model_program all_public = {
        .name = "all public",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start_all_public,
        .thread = {open_owner, steal, steal},
        .verify = each_once,
};

/* ---- mutations ---- */

static bool is(const struct model_access *a, enum model_kind kind, const void *object)
{
        return a->kind == kind && a->object == object;
}

/* Does a CAS of split_top lower split? */
static bool lowers(const struct model_access *a)
{
        return is(a, MODEL_CAS, &d.split_top) &&
               (int32_t)(execi_deque_split(a->operand) - execi_deque_split(a->expected)) < 0;
}

static void answer(struct model_access *a, uint64_t value)
{
        a->skip = true;
        a->value = value;
        a->ok = true;
}

static void drop_membarrier(struct model_access *a)
{
        if (a->kind == MODEL_MEMBARRIER)
                answer(a, 0);
}

/* The thief takes the bottom that it saw before the barrier for the one after it. */
static void drop_second_look(struct model_access *a)
{
        if (a->kind == MODEL_MEMBARRIER)
                memo.armed[a->thread] = true;
        else if (is(a, MODEL_LOAD, &d.bottom) && memo.armed[a->thread])
                answer(a, memo.value[a->thread]);
}

static void note_bottom(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &d.bottom))
                memo.value[a->thread] = a->value;
}

/* The owner takes split for what it has just stored when it took back. */
static void note_taking_back(struct model_access *a)
{
        if (a->thread == 0 && lowers(a) && a->ok) {
                memo.armed[0] = true;
                memo.value[0] = a->operand;
        }
}

static void drop_look_after_taking_back(struct model_access *a)
{
        if (a->thread == 0 && is(a, MODEL_LOAD, &d.split_top) && memo.armed[0]) {
                memo.armed[0] = false;
                answer(a, memo.value[0]);
        }
}

/* The owner reads split before it stores bottom. */
static void read_split_early(struct model_access *a)
{
        if (a->thread)
                return;
        if (is(a, MODEL_STORE, &d.bottom)) {
                memo.armed[0] = true;
                memo.value[0] = model_load(&d.split_top, sizeof(d.split_top), RELAXED);
                model_step();
        } else if (is(a, MODEL_LOAD, &d.split_top) && memo.armed[0]) {
                memo.armed[0] = false;
                answer(a, memo.value[0]);
        }
}

static void drop_lock(struct model_access *a)
{
        if (a->object == &d.thief.held)
                answer(a, 0);
}

static void store_rtop_early(struct model_access *a)
{
        if (a->thread && is(a, MODEL_CAS, &d.split_top) && a->ok)
                model_store(&d.rtop, sizeof(d.rtop), execi_deque_top(a->operand), RELEASE);
}

static void note_array(struct model_access *a)
{
        if (a->thread && is(a, MODEL_LOAD, &d.split_top))
                memo.value[a->thread] = model_newest(&d.array, sizeof(d.array));
}

static void read_array_early(struct model_access *a)
{
        if (a->thread && is(a, MODEL_LOAD, &d.array))
                answer(a, memo.value[a->thread]);
}

/* What a thief did not validate stays: split above a bottom that the owner has passed. */
static void drop_lowering(struct model_access *a)
{
        if (a->thread && lowers(a))
                answer(a, a->expected);
}

/* The owner takes back by a plain store. */
static void take_back_plainly(struct model_access *a)
{
        if (a->thread == 0 && lowers(a)) {
                model_store(&d.split_top, sizeof(d.split_top), a->operand, SEQ_CST);
                answer(a, a->expected);
        }
}

static void relax_publish(struct model_access *a)
{
        if (a->thread == 0 && is(a, MODEL_CAS, &d.split_top))
                a->order = RELAXED;
}

static void relax_steal(struct model_access *a)
{
        if (a->thread && (is(a, MODEL_CAS, &d.split_top) || is(a, MODEL_LOAD, &d.split_top)))
                a->order = RELAXED;
}

static void relax_array(struct model_access *a)
{
        if (a->object == &d.array)
                a->order = RELAXED;
}

/* Whoever has found all taken believes that all was read, too. */
static void trim_early(struct model_access *a)
{
        if (a->thread == 0 && memo.armed[0] && is(a, MODEL_LOAD, &d.rtop))
                answer(a, model_newest(&d.bottom, sizeof(d.bottom)));
}

static const struct model_case cases[] = {
        {.program = &published},
        {.program = &forced},
        {.program = &taken_back},
        {.program = &two_thieves},
        {.program = &slots_reused},
        {.program = &grown},
        {.program = &trimmed},
        {.program = &all_public},
        {&forced, {.name = "no membarrier", .before = drop_membarrier}},
        {&forced, {.name = "no second look at bottom", .before = drop_second_look, .after = note_bottom}},
        {&forced, {.name = "split read before bottom is stored", .before = read_split_early}},
        {&forced, {.name = "split not lowered again", .before = drop_lowering}},
        {&taken_back,
         {.name = "no second look at split when taking back",
          .before = drop_look_after_taking_back,
          .after = note_taking_back}},
        {&taken_back, {.name = "taking back by a store", .before = take_back_plainly}},
        {&two_thieves, {.name = "no lock between thieves", .before = drop_lock}},
        {&slots_reused, {.name = "rtop stored before the slots are read", .after = store_rtop_early}},
        {&grown, {.name = "array read before the CAS", .before = read_array_early, .after = note_array}},
        {&trimmed, {.name = "trimmed before all is read", .before = trim_early}},
        {&all_public, {.name = "taking back one by a store", .before = take_back_plainly}},
        {&published, {.name = "publish relaxed", .before = relax_publish, .weak_only = true}},
        {&published, {.name = "steal relaxed", .before = relax_steal, .weak_only = true}},
        {&slots_reused, {.name = "array relaxed", .before = relax_array, .weak_only = true}},
};

int main(void)
{
        return model_suite("deque", cases, sizeof(cases) / sizeof(cases[0]));
}
