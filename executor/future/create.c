/* create.c - creating tasks. */
#include "future/create.h"

#include "future/around.h"
#include "future/failed.h"
#include "future/here.h"
#include "future/timeout.h"
#include "port/sanitizer.h"
#include "run/find.h"
#include "sched/idle.h"
#include "task/extra.h"
#include "task/register.h"
#include "wait/ending.h"
#include "wait/locals.h"
#include "wait/outside.h"
#include "wait/waiter.h"

#include <executor/task.h>

#include <string.h>

NOINLINE exec_future *execi_cell_new_slow(struct execi_worker *w, enum cell_kind kind, unsigned flags)
{
        bool allocated = !w || execi_tsan_precise();
        exec_future *f = allocated ? execi_cell_alloc(w ? w->pool : NULL) : execi_slab_alloc(w->slab);

        if (!f)
                return NULL;
        if (!w || !w->pool->plain)
                flags |= CELL_WATCHED;
        execi_cell_init(f, kind, flags | (allocated ? CELL_ALLOCATED : 0));
        f->value = NULL;
        atom_store(&f->word, 0, RELEASE);
        return f;
}

/* Queue a task of this worker's pool. */
static inline void enqueue(struct execi_worker *w, exec_future *t)
{
        t->wait_all = 0;
        atom_store(&t->word, WORD_QUEUED, RELEASE); /* from here on it can be cancelled */
        atom_bump(&w->n_created, 1);
        if (UNLIKELY(!execi_deque_push(&w->deque, t)))
                execi_spill(w->pool, t);
        else
                execi_share(w);
}

/* The pool is closed. The task stands in the register already and may be in the hands of one who cancels it: it ends like
 * any other that never ran, as refused or as cancelled, whichever claims it first. */
static COLD void end_refused(struct execi_worker *w, exec_future *t)
{
        enum start_answer answer = execi_state_start(t); /* no queue points to it */

        if (answer == START_SKIP || answer == START_FREE)
                return;
        execi_task_let_go(t);
        atom_or(&t->seen, SEEN_ERROR, RELAXED); /* @relaxed flag: a refusal need not be looked at */
        execi_task_end(w, t, -ESHUTDOWN, NULL);
}

/* Hand a task to another pool, or from a plain thread. */
static void submit(struct execi_worker *w, struct exec_pool *pool, exec_future *t)
{
        execi_tsan_release(t);
        t->wait_all = 0;
        atom_add(&pool->n_outside, 1, SEQ_CST);
        atom_store(&t->word, WORD_QUEUED, RELEASE);
        execi_register_add(&pool->registers[execi_register_index(t, N_REGISTERS)], t);
        if (execi_inject_push(&pool->outside, &t->link))
                execi_idle_notify_slow(pool);
        else
                end_refused(w, t);
}

static int refusal(struct exec_pool *pool, exec_task_fn fn)
{
        if (!fn || !pool)
                return -EINVAL;
        if (UNLIKELY(execi_is_child(pool)))
                return -ECHILD;
        return UNLIKELY(atom_load(&pool->halt, RELAXED) & HALT_BROKEN) ? -EPIPE : 0; /* @relaxed hint */
}

/* What a task is made from. */
struct creation {
        struct exec_pool *pool;
        exec_task_fn fn;
        const void *arg;
        const struct exec_task_options *o; /* or NULL */
        const char *place;                 /* or NULL */
};

static int attach_options(exec_future *t, const void *arg, const struct exec_task_options *o)
{
        struct execi_extra *e = execi_extra_need(t, o->arg_size);

        if (!e)
                return -ENOMEM;
        if (o->arg_size) {
                memcpy(execi_extra_arg(e), arg, o->arg_size);
                t->arg = execi_extra_arg(e);
        }
        e->drop_arg = o->drop_arg;
        e->drop_value = o->drop_value;
        e->arg = t->arg;
        e->stack_bytes = o->stack_bytes;
        if (o->name) {
                strncpy(e->name, o->name, sizeof e->name - 1);
                e->name[sizeof e->name - 1] = '\0';
        }
        return 0;
}

static void free_unborn(struct execi_worker *w, exec_future *t)
{
        struct execi_extra *e = execi_extra_get(t);

        if (e)
                e->drop_value = NULL;
        t->state = EXEC_CANCELLED;
        execi_cell_release(w, t);
}

/* All that is not in the cell itself. 0 or -ENOMEM. */
static int equip(struct execi_worker *w, exec_future *t, const struct creation *c)
{
        bool inherits = c->o && (c->o->flags & EXEC_INHERIT_DEADLINE);
        struct execi_locals *locals = execi_locals_here(w);
        int r = c->o ? attach_options(t, c->arg, c->o) : 0;

        if (!r && (inherits || c->pool->slow_ns))
                r = execi_around_put(t, c->pool, inherits ? execi_timeout_inherited() : EXEC_FOREVER, c->place);
        return r || !locals ? r : execi_locals_pass(locals, t, c->pool);
}

/* Everything but the plainest: options, another pool, plain threads, the precise mode, debug mode. */
static COLD exec_future *create_slow(struct execi_worker *w, const struct creation *c)
{
        bool precise = execi_tsan_precise(), foreign = !w || w->pool != c->pool;
        const struct exec_task_options *o = c->o;
        struct exec_pool *pool = c->pool;
        unsigned flags = 0;
        exec_future *t;

        if (o && (o->flags & EXEC_TIED))
                flags |= CELL_TIED;
        if (pool->flags & EXEC_POOL_TIED)
                flags |= CELL_TIED;
        if (!pool->plain)
                flags |= CELL_WATCHED;
        if (precise || (o && o->stack_bytes > pool->promise_bytes))
                flags |= CELL_OWN_STACK;
        t = foreign || precise ? execi_cell_alloc(pool) : execi_slab_alloc(w->slab);
        if (!t)
                return NULL;
        execi_cell_init(t, CELL_TASK, foreign || precise ? flags | CELL_ALLOCATED : flags);
        t->fn = c->fn;
        t->arg = (void *)(uintptr_t)c->arg; /* NOLINT */
        if (equip(w, t, c)) {
                free_unborn(w, t);
                return NULL;
        }
        if (precise)
                execi_cell_prefix(t)->tsan = execi_tsan_context_new();
        if (foreign) {
                submit(w, pool, t);
                return t;
        }
        if (precise)
                execi_register_add(&pool->registers[execi_register_index(t, N_REGISTERS)], t);
        execi_tsan_release(t);
        enqueue(w, t);
        return t;
}

COLD exec_future *execi_create_fork(struct execi_worker *w, exec_fork_fn fn, struct exec_fork *fork, exec_future *root)
{
        bool precise = execi_tsan_precise();
        bool own_stack = precise || (root->flags & CELL_OWN_STACK);
        unsigned flags = CELL_FORK | CELL_WATCHED | (root->flags & CELL_TIED) | (own_stack ? CELL_OWN_STACK : 0) |
                         (precise ? CELL_ALLOCATED : 0);
        exec_future *t = precise ? execi_cell_alloc(w->pool) : execi_slab_alloc(w->slab);
        struct execi_extra *e;

        if (!t)
                return NULL;
        execi_cell_init(t, CELL_TASK, flags);
        t->fork_fn = fn;
        t->arg = fork;
        e = execi_extra_need(t, 0);
        if (!e) {
                free_unborn(w, t);
                return NULL;
        }
        e->root = root;
        e->stack_bytes = execi_extra_get(root) ? execi_extra_get(root)->stack_bytes : 0;
        if (precise) {
                execi_cell_prefix(t)->tsan = execi_tsan_context_new();
                execi_register_add(&w->pool->registers[execi_register_index(t, N_REGISTERS)], t);
        }
        execi_tsan_release(t);
        enqueue(w, t);
        return t;
}

/* From outside the pool. A sleeping worker is woken first of all: while it wakes and searches the task is made. */
static COLD exec_future *create_from_outside(struct execi_worker *w, const struct creation *c)
{
        struct exec_pool *pool = c->pool;
        exec_future *t;

        atom_add(&pool->n_visitors, 1, SEQ_CST); /* the pool stays until this thread is through */
        execi_idle_notify_slow(pool);
        t = create_slow(w, c);
        atom_sub(&pool->n_visitors, 1, RELEASE); /* last touch; @pair pool.visitors */
        return t;
}

exec_future *exec_create_task_at(const char *place, exec_task_fn fn, void *arg)
{
        struct execi_worker *w = execi_worker_current();
        exec_future *t;

        if (UNLIKELY(!w || !fn || !atom_load(&w->plain_create, RELAXED))) /* @relaxed M3 */
                return exec_create_task_with_at(place, fn, arg, NULL);
        t = execi_slab_alloc(w->slab);
        if (UNLIKELY(!t))
                return execi_failed(-ENOMEM);
        execi_cell_init(t, CELL_TASK, 0);
        t->fn = fn;
        t->arg = arg;
        enqueue(w, t);
        return t;
}

exec_future *exec_create_task(exec_task_fn fn, void *arg)
{
        return exec_create_task_at(NULL, fn, arg);
}

/* The options as this version knows them; fields that an older caller lacks are 0. */
static int read_options(struct exec_task_options *to, const struct exec_task_options *from, const void *arg)
{
        memset(to, 0, sizeof *to);
        if (!from)
                return 0;
        if (from->size < offsetof(struct exec_task_options, pool) || from->size > 4096)
                return -EINVAL;
        memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
        if ((to->arg_size && !arg) || (to->flags & ~(unsigned)(EXEC_TIED | EXEC_INHERIT_DEADLINE)))
                return -EINVAL;
        return to->arg_size > SIZE_MAX / 2 || to->stack_bytes > SIZE_MAX / 2 ? -ENOMEM : 0;
}

exec_future *exec_create_task_with_at(const char *place, exec_task_fn fn, const void *arg,
                                      const struct exec_task_options *options)
{
        struct execi_worker *w = execi_worker_current();
        struct exec_task_options o;
        struct creation c = {.fn = fn, .arg = arg, .o = options ? &o : NULL, .place = place};
        exec_future *t = NULL;
        int err = read_options(&o, options, arg);

        c.pool = o.pool ? o.pool : execi_here_pool(w);
        if (!err)
                err = refusal(c.pool, fn);
        if (!err) {
                t = w && w->pool == c.pool ? create_slow(w, &c) : create_from_outside(w, &c);
                if (t && !(t->flags & CELL_STATIC))
                        return t;
                err = t ? t->err : -ENOMEM;
        }
        if (arg || !o.arg_size)                                 /* else there is nothing to copy, and nothing to drop */
                execi_drop(o.drop_arg, (void *)(uintptr_t)arg); /* NOLINT */
        return execi_failed(err);
}

exec_future *exec_create_task_with(exec_task_fn fn, const void *arg, const struct exec_task_options *options)
{
        return exec_create_task_with_at(NULL, fn, arg, options);
}

void exec_task_options_init(struct exec_task_options *options, size_t size)
{
        if (!options)
                return;
        memset(options, 0, size);
        options->size = size;
}
