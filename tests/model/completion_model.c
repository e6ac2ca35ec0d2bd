/* completion_model.c - every order of the steps of those who finish futures, of plain threads that wait for them at a
 * completion queue, and of one who frees it, on future/completion.c and wait/waitlist.c themselves: each future is handed
 * over once, its outcome is seen, nobody is left asleep, and nobody touches the queue behind its end (Q1 - Q4). Then the
 * same with one thing broken at a time: each must be found. */
#include "future/completion.h"
#include "future/here.h"
#include "sched/idle.h"
#include "sched/ready.h"
#include "sched/suspend.h"
#include "wait/timers.h"

#include "model.h"
#include "model_suite.h"

#include <executor/future.h>

#include <string.h>

enum { FUTURES = 2, LATE_NS = 1000, SOME_OF_QUEUE = 256 };

static exec_future cells[FUTURES];
static exec_completion *queue;
static _Atomic(uintptr_t) *finished;   /* the queue's first field */
static uint64_t outcomes[FUTURES];     /* plain memory, written before the future ends */
static unsigned n_taken[FUTURES];      /* how often each was handed over */
static unsigned n_zero[MODEL_THREADS]; /* what the mutations remember */

unsigned execi_sanitizer;

/* ---- what these sources need ---- */

struct execi_worker *execi_worker_current(void)
{
        return NULL;
}

bool execi_callback_is_running(void)
{
        return false;
}

/* Its swap has failed. */
bool execi_waiter_unlink(exec_future *f, struct execi_waiter *n)
{
        (void)n;
        MODEL_CHECK(execi_state_is_done(f));
        return false;
}

void execi_unref_slow(struct execi_worker *w, exec_future *f)
{
        (void)w;
        n_taken[f - cells]++;
}

/* ---- and does without: no tasks wait here ---- */

/* clang-format off */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
MODEL_UNUSED(int exec_cancel_at(const char *place, exec_future *f, const char *reason))
MODEL_UNUSED(void exec_future_unref_all(exec_future *const f[], size_t n))
MODEL_UNUSED(void execi_ref(exec_future *f))
MODEL_UNUSED(bool execi_waiter_link_slow(exec_future *f, struct execi_waiter *n))
MODEL_UNUSED(void execi_suspend(struct execi_worker *w, execi_commit_fn commit, void *ctx))
MODEL_UNUSED(void execi_wake_slow(struct execi_worker *w, exec_future *t, enum wake_where where))
MODEL_UNUSED(void execi_timer_init(struct execi_timer *t, int64_t deadline_ns, uint32_t kind))
MODEL_UNUSED(void execi_deadline_begin(struct execi_worker *w, struct execi_deadline *d))
MODEL_UNUSED(void execi_deadline_insert(struct execi_deadline *d))
MODEL_UNUSED(void execi_deadline_end(struct execi_deadline *d))
MODEL_UNUSED(void execi_deadline_remove(struct execi_deadline *d))
MODEL_UNUSED(void execi_gather_flush_slow(struct execi_worker *w))
MODEL_UNUSED(void execi_idle_watch_slow(struct exec_pool *p))
MODEL_UNUSED(void execi_slab_free_remote(struct execi_slab *own, struct execi_slab *of, exec_future *f))
MODEL_UNUSED(void execi_tsan_acquire_slow(void *edge))
#pragma GCC diagnostic pop
/* clang-format on */

/* ---- the programs ---- */

static void start(size_t n)
{
        exec_future *all[FUTURES];

        memset(cells, 0, sizeof cells);
        memset(n_taken, 0, sizeof n_taken);
        memset(n_zero, 0, sizeof n_zero);
        memset(outcomes, 0, sizeof outcomes);
        for (size_t i = 0; i < n; i++) {
                cells[i].kind = CELL_TASK;
                atom_store(&cells[i].refs, 1, RELAXED);
                all[i] = &cells[i];
        }
        queue = exec_as_completed_with(all, n, EXEC_UNREF);
        finished = (_Atomic(uintptr_t) *)queue;
        model_name(finished, "finished");
}

static void start_one(void)
{
        start(1);
}

static void start_two(void)
{
        start(2);
}

static void finish(size_t i)
{
        model_write(&outcomes[i], i + 1);
        while (!execi_task_finish_plain(NULL, &cells[i], NULL)) /* its entry was taken back meanwhile */
                ;
}

static void finish_first(void)
{
        finish(0);
}

static void finish_second(void)
{
        finish(1);
}

static void finish_both(void)
{
        finish(0);
        finish(1);
}

static int take(int64_t deadline_ns)
{
        exec_future *f = NULL;
        void *tag = NULL;
        int r = exec_completion_next(queue, deadline_ns, &f, &tag);

        if (r == 1) {
                size_t i = (size_t)(uintptr_t)tag;

                MODEL_CHECK(i < FUTURES && f == &cells[i] && model_read(&outcomes[i]) == i + 1);
                n_taken[i]++;
        }
        return r;
}

static void take_one(void)
{
        MODEL_CHECK(take(EXEC_FOREVER) == 1);
}

static void take_all(void)
{
        int r;

        while ((r = take(EXEC_FOREVER)) == 1)
                ;
        MODEL_CHECK(r == 0);
}

static void take_late(void)
{
        int r = take(LATE_NS);

        MODEL_CHECK(r == 1 || r == 0 || r == -ETIMEDOUT);
}

static void take_all_and_free(void)
{
        take_all();
        exec_completion_free(queue);
}

static void take_late_and_free(void)
{
        take_late();
        exec_completion_free(queue);
}

static void one_went(void)
{
        MODEL_CHECK(n_taken[0] == 1 && n_taken[1] == 0);
}

static void two_went(void)
{
        MODEL_CHECK(n_taken[0] == 1 && n_taken[1] == 1);
}

/* Who frees may do so as soon as the last has been handed over to him. */
static const struct model_program frees = {
        .name = "frees",
        .n_threads = 3,
        .bound = {2, 3},
        .setup = start_two,
        .thread = {finish_first, finish_second, take_all_and_free},
        .verify = two_went,
};

/* What is still out is taken back, or waited for. */
static const struct model_program withdraws = {
        .name = "withdraws",
        .n_threads = 3,
        .bound = {1, 3},
        .setup = start_two,
        .thread = {finish_first, finish_second, take_late_and_free},
        .verify = two_went,
};

static const struct model_program shared = {
        .name = "shared",
        .n_threads = 3,
        .bound = {2, 3},
        .setup = start_two,
        .thread = {finish_both, take_one, take_one},
        .verify = two_went,
};

/* Both hear of the end. */
static const struct model_program ends = {
        .name = "ends",
        .n_threads = 3,
        .bound = {2, 3},
        .setup = start_one,
        .thread = {finish_first, take_all, take_all},
        .verify = one_went,
};

/* One leaves, and with it perhaps the only consumer. */
static const struct model_program late = {
        .name = "late",
        .n_threads = 3,
        .bound = {2, 3},
        .setup = start_one,
        .thread = {finish_first, take_late, take_all},
        .verify = one_went,
};

/* ---- mutations ---- */

static bool is(const struct model_access *a, enum model_kind kind, const void *object)
{
        return a->kind == kind && a->object == object;
}

static bool marks(const struct model_access *a)
{
        return is(a, MODEL_CAS, finished) && a->operand == 1;
}

/* Q4: who waits says so, */
static void hide_mark(struct model_access *a)
{
        if (!marks(a))
                return;
        a->skip = true;
        a->ok = true;
}

/* and only where nothing has finished; */
static void mark_blindly(struct model_access *a)
{
        if (marks(a) && !a->ok)
                a->ok = true;
}

/* whoever takes leaves the mark of others. */
static void take_mark(struct model_access *a)
{
        if (is(a, MODEL_RMW, finished) && a->operand == 1)
                a->operand = 0;
}

/* The end is passed on: the count of what is left, looked at for the second time. */
static void hide_end(struct model_access *a)
{
        uintptr_t at = (uintptr_t)a->object - (uintptr_t)queue;

        if (a->kind == MODEL_LOAD && a->size == sizeof(size_t) && at && at < SOME_OF_QUEUE && !a->value &&
            n_zero[a->thread]++)
                a->value = 1;
}

static void relax_push(struct model_access *a)
{
        if (is(a, MODEL_CAS, finished) && a->operand > 1)
                a->order = RELAXED;
}

static void relax_take(struct model_access *a)
{
        if (is(a, MODEL_RMW, finished) && a->order == ACQUIRE)
                a->order = RELAXED;
}

static const struct model_case cases[] = {
        {.program = &frees},
        {.program = &withdraws},
        {.program = &shared},
        {.program = &ends},
        {.program = &late},
        {&shared, {.name = "mark hidden", .before = hide_mark}},
        {&shared, {.name = "marked blindly", .after = mark_blindly}},
        {&shared, {.name = "mark taken", .before = take_mark}},
        {&ends, {.name = "end hidden", .after = hide_end}},
        {&frees, {.name = "push relaxed", .before = relax_push, .weak_only = true}},
        {&frees, {.name = "take relaxed", .before = relax_take, .weak_only = true}},
};

int main(void)
{
        return model_suite("completion", cases, sizeof(cases) / sizeof(cases[0]));
}
