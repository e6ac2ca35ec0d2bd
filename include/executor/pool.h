/* executor/pool.h - pools of workers: start, stop, look inside; and exec_run(), which does it all.
 * Defaults: see executor/types.h. */
#ifndef EXECUTOR_POOL_H
#define EXECUTOR_POOL_H

#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of a pool; the EXEC_POOL_GUARD_ ones, at most one, pick a rung of the stack guard ladder (default: the best
 * that the kernel has, then the next). */
enum exec_pool_flags {
        EXEC_POOL_TIED = 1 << 0,                /* every task always goes on on the worker that started it */
        EXEC_POOL_FORCE_MIGRATE = 1 << 1,       /* test: every suspended task goes on on another worker */
        EXEC_POOL_NO_MEMBARRIER = 1 << 2,       /* test: work as on a kernel that refuses membarrier(2) */
        EXEC_POOL_GUARD_MADVISE = 1 << 4,       /* MADV_GUARD_INSTALL, else exec_pool_new() fails with -ENOTSUP */
        EXEC_POOL_GUARD_MPROTECT = 1 << 5,      /* mprotect within the budget of mappings, then a canary */
        EXEC_POOL_GUARD_CANARY = 1 << 6,        /* no guard page: a canary, checked at each suspension */
        EXEC_POOL_NO_OVERFLOW_HANDLER = 1 << 7, /* leave SIGSEGV alone: no message that names the task */
        EXEC_POOL_SIGINT = 1 << 8,              /* for exec_run_with() alone: see there */
        EXEC_POOL_DEBUG = 1 << 9,          /* debug mode, see slow_ns; EXEC_DEBUG=1 in the environment: every pool */
        EXEC_POOL_DRAIN_AT_EXIT = 1 << 10, /* exit() first lets every task end, as shutdown with EXEC_DRAIN does */
        /* Never call sched_setaffinity(2), which else keeps a worker woken for a fork off its waker's CPU until it runs. */
        EXEC_POOL_KEEP_AFFINITY = 1 << 11,
};

struct exec_pool_options {
        size_t size;        /* sizeof(struct exec_pool_options); exec_pool_options_init() sets it */
        unsigned n_workers; /* 0: as many as this process may use CPUs (affinity mask, cgroup quota); at most 1024 */
        unsigned flags;     /* enum exec_pool_flags */
        size_t stack_bytes; /* promised to every task; 0: 64 KiB; at least 16 KiB, at most 1 TiB */
        const char *name;   /* names the threads; copied, cut at 11 bytes; NULL: "exec" */
        /* Runs once on the thread of every worker, before that worker's first task; those of several workers run at once,
         * and tasks may run elsewhere meanwhile. Not 0: the pool is broken, its tasks fail with -EPIPE. The hook may create
         * tasks; it is in no task, and waits return -EPERM. */
        int (*start_hook)(unsigned worker, void *ctx);
        void *start_ctx;
        /* Debug mode: every task knows where it was created, and where it was asked to end (exec_task_place(),
         * exec_cancel_place(), exec_pool_dump()); and one that has run for slow_ns without a wait is told to the log when it
         * waits or ends. 0: 100 ms; EXEC_FOREVER: none. Each task needs a block of memory more. */
        int64_t slow_ns;
};

/* exec_pool_options_init - fill @options with the defaults. @size is sizeof *options. */
EXEC_API void exec_pool_options_init(struct exec_pool_options *options, size_t size);

/* exec_pool_new - start a pool. NULL options are the defaults. When threads cannot be started, the pool runs
 * with those that could (exec_pool_n_workers() tells, and a line goes to the log), at least one.
 * Returns   0; -EINVAL: out is NULL, or an option is out of range, unknown, or contradicts another; -ENOMEM, -EAGAIN:
 *           nothing was started; -ENOTSUP: the kernel lacks the guards asked for. On an error *out is NULL.
 * Owns      *out is the caller's, until exec_pool_free(). */
EXEC_API int exec_pool_new(exec_pool **out, const struct exec_pool_options *options);

enum exec_shutdown_mode {
        EXEC_DRAIN = 0,  /* let every task end by itself */
        EXEC_CANCEL = 1, /* cancel every task first: those that wait at their wait, the queued before they start */
};

/* exec_pool_shutdown - take no new task from outside, then wait until every task has ended. Tasks may still
 * create tasks while a pool drains. May be called again, also with the other mode, and by several threads at once: all
 * return. The threads of the pool stay until exec_pool_free(). Sleep futures are no tasks: they are not waited for.
 * Returns   0: every task has ended, also when the deadline is in the past; -EINVAL; -ETIMEDOUT: the log names the tasks
 *           left, and the pool goes on with them, but takes no new ones; -EDEADLK on a worker of any pool; -EPERM in a done
 *           callback or a drop function; -ECHILD.
 * From      plain threads.  Blocks  the thread. */
EXEC_API int exec_pool_shutdown(exec_pool *pool, enum exec_shutdown_mode mode, int64_t deadline_ns);

/* exec_pool_request_stop - ask for shutdown and return at once: soon after, a worker that is between two tasks refuses new
 * tasks from outside and cancels all tasks. Nothing ends here: exec_pool_shutdown() waits for the end as ever, and
 * exec_pool_free() is still needed; nobody may call this once that has begun.
 * Returns   0, also when it was asked for before; -EINVAL; -ECHILD.
 * From      signal handlers too. */
EXEC_API int exec_pool_request_stop(exec_pool *pool);

/* exec_pool_free - shut down with EXEC_CANCEL and no deadline unless that was done, join every thread, free.
 * Futures that outlive their pool stay readable; its sleep futures end as cancelled, without a reason. NULL is allowed.
 * Returns   0; -EDEADLK on a worker of any pool; -EPERM in a done callback or a drop function; -ECHILD.
 * From      plain threads.  Blocks  the thread.
 * Threads   no other call with this pool may run at the same time, also not another exec_pool_shutdown(). */
EXEC_API int exec_pool_free(exec_pool *pool);

/* exec_pool_set_default - the pool that plain threads' calls use; NULL: none. The caller still owns it.
 * exec_pool_free() of the default pool unsets it; before that no plain thread may be about to use it.
 * Returns   0; -ECHILD. */
EXEC_API int exec_pool_set_default(exec_pool *pool);

/* exec_pool_current - inside a task its pool; in a plain thread the default pool, or NULL. Borrowed. */
EXEC_API exec_pool *exec_pool_current(void);

/* exec_pool_n_workers - how many threads the pool has. 0: @pool is NULL. */
EXEC_API unsigned exec_pool_n_workers(const exec_pool *pool);

/* exec_pool_worker - the number of the worker the caller runs on, or -1 in a plain thread. It may change at
 * every wait. */
EXEC_API int exec_pool_worker(void);

/* exec_run, exec_run_with - start a pool, run @main as a task, cancel and await what it left behind, end the pool. NULL
 * options are the defaults, as exec_run() has them. Inside a task of another pool it suspends that task.
 * @options  EXEC_POOL_SIGINT: as asyncio.run() does, let SIGINT cancel main, with the reason "SIGINT", while main runs. One
 *           signal; the next ends the process, as SIGINT does by default. Only where the program leaves SIGINT alone
 *           (SIG_DFL), and in one call at a time in a process; elsewhere the flag changes nothing. It costs a thread.
 * Returns   main's error or 0; *value (may be NULL) is main's value. -EINTR: a SIGINT was caught, and main ended CANCELLED,
 *           asked by nobody else. Or main never ran: -EINVAL: no main; what exec_pool_new() returns; -ENOMEM; -EPIPE;
 *           -EAGAIN: no thread. -EPERM in a done callback, a start hook or a drop function.
 * Blocks    yes.
 * Cancel    cancelling the task that called it cancels main, with the same reason; it returns when main has ended, with
 *           main's outcome. */
EXEC_API int exec_run(exec_task_fn main, void *arg, void **value);
EXEC_API int exec_run_with(const struct exec_pool_options *options, exec_task_fn main, void *arg, void **value);

/* Counted since the pool's start, summed over its workers; a snapshot, exact when the pool is idle. */
struct exec_pool_stats {
        size_t size;               /* set by the caller */
        uint64_t n_workers;        /* threads */
        uint64_t n_created;        /* tasks created */
        uint64_t n_finished;       /* tasks finished, in any way */
        uint64_t n_futures;        /* slab futures in memory now (tasks, promises, sleeps, gathers) */
        uint64_t n_suspends;       /* times a task left its worker */
        uint64_t n_migrations;     /* times one went on on another worker */
        uint64_t n_direct_awaits;  /* children called on the stack of their awaiter */
        uint64_t n_steals;         /* successful visits to another worker's queues */
        uint64_t n_stolen;         /* tasks taken on them */
        uint64_t n_forced;         /* times hidden work was published for its busy owner */
        uint64_t n_parks;          /* times a worker went to sleep */
        uint64_t n_unparks;        /* times one was woken by another */
        uint64_t n_timers;         /* timers armed now */
        uint64_t n_stacks;         /* stacks that exist now */
        uint64_t n_stacks_free;    /* of these, cached */
        uint64_t n_stacks_peak;    /* most at any time */
        uint64_t n_guards_madvise; /* stacks by kind of guard */
        uint64_t n_guards_mprotect;
        uint64_t n_guards_canary;
        /* The most stack that a task, with children that ran on the same stack, was ever seen to touch: a multiple of the
         * page size, the library's own frames included. Seen are resident pages, now and when they are given back; of
         * more than 64 stacks a sample. With EXEC_TSAN=precise: only of tasks that have ended. 0: not measured. */
        uint64_t stack_peak_bytes;
        uint64_t n_forks_stolen; /* forks that another worker took (executor/forkjoin.h); each counts as a task too */
};

/* exec_pool_stats - fill @stats, whose size field the caller set; it becomes the number of bytes filled.
 * Returns   0; -EINVAL; -ECHILD. */
EXEC_API int exec_pool_stats(const exec_pool *pool, struct exec_pool_stats *stats);

/* exec_all_tasks - references to the tasks of @pool (NULL: the current one) that have not ended, the caller and those not
 * yet begun among them; @max at most, in no order. Exact when none is created and none ends meanwhile; else each that
 * lived all the time is there, and none that had ended before.
 * Returns   how many there are, perhaps more than @max; -EINVAL: no pool, or @out NULL with @max not 0; -ECHILD.
 * Owns      each reference is the caller's, to be given back; out[i] behind the number returned is not written. */
EXEC_API int64_t exec_all_tasks(exec_pool *pool, exec_future **out, size_t max);

/* exec_pool_dump - write every live task to file descriptor @fd: name, state, what it waits for, since when.
 * Allocates nothing and takes no lock that a task holds.
 * Returns   0; -EINVAL; -EBADF: fd is negative; -ECHILD; or what write(2) failed with. */
EXEC_API int exec_pool_dump(exec_pool *pool, int fd);

#ifdef __cplusplus
}
#endif
#endif
