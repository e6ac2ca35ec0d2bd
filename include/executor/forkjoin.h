/* executor/forkjoin.h - calls that may run elsewhere until they are joined, at the cost of a call. Defaults: see
 * executor/types.h.
 *
 * A fork is a call that a worker with nothing to do may take; if none does, its join calls it as an ordinary function. So
 * nobody needs a cut-off: fork every call that could run beside another one.
 *
 *     struct fib { struct exec_fork fork; unsigned n; uint64_t result; };
 *
 *     static uint64_t fib(unsigned n, exec_forks *at);
 *
 *     static void fib_fork(struct exec_fork *fork, exec_forks *at)
 *     {
 *             struct fib *f = (struct fib *)fork;
 *
 *             f->result = fib(f->n, at);
 *     }
 *
 *     static uint64_t fib(unsigned n, exec_forks *at)
 *     {
 *             struct fib left = {.n = n - 1};
 *             uint64_t right;
 *
 *             if (n < 2)
 *                     return n;
 *             right = fib(n - 2, exec_fork(at, &left.fork, fib_fork));
 *             if (exec_join(at, &left.fork))
 *                     left.result = fib(left.n, at);
 *             return left.result + right;
 *     }
 *
 * A place, exec_forks *, says how many forks are out below the caller. It comes from exec_forks_here(), goes down with each
 * call, one further with each fork, and is good only inside the function it was passed to and what that calls.
 *
 * Rules. Forks are joined in the same function, the last one first, before it returns. A fork may run where it is forked,
 * where it is joined, or elsewhere: it must not wait for what its forker does after forking it. All that was written before
 * the fork is visible to it, and what it wrote after its join.
 *
 * Inside a fork everything of a task may be called. It belongs to the task that forked it: exec_current_task(), its name
 * and its task-locals are that one's (exec_local_set() returns -EPERM in a fork, and in the task while forks are out). A
 * cancellation of the task is seen by every wait while forks are out, and stays: each wait goes on to what it awaits, and
 * returns -ECANCELED; it is delivered once, to the task, when all are joined. It reaches a fork that runs elsewhere when
 * its forker joins it. Cleaning up that must wait belongs behind the joins.
 *
 * Whether a fork runs elsewhere is seen in this. Its timeout scopes, groups and exec_current_deadline() are those that were
 * opened in it, not those around it. exec_uncancel(NULL) withdraws the task's request, not what the fork has heard of it.
 * It runs on another thread, also where its task is tied (then it stays on that one): thread-locals of the task's thread
 * are not there. Its stack is as large as its task's.
 *
 * A frame that forks must not be left by longjmp() or a C++ exception before it has joined. */
#ifndef EXECUTOR_FORKJOIN_H
#define EXECUTOR_FORKJOIN_H

#include <executor/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a fork stack is made of; the contents are the library's. */
typedef struct exec_forks {
        void *fork;
        uint32_t watched;
} exec_forks;

/* One fork, in the frame of the function that forks, beside what it needs and what it answers. Needs no initialisation;
 * the contents are the library's. */
struct exec_fork {
        uintptr_t word;
};

/* A fork's body; @fork is mostly the first member of a struct with its arguments. @at: the place for its own forks. */
typedef void (*exec_fork_fn)(struct exec_fork *fork, exec_forks *at);

/* exec_forks_here - the place from which the caller may fork: the current task's. In a plain thread, a done callback or a
 * drop function, and where there is no memory, forks at that place run where they are forked. */
EXEC_API exec_forks *exec_forks_here(void);

/* exec_fork_full_3, exec_fork_slow_3, exec_join_full_3, exec_join_slow_3 - what exec_fork() and exec_join() are where they
 * are not inlined, and their rare halves. Their names carry the version of what is inlined: a program that was compiled
 * with another one does not link. */
EXEC_API exec_forks *exec_fork_full_3(exec_forks *at, struct exec_fork *fork, exec_fork_fn fn);
EXEC_API exec_forks *exec_fork_slow_3(exec_forks *at, struct exec_fork *fork) __attribute__((cold, noinline));
EXEC_API bool exec_join_full_3(exec_forks *at, struct exec_fork *fork);
EXEC_API bool exec_join_slow_3(exec_forks *at, struct exec_fork *fork) __attribute__((cold, noinline));

#if defined(__SANITIZE_THREAD__)
#define EXEC_FORK_CALLS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define EXEC_FORK_CALLS 1
#endif
#endif
#ifndef EXEC_FORK_CALLS
#define EXEC_FORK_CALLS 0 /* 1: exec_fork() and exec_join() are calls, as under ThreadSanitizer */
#endif

#if !EXEC_FORK_CALLS
/* Of the compilers that take such a statement: gcc from 9 on, clang from 11 on. */
#if defined(__x86_64__) && defined(__LP64__) && defined(__GCC_ASM_FLAG_OUTPUTS__) &&                                   \
        ((defined(__clang__) && __clang_major__ >= 11) || (!defined(__clang__) && __GNUC__ >= 9))
#define EXEC_FORK_ASM_ 1
#else
#define EXEC_FORK_ASM_ 0
#endif

/* Store @fork, or NULL, into the place @at, then ask whether the place is watched: then the slow half must decide. The
 * store is a release, the load comes behind it in the program; nothing keeps the processor from doing it earlier.
 *
 * The builtins say the same, but gcc takes each for a call when it weighs whether to inline a function that forks, and
 * then does not; and compilers do not compare with what an atomic load reads where it lies. */
static inline bool exec_forks_set_(exec_forks *at, struct exec_fork *fork)
{
        bool is_watched;

#if EXEC_FORK_ASM_
        __asm__ __volatile__ __inline__("mov{q %[fork], %[place]| QWORD PTR %[place], %[fork]}\n\t"
                                        "cmp{l $0, %[watched]| DWORD PTR %[watched], 0}"
                                        : "=@ccne"(is_watched), [place] "=m"(at->fork)
                                        : [fork] "re"(fork), [watched] "m"(at->watched)
                                        : "memory");
#else
        __atomic_store_n(&at->fork, (void *)fork, __ATOMIC_RELEASE);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        is_watched = __atomic_load_n(&at->watched, __ATOMIC_RELAXED);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
#endif
        return __builtin_expect(is_watched, 0);
}
#endif

/* exec_fork - @fn(@fork) may run from now on, anywhere, until exec_join() with the same place and fork. @at is never NULL:
 * exec_forks_here() where there is none yet.
 * Returns   the place for what the caller calls before the join.
 * Blocks    where @fn does, if it runs right here: beyond some 8,000 forks that are out at once in one task, where there is no
 *           memory, and where there is no task. Then the caller's worker may be another afterwards. */
EXEC_INLINE exec_forks *exec_fork(exec_forks *at, struct exec_fork *fork, exec_fork_fn fn)
{
#if EXEC_FORK_CALLS
        return exec_fork_full_3(at, fork, fn);
#else
        fork->word = (uintptr_t)fn;
        if (exec_forks_set_(at, fork))
                return exec_fork_slow_3(at, fork);
        return at + 1;
#endif
}

/* exec_join - the end of a fork. true: nobody has taken it: the caller calls what he forked, with the place @at. false: it
 * has run.
 * Blocks    in the second case, until it has; the caller's worker does other work meanwhile. Not interrupted by a
 *           cancellation, which goes on to the fork. */
EXEC_INLINE bool exec_join(exec_forks *at, struct exec_fork *fork)
{
#if EXEC_FORK_CALLS
        return exec_join_full_3(at, fork);
#else
        if (exec_forks_set_(at, NULL))
                return exec_join_slow_3(at, fork);
        return true;
#endif
}

/* The same by function pointers, for calls that cannot be inlined. What such a function returns is handed back as it is: 0,
 * or a negative errno value. */
typedef int (*exec_call_fn)(void *arg, exec_forks *at);

/* One call of exec_invoke(). Set fn and arg. */
struct exec_call {
        struct exec_fork fork; /* the library's */
        exec_call_fn fn;
        void *arg;
        int err; /* after: what fn returned */
};

static inline void exec_call_run_(struct exec_fork *fork, exec_forks *at)
{
        struct exec_call *call = (struct exec_call *)fork;

        call->err = call->fn(call->arg, at);
}

/* exec_call_fork - exec_fork() for @call, of which fn and arg are set.
 * Returns   the place for what the caller calls before exec_call_join(). */
EXEC_INLINE exec_forks *exec_call_fork(exec_forks *at, struct exec_call *call)
{
        return exec_fork(at, &call->fork, exec_call_run_);
}

/* exec_call_join - the end of @call, run here if nobody has taken it.
 * Returns   what fn returned.
 * Blocks    as exec_join(). */
EXEC_INLINE int exec_call_join(exec_forks *at, struct exec_call *call)
{
        if (exec_join(at, &call->fork))
                call->err = call->fn(call->arg, at);
        return call->err;
}

/* exec_invoke_two - call @first and @second, side by side where a worker is free. Functions that are constants here can be
 * inlined; through exec_call_fork() and exec_call_join() they cannot. @at: a place, never NULL (exec_invoke() takes NULL);
 * neither function may be NULL: nothing is checked. Where forks run at once, as in a plain thread, both run here, @second
 * first.
 * Returns   0, or the error of the first of them, in their order, that returned one.
 * Blocks    until both have returned. */
EXEC_INLINE int exec_invoke_two(exec_forks *at, exec_call_fn first, void *first_arg, exec_call_fn second,
                                void *second_arg)
{
        struct exec_call call;
        int err;

        call.fn = second;
        call.arg = second_arg;
        err = first(first_arg, exec_call_fork(at, &call));
        if (exec_join(at, &call.fork))
                call.err = second(second_arg, at);
        return err ? err : call.err;
}

/* exec_invoke - make all @n calls, side by side where workers are free, and wait for all of them. @at NULL: from the
 * caller's place; in a plain thread on the default pool.
 * Returns   0, or the error of the first call, in their order, that returned one; -EINVAL: calls or an fn is NULL; -EINVAL
 *           also in a plain thread without a default pool; -ENOMEM, -ESHUTDOWN, -EPIPE, -ECHILD, -ECANCELED (the pool ends) in a
 *           plain thread: nothing was called; -EPERM in a done callback or a drop function of a plain thread.
 * Blocks    until all have returned. */
EXEC_API int exec_invoke(exec_forks *at, struct exec_call calls[], size_t n);

#ifdef __cplusplus
}
#endif
#endif
