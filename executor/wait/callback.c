/* callback.c - done callbacks run one after another on the thread that finished the future, outside every lock. */
#include "port/memory.h"
#include "wait/waiter.h"

static __thread struct {
        struct execi_callback_waiter *head, *tail;
        bool running;
} deferred __attribute__((tls_model("initial-exec")));

bool execi_callback_is_running(void)
{
        return deferred.running;
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

/* Workers have the flag in a place where waits find it quickly. */
static void set_running(bool running)
{
        struct execi_worker *w = execi_worker_current();

        deferred.running = running;
        if (w)
                w->in_callback = running;
}

void execi_callbacks_run(void)
{
        struct execi_callback_waiter *c;

        if (deferred.running)
                return; /* never nested: the outer run goes on to these */
        set_running(true);
        while ((c = deferred.head)) {
                deferred.head = c->next_run;
                if (!deferred.head)
                        deferred.tail = NULL;
                execi_tsan_acquire(c->future);
                execi_tsan_acquire(c); /* what the one who added it did before */
                c->fn(c->future, c->arg);
                execi_unref(execi_worker_current(), c->future);
                execi_free(c, sizeof *c);
        }
        set_running(false);
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
