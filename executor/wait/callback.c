/* callback.c - done callbacks run one after another on the thread that finished the future, outside every lock. */
#include "port/memory.h"
#include "wait/locals.h"
#include "wait/outside.h"
#include "wait/waiter.h"

static __thread struct {
        struct execi_callback_waiter *head, *tail;
        bool running;
        bool outside; /* Z1, of a plain thread */
} deferred __attribute__((tls_model("initial-exec")));

bool execi_callback_is_running(void)
{
        return deferred.outside;
}

/* Workers have the mark in a place where waits find it quickly. */
static bool set_mark(bool to)
{
        struct execi_worker *w = execi_worker_current();
        bool *mark = w ? &w->in_callback : &deferred.outside, was = *mark;

        *mark = to;
        return was;
}

COLD bool execi_outside_begin(void)
{
        return set_mark(true);
}

COLD void execi_outside_end(bool was)
{
        set_mark(was);
}

COLD void execi_drop(exec_drop_fn drop, void *ptr)
{
        bool was;

        if (!drop)
                return;
        was = execi_outside_begin();
        drop(ptr);
        execi_outside_end(was);
}

void execi_callback_defer(struct execi_callback_waiter *c)
{
        c->next_run = NULL;
        if (deferred.tail)
                deferred.tail->next_run = c;
        else
                deferred.head = c;
        deferred.tail = c;
}

void execi_callbacks_run(void)
{
        struct execi_callback_waiter *c;
        bool was;

        if (deferred.running)
                return; /* never nested: the outer run goes on to these */
        deferred.running = true;
        was = execi_outside_begin();
        while ((c = deferred.head)) {
                deferred.head = c->next_run;
                if (!deferred.head)
                        deferred.tail = NULL;
                execi_tsan_acquire(c->future);
                execi_tsan_acquire(c); /* what the one who added it did before */
                execi_locals_enter(execi_worker_current(), &c->locals);
                c->fn(c->future, c->arg);
                execi_locals_leave();
                execi_locals_unref(c->locals);
                execi_unref(execi_worker_current(), c->future);
                execi_free(c, sizeof *c);
        }
        execi_outside_end(was);
        deferred.running = false;
}

struct execi_callback_waiter *execi_callbacks_withdraw(exec_future *f, void (*fn)(exec_future *f, void *arg), void *arg)
{
        struct execi_callback_waiter **link = &deferred.head, *removed = NULL, *last = NULL;

        while (*link) {
                struct execi_callback_waiter *c = *link;

                if (c->future == f && c->fn == fn && c->arg == arg) {
                        *link = c->next_run;
                        c->next_run = removed;
                        removed = c;
                } else {
                        last = c;
                        link = &c->next_run;
                }
        }
        deferred.tail = last;
        return removed;
}
