/* body.h - what the files that run bodies share. Each do_ function is one op; it returns what the call said. */
#ifndef FUZZ_BODY_H
#define FUZZ_BODY_H

#include "run.h"

/* Where a body is. */
struct place {
        struct node *n;
        struct team *team;    /* the innermost group that it has begun and not ended */
        struct around *scope; /* likewise its scopes */
};

struct around {
        struct exec_timeout *scope;
        int64_t deadline_ns;
        struct around *outer;
        bool outer_was_expired; /* at its begin: so its request may have been seen */
};

/* making.c */
int do_spawn(const struct place *at, const struct op *op);
void make_callback(struct node *n);
int make_no_callback(struct node *n); /* how many were removed */

/* acts.c: what is done to others, and to oneself */
int do_to_other(struct node *n, const struct op *op);
int do_self(struct node *n, int reason);
int do_stop_group(const struct place *at);

/* waits.c */
int do_pause(struct node *n, const struct op *op);
int do_forever(struct node *n);
int do_poll(struct node *n, uint8_t a);
int do_await(struct node *n, const struct op *op);
int do_wait_for(struct node *n, const struct op *op);
int do_gather(struct node *n, const struct op *op);
int do_wait(struct node *n, const struct op *op);
int do_any(struct node *n, const struct op *op);
int do_completed(struct node *n, const struct op *op);

static inline bool is_thread(const struct node *n)
{
        return n->plan->kind == NODE_THREAD;
}

static inline int64_t duration_of(uint8_t a)
{
        static const uint8_t us[] = {0, 1, 3, 5, 10, 20, 40, 80};

        return EXEC_US(us[a % sizeof us]);
}

static inline int64_t deadline_of(const struct node *n, uint8_t a)
{
        switch (a % 8) {
        case 0:
                return exec_now() - 1;
        case 1:
        case 2:
                return n->run->common_ns;
        case 3:
        case 4:
                return is_thread(n) ? exec_now() + EXEC_US(100) : EXEC_FOREVER;
        default:
                return exec_now() + duration_of(a / 8);
        }
}

/* A request of its own was delivered to @n. */
static inline void seen(struct node *n)
{
        n->n_seen++;
        run_check_unasked(n, n->depth > 0, "a call was cancelled, and nobody had asked for it");
}

static inline void may_pass(struct node *from, struct node *to)
{
        bump(&to->passes[from->id]);
}

static inline void may_ask(struct node *n, int reason)
{
        bump(&n->extra);
        atom_or(&n->extra_reasons, 1u << reason, RELAXED);
}

static inline struct exec_outcome outcome_of(exec_future *f)
{
        struct exec_outcome o;

        exec_future_outcome(f, &o);
        return o;
}

#endif
