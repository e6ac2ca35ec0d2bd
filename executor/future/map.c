/* map.c - one function over an array, outcomes in order: a ring of the calls that were begun and not yet handed out.
 *
 * R1 the ring holds calls first .. next - 1; call i stands at i % room, with a reference. */
#include "future/here.h"
#include "port/memory.h"

#include <executor/executor.h>

#include <string.h>

struct exec_map {
        exec_task_fn fn;
        char *args;
        size_t n, stride;
        struct exec_task_options options;
        size_t first, next, room;
        exec_future *ring[];
};

void exec_map_options_init(struct exec_map_options *options, size_t size)
{
        if (!options)
                return;
        memset(options, 0, size);
        options->size = size;
}

static int read_options(struct exec_map_options *to, const struct exec_map_options *from)
{
        memset(to, 0, sizeof *to);
        if (!from)
                return 0;
        if (from->size < offsetof(struct exec_map_options, limit) || from->size > 4096)
                return -EINVAL;
        memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
        return 0;
}

static size_t map_bytes(size_t room)
{
        return sizeof(struct exec_map) + room * sizeof(exec_future *);
}

/* As many calls as the ring has room for. */
static void begin_calls(struct exec_map *m)
{
        for (; m->next < m->n && m->next - m->first < m->room; m->next++)
                m->ring[m->next % m->room] = exec_create_task_with(m->fn, m->args + m->next * m->stride, &m->options);
}

static int check(exec_task_fn fn, const void *args, size_t n, size_t stride)
{
        size_t bytes;

        if (!fn || (n && !args && stride))
                return -EINVAL;
        if (n > (SIZE_MAX - sizeof(struct exec_map)) / sizeof(exec_future *) ||
            __builtin_mul_overflow(n, stride, &bytes))
                return -EINVAL;
        return 0;
}

int exec_map_new(exec_map **out, exec_task_fn fn, void *args, size_t n, size_t stride,
                 const struct exec_map_options *options)
{
        struct exec_map_options o;
        struct exec_map *m;
        size_t room;
        int r;

        if (!out)
                return -EINVAL;
        *out = NULL;
        r = check(fn, args, n, stride);
        if (!r)
                r = read_options(&o, options);
        if (r)
                return r;
        if (!o.pool && !(o.pool = execi_here_pool(execi_worker_current())))
                return -EINVAL;
        room = o.limit && o.limit < n ? o.limit : n ? n : 1;
        m = execi_alloc(map_bytes(room));
        if (!m)
                return -ENOMEM;
        m->fn = fn;
        m->args = args;
        m->n = n;
        m->stride = stride;
        m->room = room;
        exec_task_options_init(&m->options, sizeof m->options);
        m->options.pool = o.pool;
        m->options.drop_value = o.drop_value;
        begin_calls(m);
        *out = m;
        return 0;
}

/* 0: it has ended; or why not. */
static int wait_for(exec_future *f, int64_t deadline_ns)
{
        int r = exec_wait(&f, 1, EXEC_ALL_COMPLETED, deadline_ns, NULL);

        if (r < 0)
                return r;
        return r ? 0 : -ETIMEDOUT;
}

int exec_map_next(exec_map *m, int64_t deadline_ns, struct exec_outcome *out)
{
        struct exec_outcome o;
        exec_future *f;
        int r;

        if (!m)
                return -EINVAL;
        if (m->first == m->next)
                return 0;
        f = m->ring[m->first % m->room];
        r = wait_for(f, deadline_ns);
        if (r)
                return r;
        exec_future_outcome(f, &o);
        if (out && o.state == EXEC_DONE)
                exec_take(f, &o.value);
        if (out)
                *out = o;
        exec_future_unref(f);
        m->first++;
        begin_calls(m);
        return 1;
}

static void cancel_unbegun(struct exec_map *m)
{
        for (size_t i = m->first; i < m->next; i++)
                exec_try_cancel_unstarted(m->ring[i % m->room], "the map is freed");
}

static void cancel_all(struct exec_map *m, const char *reason)
{
        for (size_t i = m->first; i < m->next; i++)
                exec_cancel(m->ring[i % m->room], reason);
}

int exec_map_free(exec_map *m)
{
        bool hushed = false;
        int r, result = 0;

        if (!m)
                return 0;
        m->n = m->next;
        cancel_unbegun(m);
        while (m->first < m->next) {
                exec_future *f = m->ring[m->first % m->room];
                struct exec_outcome o;

                r = wait_for(f, EXEC_FOREVER);
                if (r == -ECANCELED) {
                        result = r;
                        hushed |= execi_cancel_hush(execi_worker_current());
                        cancel_all(m, exec_cancel_reason(execi_here_cell()));
                        continue;
                }
                if (r) {
                        execi_cancel_unhush(execi_worker_current(), hushed);
                        return r;
                }
                exec_future_outcome(f, &o); /* looked at: nobody else can */
                exec_future_unref(f);
                m->first++;
        }
        execi_cancel_unhush(execi_worker_current(), hushed);
        execi_free(m, map_bytes(m->room));
        return result;
}
