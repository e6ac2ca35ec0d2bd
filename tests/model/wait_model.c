/* wait_model.c - every order of the steps of a task that starts, waits and goes on, on two workers, and of those who
 * complete what it waits for, let its deadline pass or cancel it: on run/task.h, wait/block.c, wait/waiter.c,
 * wait/cancel.c and wait/timers.c themselves, with the wait word and the state word beneath them. A wait ends once
 * (V1, V2), and not before its commit is over; a task's body runs, or it was cancelled before, never both (W6); no
 * request is lost; what is freed is freed once, and touched by nobody after (W7). Then the same with one thing broken
 * at a time: each must be found.
 *
 * The task runs on a stack of its own, which worker 0 or 1 enters. A suspension leaves it, and the worker's thread runs
 * the commit. */
#include "base/compiler.h"
#include "future/create.h"
#include "future/failed.h"
#include "port/context.h"
#include "port/sanitizer.h"
#include "run/fibers.h"
#include "run/strand.h"
#include "run/task.h"
#include "sched/ready.h"
#include "sched/suspend.h"
#include "task/extra.h"
#include "task/register.h"
#include "task/state.h"
#include "task/waitword.h"
#include "wait/block.h"
#include "wait/cancel.h"
#include "wait/locals.h"
#include "wait/outside.h"
#include "wait/timers.h"
#include "wait/unhandled.h"

#include "model.h"
#include "model_suite.h"

#include <executor/future.h>

#include <string.h>

enum { WORKERS = 2, CELLS = 3, STACK_BYTES = 64 << 10 };

#define DEADLINE_NS ((int64_t)1000)

/* A slab of one chunk. */
static struct {
        struct execi_chunk head;
        exec_future cells[CELLS] ALIGNED(CACHE_LINE);
} chunk ALIGNED(SLAB_CHUNK_BYTES);
static struct execi_slab slab, own_slab; /* the workers' is another, so that what is freed comes by here */
static struct execi_arena arena;

static exec_future *const task = &chunk.cells[0], *const promise = &chunk.cells[1], *const other = &chunk.cells[2];
static struct exec_pool pool;
static struct execi_worker workers[WORKERS];
static struct execi_fiber fiber;
static ALIGNED(16) char stack[STACK_BYTES];
static struct execi_context loops[WORKERS];
static uint64_t content; /* of the promise; plain memory */

enum { NOT_READY, READY, ENDED };
static _Atomic(uint32_t) ready;       /* may the task go on? */
static _Atomic(uint32_t) second;      /* its first wait is over, or the task: the second request may come */
static unsigned n_unbegun, n_refused; /* requests for the unstarted task: accepted, and not */
static unsigned n_suspended, n_woken, n_run, n_accepted, n_freed, n_called;
static struct execi_callback_waiter callback, *deferred[MODEL_THREADS];
static int wait_result;
static bool has_waited, set_by_owner, last_accepted;

/* What the mutations remember; anew in each execution. */
static struct {
        uint64_t value;
        bool armed;
} memo[MODEL_THREADS];

unsigned execi_sanitizer;

/* ---- what these sources need: switches, wakes ---- */

struct execi_worker *execi_worker_current(void)
{
        return model_self() < WORKERS ? &workers[model_self()] : NULL;
}

void execi_suspend(struct execi_worker *w, execi_commit_fn commit, void *ctx)
{
        MODEL_CHECK(w == execi_worker_current() && w->fiber == &fiber);
        execi_state_settle(fiber.task);
        n_suspended++;
        w->commit = commit;
        w->commit_ctx = ctx;
        execi_context_switch(&fiber.context, &loops[w->id]);
}

void execi_wake_slow(struct execi_worker *w, exec_future *t, enum wake_where where)
{
        (void)w;
        (void)where;
        MODEL_CHECK(t == task);
        n_woken++;
        MODEL_CHECK(n_woken <= n_suspended);
        MODEL_CHECK(atom_swap(&ready, READY, ACQ_REL) == NOT_READY);
}

/* Nobody keeps the time. */
void execi_idle_timer(struct exec_pool *p, int64_t deadline_ns)
{
        (void)p;
        (void)deadline_ns;
}

void execi_slab_free_remote(struct execi_slab *own, struct execi_slab *of, exec_future *f)
{
        (void)own;
        (void)of;
        n_freed++;
        model_forget(f, sizeof(*f));
}

void execi_strand_run(struct execi_fiber *f, exec_future *t, exec_fork_fn fn, struct exec_fork *fork)
{
        (void)f;
        (void)t;
        (void)fn;
        (void)fork;
        model_fail("no fork here");
}

void execi_callback_defer(struct execi_callback_waiter *c)
{
        MODEL_CHECK(!deferred[model_self()]);
        deferred[model_self()] = c;
}

void execi_callbacks_run(void)
{
        struct execi_callback_waiter *c = deferred[model_self()];

        deferred[model_self()] = NULL;
        MODEL_CHECK(c && execi_state_is_done(c->future));
        n_called++;
        execi_unref(execi_worker_current(), c->future);
}

/* ---- and does without ---- */

/* clang-format off */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
MODEL_UNUSED(void execi_switch(struct execi_worker *w, struct execi_fiber *to, execi_commit_fn commit, void *ctx))
MODEL_UNUSED(_Noreturn void execi_switch_last(struct execi_worker *w, struct execi_fiber *to, execi_commit_fn commit,
                                              void *ctx))
MODEL_UNUSED(void execi_switch_arrived(void))
MODEL_UNUSED(void execi_fiber_free(struct execi_fiber *f))
MODEL_UNUSED(void execi_fibers_put(struct execi_worker *w, struct execi_fiber *f))
MODEL_UNUSED(struct execi_fiber *execi_fibers_take_spare(struct execi_worker *w))
MODEL_UNUSED(struct execi_fiber *execi_fibers_make_own(struct exec_pool *p, size_t bytes, void (*main)(void *),
                                                       void *tsan))
MODEL_UNUSED(void execi_gather_tell(struct execi_worker *w, exec_future *gather, int64_t n))
MODEL_UNUSED(void execi_gather_flush_slow(struct execi_worker *w))
MODEL_UNUSED(bool execi_gather_hold(exec_future *gather))
MODEL_UNUSED(void execi_gather_count(struct execi_worker *w, exec_future *gather, struct execi_telling *t))
MODEL_UNUSED(void execi_locals_unref_slow(struct execi_locals *m))
MODEL_UNUSED(bool execi_outside_begin(void))
MODEL_UNUSED(void execi_outside_end(bool was))
MODEL_UNUSED(void execi_drop(exec_drop_fn drop, void *ptr))
MODEL_UNUSED(void execi_slab_visit(struct execi_slab *s, void (*visit)(exec_future *f, void *arg), void *arg))
MODEL_UNUSED(exec_future *execi_failed(int err))
MODEL_UNUSED(exec_future *execi_cell_new_slow(struct execi_worker *w, enum cell_kind kind, unsigned flags))
MODEL_UNUSED(exec_future *execi_slab_alloc_slow(struct execi_slab *s))
MODEL_UNUSED(void execi_cell_free_allocated(exec_future *f))
MODEL_UNUSED(void execi_register_remove(struct execi_register *r, exec_future *f))
MODEL_UNUSED(void execi_register_sweep(struct execi_register *r))
MODEL_UNUSED(exec_future *execi_register_next(struct execi_register *r))
MODEL_UNUSED(void execi_tsan_context_free(void *context))
MODEL_UNUSED(void execi_tsan_acquire_slow(void *edge))
MODEL_UNUSED(void execi_tsan_release_slow(void *edge))
MODEL_UNUSED(void execi_tsan_ignore_begin_slow(void))
MODEL_UNUSED(void execi_tsan_ignore_end_slow(void))
MODEL_UNUSED(void execi_unhandled(exec_future *f))
MODEL_UNUSED(void execi_idle_notify_slow(struct exec_pool *p))
MODEL_UNUSED(void execi_idle_watch_slow(struct exec_pool *p))
MODEL_UNUSED(exec_future *execi_ready_take_next_slow(struct execi_worker *w, exec_future *t))
#pragma GCC diagnostic pop
/* clang-format on */

/* ---- start ---- */

static void fiber_main(void *arg);

static void start_cells(bool membarrier)
{
        memset(&chunk, 0, sizeof(chunk));
        memset(&slab, 0, sizeof(slab));
        chunk.head.slab = &slab;
        slab.arena = &arena;
        arena.pool = &pool;
        task->kind = CELL_TASK;
        task->flags = membarrier ? 0 : CELL_WATCHED;
        promise->kind = other->kind = CELL_PROMISE;
        for (unsigned i = 0; i < CELLS; i++)
                atom_store(&chunk.cells[i].refs, 1, RELAXED);
        atom_store(&task->word, WORD_QUEUED, RELAXED);
        model_name(&task->word, "task.word");
        model_name(&task->wait.word, "task.wait");
        model_name(&task->wait.pin, "task.pin");
        model_name(&task->refs, "task.refs");
        model_name(&promise->word, "promise.word");
        model_name(&promise->refs, "promise.refs");
        model_name(&other->word, "other.word");
        model_name(&second, "second");
        model_name(&ready, "ready");
        model_name(&workers[0].timers.lock.held, "timers.lock");
}

static void start_on(bool membarrier)
{
        start_cells(membarrier);
        memset(&pool, 0, sizeof(pool));
        memset(workers, 0, sizeof(workers));
        memset(&fiber, 0, sizeof(fiber));
        memset(memo, 0, sizeof(memo));
        pool.workers = workers;
        pool.n_workers = WORKERS;
        pool.membarrier = membarrier;
        if (!membarrier)
                model_without_membarrier();
        pool.slotless = true;
        for (unsigned i = 0; i < WORKERS; i++) {
                workers[i].pool = &pool;
                workers[i].id = i;
                workers[i].slab = &own_slab;
                execi_timers_init(&workers[i].timers);
        }
        atom_store(&pool.idle.keeper_ns, INT64_MIN, RELAXED); /* nobody has to be told of timers */
        execi_context_make(&fiber.context, stack, stack + STACK_BYTES, fiber_main, NULL);
        atom_store(&ready, READY, RELAXED);
        atom_store(&second, 0, RELAXED);
        content = 0;
        n_suspended = n_woken = n_run = n_accepted = n_freed = n_called = n_unbegun = n_refused = 0;
        memset(&callback, 0, sizeof(callback));
        memset(deferred, 0, sizeof(deferred));
        wait_result = 0;
        has_waited = false;
        set_by_owner = false;
        last_accepted = false;
}

static void start(void)
{
        start_on(true);
}

static void start_fenced(void)
{
        start_on(false);
}

/* ---- steps of the programs ---- */

/* A worker that runs the task whenever it is ready, until it has ended. */
static void work(unsigned id)
{
        struct execi_worker *w = &workers[id];
        uint32_t seen;

        for (;;) {
                while ((seen = atom_load(&ready, ACQUIRE)) == NOT_READY)
                        model_wait_while(&ready, sizeof(ready), NOT_READY, INT64_MAX);
                if (seen == ENDED)
                        return;
                if (!atom_cas(&ready, &seen, NOT_READY, ACQ_REL))
                        continue;
                w->fiber = &fiber;
                fiber.worker = w;
                execi_context_switch(&loops[id], &fiber.context);
                if (w->commit) {
                        execi_commit_fn commit = w->commit;

                        w->commit = NULL;
                        commit(w, w->commit_ctx);
                }
        }
}

static void worker_0(void)
{
        work(0);
}

static void worker_1(void)
{
        work(1);
}

static void fiber_main(void *arg)
{
        (void)arg;
        n_woken = n_suspended = 0;
        execi_task_run(fiber.worker, task);
        atom_store(&second, 1, RELEASE);
        atom_swap(&ready, ENDED, ACQ_REL);
        execi_context_switch(&fiber.context, &loops[fiber.worker->id]);
        model_fail("a task went on after its end");
}

static int note(int result)
{
        MODEL_CHECK(n_woken == n_suspended);
        wait_result = result;
        has_waited = true;
        if (!result && promise->state == EXEC_DONE)
                MODEL_CHECK(model_read(&content) == 1);
        MODEL_CHECK(result != -ECANCELED || execi_state_is_done(promise)); /* it was passed on */
        return 0;
}

/* Bodies of the task. */
static int body_nothing(void *arg, void **value)
{
        (void)arg;
        (void)value;
        n_run++;
        return 0;
}

static int body_await(void *arg, void **value)
{
        (void)arg;
        (void)value;
        n_run++;
        return note(execi_wait_future(promise, EXEC_FOREVER));
}

static int body_await_until(void *arg, void **value)
{
        (void)arg;
        (void)value;
        n_run++;
        return note(execi_wait_future(promise, DEADLINE_NS));
}

static int body_sleep(void *arg, void **value)
{
        (void)arg;
        (void)value;
        n_run++;
        wait_result = execi_wait_until(DEADLINE_NS);
        has_waited = true;
        MODEL_CHECK(n_woken == n_suspended);
        return 0;
}

/* It sleeps, and whatever came of that, it awaits. */
static int body_sleep_await(void *arg, void **value)
{
        body_sleep(arg, value);
        note(execi_wait_future(promise, EXEC_FOREVER));
        MODEL_CHECK(wait_result || execi_state_is_done(promise));
        return 0;
}

/* It awaits with a deadline, then sleeps. Who cancels it in the sleep must leave alone what it awaited before. */
static int body_await_sleep(void *arg, void **value)
{
        bool done;
        int r;

        body_await_until(arg, value);
        r = wait_result;
        done = execi_state_is_done(promise);
        atom_store(&second, 1, RELEASE);
        body_sleep(arg, value);
        n_run--;
        if (r == -ECANCELED)
                wait_result = r;
        MODEL_CHECK(execi_state_is_done(promise) == done);
        return 0;
}

/* The last reference may go with the wait: whoever passes a request on must have one of his own. */
static int body_await_drop(void *arg, void **value)
{
        body_await(arg, value);
        execi_unref(execi_worker_current(), promise);
        return 0;
}

static int body_await_twice(void *arg, void **value)
{
        body_await(arg, value);
        atom_store(&second, 1, RELEASE);
        wait_result = execi_wait_future(other, EXEC_FOREVER);
        MODEL_CHECK(n_woken == n_suspended);
        return 0;
}

/* It awaits another task, which has been running all the time. */
static int body_await_other(void *arg, void **value)
{
        (void)arg;
        (void)value;
        n_run++;
        atom_store(&second, 1, RELEASE);
        wait_result = execi_wait_future(other, EXEC_FOREVER);
        MODEL_CHECK(n_woken == n_suspended);
        return 0;
}

static void with_callback(exec_future *f)
{
        callback.node.kind = WAITER_CALLBACK;
        callback.future = f;
        atom_store(&f->word, atom_load(&f->word, RELAXED) | (uintptr_t)&callback.node, RELAXED);
}

static void with_other_running(void)
{
        other->kind = CELL_TASK;
        other->flags = task->flags;
        other->fiber = &fiber;
        atom_store(&other->word, WORD_STARTED, RELAXED);
        atom_store(&other->wait.word, WAIT_STARTED, RELAXED);
        task->fn = body_await_other;
}

static void start_await_other(void)
{
        start();
        with_other_running();
}

static void start_await_other_fenced(void)
{
        start_fenced();
        with_other_running();
}

static void start_await_drop(void)
{
        start();
        task->fn = body_await_drop;
        atom_store(&promise->refs, 2, RELAXED);
}

static void start_await_drop_fenced(void)
{
        start_fenced();
        task->fn = body_await_drop;
        atom_store(&promise->refs, 2, RELAXED);
}

static void start_await_twice(void)
{
        start();
        task->fn = body_await_twice;
}

static void start_await_twice_fenced(void)
{
        start_fenced();
        task->fn = body_await_twice;
}

static void start_referenced(void)
{
        start();
        task->fn = body_nothing;
        with_callback(task);
        atom_store(&task->refs, 2, RELAXED);
}

static void start_referenced_fenced(void)
{
        start_fenced();
        task->fn = body_nothing;
        with_callback(task);
        atom_store(&task->refs, 2, RELAXED);
}

/* What is awaited is a sleep that is longer than the deadline. */
static void with_sleep(int64_t deadline_ns)
{
        promise->kind = CELL_SLEEP;
        execi_sleep_start(&workers[0], promise, deadline_ns);
}

static void start_await_sleeping(void)
{
        start();
        with_sleep(2 * DEADLINE_NS);
        task->fn = body_await_until;
}

static void start_await_sleeping_fenced(void)
{
        start_fenced();
        with_sleep(2 * DEADLINE_NS);
        task->fn = body_await_until;
}

static void start_sleep_referenced(void)
{
        start();
        with_sleep(DEADLINE_NS);
        if (model_choose(2))
                with_callback(promise);
        atom_store(&promise->refs, 2, RELAXED);
}

static void start_sleep_referenced_fenced(void)
{
        start_fenced();
        with_sleep(DEADLINE_NS);
        with_callback(promise);
        atom_store(&promise->refs, 2, RELAXED);
}

static void start_await_sleep(void)
{
        start();
        task->fn = body_await_sleep;
}

static void start_sleep_await(void)
{
        start();
        task->fn = body_sleep_await;
}

static void start_nothing(void)
{
        start();
        task->fn = body_nothing;
}

static void start_nothing_fenced(void)
{
        start_fenced();
        task->fn = body_nothing;
}

static void start_await(void)
{
        start();
        task->fn = body_await;
}

static void start_await_fenced(void)
{
        start_fenced();
        task->fn = body_await;
}

static void start_await_until(void)
{
        start();
        task->fn = body_await_until;
}

static void start_sleep(void)
{
        start();
        task->fn = body_sleep;
}

static void set(void)
{
        model_write(&content, 1);
        set_by_owner = exec_promise_set(promise, NULL) == 0;
}

static void cancel(void)
{
        n_accepted += execi_cancel(NULL, task, "model", NULL);
}

static void await_second(uint32_t n)
{
        uint32_t seen;

        while ((seen = atom_load(&second, ACQUIRE)) < n)
                model_wait_while(&second, sizeof(second), seen, INT64_MAX);
}

static void cancel_second(void)
{
        await_second(1);
        cancel();
}

static void cancel_third(void)
{
        await_second(2);
        cancel();
}

static void uncancel(void)
{
        execi_state_uncancel(task);
}

static void cancel_uncancel_cancel(void)
{
        cancel();
        uncancel();
        last_accepted = execi_cancel(NULL, task, "model", NULL);
}

static void try_cancel(void)
{
        if (execi_cancel_unstarted(NULL, task, "model"))
                n_unbegun++;
        else
                n_refused++;
}

static void set_and_drop(void)
{
        set();
        execi_unref(NULL, promise);
}

static void drop_task(void)
{
        execi_unref(NULL, task);
}

static void drop_sleep(void)
{
        execi_unref(NULL, promise);
}

static void cancel_and_drop_sleep(void)
{
        n_accepted += execi_cancel(NULL, promise, "model", NULL);
        execi_unref(NULL, promise);
}

static void take_request(exec_future *t)
{
        uint64_t w;

        while (!((w = atom_load(&t->word, ACQUIRE)) & WORD_CANCEL))
                model_wait_while(&t->word, sizeof(t->word), w, INT64_MAX);
        MODEL_CHECK(execi_state_take_cancel(t));
}

/* The other task: it takes no notice of the first request, and ends at the second. */
static void run_other(void)
{
        take_request(other);
        atom_store(&second, 2, RELEASE);
        take_request(other);
        execi_task_finish(NULL, other, 0, NULL);
}

/* The deadline passes: too early for the timer to be there, or later. */
static void pass_deadline(void)
{
        execi_timers_fire(&workers[1], &workers[0], DEADLINE_NS);
        execi_timers_fire(&workers[1], &workers[1], DEADLINE_NS);
}

/* ---- what must be true in the end ---- */

/* By its runner or by one who cancelled it, not by both. */
static void ended_once(void)
{
        uint64_t n = atom_load(&pool.n_outside_finished, RELAXED);

        for (unsigned i = 0; i < WORKERS; i++)
                n += atom_load(&workers[i].n_finished, RELAXED);
        MODEL_CHECK(n == 1);
}

static void task_is_done(void)
{
        uint64_t word = atom_load(&task->word, RELAXED);

        MODEL_CHECK((word & (WORD_DONE | WORD_LOCK | WORD_CANCEL | WORD_WAITERS)) == WORD_DONE);
        ended_once();
        MODEL_CHECK(n_woken == n_suspended);
        MODEL_CHECK(n_run <= 1);
        if (!n_run)
                MODEL_CHECK(task->state == EXEC_CANCELLED && (n_accepted || last_accepted || n_unbegun));
}

/* Either the body ran and was told of nothing, or one request was accepted. */
static void unbegun_or_untouched(void)
{
        task_is_done();
        MODEL_CHECK(n_unbegun + n_run == 1);
        MODEL_CHECK(task->state == (n_run ? EXEC_DONE : EXEC_CANCELLED));
        MODEL_CHECK((atom_load(&task->word, RELAXED) & WORD_COUNT) == (n_run ? 0 : WORD_ONE));
}

/* With others who cancel, for good or not. */
static void unbegun_or_run(void)
{
        task_is_done();
        MODEL_CHECK(n_unbegun + n_run <= 1);
        if (n_unbegun)
                MODEL_CHECK(task->state == EXEC_CANCELLED);
}

/* A request for good beside it is not lost. */
static void unbegun_or_cancelled(void)
{
        unbegun_or_run();
        MODEL_CHECK(!n_accepted || task->state == EXEC_CANCELLED);
}

static void was_set(void)
{
        task_is_done();
        MODEL_CHECK(wait_result == 0 && promise->state == EXEC_DONE);
        MODEL_CHECK(!(atom_load(&promise->word, RELAXED) & (WORD_WAITERS | WORD_LOCK)));
}

/* An accepted request shows: in the task's end, in its wait, or in what it awaited. */
static void request_not_lost(void)
{
        task_is_done();
        if (n_accepted)
                MODEL_CHECK(task->state == EXEC_CANCELLED || wait_result == -ECANCELED ||
                            (promise->state == EXEC_CANCELLED && has_waited && !wait_result));
        else
                MODEL_CHECK(task->state == EXEC_DONE && wait_result != -ECANCELED && promise->state != EXEC_CANCELLED);
}

static void timed_out_or_set(void)
{
        task_is_done();
        MODEL_CHECK(wait_result == 0 || wait_result == -ETIMEDOUT);
        MODEL_CHECK(!(atom_load(&promise->word, RELAXED) & (WORD_WAITERS | WORD_LOCK)));
        for (unsigned i = 0; i < WORKERS; i++)
                MODEL_CHECK(execi_heap_count(&workers[i].timers.heap) == 0);
}

static void request_not_lost_and_no_timer(void)
{
        request_not_lost();
        for (unsigned i = 0; i < WORKERS; i++)
                MODEL_CHECK(execi_heap_count(&workers[i].timers.heap) == 0);
}

static void last_request_not_lost(void)
{
        task_is_done();
        MODEL_CHECK(!last_accepted || task->state == EXEC_CANCELLED);
}

static void promise_is_freed(void)
{
        request_not_lost();
        MODEL_CHECK(n_freed == n_run);
}

static void task_is_freed(void)
{
        ended_once();
        MODEL_CHECK(n_freed == 1 && n_called == 1 && n_run == 1);
}

static void sleep_is_freed(void)
{
        execi_timers_fire(&workers[1], &workers[0], DEADLINE_NS);
        MODEL_CHECK(n_freed == 1 && n_called == (callback.future != NULL));
}

static void both_heard(void)
{
        task_is_done();
        MODEL_CHECK(n_accepted == 2 && !wait_result && other->state == EXEC_DONE);
}

static void sleeping_or_not(void)
{
        size_t n = 0;

        request_not_lost();
        for (unsigned i = 0; i < WORKERS; i++)
                n += execi_heap_count(&workers[i].timers.heap);
        MODEL_CHECK(n == !execi_state_is_done(promise));
}

/* ---- programs ---- */

static const struct model_program awaited = {
        .name = "awaited",
        .n_threads = 3,
        .bound = {2, 3},
        .setup = start_await,
        .thread = {worker_0, worker_1, set},
        .verify = was_set,
};

static const struct model_program timed = {
        .name = "awaited with deadline",
        .n_threads = 4,
        .bound = {1, 2},
        .setup = start_await_until,
        .thread = {worker_0, worker_1, set, pass_deadline},
        .verify = timed_out_or_set,
};

static const struct model_program cancelled_start = {
        .name = "cancelled at the start",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start_nothing,
        .thread = {worker_0, worker_1, cancel},
        .verify = request_not_lost,
};

static const struct model_program cancelled_twice = {
        .name = "cancelled twice",
        .n_threads = 4,
        .bound = {1, 2},
        .setup = start_nothing,
        .thread = {worker_0, worker_1, cancel, cancel},
        .verify = request_not_lost,
};

static const struct model_program cancelled_start_fenced = {
        .name = "cancelled at the start, no membarrier",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start_nothing_fenced,
        .thread = {worker_0, worker_1, cancel},
        .verify = request_not_lost,
};

static const struct model_program cancelled_wait = {
        .name = "cancelled in a wait",
        .n_threads = 4,
        .bound = {1, 2},
        .setup = start_await,
        .thread = {worker_0, worker_1, set, cancel},
        .verify = request_not_lost,
};

static const struct model_program cancelled_wait_fenced = {
        .name = "cancelled in a wait, no membarrier",
        .n_threads = 4,
        .bound = {1, 2},
        .setup = start_await_fenced,
        .thread = {worker_0, worker_1, set, cancel},
        .verify = request_not_lost,
};

/* Nothing but the request ends this wait. */
static const struct model_program cancelled_for_good = {
        .name = "cancelled for good",
        .n_threads = 3,
        .bound = {2, 3},
        .setup = start_await,
        .thread = {worker_0, worker_1, cancel},
        .verify = request_not_lost,
};

static const struct model_program cancelled_for_good_fenced = {
        .name = "cancelled for good, no membarrier",
        .n_threads = 3,
        .bound = {2, 3},
        .setup = start_await_fenced,
        .thread = {worker_0, worker_1, cancel},
        .verify = request_not_lost,
};

static const struct model_program cancelled_timed = {
        .name = "cancelled with deadline",
        .n_threads = 4,
        .bound = {1, 2},
        .setup = start_await_until,
        .thread = {worker_0, worker_1, cancel, pass_deadline},
        .verify = request_not_lost_and_no_timer,
};

static const struct model_program cancelled_sleep = {
        .name = "cancelled sleep",
        .n_threads = 4,
        .bound = {1, 2},
        .setup = start_sleep,
        .thread = {worker_0, worker_1, cancel, pass_deadline},
        .verify = request_not_lost_and_no_timer,
};

static void check_slept_awaited(void)
{
        task_is_done();
        MODEL_CHECK(!(atom_load(&promise->word, RELAXED) & (WORD_WAITERS | WORD_LOCK)));
}

static const struct model_program await_sleep = {
        .name = "cancelled wait, then a sleep",
        .n_threads = 4,
        .bound = {2, 2},
        .setup = start_await_sleep,
        .thread = {worker_0, cancel, cancel_second, pass_deadline},
        .verify = check_slept_awaited,
};

static const struct model_program sleep_await = {
        .name = "cancelled sleep, then a wait",
        .n_threads = 4,
        .bound = {2, 2},
        .setup = start_sleep_await,
        .thread = {worker_0, set, cancel, pass_deadline},
        .verify = check_slept_awaited,
};

static const struct model_program recalled = {
        .name = "recalled before the start",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start_nothing,
        .thread = {worker_0, cancel, uncancel},
        .verify = task_is_done,
};

static const struct model_program recalled_fenced = {
        .name = "recalled before the start, no membarrier",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start_nothing_fenced,
        .thread = {worker_0, cancel, uncancel},
        .verify = task_is_done,
};

static const struct model_program cancelled_again = {
        .name = "cancelled again before the start",
        .n_threads = 2,
        .bound = {4, 4},
        .setup = start_nothing,
        .thread = {worker_0, cancel_uncancel_cancel},
        .verify = last_request_not_lost,
};

static const struct model_program cancelled_again_fenced = {
        .name = "cancelled again before the start, no membarrier",
        .n_threads = 2,
        .bound = {4, 4},
        .setup = start_nothing_fenced,
        .thread = {worker_0, cancel_uncancel_cancel},
        .verify = last_request_not_lost,
};

static const struct model_program tried = {
        .name = "tried before the start",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start_nothing,
        .thread = {worker_0, worker_1, try_cancel},
        .verify = unbegun_or_untouched,
};

static const struct model_program tried_fenced = {
        .name = "tried before the start, no membarrier",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start_nothing_fenced,
        .thread = {worker_0, worker_1, try_cancel},
        .verify = unbegun_or_untouched,
};

static const struct model_program tried_twice = {
        .name = "tried twice before the start",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start_nothing,
        .thread = {worker_0, try_cancel, try_cancel},
        .verify = unbegun_or_untouched,
};

static const struct model_program tried_twice_fenced = {
        .name = "tried twice before the start, no membarrier",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start_nothing_fenced,
        .thread = {worker_0, try_cancel, try_cancel},
        .verify = unbegun_or_untouched,
};

static const struct model_program tried_cancelled = {
        .name = "tried and cancelled before the start",
        .n_threads = 3,
        .bound = {2, 2},
        .setup = start_nothing,
        .thread = {worker_0, try_cancel, cancel},
        .verify = unbegun_or_cancelled,
};

static const struct model_program tried_cancelled_fenced = {
        .name = "tried and cancelled before the start, no membarrier",
        .n_threads = 3,
        .bound = {2, 2},
        .setup = start_nothing_fenced,
        .thread = {worker_0, try_cancel, cancel},
        .verify = unbegun_or_cancelled,
};

static const struct model_program tried_recalled = {
        .name = "tried and recalled before the start",
        .n_threads = 4,
        .bound = {2, 2},
        .setup = start_nothing,
        .thread = {worker_0, try_cancel, cancel, uncancel},
        .verify = unbegun_or_run,
};

static const struct model_program tried_recalled_fenced = {
        .name = "tried and recalled before the start, no membarrier",
        .n_threads = 4,
        .bound = {2, 2},
        .setup = start_nothing_fenced,
        .thread = {worker_0, try_cancel, cancel, uncancel},
        .verify = unbegun_or_run,
};

static const struct model_program cancelled_for_good_twice = {
        .name = "cancelled for good twice",
        .n_threads = 4,
        .bound = {1, 1},
        .setup = start_await,
        .thread = {worker_0, worker_1, cancel, cancel},
        .verify = request_not_lost,
};

static const struct model_program cancelled_for_good_twice_fenced = {
        .name = "cancelled for good twice, no membarrier",
        .n_threads = 4,
        .bound = {1, 1},
        .setup = start_await_fenced,
        .thread = {worker_0, worker_1, cancel, cancel},
        .verify = request_not_lost,
};

static const struct model_program dropped = {
        .name = "dropped after the wait",
        .n_threads = 4,
        .bound = {1, 2},
        .setup = start_await_drop,
        .thread = {worker_0, worker_1, set_and_drop, cancel},
        .verify = promise_is_freed,
};

static const struct model_program dropped_deep = {
        .name = "dropped after the wait, deep",
        .n_threads = 4,
        .bound = {2, 3},
        .setup = start_await_drop,
        .thread = {worker_0, worker_1, set_and_drop, cancel},
        .verify = promise_is_freed,
};

static const struct model_program dropped_fenced = {
        .name = "dropped after the wait, no membarrier",
        .n_threads = 4,
        .bound = {1, 2},
        .setup = start_await_drop_fenced,
        .thread = {worker_0, worker_1, set_and_drop, cancel},
        .verify = promise_is_freed,
};

static const struct model_program two_waits = {
        .name = "cancelled in one of two waits",
        .n_threads = 4,
        .bound = {1, 1},
        .setup = start_await_twice,
        .thread = {worker_0, set, cancel, cancel_second},
        .verify = task_is_done,
};

static const struct model_program two_waits_deep = {
        .name = "cancelled in one of two waits, deep",
        .n_threads = 4,
        .bound = {2, 2},
        .setup = start_await_twice,
        .thread = {worker_0, set, cancel, cancel_second},
        .verify = task_is_done,
};

static const struct model_program two_waits_fenced = {
        .name = "cancelled in one of two waits, no membarrier",
        .n_threads = 4,
        .bound = {1, 1},
        .setup = start_await_twice_fenced,
        .thread = {worker_0, set, cancel, cancel_second},
        .verify = task_is_done,
};

static const struct model_program chain = {
        .name = "cancelled again while the first request is passed on",
        .n_threads = 4,
        .bound = {2, 1},
        .setup = start_await_other,
        .thread = {worker_0, cancel_second, cancel_third, run_other},
        .verify = both_heard,
};

static const struct model_program chain_fenced = {
        .name = "cancelled again while the first request is passed on, no membarrier",
        .n_threads = 4,
        .bound = {1, 1},
        .setup = start_await_other_fenced,
        .thread = {worker_0, cancel_second, cancel_third, run_other},
        .verify = both_heard,
};

static const struct model_program referenced = {
        .name = "dropped while it ends",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start_referenced,
        .thread = {worker_0, drop_task, drop_task},
        .verify = task_is_freed,
};

static const struct model_program referenced_fenced = {
        .name = "dropped while it ends, no membarrier",
        .n_threads = 3,
        .bound = {3, 3},
        .setup = start_referenced_fenced,
        .thread = {worker_0, drop_task, drop_task},
        .verify = task_is_freed,
};

static const struct model_program sleep_referenced = {
        .name = "sleep dropped while it ends",
        .n_threads = 3,
        .bound = {1, 2},
        .setup = start_sleep_referenced,
        .thread = {drop_sleep, pass_deadline, cancel_and_drop_sleep},
        .verify = sleep_is_freed,
};

static const struct model_program sleep_referenced_fenced = {
        .name = "sleep dropped while it ends, no membarrier",
        .n_threads = 3,
        .bound = {1, 2},
        .setup = start_sleep_referenced_fenced,
        .thread = {drop_sleep, pass_deadline, cancel_and_drop_sleep},
        .verify = sleep_is_freed,
};

static const struct model_program awaited_sleep = {
        .name = "sleep future cancelled in a timed wait",
        .n_threads = 4,
        .bound = {1, 2},
        .setup = start_await_sleeping,
        .thread = {worker_0, worker_1, cancel, pass_deadline},
        .verify = sleeping_or_not,
};

static const struct model_program awaited_sleep_fenced = {
        .name = "sleep future cancelled in a timed wait, no membarrier",
        .n_threads = 4,
        .bound = {1, 2},
        .setup = start_await_sleeping_fenced,
        .thread = {worker_0, worker_1, cancel, pass_deadline},
        .verify = sleeping_or_not,
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

static void drop_membarrier(struct model_access *a)
{
        if (a->kind == MODEL_MEMBARRIER)
                answer(a, 0);
}

static bool is_worker(const struct model_access *a)
{
        return a->thread < WORKERS;
}

/* Who starts or arms the wait does not look at the state word after it. */
static void note_wait_word(struct model_access *a)
{
        if (is_worker(a) && (is(a, MODEL_STORE, &task->wait.word) || is(a, MODEL_RMW, &task->wait.word)))
                memo[a->thread].armed = true;
}

static void drop_look_at_mark(struct model_access *a)
{
        if (is_worker(a) && is(a, MODEL_LOAD, &task->word) && memo[a->thread].armed) {
                memo[a->thread].armed = false;
                answer(a, model_load(&task->word, sizeof(task->word), a->order) & ~(WORD_CANCEL | WORD_STARTED));
        }
}

/* One who cancels takes every task for one that has not started. */
static void drop_look_at_start(struct model_access *a)
{
        if (!is_worker(a) && is(a, MODEL_LOAD, &task->wait.word) && a->order == ACQUIRE)
                answer(a, 0);
}

/* A compare-and-swap of the wait word in two steps. */
static void split_claim(struct model_access *a)
{
        uint64_t seen;

        if (!is(a, MODEL_CAS, &task->wait.word))
                return;
        seen = model_load(&task->wait.word, sizeof(task->wait.word), ACQUIRE);
        model_step();
        answer(a, seen);
        a->ok = seen == a->expected;
        if (a->ok)
                model_store(&task->wait.word, sizeof(task->wait.word), a->operand, SEQ_CST);
}

static void drop_pin(struct model_access *a)
{
        if (is(a, MODEL_CAS, &task->wait.pin) && a->expected == PIN_NONE)
                answer(a, a->expected);
}

/* Without membarrier the wait word is armed by a plain store. */
static void arm_plainly(struct model_access *a)
{
        if (is(a, MODEL_RMW, &task->wait.word)) {
                model_store(&task->wait.word, sizeof(task->wait.word), a->operand, RELEASE);
                answer(a, 0);
        }
}

/* The mark is passed on, but not taken from the one who awaited. */
static void keep_mark(struct model_access *a)
{
        if (!is_worker(a) && is(a, MODEL_CAS, &task->word) && (a->expected & ~a->operand) == WORD_CANCEL)
                answer(a, a->expected);
}

static void relax_done(struct model_access *a)
{
        if (is(a, MODEL_STORE, &promise->word) || is(a, MODEL_CAS, &task->wait.word) ||
            is(a, MODEL_LOAD, &task->wait.word))
                a->order = RELAXED;
}

/* Who sets a promise takes its LOCK without acquiring, and sees a wait word from before the wait. (That is the swap of
 * exec_promise_set(): that of execi_state_lock() comes behind a load that has acquired what this waiter did.) */
static void relax_lock(struct model_access *a)
{
        if (!is_worker(a) && is(a, MODEL_CAS, &promise->word) && a->order == ACQUIRE)
                a->order = RELAXED;
}

static void relax_interrupt(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &task->wait.word) && a->order == SEQ_CST)
                a->order = ACQUIRE;
}

/* A request that is withdrawn before the start leaves no trace. */
static void drop_recalled(struct model_access *a)
{
        if (is(a, MODEL_CAS, &task->word))
                a->operand &= ~WORD_RECALLED;
}

/* The runner does not look for it, and starts the task by a store all the same. */
static void hide_recalled(struct model_access *a)
{
        if (is_worker(a) && is(a, MODEL_LOAD, &task->word) && a->order == RELAXED)
                answer(a, model_load(&task->word, sizeof(task->word), a->order) & ~WORD_RECALLED);
}

/* The pinner believes the word without a barrier. */
static void note_pin(struct model_access *a)
{
        if (is(a, MODEL_CAS, &task->wait.pin) && a->ok && a->operand == PIN_HELD)
                memo[a->thread].armed = true;
}

static void drop_membarrier_of_pin(struct model_access *a)
{
        if (a->kind == MODEL_MEMBARRIER && memo[a->thread].armed) {
                memo[a->thread].armed = false;
                answer(a, 0);
        }
}

static void drop_look_at_pin(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &task->wait.pin) && a->order == SEQ_CST)
                answer(a, 0);
}

static void drop_owed(struct model_access *a)
{
        if (is(a, MODEL_RMW, &task->wait.pin) && a->operand == PIN_NONE)
                a->value &= ~(uint64_t)PIN_OWED;
}

static void drop_again(struct model_access *a)
{
        if (is(a, MODEL_RMW, &task->wait.pin) && a->operand == PIN_NONE)
                a->value &= ~(uint64_t)PIN_AGAIN;
}

static void keep_owed(struct model_access *a)
{
        if (is(a, MODEL_STORE, &task->wait.pin))
                answer(a, 0);
}

/* The count of references falls to 0, and only then is the word locked. */
static void unref_early(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &task->refs) && a->order == RELAXED && a->value == 1) {
                memo[a->thread].armed = true;
                model_rmw(&task->refs, sizeof(task->refs), MODEL_SUB, 1, ACQ_REL);
        }
}

static void unref_under_lock(struct model_access *a)
{
        if (is(a, MODEL_CAS, &task->refs) && a->expected == 1 && memo[a->thread].armed)
                answer(a, 1);
}

static const struct model_case cases[] = {
        {.program = &awaited},
        {.program = &timed},
        {.program = &cancelled_start},
        {.program = &cancelled_twice},
        {.program = &cancelled_start_fenced},
        {.program = &cancelled_wait},
        {.program = &cancelled_wait_fenced},
        {.program = &cancelled_for_good},
        {.program = &cancelled_for_good_fenced},
        {.program = &cancelled_timed},
        {.program = &cancelled_sleep},
        {.program = &sleep_await},
        {.program = &await_sleep},
        {.program = &recalled},
        {.program = &recalled_fenced},
        {.program = &cancelled_again},
        {.program = &cancelled_again_fenced},
        {.program = &tried},
        {.program = &tried_fenced},
        {.program = &tried_twice},
        {.program = &tried_twice_fenced},
        {.program = &tried_cancelled},
        {.program = &tried_cancelled_fenced},
        {.program = &tried_recalled},
        {.program = &tried_recalled_fenced},
        {.program = &cancelled_for_good_twice},
        {.program = &cancelled_for_good_twice_fenced},
        {.program = &dropped},
        {.program = &dropped_fenced},
        {.program = &two_waits},
        {.program = &two_waits_fenced},
        {.program = &chain},
        {.program = &chain_fenced},
        {.program = &referenced},
        {.program = &referenced_fenced},
        {.program = &sleep_referenced},
        {.program = &sleep_referenced_fenced},
        {.program = &awaited_sleep},
        {.program = &awaited_sleep_fenced},
        {&cancelled_start, {.name = "no membarrier", .before = drop_membarrier}},
        {&cancelled_start, {.name = "no look at the mark", .before = drop_look_at_mark, .after = note_wait_word}},
        {&cancelled_start, {.name = "no look at the start", .before = drop_look_at_start}},
        {&cancelled_for_good, {.name = "no membarrier", .before = drop_membarrier}},
        {&cancelled_for_good, {.name = "no look at the mark", .before = drop_look_at_mark, .after = note_wait_word}},
        {&cancelled_sleep, {.name = "no look at the mark", .before = drop_look_at_mark, .after = note_wait_word}},
        {&timed, {.name = "claim in two steps", .before = split_claim}},
        {&recalled, {.name = "not recalled", .before = drop_recalled}},
        {&tried, {.name = "not recalled", .before = drop_recalled}},
        {&tried, {.name = "recalled, and not looked at", .before = hide_recalled}},
        {&tried, {.name = "no membarrier", .before = drop_membarrier}},
        {&tried, {.name = "no look at the start", .before = drop_look_at_start}},
        {&dropped, {.name = "no pin", .before = drop_pin}},
        {&dropped_fenced, {.name = "no pin", .before = drop_pin}},
        {&dropped_deep, {.name = "pinned without membarrier", .before = drop_membarrier_of_pin, .after = note_pin}},
        {&dropped, {.name = "no look at the pin", .before = drop_look_at_pin}},
        {&dropped_fenced, {.name = "no look at the pin", .before = drop_look_at_pin}},
        {&cancelled_wait, {.name = "wake not owed", .after = drop_owed}},
        {&chain, {.name = "not again", .after = drop_again}},
        {&two_waits_deep, {.name = "pin not reset", .before = keep_owed}},
        {&referenced, {.name = "dropped before the lock", .before = unref_under_lock, .after = unref_early}},
        {&cancelled_wait, {.name = "mark not taken", .before = keep_mark}},
        {&cancelled_for_good_fenced, {.name = "armed by a store", .before = arm_plainly}},
        {&awaited, {.name = "done relaxed", .before = relax_done, .weak_only = true}},
        {&awaited, {.name = "lock relaxed", .before = relax_lock, .weak_only = true}},
        {&cancelled_for_good_fenced, {.name = "interrupt not seq_cst", .before = relax_interrupt, .weak_only = true}},
};

int main(void)
{
        return model_suite("wait", cases, sizeof(cases) / sizeof(cases[0]));
}
