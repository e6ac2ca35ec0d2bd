/* inject_model.c - every order of the steps of producers, consumers and a close, on queue/inject.c itself: J1 to J4,
 * and what was written into an item before its push is seen by who pops it. Then the same with one thing broken at a
 * time: each must be found. */
#include "base/compiler.h"
#include "queue/inject.h"

#include "model.h"
#include "model_suite.h"

#include <string.h>

enum { ITEMS = 4, CLOSER = 1 };

static struct item {
        struct execi_link link;
        uint64_t content; /* plain memory */
        unsigned producer;
        bool accepted;
        unsigned n_popped;
} items[ITEMS];

static struct execi_inject q;
static unsigned n_items;
static bool close_returned;
static unsigned last_popped[MODEL_THREADS]; /* by producer: 1 + index of the item */
static _Atomic(uint32_t) announced;
static bool producer_saw, sleeper_saw;

/* What the mutations remember; anew in each execution. */
static struct {
        uint64_t value;
        bool armed;
} memo[MODEL_THREADS];

/* ---- steps of the programs ---- */

static void start(void)
{
        memset(items, 0, sizeof(items));
        memset(memo, 0, sizeof(memo));
        memset(last_popped, 0, sizeof(last_popped));
        n_items = 0;
        close_returned = false;
        producer_saw = false;
        sleeper_saw = false;
        atom_store(&announced, 0, RELAXED);
        execi_inject_init(&q);
        model_name(&q.head, "head");
        model_name(&q.n_taken, "n_taken");
        model_name(&q.lock.held, "lock");
        model_name(&announced, "announced");
}

static void push(void)
{
        struct item *item = &items[n_items++];
        bool late = close_returned;

        item->producer = model_self();
        model_write(&item->content, 1);
        item->accepted = execi_inject_push(&q, &item->link);
        MODEL_CHECK(!(late && item->accepted)); /* J2 */
}

static void take(struct execi_link *l)
{
        struct item *item = CONTAINER_OF(l, struct item, link);
        unsigned number = (unsigned)(item - items) + 1;

        MODEL_CHECK(number >= 1 && number <= ITEMS);
        MODEL_CHECK(item->n_popped++ == 0);                /* J1 */
        MODEL_CHECK(last_popped[item->producer] < number); /* J3; with one consumer */
        last_popped[item->producer] = number;
        MODEL_CHECK(model_read(&item->content) == 1);
}

static size_t pop(size_t max, bool wait)
{
        struct execi_link *popped[ITEMS];
        size_t n = execi_inject_pop(&q, popped, max, wait);

        for (size_t i = 0; i < n; i++)
                take(popped[i]);
        return n;
}

static void accepted_once(void)
{
        while (pop(ITEMS, true))
                ;
        MODEL_CHECK(execi_inject_empty(&q));
        for (unsigned i = 0; i < n_items; i++)
                MODEL_CHECK(items[i].n_popped == items[i].accepted);
}

/* ---- programs ---- */

static void two_pushes(void)
{
        push();
        push();
}

static void two_pops(void)
{
        pop(1, false);
        pop(2, true);
}

static const struct model_program popped = {
        .name = "popped",
        .n_threads = 3,
        .bound = {4, 4},
        .setup = start,
        .thread = {two_pushes, push, two_pops},
        .verify = accepted_once,
};

static void close_it(void)
{
        execi_inject_close(&q);
        close_returned = true;
}

static void one_pop(void)
{
        pop(1, true);
}

static const struct model_program closed = {
        .name = "closed",
        .n_threads = 3,
        .bound = {4, 4},
        .setup = start,
        .thread = {two_pushes, [CLOSER] = close_it, one_pop},
        .verify = accepted_once,
};

/* J4: only one of the two can have gone. */
static void two_pushes_then_look(void)
{
        two_pushes();
        MODEL_CHECK(!execi_inject_empty(&q));
}

static const struct model_program looked_at = {
        .name = "looked at",
        .n_threads = 2,
        .bound = {5, 5},
        .setup = start,
        .thread = {two_pushes_then_look, one_pop},
        .verify = accepted_once,
};

static void one_pop_unordered(void)
{
        struct execi_link *l;

        if (execi_inject_pop(&q, &l, 1, false))
                MODEL_CHECK(CONTAINER_OF(l, struct item, link)->n_popped++ == 0);
}

static const struct model_program two_consumers = {
        .name = "two consumers",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start,
        .thread = {two_pushes, one_pop_unordered, one_pop_unordered},
        .verify = accepted_once,
};

/* A producer that looks for sleepers after its push, and one that looks into the queue after it announced its sleep:
 * they cannot both see nothing. */
static void push_then_look_for_sleepers(void)
{
        push();
        producer_saw = atom_load(&announced, SEQ_CST);
}

static void announce_then_look(void)
{
        atom_swap(&announced, 1, SEQ_CST);
        sleeper_saw = !execi_inject_empty(&q);
}

static void somebody_saw(void)
{
        MODEL_CHECK(producer_saw || sleeper_saw);
}

static const struct model_program sleeper = {
        .name = "sleeper",
        .n_threads = 2,
        .bound = {5, 5},
        .setup = start,
        .thread = {push_then_look_for_sleepers, announce_then_look},
        .verify = somebody_saw,
};

/* ---- mutations ---- */

static bool is(const struct model_access *a, enum model_kind kind, const void *object)
{
        return a->kind == kind && a->object == object;
}

static void answer(struct model_access *a, uint64_t value)
{
        a->skip = true;
        a->value = value;
        a->ok = true;
}

/* An exchange of head in two steps, another thread between them. */
static void split_swap(struct model_access *a)
{
        if (is(a, MODEL_RMW, &q.head)) {
                answer(a, model_load(&q.head, sizeof(q.head), SEQ_CST));
                model_step();
                model_store(&q.head, sizeof(q.head), a->operand, SEQ_CST);
        }
}

static void split_close(struct model_access *a)
{
        if (a->thread == CLOSER)
                split_swap(a);
}

static void drop_lock(struct model_access *a)
{
        if (a->object == &q.lock.held)
                answer(a, 0);
}

/* n_taken stays 0 while the stack moves. */
static void drop_raise(struct model_access *a)
{
        if (is(a, MODEL_STORE, &q.n_taken) && !memo[a->thread].armed)
                answer(a, 0);
}

static void note_swap(struct model_access *a)
{
        if (is(a, MODEL_RMW, &q.head))
                memo[a->thread].armed = true;
}

static void read_n_taken_first(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &q.head) && a->order == SEQ_CST) {
                memo[a->thread].value = model_load(&q.n_taken, sizeof(q.n_taken), ACQUIRE);
                model_step();
        } else if (is(a, MODEL_LOAD, &q.n_taken) && a->order == ACQUIRE) {
                answer(a, memo[a->thread].value);
        }
}

static void relax_push(struct model_access *a)
{
        if (is(a, MODEL_CAS, &q.head))
                a->order = RELAXED;
}

static void acq_rel_push(struct model_access *a)
{
        if (is(a, MODEL_CAS, &q.head))
                a->order = ACQ_REL;
}

static void acquire_look(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &q.head))
                a->order = ACQUIRE;
}

static void relax_swap(struct model_access *a)
{
        if (is(a, MODEL_RMW, &q.head) || is(a, MODEL_LOAD, &q.head))
                a->order = RELAXED;
}

static const struct model_case cases[] = {
        {.program = &popped},
        {.program = &closed},
        {.program = &looked_at},
        {.program = &two_consumers},
        {.program = &sleeper},
        {&closed, {.name = "close in two steps", .before = split_close}},
        {&popped, {.name = "stack taken in two steps", .before = split_swap}},
        {&two_consumers, {.name = "no lock between consumers", .before = drop_lock}},
        {&looked_at, {.name = "n_taken not raised", .before = drop_raise, .after = note_swap}},
        {&looked_at, {.name = "n_taken read before head", .before = read_n_taken_first}},
        {&popped, {.name = "push relaxed", .before = relax_push, .weak_only = true}},
        {&popped, {.name = "pop relaxed", .before = relax_swap, .weak_only = true}},
        {&sleeper, {.name = "push not seq_cst", .before = acq_rel_push, .weak_only = true}},
        {&sleeper, {.name = "look not seq_cst", .before = acquire_look, .weak_only = true}},
};

int main(void)
{
        return model_suite("inject", cases, sizeof(cases) / sizeof(cases[0]));
}
