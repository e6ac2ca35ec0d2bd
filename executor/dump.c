/* dump.c - see dump.h. Works while the pool runs: a task is held for the moment in which it is looked at. */
#include "dump.h"

#include "future/here.h"
#include "port/log.h"
#include "port/stack.h"
#include "sched/ready.h"
#include "task/extra.h"
#include "task/register.h"
#include "task/waitword.h"
#include "wait/cancel.h"

#include <executor/executor.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct dump {
        struct exec_pool *pool;
        int fd; /* -1: the log */
        int error;
        uint32_t now_ms;
        unsigned n;
};

static void put(struct dump *d, const char *line)
{
        size_t left = strlen(line);

        if (d->fd < 0) { /* the log ends its lines itself */
                execi_log(EXEC_LOG_WARN, "%.*s", (int)(left && line[left - 1] == '\n' ? left - 1 : left), line);
                return;
        }
        while (left && !d->error) {
                ssize_t n = write(d->fd, line, left);

                if (n >= 0) {
                        line += n;
                        left -= (size_t)n;
                } else if (errno != EINTR) {
                        d->error = -errno;
                }
        }
}

/* @t is pinned: it waits, and cannot go on meanwhile. */
static void describe_wait(struct dump *d, exec_future *t, bool forward, char *line, size_t size)
{
        char what[EXTRA_NAME_BYTES];

        if (forward)
                execi_extra_title(t->awaiting, what, sizeof what);
        else
                snprintf(what, sizeof what, "a deadline or a queue");
        snprintf(line, size, "waits for %s, for %u ms, on worker %u", what, d->now_ms - t->since_ms,
                 t->fiber->worker->id);
}

/* @t seems to wait: hold it, if so, and say for what. */
static void describe_waiter(struct dump *d, exec_future *t, char *line, size_t size)
{
        struct execi_worker *w = execi_worker_current();
        enum interrupt_answer answer = execi_wait_pin(&t->wait, 0);
        enum unpin_answer then = UNPIN_DONE;

        if (answer == INTERRUPT_PINNED) {
                describe_wait(d, t, atom_load(&t->wait.word, RELAXED) & WAIT_FORWARD, line, size); /* @relaxed pinned */
                then = execi_wait_unpin(&t->wait);
        }
        if (answer == INTERRUPT_CLAIMED || then == UNPIN_WAKE)
                execi_wake(w, t, WAKE_QUEUE);
        else if (atom_load(&t->word, SEQ_CST) & WORD_CANCEL) /* V7: of one who found the pin taken */
                execi_cancel_deliver(w, t);
}

/* The end of a path is what tells. */
static const char *tail(const char *place)
{
        size_t n = strlen(place), most = 80;

        return n > most ? place + n - most : place;
}

/* Debug mode: where it was created and asked to end. */
static void describe_places(const exec_future *t, char *text, size_t size)
{
        const char *created = exec_task_place(t), *cancelled = execi_cancel_place_get(t);

        snprintf(text, size, "%s%s%s%s", created ? ", created at " : "", created ? tail(created) : "",
                 cancelled ? ", asked to end at " : "", cancelled ? tail(cancelled) : "");
}

/* @t is held: it cannot end. */
static void describe(struct dump *d, exec_future *t, uint64_t word)
{
        char name[EXTRA_NAME_BYTES], state[128] = "runs or is ready", places[200], line[EXTRA_NAME_BYTES + 400];

        execi_extra_title(t, name, sizeof name);
        if (!atom_load(&t->wait.word, ACQUIRE))
                snprintf(state, sizeof state, "is queued");
        else
                describe_waiter(d, t, state, sizeof state);
        describe_places(t, places, sizeof places);
        snprintf(line, sizeof line, "  %s %s%s%s\n", name, state, (word & WORD_CANCEL) ? ", is being cancelled" : "",
                 places);
        put(d, line);
        d->n++;
}

static void visit(exec_future *f, void *arg)
{
        struct dump *d = arg;

        if (!execi_state_hold_task(f))
                return;
        if (!execi_state_is_done(f))
                describe(d, f, execi_state_load(f));
        execi_unref(execi_worker_current(), f);
}

static void visit_registered(struct dump *d, struct execi_register *r)
{
        exec_future *f;

        execi_register_sweep(r);
        while ((f = execi_register_next(r))) {
                if (!execi_state_is_done(f))
                        describe(d, f, execi_state_load(f));
                execi_unref(execi_worker_current(), f);
        }
}

static int dump(exec_pool *pool, int fd)
{
        struct dump d = {.pool = pool, .fd = fd};
        int saved_errno = errno;
        char line[128];

        d.now_ms = (uint32_t)((execi_now(pool->chooser) - pool->start_ns) / 1000000);
        snprintf(line, sizeof line, "pool %s, %u workers:\n", pool->name, pool->n_workers);
        put(&d, line);
        for (unsigned i = 0; i < pool->n_made; i++)
                execi_slab_visit(&pool->arena->slabs[i], visit, &d);
        for (unsigned i = 0; i < N_REGISTERS; i++)
                visit_registered(&d, &pool->registers[i]);
        snprintf(line, sizeof line, "%u live tasks\n", d.n);
        put(&d, line);
        errno = saved_errno;
        return d.error;
}

int exec_pool_dump(exec_pool *pool, int fd)
{
        if (!pool)
                return -EINVAL;
        if (fd < 0)
                return -EBADF;
        if (execi_is_child(pool))
                return -ECHILD;
        return dump(pool, fd);
}

void execi_dump_to_log(exec_pool *pool)
{
        dump(pool, -1);
}

bool execi_describe_overflow(const void *address, char *buffer, size_t size)
{
        struct execi_worker *w = execi_worker_current();
        struct execi_fiber *f = w ? w->fiber : NULL;
        char name[EXTRA_NAME_BYTES] = "the worker's loop";
        uintptr_t at = (uintptr_t)address;

        if (!f || !f->low || at >= (uintptr_t)f->low || at < (uintptr_t)f->low - EXECI_GUARD_BYTES)
                return false;
        if (f->task)
                execi_extra_title(f->task, name, sizeof name);
        snprintf(buffer, size, "stack overflow in task %s (%zu bytes promised): raise stack_bytes", name,
                 f->stacks->bytes);
        return true;
}
