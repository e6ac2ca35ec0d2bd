/* idle_model.c - every order of the steps of workers that search, sleep and are woken, and of those who make work for
 * them, on run/find.c, sched/idle.c and sched/ready.c themselves: no wake-up is lost, however long everybody else is
 * busy. A worker that found its task is busy for ever; so each task needs a worker of its own, and one that nobody
 * comes for is a deadlock. Then the same with one thing broken at a time: each must be found.
 *
 * Deadlines never pass, but in the programs about time; there a task that is found late is a failure too. */
#include "base/compiler.h"
#include "future/create.h"
#include "port/sanitizer.h"
#include "run/fibers.h"
#include "run/find.h"
#include "run/task.h"
#include "sched/forks.h"
#include "sched/idle.h"
#include "sched/place.h"
#include "sched/ready.h"
#include "task/extra.h"
#include "task/waitword.h"
#include "wait/block.h"
#include "wait/cancel.h"
#include "wait/timers.h"
#include "wait/waiter.h"

#include "model.h"
#include "model_suite.h"

#include <executor/future.h>

#include <stdlib.h>
#include <string.h>

enum { WORKERS = 3, TASKS = 4, CARRIERS = 2 };

#define US ((int64_t)1000)

static struct exec_pool pool;
static struct execi_worker workers[WORKERS];
static struct execi_seen seen[WORKERS][WORKERS];
static exec_future *tasks; /* in the chunk of worker 0, behind the carriers: so that they have a pool */
static struct execi_fiber fibers[TASKS];
static uint64_t contents[TASKS]; /* of the tasks; plain memory */
static unsigned n_found[TASKS], n_made;
static struct execi_deadline deadline;

/* Forks are tasks here that a worker of its own must find: numbered with them, but in the fork stack of worker 0's fiber. */
static struct {
        char bytes[FORK_BLOCK_BYTES];
} block ALIGNED(FORK_BLOCK_BYTES);
static struct execi_forkstack *forkstack = (struct execi_forkstack *)(void *)(block.bytes + FORK_HEAD_AT);
static struct exec_fork forks[TASKS];
static unsigned n_out;
static struct execi_fiber forker, spare;
static exec_future root; /* whose forks they are */
static uint64_t result;  /* of a fork that was carried; plain memory */
static struct execi_slab slabs[WORKERS];
static struct execi_arena arena = {.slabs = slabs, .n_slabs = WORKERS, .pool = &pool};
static char *chunks[WORKERS]; /* with the cells of carriers */

/* What the mutations remember; anew in each execution. */
static struct {
        uint64_t value;
        bool armed;
} memo[MODEL_THREADS];

/* ---- what these sources need and the model does without ---- */

unsigned execi_sanitizer;

void execi_place_note(struct execi_worker *w)
{
        (void)w;
}

bool execi_place_begin(struct execi_worker *w)
{
        (void)w;
        return false;
}

void execi_place_move(struct execi_worker *w)
{
        (void)w;
}

void execi_place_restore(struct execi_worker *w)
{
        MODEL_CHECK(!atom_load(&w->is_sleeper, RELAXED)); /* nobody begins to move it any more */
}

void execi_tsan_release_slow(void *edge)
{
        (void)edge;
        model_fail("no sanitizer here");
}

void execi_tsan_ignore_begin_slow(void)
{
        model_fail("no sanitizer here");
}

void execi_tsan_ignore_end_slow(void)
{
        model_fail("no sanitizer here");
}

void execi_tsan_acquire_slow(void *edge)
{
        (void)edge;
        model_fail("no sanitizer here");
}

struct execi_extra *execi_extra_need(exec_future *f, size_t arg_bytes)
{
        (void)f;
        (void)arg_bytes;
        model_fail("no task has a stack of its own here");
}

exec_future *execi_slab_alloc_slow(struct execi_slab *s)
{
        (void)s;
        model_fail("a worker steals one fork here");
}

bool execi_fibers_need_spare(struct execi_worker *w)
{
        (void)w;
        return true;
}

void execi_fibers_trim(struct execi_worker *w)
{
        (void)w;
}

void execi_slab_flush(struct execi_slab *own)
{
        (void)own;
}

void execi_gather_flush_slow(struct execi_worker *w)
{
        (void)w;
        model_fail("no gather here");
}

void execi_task_refuse(struct execi_worker *w, exec_future *t, int err)
{
        (void)w;
        (void)t;
        (void)err;
        model_fail("no memory is short here");
}

void execi_slab_free_remote(struct execi_slab *own, struct execi_slab *of, exec_future *f)
{
        (void)own;
        (void)of;
        (void)f;
        model_fail("nothing is freed here");
}

exec_future *execi_create_fork(struct execi_worker *w, exec_fork_fn fn, struct exec_fork *fork, exec_future *of)
{
        (void)w;
        (void)fn;
        (void)fork;
        (void)of;
        model_fail("no fork is a task here");
}

bool execi_finish(struct execi_worker *w, exec_future *f, int state, int err, void *value)
{
        (void)w;
        (void)f;
        (void)state;
        (void)err;
        (void)value;
        model_fail("no sleep future here");
}

void execi_ref(exec_future *f)
{
        (void)f;
        model_fail("no sleep future here");
}

void execi_reason_set(exec_future *f, const char *reason)
{
        (void)f;
        (void)reason;
        model_fail("no sleep future here");
}

void execi_cancel_push(struct execi_worker *w, exec_future *t)
{
        (void)w;
        (void)t;
        model_fail("no timeout scope here");
}

/* ---- what the join of a fork needs ---- */

struct execi_worker *execi_worker_current(void)
{
        return &workers[model_self()];
}

int execi_wait_future(exec_future *f, int64_t deadline_ns)
{
        uint64_t word;

        while (!((word = atom_load(&f->word, ACQUIRE)) & WORD_DONE))
                model_wait_while(&f->word, sizeof(f->word), word, deadline_ns);
        return 0;
}

/* It may come back before the carrier has ended; then its joiner waits on. */
int exec_await(exec_future *f, void **value)
{
        (void)f;
        (void)value;
        return 0;
}

/* Its carrier is let go. */
void execi_unref_slow(struct execi_worker *w, exec_future *f)
{
        MODEL_CHECK(w == &workers[0] && (f->flags & CELL_FORK));
}

/* ---- steps of the programs ---- */

static void make_carriers(unsigned worker)
{
        struct execi_chunk *chunk;

        if (!chunks[worker])
                chunks[worker] = aligned_alloc(SLAB_CHUNK_BYTES, SLAB_CHUNK_BYTES);
        memset(chunks[worker], 0, CACHE_PAIR + (CARRIERS + TASKS) * sizeof(exec_future));
        chunk = (struct execi_chunk *)(void *)chunks[worker];
        chunk->slab = &slabs[worker];
        slabs[worker].arena = &arena;
        for (unsigned i = 0; i < CARRIERS; i++) {
                exec_future *f = (exec_future *)(void *)(chunks[worker] + CACHE_PAIR) + i;

                atom_store(&f->word, WORD_DONE, RELAXED); /* as the last task of this cell left it */
                f->next_free = slabs[worker].free;
                slabs[worker].free = f;
        }
}

static void start(unsigned n_workers, bool membarrier)
{
        memset(&pool, 0, sizeof(pool));
        memset(workers, 0, sizeof(workers));
        memset(seen, 0, sizeof(seen));
        memset(fibers, 0, sizeof(fibers));
        memset(contents, 0, sizeof(contents));
        memset(n_found, 0, sizeof(n_found));
        memset(memo, 0, sizeof(memo));
        n_made = 0;
        pool.workers = workers;
        pool.n_workers = n_workers;
        pool.membarrier = membarrier;
        execi_inject_init(&pool.outside);
        execi_inject_init(&pool.wakes);
        execi_idle_init(&pool);
        memset(&block, 0, 4096);
        memset(forks, 0, sizeof(forks));
        memset(&forker, 0, sizeof(forker));
        memset(&root, 0, sizeof(root));
        memset(slabs, 0, sizeof(slabs));
        n_out = 0;
        result = 0;
        execi_forkstack_init(forkstack, FORK_BLOCK, &pool);
        atom_store(&forkstack->root, &root, RELAXED); /* @relaxed init */
        forker.forks = forkstack;
        forker.task = &root;
        workers[0].fiber = &forker;
        for (unsigned i = 0; i < n_workers; i++)
                make_carriers(i);
        tasks = (exec_future *)(void *)(chunks[0] + CACHE_PAIR) + CARRIERS;
        for (unsigned i = 0; i < n_workers; i++) {
                struct execi_worker *w = &workers[i];

                w->pool = &pool;
                w->id = i;
                w->seen = seen[i];
                w->trimmed = true;
                w->slab = &slabs[i];
                w->spare = &spare;
                w->poll_every = 61;
                execi_deque_init(&w->deque, 4, UINT32_MAX, !membarrier);
                execi_timers_init(&w->timers);
                execi_parker_init(&w->parker);
        }
        model_name(&pool.idle.counts, "counts");
        model_name(&pool.idle.wanted, "wanted");
        model_name(&pool.idle.lock.held, "idle.lock");
        model_name(&pool.idle.keeper_ns, "keeper_ns");
        model_name(&pool.idle.watching, "watching");
        model_name(&pool.outside.head, "outside.head");
        model_name(&pool.wakes.head, "wakes.head");
        model_name(&workers[0].deque.bottom, "bottom 0");
        model_name(&workers[0].deque.split_top, "split_top 0");
        model_name(&workers[0].next, "next 0");
        model_name(&workers[0].forks, "forks 0");
        model_name(&workers[0].n_left, "n_left 0");
        model_name(&forkstack->word, "forkstack");
        model_name(execi_fork_at(execi_forkstack_place(forkstack, FORK_FIRST)), "place 0");
        model_name(&workers[0].timers.min_ns, "min_ns 0");
        for (unsigned i = 0; i < n_workers; i++)
                model_name(&workers[i].parker.token, "parker");
}

static void start_two(void)
{
        start(2, true);
}

static void start_three(void)
{
        start(3, true);
}

static void start_two_fenced(void)
{
        start(2, false);
}

static void start_three_fenced(void)
{
        start(3, false);
}

static exec_future *make(void)
{
        unsigned i = n_made++;

        tasks[i].kind = CELL_TASK;
        model_write(&contents[i], 1);
        return &tasks[i];
}

/* As exec_create_task() on worker 0, which is busy before and after. */
static void create(void)
{
        MODEL_CHECK(execi_deque_push(&workers[0].deque, make()));
        execi_share(&workers[0]);
}

/* The same on a plain thread. */
static void submit(void)
{
        MODEL_CHECK(execi_inject_push(&pool.outside, &make()->link));
        execi_idle_notify_slow(&pool);
}

/* A task that has waited: where its fiber ran last, and to which worker it is tied if to any. */
static exec_future *make_waiting(unsigned worker, bool tied)
{
        unsigned i = n_made;
        exec_future *t = make();

        fibers[i].worker = &workers[worker];
        fibers[i].n_tied = tied;
        if (tied)
                atom_store(&pool.binds, true, RELAXED); /* @relaxed: its worker ran it before */
        fibers[i].task = t;
        t->fiber = &fibers[i];
        return t;
}

static void body(struct exec_fork *fork, exec_forks *at)
{
        (void)fork;
        (void)at;
}

/* As exec_fork() on worker 0, which most often never joins. */
static void fork_one(void)
{
        unsigned i = n_made++;
        exec_forks *at = execi_forkstack_place(forkstack, FORK_FIRST + n_out++);

        model_write(&contents[i], 1);
        if (execi_forkstack_push(at, &forks[i], body) && execi_forkstack_pushed(at, &pool.idle.wanted))
                execi_idle_notify_slow(&pool);
}

static bool find(unsigned worker)
{
        bool resume;
        exec_future *t = execi_find(&workers[worker], &resume);

        if (!t)
                return false;
        if (t->flags & CELL_FORK)
                t = &tasks[(struct exec_fork *)t->arg - forks];
        MODEL_CHECK(t >= tasks && t < tasks + TASKS);
        MODEL_CHECK(n_found[t - tasks]++ == 0);
        MODEL_CHECK(model_read(&contents[t - tasks]) == 1);
        return true;
}

static void finder_0(void)
{
        find(0);
}

static void finder_1(void)
{
        find(1);
}

static void finder_2(void)
{
        find(2);
}

static void all_found(void)
{
        for (unsigned i = 0; i < n_made; i++)
                MODEL_CHECK(n_found[i] == 1);
}

/* ---- programs ---- */

static const struct model_program hidden = {
        .name = "created",
        .n_threads = 2,
        .bound = {3, 3},
        .setup = start_two,
        .thread = {create, finder_1},
        .verify = all_found,
};

static void create_two(void)
{
        create();
        create();
}

static const struct model_program two_created = {
        .name = "two created",
        .n_threads = 3,
        .bound = {1, 2},
        .setup = start_three,
        .thread = {create_two, finder_1, finder_2},
        .verify = all_found,
};

/* Who steals two keeps one; it must not hide that from the other who looks for work. */
static void create_three(void)
{
        create_two();
        create();
        find(0);
}

static const struct model_program loot = {
        .name = "loot",
        .n_threads = 3,
        .bound = {1, 1},
        .setup = start_three,
        .thread = {create_three, finder_1, finder_2},
        .verify = all_found,
};

static const struct model_program loot_deep = {
        .name = "loot, deep",
        .n_threads = 3,
        .bound = {2, 2},
        .setup = start_three,
        .thread = {create_three, finder_1, finder_2},
        .verify = all_found,
};

static const struct model_program loot_fenced = {
        .name = "loot, no membarrier",
        .n_threads = 3,
        .bound = {1, 1},
        .setup = start_three_fenced,
        .thread = {create_three, finder_1, finder_2},
        .verify = all_found,
};

static const struct model_program hidden_fenced = {
        .name = "created, no membarrier",
        .n_threads = 2,
        .bound = {3, 3},
        .setup = start_two_fenced,
        .thread = {create, finder_1},
        .verify = all_found,
};

static const struct model_program two_created_fenced = {
        .name = "two created, no membarrier",
        .n_threads = 3,
        .bound = {1, 1},
        .setup = start_three_fenced,
        .thread = {create_two, finder_1, finder_2},
        .verify = all_found,
};

static void submit_two(void)
{
        submit();
        submit();
}

static const struct model_program submitted = {
        .name = "submitted",
        .n_threads = 3,
        .bound = {1, 2},
        .setup = start_two,
        .thread = {submit_two, finder_0, finder_1},
        .verify = all_found,
};

static void wake_outside(void)
{
        execi_wake(NULL, make_waiting(0, false), WAKE_QUEUE);
        execi_wake(NULL, make_waiting(1, false), WAKE_QUEUE);
}

static const struct model_program woken_from_outside = {
        .name = "woken from outside",
        .n_threads = 3,
        .bound = {1, 1},
        .setup = start_two,
        .thread = {wake_outside, finder_0, finder_1},
        .verify = all_found,
};

static void wake_one(void)
{
        execi_wake(&workers[0], make_waiting(0, false), WAKE_QUEUE);
}

static const struct model_program woken = {
        .name = "woken",
        .n_threads = 2,
        .bound = {3, 3},
        .setup = start_two,
        .thread = {wake_one, finder_1},
        .verify = all_found,
};

static void wake_tied(void)
{
        execi_wake(model_choose(2) ? &workers[0] : NULL, make_waiting(1, true), WAKE_QUEUE);
        MODEL_CHECK(!execi_ready_pop(&workers[0]) && execi_inject_empty(&pool.wakes)); /* where others might take it */
}

static const struct model_program woken_tied = {
        .name = "woken tied",
        .n_threads = 2,
        .bound = {3, 3},
        .setup = start_two,
        .thread = {wake_tied, finder_1},
        .verify = all_found,
};

/* As the end of a pool. */
static void stop(void)
{
        atom_or(&pool.halt, HALT_STOP, SEQ_CST);
        for (unsigned i = 0; i < pool.n_workers; i++)
                execi_idle_kick(&workers[i]);
}

static const struct model_program stopped = {
        .name = "stopped",
        .n_threads = 3,
        .bound = {1, 1},
        .setup = start_two,
        .thread = {stop, finder_0, finder_1},
        .verify = all_found,
};

/* Somebody must wake by itself to look after the next slot of a busy worker. */
static void fill_next(void)
{
        execi_wake(&workers[0], make_waiting(0, false), WAKE_NEXT);
}

static const struct model_program next_slot = {
        .name = "next slot",
        .n_threads = 2,
        .bound = {3, 3},
        .time = MODEL_LAST_TIME,
        .setup = start_two,
        .thread = {fill_next, finder_1},
        .verify = all_found,
};

/* Owner and thief want the same slot. */
static void found(exec_future *t)
{
        if (t)
                MODEL_CHECK(n_found[t - tasks]++ == 0);
}

static void fill_and_take(void)
{
        for (unsigned i = 0; i < 2; i++) {
                execi_wake(&workers[0], make_waiting(0, false), WAKE_NEXT);
                found(execi_ready_take_next(&workers[0]));
        }
}

static void rob(void)
{
        for (unsigned i = 1; i <= 3; i++)
                found(execi_ready_steal_next(&workers[0], &workers[1], i * 1000 * US));
}

static void all_found_at_last(void)
{
        exec_future *t;

        while ((t = execi_ready_take_next(&workers[0])) || (t = execi_ready_pop(&workers[0])))
                found(t);
        all_found();
}

static const struct model_program slot_robbed = {
        .name = "slot robbed",
        .n_threads = 2,
        .bound = {3, 4},
        .setup = start_two,
        .thread = {fill_and_take, rob},
        .verify = all_found_at_last,
};

/* The same when all were asleep before, and the keeper with no time to wake at. */
static void find_and_fill_next(unsigned worker)
{
        find(worker);
        if (n_found[0] == 1 && n_made == 1)
                execi_wake(&workers[worker], make_waiting(worker, false), WAKE_NEXT);
}

static void find_and_fill_0(void)
{
        find_and_fill_next(0);
}

static void find_and_fill_1(void)
{
        find_and_fill_next(1);
}

static void submit_late(void)
{
        model_sleep_until(5000 * US);
        submit();
}

static const struct model_program next_slot_after_sleep = {
        .name = "next slot after sleep",
        .n_threads = 3,
        .bound = {1, 1},
        .time = MODEL_LAST_TIME,
        .setup = start_two,
        .thread = {find_and_fill_0, find_and_fill_1, submit_late},
        .verify = all_found,
};

/* The same when the keeper has found that nobody uses a slot, and sleeps without end while worker 0 computes. */
static void fill_next_late(void)
{
        model_sleep_until(20000 * US);
        fill_next();
}

static const struct model_program next_slot_after_quiet = {
        .name = "next slot after quiet",
        .n_threads = 2,
        .bound = {3, 3},
        .time = MODEL_LAST_TIME,
        .setup = start_two,
        .thread = {fill_next_late, finder_1},
        .verify = all_found,
};

/* The keeper must learn of a timer that is earlier than what it sleeps for: the tick of a millisecond. */
enum { TIMER_US = 500, LATE_US = 800 };

static void sleep_a_little(void)
{
        exec_future *t = make_waiting(0, false);

        deadline.task = t;
        execi_timer_init(&deadline.timer, TIMER_US * US, 0);
        execi_deadline_begin(&workers[0], &deadline);
        execi_wait_arm(&t->wait, 0, false);
        execi_deadline_insert(&deadline);
        execi_deadline_end(&deadline);
}

static void find_in_time(void)
{
        find(1);
        MODEL_CHECK(execi_clock_now() < LATE_US * US);
}

static const struct model_program timer = {
        .name = "timer",
        .n_threads = 2,
        .bound = {3, 3},
        .time = MODEL_LAST_TIME,
        .setup = start_two,
        .thread = {sleep_a_little, find_in_time},
        .verify = all_found,
};

/* Of two sleepers one is woken for a task; the other keeps the time. */
static void sleep_and_create(void)
{
        sleep_a_little();
        create();
}

static const struct model_program timer_handed_over = {
        .name = "timer handed over",
        .n_threads = 3,
        .bound = {1, 1},
        .time = MODEL_LAST_TIME,
        .setup = start_three,
        .thread = {sleep_and_create, find_in_time, finder_2},
        .verify = all_found,
};

/* Forks of a fiber that is known to run on worker 0, or only becomes so. */
static void start_shown(void)
{
        start_two();
        execi_forks_show(&workers[0], &forker);
}

static const struct model_program forked = {
        .name = "forked",
        .n_threads = 2,
        .bound = {3, 3},
        .setup = start_shown,
        .thread = {fork_one, finder_1},
        .verify = all_found,
};

/* Who took a fork and who was hungry are gone: the owner, joining, takes the mark off while the next one looks for it. */
static void join_marked_and_fork(void)
{
        exec_forks *at = execi_forkstack_place(forkstack, FORK_FIRST);

        fork_one();
        execi_forkstack_publish(forkstack);
        if (!execi_forkstack_steal(forkstack)) /* worker 1 has it */
                return;
        n_found[0]++;
        execi_forkstack_mark(forkstack);
        MODEL_CHECK(execi_forkstack_pop(at) && execi_forkstack_popped(at, &forks[0], &pool.idle.wanted) == POP_TAKEN);
        execi_forkstack_joined(at, &pool.idle.wanted);
        n_out--;
        fork_one();
}

static const struct model_program marked_before = {
        .name = "marked before",
        .n_threads = 2,
        .bound = {2, 2},
        .setup = start_shown,
        .thread = {join_marked_and_fork, finder_1},
        .verify = all_found,
};

/* The same where it was not marked, but had something public, which the owner takes back. */
static void take_back_and_fork(void)
{
        exec_forks *at = execi_forkstack_place(forkstack, FORK_FIRST);

        fork_one();
        execi_forkstack_publish(forkstack);
        if (execi_forkstack_pop(at) && execi_forkstack_popped(at, &forks[0], &pool.idle.wanted) == POP_TAKEN)
                return;
        n_found[0]++;
        n_out--;
        fork_one();
}

static const struct model_program taken_back = {
        .name = "taken back",
        .n_threads = 2,
        .bound = {2, 3},
        .setup = start_shown,
        .thread = {take_back_and_fork, finder_1},
        .verify = all_found,
};

static void fork_two(void)
{
        fork_one();
        fork_one();
}

static void start_shown_to_two(void)
{
        start_three();
        execi_forks_show(&workers[0], &forker);
}

static const struct model_program two_forked = {
        .name = "two forked",
        .n_threads = 3,
        .bound = {1, 1},
        .setup = start_shown_to_two,
        .thread = {fork_two, finder_1, finder_2},
        .verify = all_found,
};

static const struct model_program two_forked_deep = {
        .name = "two forked, deep",
        .n_threads = 3,
        .bound = {1, 2},
        .setup = start_shown_to_two,
        .thread = {fork_two, finder_1, finder_2},
        .verify = all_found,
};

/* The fiber is resumed, and forks. */
static void show_and_fork(void)
{
        execi_forks_show(&workers[0], &forker);
        fork_one();
}

static const struct model_program shown_late = {
        .name = "shown late",
        .n_threads = 2,
        .bound = {3, 3},
        .setup = start_two,
        .thread = {show_and_fork, finder_1},
        .verify = all_found,
};

/* The fiber waits, with forks out. */
static void fork_and_leave(void)
{
        fork_one();
        execi_forks_leave(&workers[0], forkstack);
        execi_forks_show(&workers[0], &spare);
}

static const struct model_program left = {
        .name = "left",
        .n_threads = 2,
        .bound = {2, 3},
        .setup = start_shown,
        .thread = {fork_and_leave, finder_1},
        .verify = all_found,
};

/* Its own worker finds them too. */
static void fork_leave_and_find(void)
{
        fork_and_leave();
        MODEL_CHECK(find(0));
}

static void start_shown_alone(void)
{
        start(1, true);
        execi_forks_show(&workers[0], &forker);
}

static void nothing(void)
{
}

static const struct model_program left_alone = {
        .name = "left alone",
        .n_threads = 2,
        .bound = {2, 2},
        .setup = start_shown_alone,
        .thread = {fork_leave_and_find, nothing},
        .verify = all_found,
};

/* The fork is joined, whoever took it. */
static void join_and_stop(void)
{
        if (exec_join_full_3(execi_forkstack_place(forkstack, FORK_FIRST), &forks[0]))
                MODEL_CHECK(n_found[0]++ == 0);
        else
                MODEL_CHECK(model_read(&result) == 2);
        stop();
}

static void fork_and_join(void)
{
        fork_one();
        join_and_stop();
}

static void find_and_carry(void)
{
        bool resume;
        exec_future *t = execi_find(&workers[1], &resume);

        if (!t)
                return;
        MODEL_CHECK(t->flags & CELL_FORK && t->arg == &forks[0] && n_found[0]++ == 0);
        MODEL_CHECK(model_read(&contents[0]) == 1);
        model_write(&result, 2);
        t->state = EXEC_DONE;
        atom_store(&t->word, WORD_DONE, RELEASE);
}

static const struct model_program joined = {
        .name = "joined",
        .n_threads = 2,
        .bound = {2, 3},
        .setup = start_shown,
        .thread = {fork_and_join, find_and_carry},
        .verify = all_found,
};

/* The fiber waits in between: its forks may be taken from the list, which it leaves. */
static void fork_leave_and_join(void)
{
        fork_and_leave();
        execi_forks_show(&workers[0], &forker);
        execi_forks_return(forkstack);
        join_and_stop();
}

static void all_found_and_none_left(void)
{
        all_found();
        MODEL_CHECK(!workers[0].left && !workers[0].n_left && !forkstack->left_on);
}

static const struct model_program left_and_joined = {
        .name = "left and joined",
        .n_threads = 2,
        .bound = {2, 2},
        .setup = start_shown,
        .thread = {fork_leave_and_join, find_and_carry},
        .verify = all_found_and_none_left,
};

/* Of two workers asleep one has given its memory back already. Then the other sends cells home to it, and when that one
 * has been idle for so long that it gives back its own, the first must do so again; then the pool ends. */
static void start_trimmed(void)
{
        start_two();
        workers[0].trimmed = false;
}

void execi_slab_trim(struct execi_slab *s)
{
        if (!execi_slab_has_many_remote(s))
                return;
        MODEL_CHECK(s == &slabs[1]);
        atom_store(&s->n_remote, 0, RELAXED); /* nobody sends any more */
        stop();
}

static void send_home_and_sleep(void)
{
        model_sleep_until(20000 * US);
        atom_add(&slabs[1].n_remote, SLAB_CHUNK_BYTES / sizeof(exec_future), RELAXED);
        find(0);
}

static void all_trimmed(void)
{
        MODEL_CHECK(!execi_slab_has_many_remote(&slabs[1]));
}

static const struct model_program trimmed = {
        .name = "trimmed again",
        .n_threads = 2,
        .bound = {2, 2},
        .time = MODEL_LAST_TIME,
        .setup = start_trimmed,
        .thread = {send_home_and_sleep, finder_1},
        .verify = all_trimmed,
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

/* Nobody says that it wants work. */
static void drop_wanted(struct model_access *a)
{
        if (is(a, MODEL_RMW, &pool.idle.wanted))
                answer(a, 0);
}

/* Who found work takes himself for one of several searchers: nobody passes the wake on. */
static void drop_passing_on(struct model_access *a)
{
        if (is(a, MODEL_RMW, &pool.idle.counts))
                memo[a->thread].armed = a->operand == IDLE_SEARCHER;
}

static void claim_another_searcher(struct model_access *a)
{
        if (is(a, MODEL_RMW, &pool.idle.counts) && memo[a->thread].armed)
                a->value += IDLE_SEARCHER;
}

/* What was made visible is not looked at after the announcement. */
static void note_announcement(struct model_access *a)
{
        if (is(a, MODEL_RMW, &pool.idle.counts) && IDLE_SLEEPERS(a->operand) == 1)
                memo[a->thread].armed = true;
        for (unsigned i = 0; i < WORKERS; i++)
                if (is(a, MODEL_RMW, &workers[i].parker.token) && a->operand == 0)
                        memo[a->thread].armed = false;
}

static void drop_last_look(struct model_access *a)
{
        if (a->kind == MODEL_LOAD && memo[a->thread].armed &&
            (a->object == &pool.outside.head || a->object == &workers[0].deque.bottom ||
             a->object == &workers[0].deque.split_top || a->object == &workers[0].n_ready))
                answer(a, 0);
}

static void drop_kick(struct model_access *a)
{
        for (unsigned i = 0; i < WORKERS; i++)
                if (is(a, MODEL_RMW, &workers[i].parker.token) && a->operand == 1)
                        answer(a, 0);
}

/* The pool's mark is not seen: a tied task goes where others take it. */
static void drop_binds(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &pool.binds))
                answer(a, 0);
}

/* Who has given memory back does not look whether more came home since. */
static void drop_look_at_remote(struct model_access *a)
{
        if (a->thread && is(a, MODEL_LOAD, &slabs[1].n_remote))
                answer(a, 0);
}

static void acquire_counts(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &pool.idle.counts) || is(a, MODEL_RMW, &pool.idle.counts))
                a->order = a->kind == MODEL_LOAD ? ACQUIRE : ACQ_REL;
}

static void relax_min(struct model_access *a)
{
        if (is(a, MODEL_STORE, &workers[0].timers.min_ns))
                a->order = RELEASE;
}

/* The keeper believes the first look at the timers. */
static void drop_second_look_at_timers(struct model_access *a)
{
        if (!is(a, MODEL_LOAD, &workers[0].timers.min_ns) || a->order != SEQ_CST)
                return;
        if (memo[a->thread].armed)
                answer(a, INT64_MAX);
}

static void note_keeper_ns(struct model_access *a)
{
        if (is(a, MODEL_STORE, &pool.idle.keeper_ns))
                memo[a->thread].armed = true;
        if (is(a, MODEL_LOAD, &workers[0].timers.min_ns) && a->order == SEQ_CST)
                memo[a->thread].armed = false;
}

/* Who fills a next slot believes that somebody watches already. */
static void drop_watching(struct model_access *a)
{
        if (is(a, MODEL_CAS, &pool.idle.watching)) {
                answer(a, 1);
                a->ok = false;
        }
}

/* The owner of a next slot does not look for a thief. */
static void drop_look_for_thief(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &workers[0].next_wanted))
                answer(a, 0);
}

/* Who stole several tells nobody of those that it keeps. */
static void note_loot(struct model_access *a)
{
        if (a->thread && is(a, MODEL_STORE, &workers[0].deque.rtop))
                memo[a->thread].armed = true;
}

static void drop_sharing_of_loot(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &pool.idle.wanted) && memo[a->thread].armed) {
                memo[a->thread].armed = false;
                answer(a, 0);
        }
}

static bool is_watched(const struct model_access *a)
{
        const char *first = (const char *)execi_forkstack_place(forkstack, FORK_FIRST), *object = a->object;

        return object >= first && object < block.bytes + sizeof(block) &&
               (size_t)(object - first) % sizeof(exec_forks) == offsetof(exec_forks, watched);
}

/* Nobody marks a fork stack; each believes that he did. */
static void drop_marks(struct model_access *a)
{
        struct execi_forkstack *s = forkstack;

        if (a->kind == MODEL_RMW && a->object == &s->word) {
                memo[a->thread].armed = true;
                answer(a, model_load(&s->word, sizeof(s->word), a->order) | FORK_HUNGRY);
        } else if (!memo[a->thread].armed) {
                return;
        } else if (a->kind == MODEL_STORE && is_watched(a) && a->operand) {
                answer(a, 0);
        } else if (a->thread && is(a, MODEL_LOAD, &s->word) && a->order == RELAXED) {
                answer(a, model_load(&s->word, sizeof(s->word), RELAXED) | FORK_HUNGRY);
        } else if (a->thread && a->kind == MODEL_LOAD && is_watched(a)) {
                answer(a, 1);
        }
}

/* Only who shows a stack late does not. */
static void drop_own_marks(struct model_access *a)
{
        if (!a->thread)
                drop_marks(a);
}

/* Who is hungry marks nothing; only who shows a stack late would. */
static void drop_marks_of_others(struct model_access *a)
{
        if (a->thread)
                drop_marks(a);
}

/* Who is hungry says so, and has no place watched. */
static void drop_watched_places(struct model_access *a)
{
        if (a->thread && is_watched(a))
                answer(a, 1);
}

/* The owner leaves the mark off, and does not ask again whether somebody is hungry. */
static void note_unmarked(struct model_access *a)
{
        if (is(a, MODEL_CAS, &forkstack->word) && !a->thread && a->ok)
                memo[0].armed = !(a->operand & FORK_HUNGRY);
}

static void drop_asking_again(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &pool.idle.wanted) && !a->thread && memo[0].armed) {
                memo[0].armed = false;
                answer(a, 0);
        }
}

/* Who leaves with a fork does not look for more behind a membarrier: those after its first. */
static void drop_later_membarriers(struct model_access *a)
{
        if (a->kind == MODEL_MEMBARRIER && memo[a->thread].armed)
                answer(a, 0);
}

static void note_theft(struct model_access *a)
{
        if (is(a, MODEL_CAS, &forkstack->word) && a->thread && a->ok)
                memo[a->thread].armed = true;
}

/* A fiber's forks are forgotten when it waits. */
static void drop_left(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &workers[0].n_left))
                answer(a, 0);
}

/* The thief says who carries the fork, and not what he made of that cell: its last task has ended. */
static void relax_taken(struct model_access *a)
{
        if (is(a, MODEL_STORE, execi_fork_word(&forks[0])))
                a->order = RELAXED;
}

static void relax_look_for_carrier(struct model_access *a)
{
        if (is(a, MODEL_LOAD, execi_fork_word(&forks[0])))
                a->order = RELAXED;
}

/* Who comes back takes himself out of the list though a thief has just done so. */
static void drop_second_look_at_list(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &forkstack->left_on) && a->order == RELAXED)
                answer(a, 1);
}

/* He does not look whether he is in a list. */
static void drop_look_at_list(struct model_access *a)
{
        if (is(a, MODEL_LOAD, &forkstack->left_on))
                answer(a, 0);
}

static const struct model_case cases[] = {
        {.program = &hidden},
        {.program = &two_created},
        {.program = &loot},
        {.program = &loot_fenced},
        {.program = &hidden_fenced},
        {.program = &two_created_fenced},
        {.program = &submitted},
        {.program = &woken_from_outside},
        {.program = &woken},
        {.program = &woken_tied},
        {.program = &stopped},
        {.program = &next_slot},
        {.program = &next_slot_after_sleep},
        {.program = &next_slot_after_quiet},
        {.program = &slot_robbed},
        {.program = &timer},
        {.program = &timer_handed_over},
        {.program = &forked},
        {.program = &marked_before},
        {.program = &taken_back},
        {.program = &two_forked},
        {.program = &shown_late},
        {.program = &left},
        {.program = &left_alone},
        {.program = &joined},
        {.program = &left_and_joined},
        {.program = &trimmed},
        {&forked, {.name = "no membarrier", .before = drop_membarrier}},
        {&forked, {.name = "nobody marks", .before = drop_marks}},
        {&shown_late, {.name = "nobody marks", .before = drop_marks}},
        {&shown_late, {.name = "who shows it does not mark", .before = drop_own_marks}},
        {&forked, {.name = "who is hungry does not mark", .before = drop_marks_of_others}},
        {&forked, {.name = "who is hungry has nothing watched", .before = drop_watched_places}},
        {&marked_before, {.name = "not asked again", .before = drop_asking_again, .after = note_unmarked}},
        {&taken_back, {.name = "not asked again", .before = drop_asking_again, .after = note_unmarked}},
        {&two_forked_deep,
         {.name = "no membarrier after a theft", .before = drop_later_membarriers, .after = note_theft}},
        {&left, {.name = "nobody looks at what was left", .before = drop_left}},
        {&left_alone, {.name = "nobody looks at what was left", .before = drop_left}},
        {&left_and_joined, {.name = "taken out of the list twice", .before = drop_second_look_at_list}},
        {&left_and_joined, {.name = "not taken out of the list", .before = drop_look_at_list}},
        {&hidden, {.name = "no membarrier", .before = drop_membarrier}},
        {&woken, {.name = "no membarrier", .before = drop_membarrier}},
        {&hidden, {.name = "no last look", .before = drop_last_look, .after = note_announcement}},
        {&submitted, {.name = "no last look", .before = drop_last_look, .after = note_announcement}},
        {&woken, {.name = "wanted not raised", .before = drop_wanted}},
        {&submitted, {.name = "wake not passed on", .before = drop_passing_on, .after = claim_another_searcher}},
        {&loot_deep, {.name = "loot not shared", .before = drop_sharing_of_loot, .after = note_loot}},
        {&loot_fenced, {.name = "loot not shared", .before = drop_sharing_of_loot, .after = note_loot}},
        {&woken_tied, {.name = "no kick", .before = drop_kick}},
        {&woken_tied, {.name = "not seen to be bound", .before = drop_binds}},
        {&stopped, {.name = "no kick", .before = drop_kick}},
        {&trimmed, {.name = "no kick", .before = drop_kick}},
        {&trimmed, {.name = "no look at what came home", .before = drop_look_at_remote}},
        {&next_slot_after_sleep, {.name = "nobody watches", .before = drop_watching}},
        {&next_slot_after_quiet, {.name = "nobody watches", .before = drop_watching}},
        {&next_slot, {.name = "no membarrier", .before = drop_membarrier}},
        {&slot_robbed, {.name = "no membarrier", .before = drop_membarrier}},
        {&slot_robbed, {.name = "no look for a thief", .before = drop_look_for_thief}},
        {&timer,
         {.name = "no second look at the timers", .before = drop_second_look_at_timers, .after = note_keeper_ns}},
        {&submitted, {.name = "counts not seq_cst", .before = acquire_counts, .weak_only = true}},
        {&timer, {.name = "min_ns not seq_cst", .before = relax_min, .weak_only = true}},
        {&joined, {.name = "taken relaxed", .before = relax_taken, .weak_only = true}},
        {&joined, {.name = "look for the carrier relaxed", .before = relax_look_for_carrier, .weak_only = true}},
};

int main(void)
{
        return model_suite("idle", cases, sizeof(cases) / sizeof(cases[0]));
}
