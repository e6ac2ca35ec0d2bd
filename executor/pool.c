/* pool.c - pools from start to end. Sees all layers: starts them in order, drains, stops in reverse. */
#include "at_exit.h"
#include "base/check.h"
#include "drain.h"
#include "dump.h"
#include "future/failed.h"
#include "future/here.h"
#include "port/clock.h"
#include "port/cpu.h"
#include "port/interrupt.h"
#include "port/log.h"
#include "port/membarrier.h"
#include "port/memory.h"
#include "port/overflow.h"
#include "port/process.h"
#include "port/sanitizer.h"
#include "run/fibers.h"
#include "run/find.h"
#include "run/loop.h"
#include "sched/idle.h"
#include "task/extra.h"
#include "wait/cancel.h"
#include "wait/ending.h"
#include "wait/timers.h"

#include <executor/executor.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALL_FLAGS                                                                                                      \
        ((unsigned)(EXEC_POOL_TIED | EXEC_POOL_FORCE_MIGRATE | EXEC_POOL_NO_MEMBARRIER | EXEC_POOL_GUARD_MADVISE |     \
                    EXEC_POOL_GUARD_MPROTECT | EXEC_POOL_GUARD_CANARY | EXEC_POOL_NO_OVERFLOW_HANDLER |                \
                    EXEC_POOL_DEBUG | EXEC_POOL_DRAIN_AT_EXIT | EXEC_POOL_KEEP_AFFINITY))
enum { FIRST_CAPACITY = 1 << 10 };
#define SLOW_NS       ((int64_t)100 * 1000 * 1000) /* as asyncio's slow_callback_duration */
#define DEFAULT_STACK ((size_t)64 << 10)
#define LEAST_STACK   ((size_t)16 << 10)
#define MOST_STACK    ((size_t)1 << 40)
#define DIRECT_ROOM   ((size_t)192 << 10) /* beyond the promise: for children called on their awaiter's stack */
#define RED_BYTES     ((size_t)8 << 10)   /* below the promise: a signal frame, the library's own frames */

static struct {
        struct execi_spin lock;
        struct exec_pool *pool;
} default_pool;

struct exec_pool *execi_default_pool(void)
{
        struct exec_pool *pool;

        execi_spin_lock(&default_pool.lock);
        pool = default_pool.pool;
        execi_spin_unlock(&default_pool.lock);
        return pool;
}

void execi_default_pool_unset(struct exec_pool *pool)
{
        execi_spin_lock(&default_pool.lock);
        if (default_pool.pool == pool)
                default_pool.pool = NULL;
        execi_spin_unlock(&default_pool.lock);
}

int exec_pool_set_default(exec_pool *pool)
{
        if (pool && execi_is_child(pool))
                return -ECHILD;
        execi_spin_lock(&default_pool.lock);
        default_pool.pool = pool;
        execi_spin_unlock(&default_pool.lock);
        return 0;
}

bool execi_is_child(const struct exec_pool *pool)
{
        return pool->process != execi_process();
}

/* In the child of a fork(), on its only thread, which is no worker: all pools are the parent's. If it was one, it may be in
 * a task on a stack of that pool; should that task return, the worker's loop obeys the wish and so finds out. */
static void after_fork(void)
{
        struct execi_worker *w = execi_worker_current();

        execi_spin_unlock(&default_pool.lock); /* another thread may have held it */
        execi_interrupt_in_child();
        execi_at_exit_in_child();
        if (!w)
                return;
        atom_or(&w->pool->halt, HALT_WISH, SEQ_CST);
        execi_worker_set_current(NULL);
}

void exec_pool_options_init(struct exec_pool_options *options, size_t size)
{
        if (!options)
                return;
        memset(options, 0, size);
        options->size = size;
}

static bool is_one_guard(unsigned flags)
{
        unsigned guards = flags & (EXEC_POOL_GUARD_MADVISE | EXEC_POOL_GUARD_MPROTECT | EXEC_POOL_GUARD_CANARY);

        return !(guards & (guards - 1));
}

static int read_options(struct exec_pool_options *to, const struct exec_pool_options *from)
{
        memset(to, 0, sizeof *to);
        if (from) {
                if (from->size < offsetof(struct exec_pool_options, n_workers) || from->size > 4096)
                        return -EINVAL;
                memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
        }
        if ((to->flags & ~ALL_FLAGS) || !is_one_guard(to->flags) || to->n_workers > MAX_WORKERS ||
            (to->stack_bytes && to->stack_bytes < LEAST_STACK) || to->stack_bytes > MOST_STACK || to->slow_ns < 0)
                return -EINVAL;
        if (!to->n_workers)
                to->n_workers = execi_cpu_count() < MAX_WORKERS ? execi_cpu_count() : MAX_WORKERS;
        if (!to->stack_bytes)
                to->stack_bytes = DEFAULT_STACK;
        return 0;
}

#ifdef EXEC_TESTING
/* Test runs of the whole suite in another mode. */
static unsigned test_flags(void)
{
        static const struct {
                const char *name;
                unsigned flag;
        } names[] = {
                {"migrate", EXEC_POOL_FORCE_MIGRATE},       {"no-membarrier", EXEC_POOL_NO_MEMBARRIER},
                {"guard-madvise", EXEC_POOL_GUARD_MADVISE}, {"guard-mprotect", EXEC_POOL_GUARD_MPROTECT},
                {"guard-canary", EXEC_POOL_GUARD_CANARY},   {"tied", EXEC_POOL_TIED},
                {"keep-affinity", EXEC_POOL_KEEP_AFFINITY},
        };
        const char *list = getenv("EXEC_TEST_POOL_FLAGS");
        unsigned flags = 0;

        for (size_t i = 0; list && i < sizeof names / sizeof *names; i++)
                if (strstr(list, names[i].name))
                        flags |= names[i].flag;
        return flags;
}
#else
static unsigned test_flags(void)
{
        return 0;
}
#endif

/* For a program that cannot be told otherwise. */
static unsigned environment_flags(void)
{
        const char *debug = getenv("EXEC_DEBUG");

        return debug && *debug && strcmp(debug, "0") ? EXEC_POOL_DEBUG : 0;
}

static enum execi_guard rung_of(unsigned flags)
{
        if (flags & EXEC_POOL_GUARD_CANARY)
                return GUARD_CANARY;
        if (flags & EXEC_POOL_GUARD_MPROTECT)
                return GUARD_MPROTECT;
        return (flags & EXEC_POOL_GUARD_MADVISE) ? GUARD_MADVISE : GUARD_BEST;
}

static size_t to_pages(size_t bytes)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);

        return (bytes + page - 1) & ~(page - 1);
}

static void wish_stop(struct exec_pool *pool)
{
        CHECK(!execi_is_child(pool), "a task returned in the child of a fork(): end the child in the task, by _exit()");
        execi_inject_close(&pool->outside);
        execi_cancel_all(pool, "the pool was asked to stop");
}

static int init_worker(struct exec_pool *pool, unsigned i)
{
        struct execi_worker *w = &pool->workers[i];

        w->pool = pool;
        w->id = i;
        w->slab = &pool->arena->slabs[i];
        w->random = (uint64_t)(i + 1) * 0x9e3779b97f4a7c15u;
        w->poll_every = 2;
        atom_store(&w->plain_create, pool->plain, RELAXED); /* @relaxed init */
        w->seen = execi_alloc(pool->n_workers * sizeof *w->seen);
        execi_timers_init(&w->timers);
        execi_parker_init(&w->parker);
        if (!w->seen || execi_deque_init(&w->deque, FIRST_CAPACITY, 0, !pool->membarrier))
                return -ENOMEM;
        return execi_fibers_need_spare(w) ? 0 : -ENOMEM;
}

/* After the threads have ended, or before they began. */
static void fini_worker(struct exec_pool *pool, unsigned i, unsigned n_made)
{
        struct execi_worker *w = &pool->workers[i];

        if (!w->pool)
                return;
        execi_fibers_fini(w);
        execi_deque_fini(&w->deque);
        execi_parker_fini(&w->parker);
        execi_heap_fini(&w->timers.heap);
        execi_free(w->seen, n_made * sizeof *w->seen);
}

static void fini_pool(struct exec_pool *pool, unsigned n_made)
{
        for (unsigned i = 0; pool->workers && i < n_made; i++)
                fini_worker(pool, i, n_made);
        if (pool->workers)
                execi_free_aligned(pool->workers, n_made * sizeof *pool->workers, CACHE_PAIR);
        if (pool->arena)
                execi_arena_close(pool->arena);
        if (pool->stacks.bytes)
                execi_fibers_fini_pool(pool);
        execi_forkarena_fini(&pool->forkarena);
        execi_free_aligned(pool, sizeof *pool, CACHE_PAIR);
}

static _Atomic(uint64_t) n_pools;

static int init_pool(struct exec_pool *pool, const struct exec_pool_options *o)
{
        int r;

        pool->n_workers = o->n_workers;
        pool->flags = o->flags | test_flags() | environment_flags();
        if (pool->flags & EXEC_POOL_DEBUG)
                pool->slow_ns = o->slow_ns ? o->slow_ns : SLOW_NS;
        pool->membarrier = !(pool->flags & EXEC_POOL_NO_MEMBARRIER) && execi_membarrier_register();
        atom_store(&pool->places, !(pool->flags & EXEC_POOL_KEEP_AFFINITY), RELAXED);    /* @relaxed init */
        atom_store(&pool->binds, (pool->flags & EXEC_POOL_FORCE_MIGRATE) != 0, RELAXED); /* @relaxed init */
        pool->slotless = (pool->flags & EXEC_POOL_FORCE_MIGRATE) || !pool->membarrier;
        pool->plain = pool->membarrier && !(pool->flags & EXEC_POOL_TIED) && !pool->slow_ns &&
                      !(execi_sanitizer & SANITIZER_TSAN);
        pool->promise_bytes = to_pages(o->stack_bytes);
        pool->red_bytes = RED_BYTES;
        pool->recycle_own = !execi_tsan_precise();
        pool->fiber_main = execi_fiber_loop;
        pool->stop_wish = wish_stop;
        pool->start_hook = o->start_hook;
        pool->start_ctx = o->start_ctx;
        pool->start_ns = execi_clock_now();
        pool->process = execi_process();
        pool->serial = atom_add(&n_pools, 1, RELAXED) + 1; /* @relaxed count */
        snprintf(pool->name, sizeof pool->name, "%s", o->name && *o->name ? o->name : "exec");
        execi_forkarena_init(&pool->forkarena, pool);
        execi_inject_init(&pool->outside);
        execi_inject_init(&pool->wakes);
        execi_idle_init(pool);
        r = execi_stacks_init(&pool->stacks, to_pages(pool->promise_bytes + RED_BYTES + DIRECT_ROOM),
                              rung_of(pool->flags), true);
        if (r) {
                pool->stacks.bytes = 0;
                return r;
        }
        pool->arena = execi_arena_new(o->n_workers, pool);
        pool->workers = execi_alloc_aligned(o->n_workers * sizeof *pool->workers, CACHE_PAIR);
        if (!pool->arena || !pool->workers)
                return -ENOMEM;
        for (unsigned i = 0; i < o->n_workers; i++)
                if ((r = init_worker(pool, i)))
                        return r;
        return 0;
}

/* pthread_exit() in a task, or pthread_cancel(): without its worker the pool would never end. */
static void worker_ended(void *worker)
{
        struct execi_worker *w = worker;
        exec_future *t = execi_here_task(w);
        char name[EXTRA_NAME_BYTES] = "no task";

        if (t)
                execi_extra_title(t, name, sizeof name);
        execi_panic(
                "the thread of a worker of pool %s was ended, in %s: no pthread_exit() or pthread_cancel() in tasks",
                w->pool->name, name);
}

static void *worker_main(void *worker)
{
        return execi_thread_guard(execi_worker_main, worker, worker_ended);
}

/* Start the threads; as many as can be had. n_workers must be final before the first one looks at it, so the threads wait
 * for the start signal. */
static int start_threads(struct exec_pool *pool)
{
        char name[32];
        unsigned n = 0;
        int r = 0;

        for (; n < pool->n_workers; n++) {
                snprintf(name, sizeof name, "%s-%u", pool->name, n);
                r = execi_thread_start(&pool->workers[n].thread, worker_main, &pool->workers[n], name);
                if (r)
                        break;
        }
        if (!n)
                return r;
        if (n < pool->n_workers)
                execi_log(EXEC_LOG_WARN, "only %u of %u threads of pool %s could be started", n, pool->n_workers,
                          pool->name);
        pool->n_workers = n;
        atom_store(&pool->started, 1, RELEASE); /* @pair pool.started */
        for (unsigned i = 0; i < n; i++)
                execi_parker_unpark(&pool->workers[i].parker);
        return 0;
}

static int new_pool(exec_pool **out, const struct exec_pool_options *options)
{
        struct exec_pool_options o;
        struct exec_pool *pool;
        unsigned n_made;
        int r;

        if (!out)
                return -EINVAL;
        *out = NULL;
        r = read_options(&o, options);
        if (!r)
                r = execi_process_watch(after_fork);
        if (r)
                return r;
        execi_sanitizer_init();
        pool = execi_alloc_aligned(sizeof *pool, CACHE_PAIR);
        if (!pool)
                return -ENOMEM;
        n_made = o.n_workers;
        r = init_pool(pool, &o);
        if (!r && (pool->flags & EXEC_POOL_DRAIN_AT_EXIT))
                r = execi_at_exit_begin();
        if (!r) {
                if (!(pool->flags & EXEC_POOL_NO_OVERFLOW_HANDLER))
                        execi_overflow_install(execi_describe_overflow);
                r = start_threads(pool);
                if (r && !(pool->flags & EXEC_POOL_NO_OVERFLOW_HANDLER))
                        execi_overflow_remove();
        }
        if (r) {
                fini_pool(pool, n_made);
                return r;
        }
        pool->n_made = n_made;
        if (pool->flags & EXEC_POOL_DRAIN_AT_EXIT)
                execi_at_exit_add(pool);
        *out = pool;
        return 0;
}

int exec_pool_new(exec_pool **out, const struct exec_pool_options *options)
{
        int saved_errno = errno, r = new_pool(out, options);

        errno = saved_errno;
        return r;
}

/* May the caller wait for all of the pool's tasks? A callback may run in the midst of the end of one. */
static int check_outside(const exec_pool *pool)
{
        if (!pool)
                return -EINVAL;
        if (execi_is_child(pool))
                return -ECHILD;
        if (execi_worker_current())
                return -EDEADLK;
        return execi_callback_is_running() ? -EPERM : 0;
}

static void log_left(struct exec_pool *pool)
{
        execi_log(EXEC_LOG_WARN, "pool %s: the shutdown's deadline passed; still there:", pool->name);
        execi_dump_to_log(pool);
}

static int shut_down(exec_pool *pool, enum exec_shutdown_mode mode, int64_t deadline_ns)
{
        atom_store(&pool->state, POOL_CLOSED, SEQ_CST);
        execi_inject_close(&pool->outside);
        if (mode == EXEC_CANCEL)
                execi_cancel_all(pool, "the pool shuts down");
        if (execi_drain_wait(pool, deadline_ns)) {
                execi_tsan_acquire(pool); /* @pair pool.end */
                return 0;
        }
        log_left(pool);
        return -ETIMEDOUT;
}

int exec_pool_shutdown(exec_pool *pool, enum exec_shutdown_mode mode, int64_t deadline_ns)
{
        int saved_errno = errno, r = check_outside(pool);

        if (r)
                return r;
        if (mode != EXEC_DRAIN && mode != EXEC_CANCEL)
                return -EINVAL;
        r = shut_down(pool, mode, deadline_ns);
        errno = saved_errno;
        return r;
}

/* Called from signal handlers: one atomic operation, one unpark. */
int exec_pool_request_stop(exec_pool *pool)
{
        if (!pool)
                return -EINVAL;
        if (execi_is_child(pool))
                return -ECHILD;
        atom_or(&pool->halt, HALT_WISH, SEQ_CST);
        execi_parker_unpark(&pool->workers[0].parker);
        return 0;
}

static void join_all(struct exec_pool *pool)
{
        atom_or(&pool->halt, HALT_STOP, SEQ_CST);
        for (unsigned i = 0; i < pool->n_workers; i++)
                execi_parker_unpark(&pool->workers[i].parker);
        for (unsigned i = 0; i < pool->n_workers; i++)
                execi_thread_join(&pool->workers[i].thread);
}

static void free_pool(exec_pool *pool)
{
        execi_default_pool_unset(pool);
        if (pool->flags & EXEC_POOL_DRAIN_AT_EXIT)
                execi_at_exit_remove(pool);
        if (!execi_drain_is_over(pool) || atom_load(&pool->state, SEQ_CST) == POOL_OPEN)
                shut_down(pool, EXEC_CANCEL, EXEC_FOREVER);
        atom_store(&pool->state, POOL_STOPPED, SEQ_CST);
        do { /* the callback of a sleep may just have made another one, or a task */
                execi_drain_visitors(pool);
                execi_sleeps_cancel(pool);
                execi_cancel_all(pool, "the pool is freed");
                execi_drain_wait(pool, EXEC_FOREVER);
        } while (execi_timers_any(pool));
        execi_drain_visitors(pool);
        join_all(pool);
        execi_tsan_acquire(pool); /* @pair pool.end */
        if (!(pool->flags & EXEC_POOL_NO_OVERFLOW_HANDLER))
                execi_overflow_remove();
        fini_pool(pool, pool->n_made);
}

int exec_pool_free(exec_pool *pool)
{
        int saved_errno = errno, r = pool ? check_outside(pool) : 0;

        if (pool && !r)
                free_pool(pool);
        errno = saved_errno;
        return r;
}

unsigned exec_pool_n_workers(const exec_pool *pool)
{
        return pool ? pool->n_workers : 0;
}
