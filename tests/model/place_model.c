/* place_model.c - every order of the steps of one who wakes a worker for a fork and of that worker, on sched/place.c itself:
 * it is moved at most until it runs, and runs with the affinity that it had. It may notice that it was woken before it is
 * unparked. Then the same with one thing broken at a time: each must be found. The kernel's mask has two CPUs. */
#include "sched/place.h"

#include "model.h"
#include "model_suite.h"

#include <string.h>

enum { WAKER = 0, SLEEPER = 1, WORKERS = 2, ALL = 3, FREE = 0, MOVING = 1 };

static struct exec_pool pool;
static struct execi_worker workers[WORKERS];
static unsigned long mask; /* the sleeper's: the kernel orders what is done to it */
static uint64_t allowed;   /* what the waker read: as worker.allowed is, plain memory */
static bool runs;

struct execi_worker *execi_worker_current(void)
{
        return &workers[model_self()];
}

/* ---- the kernel ---- */

int execi_affinity_thread(void)
{
        return (int)model_self();
}

int execi_affinity_cpu(void)
{
        return (int)model_self();
}

bool execi_affinity_get(int thread, struct execi_affinity *out)
{
        MODEL_CHECK(thread == SLEEPER);
        model_step();
        memset(out, 0, sizeof *out);
        out->words[0] = mask;
        if (model_self() == WAKER)
                model_write(&allowed, mask);
        return true;
}

bool execi_affinity_set(int thread, const struct execi_affinity *to)
{
        MODEL_CHECK(thread == SLEEPER);
        MODEL_CHECK(!runs);
        model_step();
        if (model_self() == SLEEPER)
                MODEL_CHECK(model_read(&allowed) == to->words[0]);
        mask = to->words[0];
        return true;
}

bool execi_affinity_is_empty(const struct execi_affinity *m)
{
        return !m->words[0];
}

/* ---- the program ---- */

static void start(void)
{
        memset(&pool, 0, sizeof pool);
        memset(workers, 0, sizeof workers);
        mask = ALL;
        allowed = 0;
        runs = false;
        pool.workers = workers;
        pool.n_workers = WORKERS;
        atom_store(&pool.places, true, RELAXED);
        for (unsigned i = 0; i < WORKERS; i++) {
                workers[i].pool = &pool;
                workers[i].thread_number = (int)i;
                atom_store(&workers[i].cpu, (int)i, RELAXED);
        }
        atom_store(&workers[SLEEPER].is_sleeper, true, RELAXED);
        model_name(&workers[SLEEPER].place, "place");
        model_name(&workers[SLEEPER].is_sleeper, "is_sleeper");
}

static void wake(void)
{
        struct execi_worker *w = &workers[SLEEPER];

        MODEL_CHECK(execi_place_begin(w));
        atom_store(&w->is_sleeper, false, RELEASE); /* idle.c, under its lock */
        execi_place_move(w);
}

static void wake_up(void)
{
        struct execi_worker *w = &workers[SLEEPER];

        while (atom_load(&w->is_sleeper, ACQUIRE))
                model_wait_for_change();
        execi_place_restore(w);
        MODEL_CHECK(mask == ALL);
        runs = true;
}

static void has_all(void)
{
        MODEL_CHECK(mask == ALL);
        MODEL_CHECK(atom_load(&workers[SLEEPER].place, RELAXED) == FREE);
}

static const struct model_program moved = {
        .name = "moved",
        .n_threads = 2,
        .bound = {8, 8},
        .setup = start,
        .thread = {[WAKER] = wake, [SLEEPER] = wake_up},
        .verify = has_all,
};

/* ---- mutations ---- */

static bool is(const struct model_access *a, enum model_kind kind, const void *object)
{
        return a->kind == kind && a->object == object;
}

static void hide_moving(struct model_access *a)
{
        a->skip |= is(a, MODEL_STORE, &workers[SLEEPER].place) && a->operand == MOVING;
}

static void forget_to_wait(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &workers[SLEEPER].place) && a->value == MOVING)
                a->value = FREE;
}

static void relax_moved(struct model_access *a)
{
        if (is(a, MODEL_STORE, &workers[SLEEPER].place) && a->order == RELEASE)
                a->order = RELAXED;
}

static void relax_look(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &workers[SLEEPER].place) && a->order == ACQUIRE)
                a->order = RELAXED;
}

static void relax_woken(struct model_access *a)
{
        if (is(a, MODEL_STORE, &workers[SLEEPER].is_sleeper))
                a->order = RELAXED;
}

static const struct model_case cases[] = {
        {.program = &moved},
        {&moved, {.name = "moving not told", .before = hide_moving}},
        {&moved, {.name = "not waited for", .after = forget_to_wait}},
        {&moved, {.name = "moved relaxed", .before = relax_moved, .weak_only = true}},
        {&moved, {.name = "look relaxed", .before = relax_look, .weak_only = true}},
        {&moved, {.name = "woken relaxed", .before = relax_woken, .weak_only = true}},
};

int main(void)
{
        return model_suite("place", cases, sizeof(cases) / sizeof(cases[0]));
}
