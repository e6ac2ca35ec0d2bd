/* forkstack_model.c - every order of the steps of an owner that forks and joins and of thieves, on queue/forkstack.c itself:
 * G1 to G6; each fork runs once, after what was written before it was forked, and its join ends after it has. Then the same
 * with one thing broken at a time: each must be found. */
#include "queue/forkstack.h"

#include "model.h"
#include "model_suite.h"

#include <string.h>

enum { FORKS = 6 };

static struct {
        char bytes[FORK_BLOCK_BYTES];
} block ALIGNED(FORK_BLOCK_BYTES);

static struct execi_forkstack *s = (struct execi_forkstack *)(void *)(block.bytes + FORK_HEAD_AT);
static struct exec_fork forks[FORKS];
static uint64_t contents[FORKS], results[FORKS]; /* plain memory */
static _Atomic(int) ended[FORKS];
static unsigned n_run[FORKS], n_forked;
static _Atomic(uint32_t) hungry, n_thieves;
static exec_forks *places[FORKS];
static unsigned out[FORKS], n_out; /* the forks that are out, by number */

/* What the mutations remember; anew in each execution. */
static struct {
        uint64_t value[MODEL_THREADS];
        bool armed[MODEL_THREADS];
        void *at;
} memo;

static void *watched_of(unsigned i)
{
        return execi_fork_watched(execi_forkstack_place(s, FORK_FIRST + i));
}

static void *word_of(unsigned i)
{
        return execi_fork_at(execi_forkstack_place(s, FORK_FIRST + i));
}

/* ---- steps of the programs ---- */

static void start(void)
{
        memset(&block, 0, 4096);
        memset(forks, 0, sizeof(forks));
        memset(contents, 0, sizeof(contents));
        memset(results, 0, sizeof(results));
        memset(ended, 0, sizeof(ended));
        memset(n_run, 0, sizeof(n_run));
        memset(&memo, 0, sizeof(memo));
        n_forked = n_out = 0;
        hungry = n_thieves = 0;
        execi_forkstack_init(s, FORK_BLOCK, NULL);
        model_name(&s->word, "word");
        model_name(&s->lock.held, "lock");
        model_name(&hungry, "hungry");
        model_name(word_of(0), "place 0");
        model_name(word_of(1), "place 1");
        model_name(word_of(2), "place 2");
        model_name(watched_of(0), "watched 0");
        model_name(watched_of(1), "watched 1");
        model_name(watched_of(2), "watched 2");
}

static void start_hungry(void)
{
        start();
        hungry = 1;
        execi_forkstack_mark(s);
}

static void run(struct exec_fork *f)
{
        ptrdiff_t i = f - forks;

        MODEL_CHECK(i >= 0 && i < FORKS);
        MODEL_CHECK(n_run[i]++ == 0);
        MODEL_CHECK(model_read(&contents[i]) == 1);
        model_write(&results[i], 2);
}

static void body(struct exec_fork *fork, exec_forks *at)
{
        (void)fork;
        (void)at;
}

static void fork_one(void)
{
        unsigned i = n_forked++;
        exec_forks *at = execi_forkstack_place(s, FORK_FIRST + n_out);

        model_write(&contents[i], 1);
        out[n_out] = i;
        places[n_out++] = at;
        if (execi_forkstack_push(at, &forks[i], body))
                execi_forkstack_pushed(at, &hungry);
}

static void join_one(void)
{
        unsigned i = out[--n_out];
        exec_forks *at = places[n_out];

        if (!execi_forkstack_pop(at) || execi_forkstack_popped(at, &forks[i], &hungry) != POP_TAKEN) {
                run(&forks[i]);
        } else {
                model_wait_while(&ended[i], sizeof(ended[i]), 0, INT64_MAX);
                MODEL_CHECK(atom_load(&ended[i], ACQUIRE));
                execi_forkstack_joined(at, &hungry);
        }
        MODEL_CHECK(n_run[i] == 1);
        MODEL_CHECK(model_read(&results[i]) == 2);
}

static void steal(void)
{
        struct exec_fork *f = execi_forkstack_steal(s);

        if (!f)
                return;
        run(f);
        atom_store(&ended[f - forks], 1, RELEASE);
}

static void steal_two(void)
{
        steal();
        steal();
}

static void force_and_steal(void)
{
        execi_forkstack_force(s);
        steal();
}

/* Its owner comes to a watched place, and at the same time it is raised. */
static void mark_force_and_steal(void)
{
        execi_forkstack_mark(s);
        force_and_steal();
}

static void mark_and_steal(void)
{
        atom_add(&hungry, 1, SEQ_CST);
        execi_forkstack_mark(s);
        steal();
        atom_sub(&hungry, 1, SEQ_CST);
}

static void publish(void)
{
        execi_forkstack_publish(s);
}

/* As between two steps of a loop. */
static void offer(void)
{
        bool told;

        if (!execi_forkstack_offer(execi_forkstack_place(s, FORK_FIRST + n_out), &told))
                MODEL_CHECK(!told && !execi_forkstack_has_public(s) && !execi_forkstack_has_private(s));
}

static void all_joined(void)
{
        MODEL_CHECK(n_out == 0);
        for (unsigned i = 0; i < n_forked; i++)
                MODEL_CHECK(n_run[i] == 1);
        MODEL_CHECK(!execi_forkstack_any(s) && !execi_forkstack_has_public(s) && !execi_forkstack_has_private(s));
        MODEL_CHECK(execi_forkstack_head(s) == FORK_FIRST);
}

/* ---- programs ---- */

static void two_and_one(void)
{
        fork_one();
        fork_one();
        join_one();
        join_one();
        fork_one();
        join_one();
}

static const struct model_program forced = {
        .name = "forced",
        .n_threads = 2,
        .bound = {4, 4},
        .setup = start,
        .thread = {two_and_one, force_and_steal},
        .verify = all_joined,
};

/* A place that is 0 at the first look, and another fork's at the second. */
static void one_after_another(void)
{
        for (int i = 0; i < 3; i++) {
                fork_one();
                join_one();
        }
}

static const struct model_program reused = {
        .name = "reused",
        .n_threads = 2,
        .bound = {5, 4},
        .setup = start,
        .thread = {one_after_another, force_and_steal},
        .verify = all_joined,
};

/* The thief sees one fork, raises, and takes the next, which is not yet known to be public: by the place alone it learns
 * what was written before. */
static void two_in_a_row(void)
{
        fork_one();
        join_one();
        fork_one();
        join_one();
}

static const struct model_program replaced = {
        .name = "replaced",
        .n_threads = 2,
        .bound = {5, 5},
        .setup = start,
        .thread = {two_in_a_row, force_and_steal},
        .verify = all_joined,
};

static const struct model_program watched = {
        .name = "watched",
        .n_threads = 2,
        .bound = {4, 4},
        .setup = start,
        .thread = {two_in_a_row, mark_force_and_steal},
        .verify = all_joined,
};

static const struct model_program asked = {
        .name = "asked",
        .n_threads = 2,
        .bound = {5, 4},
        .setup = start,
        .thread = {two_and_one, mark_and_steal},
        .verify = all_joined,
};

static const struct model_program always_hungry = {
        .name = "always hungry",
        .n_threads = 2,
        .bound = {5, 5},
        .setup = start_hungry,
        .thread = {two_and_one, steal_two},
        .verify = all_joined,
};

/* As when its fiber waits. */
static void left_and_back(void)
{
        fork_one();
        fork_one();
        fork_one();
        publish();
        join_one();
        fork_one();
        join_one();
        join_one();
        join_one();
}

static const struct model_program left = {
        .name = "left",
        .n_threads = 2,
        .bound = {4, 4},
        .setup = start,
        .thread = {left_and_back, steal_two},
        .verify = all_joined,
};

/* What a waiting fiber has published stays so, whatever a thief raised before. */
static void left_and_looked_at(void)
{
        fork_one();
        fork_one();
        fork_one();
        publish();
        /* The owner waits: what is private now is hidden. */
        model_wait_while(&n_thieves, sizeof(n_thieves), 0, INT64_MAX);
        MODEL_CHECK(!execi_forkstack_has_private(s));
        join_one();
        join_one();
        join_one();
}

static void force_and_tell(void)
{
        force_and_steal();
        atom_store(&n_thieves, 1, RELEASE);
}

static const struct model_program left_forced = {
        .name = "left, forced",
        .n_threads = 2,
        .bound = {4, 4},
        .setup = start,
        .thread = {left_and_looked_at, force_and_tell},
        .verify = all_joined,
};

static const struct model_program two_thieves = {
        .name = "two thieves",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start,
        .thread = {two_and_one, force_and_steal, steal},
        .verify = all_joined,
};

static const struct model_program two_ways = {
        .name = "two ways",
        .n_threads = 3,
        .bound = {2, 2},
        .setup = start,
        .thread = {two_and_one, force_and_steal, mark_and_steal},
        .verify = all_joined,
};

static void two_offered(void)
{
        fork_one();
        fork_one();
        offer();
        offer();
        join_one();
        fork_one();
        offer();
        join_one();
        join_one();
}

static const struct model_program offered = {
        .name = "offered",
        .n_threads = 2,
        .bound = {4, 4},
        .setup = start,
        .thread = {two_offered, steal_two},
        .verify = all_joined,
};

static void one_offered(void)
{
        fork_one();
        offer();
        join_one();
}

static const struct model_program offered_once = {
        .name = "offered once",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start,
        .thread = {one_offered, force_and_steal, steal},
        .verify = all_joined,
};

static const struct model_program offered_forced = {
        .name = "offered, forced",
        .n_threads = 2,
        .bound = {4, 4},
        .setup = start,
        .thread = {two_offered, force_and_steal},
        .verify = all_joined,
};

/* ---- mutations ---- */

static bool is(const struct model_access *a, enum model_kind kind, const void *object)
{
        return a->kind == kind && a->object == object;
}

static bool is_of_place(const struct model_access *a)
{
        return a->object >= word_of(0) && a->object < word_of(FORKS);
}

static bool is_place(const struct model_access *a)
{
        return is_of_place(a) && ((const char *)a->object - (const char *)word_of(0)) % sizeof(exec_forks) == 0;
}

static bool is_watched(const struct model_access *a)
{
        return is_of_place(a) && !is_place(a);
}

static bool lowers(const struct model_access *a)
{
        return is(a, MODEL_CAS, &s->word) && execi_fork_split(a->operand) < execi_fork_split(a->expected);
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

/* What a thief raised it takes for forks without a second look. */
static void drop_second_look(struct model_access *a)
{
        if (!a->thread)
                return;
        if (a->kind == MODEL_MEMBARRIER)
                memo.armed[a->thread] = true;
        else if (is(a, MODEL_CAS, &s->word))
                memo.armed[a->thread] = false;
        else if (a->kind == MODEL_LOAD && is_place(a) && memo.armed[a->thread])
                answer(a, 1);
}

static void drop_lowering(struct model_access *a)
{
        if (a->thread && lowers(a))
                answer(a, a->expected);
}

/* The owner reads whether a place is watched before he stores it. */
static void read_watched_early(struct model_access *a)
{
        if (a->thread)
                return;
        if (a->kind == MODEL_STORE && is_place(a)) {
                exec_forks *at = (exec_forks *)a->object;

                memo.armed[0] = true;
                memo.value[0] = model_load(&at->watched, sizeof(at->watched), RELAXED);
                model_step();
        } else if (a->kind == MODEL_LOAD && is_watched(a) && memo.armed[0]) {
                memo.armed[0] = false;
                answer(a, memo.value[0]);
        }
}

/* What a thief raises is not watched. */
static void drop_watching(struct model_access *a)
{
        if (a->thread && a->kind == MODEL_STORE && is_watched(a))
                answer(a, 0);
}

/* The thief has watched what he is about to raise; the owner may end that without having seen the swap. */
static void watch_early(struct model_access *a)
{
        if (!a->thread)
                return;
        if (is(a, MODEL_CAS, &s->word) && execi_fork_split(a->operand) > execi_fork_split(a->expected)) {
                for (unsigned i = execi_fork_split(a->expected); i < execi_fork_split(a->operand); i++)
                        model_store(execi_fork_watched(execi_forkstack_place(s, i)), sizeof(uint32_t), 1, SEQ_CST);
                model_step();
                memo.armed[a->thread] = true;
        } else if (a->kind == MODEL_STORE && is_watched(a) && memo.armed[a->thread]) {
                answer(a, 0);
        }
}

/* The owner ends it after his swap (at the last of the places), and what was raised behind that is not watched. */
static void unwatch_late(struct model_access *a)
{
        if (a->thread)
                return;
        if (a->kind == MODEL_STORE && is_watched(a) && !a->operand) {
                memo.at = a->object;
                answer(a, 0);
        } else if (is(a, MODEL_CAS, &s->word) && memo.at) {
                uint64_t expected = a->expected;
                bool ok = model_cas(&s->word, sizeof(s->word), &expected, a->operand, ACQ_REL);

                model_step();
                if (ok)
                        model_store(memo.at, sizeof(uint32_t), 0, RELAXED);
                memo.at = ok ? NULL : memo.at;
                a->skip = true;
                a->value = expected;
                a->ok = ok;
        }
}

static void take_back_plainly(struct model_access *a)
{
        if (a->thread == 0 && lowers(a)) {
                model_store(&s->word, sizeof(s->word), a->operand, SEQ_CST);
                answer(a, a->expected);
        }
}

static bool is_offer(const struct model_access *a)
{
        return a->thread == 0 && is(a, MODEL_CAS, &s->word) &&
               execi_fork_split(a->operand) > execi_fork_split(a->expected);
}

static void offer_plainly(struct model_access *a)
{
        if (is_offer(a)) {
                model_store(&s->word, sizeof(s->word), a->operand, SEQ_CST);
                answer(a, a->expected);
        }
}

static void drop_lock(struct model_access *a)
{
        if (a->object == &s->lock.held)
                answer(a, 0);
}

static void drop_owners_lock(struct model_access *a)
{
        if (a->thread == 0)
                drop_lock(a);
}

/* The owner does not put the place of a stolen fork back. */
static void drop_putting_back(struct model_access *a)
{
        if (a->thread == 0 && a->kind == MODEL_STORE && is_place(a)) {
                if (memo.armed[0] && a->operand)
                        answer(a, 0);
                memo.armed[0] = !a->operand;
        }
}

/* The oldest stolen fork is joined, and nobody says so. */
static void drop_reset(struct model_access *a)
{
        if (a->thread == 0 && is(a, MODEL_CAS, &s->word) && execi_fork_top(a->operand) < execi_fork_top(a->expected))
                answer(a, a->expected);
}

static void relax_place(struct model_access *a)
{
        if (a->thread == 0 && a->kind == MODEL_STORE && is_place(a))
                a->order = RELAXED;
}

static void relax_look(struct model_access *a)
{
        if (a->thread && a->kind == MODEL_LOAD && is_place(a))
                a->order = RELAXED;
}

static void relax_place_and_word(struct model_access *a)
{
        relax_place(a);
        if (a->thread == 0 && is(a, MODEL_CAS, &s->word))
                a->order = ACQUIRE;
}

/* The thief learns of a fork, and takes the one that was at its place before. */
static void relax_offer(struct model_access *a)
{
        if (is_offer(a))
                a->order = ACQUIRE;
}

static const struct model_case cases[] = {
        {.program = &forced},
        {.program = &reused},
        {.program = &replaced},
        {.program = &watched},
        {.program = &asked},
        {.program = &always_hungry},
        {.program = &left},
        {.program = &left_forced},
        {.program = &two_thieves},
        {.program = &two_ways},
        {.program = &offered},
        {.program = &offered_once},
        {.program = &offered_forced},
        {&forced, {.name = "no membarrier", .before = drop_membarrier}},
        {&reused, {.name = "no membarrier", .before = drop_membarrier}},
        {&forced, {.name = "no second look", .before = drop_second_look}},
        {&forced, {.name = "split not lowered again", .before = drop_lowering}},
        {&forced, {.name = "watched read before the place is stored", .before = read_watched_early}},
        {&forced, {.name = "what is raised is not watched", .before = drop_watching}},
        {&watched, {.name = "watched before the swap", .before = watch_early}},
        {&watched, {.name = "watched until after the swap", .before = unwatch_late}},
        {&left, {.name = "taking back by a store", .before = take_back_plainly}},
        {&offered_forced, {.name = "offering by a store", .before = offer_plainly}},
        {&two_thieves, {.name = "no lock between thieves", .before = drop_lock}},
        {&left_forced, {.name = "no lock while publishing", .before = drop_owners_lock}},
        {&left, {.name = "place not put back", .before = drop_putting_back}},
        {&always_hungry, {.name = "no reset", .before = drop_reset}},
        {&replaced, {.name = "place relaxed", .before = relax_place, .weak_only = true}},
        {&replaced, {.name = "look relaxed", .before = relax_look, .weak_only = true}},
        {&offered, {.name = "offer relaxed", .before = relax_offer, .weak_only = true}},
        {&always_hungry, {.name = "place and word relaxed", .before = relax_place_and_word, .weak_only = true}},
};

int main(void)
{
        return model_suite("forkstack", cases, sizeof(cases) / sizeof(cases[0]));
}
