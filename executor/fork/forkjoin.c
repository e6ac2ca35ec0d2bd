/* forkjoin.c - the rare halves of fork and join, and where the caller stands. */
#include "fork/fork.h"
#include "future/create.h"
#include "future/here.h"
#include "port/sanitizer.h"
#include "run/strand.h"
#include "sched/forks.h"
#include "sched/idle.h"
#include "wait/block.h"

#include <executor/forkjoin.h>
#include <executor/future.h>

exec_forks *exec_forks_here(void)
{
        struct execi_worker *w = execi_worker_current();

        return execi_here_task(w) && !w->in_callback ? execi_strand_place(w) : execi_forks_inline();
}

/* FORK_INLINE: it runs now, and the join finds that it has. */
static void run_here(exec_forks *at, struct exec_fork *f)
{
        struct execi_worker *w = execi_worker_current();
        struct execi_fiber *fiber = w ? w->fiber : NULL;
        exec_fork_fn fn = (exec_fork_fn)f->word; /* NOLINT */

        if (fiber) {
                execi_fiber_set_forked(fiber);
                fiber->n_forked++;
        }
        fn(f, at);
        if (fiber)
                fiber->n_forked--;
        f->word = FORK_TAKEN;
}

/* FORK_TASKS. false: no memory. */
static bool make_task(struct exec_fork *f)
{
        struct execi_worker *w = execi_worker_current();
        exec_future *t = execi_create_fork(w, (exec_fork_fn)f->word, f, execi_here_root(w)); /* NOLINT */

        if (!t)
                return false;
        f->word = (uintptr_t)t | FORK_TAKEN;
        execi_fiber_set_forked(w->fiber);
        w->fiber->n_forked++;
        return true;
}

exec_forks *exec_fork_slow_3(exec_forks *at, struct exec_fork *fork)
{
        struct execi_forkstack *s = execi_forkstack_of(at);

        if (s->kind == FORK_BLOCK) {
                if (execi_forkstack_pushed(at, &s->pool->idle.wanted))
                        execi_idle_notify_forked(s->pool);
                return at + 1;
        }
        if (s->kind == FORK_INLINE || !make_task(fork))
                run_here(at, fork);
        return at;
}

bool execi_fork_offer(exec_forks *at)
{
        struct execi_forkstack *s = execi_forkstack_of(at);
        bool told, is_there;

        if (s->kind == FORK_TASKS)
                return execi_deque_count(&execi_worker_current()->deque);
        if (s->kind == FORK_INLINE)
                return true; /* nobody could take another one */
        is_there = execi_forkstack_offer(at, &told);
        if (told)
                execi_idle_notify_forked(s->pool);
        return is_there;
}

/* Until the carrier has ended; then it is let go. A request of the running task goes on to it (forked.h Q2). */
static void await_carrier(exec_future *t)
{
        exec_future *self = execi_worker_current()->fiber->task;

        execi_pass_begin(self);
        exec_await(t, NULL);            /* on this stack, if nobody has begun it. What it says is for the next wait, */
        while (!execi_state_is_done(t)) /* or that the fork waits for this task: then they both do */
                execi_wait_future(t, EXEC_FOREVER);
        execi_tsan_acquire(t);
        execi_pass_end(self);
        execi_unref(execi_worker_current(), t);
}

/* Whose word says who took @f; the thief may be about to write it. */
static exec_future *carrier_of(struct exec_fork *f)
{
        uintptr_t word;
        unsigned turns = 0;

        while (!((word = atom_load(execi_fork_word(f), ACQUIRE)) & FORK_TAKEN)) /* @pair fork.taken */
                execi_spin_yield(&turns);
        return (exec_future *)(word & ~FORK_TAKEN); /* NOLINT */
}

static bool join_block(struct execi_forkstack *s, exec_forks *at, struct exec_fork *f)
{
        switch (execi_forkstack_popped(at, f, &s->pool->idle.wanted)) {
        case POP_OWN_TELL:
                execi_idle_notify_forked(s->pool);
                return true;
        case POP_OWN:
                return true;
        case POP_TAKEN:
                break;
        }
        await_carrier(carrier_of(f));
        execi_forkstack_joined(at, &s->pool->idle.wanted);
        return false;
}

bool exec_join_slow_3(exec_forks *at, struct exec_fork *fork)
{
        struct execi_forkstack *s = execi_forkstack_of(at);
        exec_future *t;

        if (s->kind == FORK_BLOCK)
                return join_block(s, at, fork);
        t = carrier_of(fork);
        if (t) {
                await_carrier(t);
                execi_worker_current()->fiber->n_forked--;
        }
        return false;
}

exec_forks *exec_fork_full_3(exec_forks *at, struct exec_fork *fork, exec_fork_fn fn)
{
        execi_tsan_release(fork);
        return execi_forkstack_push(at, fork, fn) ? exec_fork_slow_3(at, fork) : at + 1;
}

bool exec_join_full_3(exec_forks *at, struct exec_fork *fork)
{
        return execi_forkstack_pop(at) ? exec_join_slow_3(at, fork) : true;
}
