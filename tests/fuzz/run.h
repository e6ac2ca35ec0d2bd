/* run.h - a plan being run: what its nodes did, and what was done to them. Bodies (body.c) write it, and check what can be
 * checked at once; when all is over the model (model.c) checks the rest.
 *
 * Marks make no order among tasks that would hide a race of the library from ThreadSanitizer. What was written is read when
 * the futures of all nodes have been awaited. */
#ifndef FUZZ_RUN_H
#define FUZZ_RUN_H

#include "plan.h"
#include "port/atomic.h"

#include <executor/executor.h>

/* Why somebody was cancelled. The first are given by the programs; the others are the library's. */
enum {
        REASON_NONE,
        REASON_A,
        REASON_B,
        REASON_C,
        REASON_SWEPT,
        REASON_TIME,
        REASON_GATHER,
        REASON_ANY,
        REASON_GROUP_FAILED,
        REASON_GROUP_CANCELLED,
        REASON_GROUP_BODY,
        N_REASONS
};

struct run;

/* A group that a body began. The body's own task reads and writes what is not atomic. */
struct team {
        exec_group *group;
        struct node *parent;
        _Atomic(int) cancelled; /* calls that did cancel it */
        /* When such a call began, and had returned: by then all that had been made before had been asked. */
        _Atomic(unsigned) asking_from, asked_at;
        _Atomic(bool) is_limited; /* its children may not wait for room in it */
        bool caller_runs;
        /* Known when it has ended: */
        bool closed;      /* it may have asked its children */
        bool interrupted; /* for its parent's reason */
        int body_err, n_errors;
};

struct node {
        const struct node_plan *plan;
        struct run *run;
        uint8_t id;

        /* The future: made by its creator, who then publishes it; the run's reference. */
        _Atomic(exec_future *) future;
        struct node *creator;        /* NULL: not made */
        _Atomic(struct team *) team; /* the group it is in */
        bool refused;                /* by its group */
        unsigned made_at;            /* a gather: when all its children were registered */

        /* The body's own. */
        bool begun, ended, has_message;
        unsigned ended_at;
        _Atomic(bool) is_over; /* all it did is seen by who sees this */
        int ret;
        int depth;             /* scopes and groups around where it is */
        int n_seen;            /* -ECANCELED that was its own */
        int n_expired;         /* scopes */
        int n_closed;          /* groups of its own that may have asked it */
        bool uncancels;        /* withdrew one itself */
        const char *unasked;   /* what happened that only a request from elsewhere may cause */
        const char *withdrawn; /* likewise one that was withdrawn from elsewhere */

        /* What others did. */
        _Atomic(int) accepted[N_REASONS]; /* cancel calls that returned 1 */
        _Atomic(int) extra;               /* requests that other calls may have made */
        _Atomic(unsigned) extra_reasons;
        _Atomic(unsigned) asked_at;             /* when a cancel call that was accepted had returned */
        _Atomic(unsigned) late_reasons;         /* of requests that were refused because it ended meanwhile */
        _Atomic(int) passes[MAX_NODES];         /* how often that node may have passed its requests on to this one */
        _Atomic(int) n_uncancelled;             /* by others */
        _Atomic(int) n_unstarted;               /* try_cancel_unstarted that returned 1 */
        _Atomic(int) n_set, n_failed, n_broken; /* a promise: done, failed, cancelled by hand */
        _Atomic(unsigned) finish_began, finish_told; /* when that call began, and had returned; 0: never */
        _Atomic(int) n_taken, n_args_dropped, n_values_made, n_values_dropped, n_locals_dropped;
        _Atomic(int) n_callbacks, n_callbacks_run, n_callbacks_removed;
};

struct run {
        const struct plan *plan;
        exec_pool *pool, *other; /* the other one may be NULL */
        int64_t common_ns;
        _Atomic(bool) swept;
        _Atomic(unsigned) clock;
        _Atomic(unsigned) n_ops;
        _Atomic(unsigned) n_teams;
        _Atomic(int) n_unhandled; /* calls of the hook for errors that nobody saw */
        struct team teams[MAX_NODES * MAX_OPS];
        struct node nodes[MAX_NODES];
        _Atomic(bool) failed;
        _Atomic(bool) failure_ready;
        char failure[300];
};

/* Note the first failure. */
bool run_check(struct run *r, bool ok, const struct node *n, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
/* The same if nobody can have asked @n to end but its own scopes and groups: the model knows later. */
void run_check_unasked(struct node *n, bool ok, const char *what);

static inline unsigned run_stamp(struct run *r)
{
        return atom_add(&r->clock, 1, RELAXED) + 1;
}

static inline exec_future *node_future(struct node *n)
{
        return atom_load(&n->future, ACQUIRE);
}

static inline struct team *node_team(struct node *n)
{
        return atom_load(&n->team, RELAXED);
}

/* Tasks add and never look, so this makes no order among them; who loads the last count has seen what all did before. */
static inline void bump(_Atomic(int) *n)
{
        atom_add(n, 1, RELEASE);
}

static inline int count(_Atomic(int) *n)
{
        return atom_load(n, ACQUIRE);
}

const char *reason_text(int reason); /* of those given by programs */
int reason_of(const char *text);     /* N_REASONS: unknown */
static inline int own_error(const struct node *n)
{
        return -(2000 + n->id);
}

/* Run the bodies of the threads, await all, check. false: r->failure says what was wrong. */
bool run_plan(struct run *r, const struct plan *plan, exec_pool *pool, exec_pool *other);
void run_sweep(struct run *r); /* end all that would wait for ever, now and from now on */

/* body.c */
int body_of_task(void *arg, void **value);
void body_of_thread(struct node *n);
void body_sweep(struct run *r, struct node *n);
void body_drop_local(void *ptr);
extern exec_local *body_key;

/* model.c */
void model_check(struct run *r);
/* Does the future of @n, which is done, stand as @o says? */
bool outcome_is(exec_future *f, const struct exec_outcome *o);

#endif
