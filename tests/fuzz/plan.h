/* plan.h - a random program, as data: nodes, each a future to be made, and what the bodies of its tasks do.
 *
 * A plan is decoded from any bytes, or put together by hand (examples_test.c). Node 0 is the plain thread that runs the
 * plan, node 1 perhaps another that makes nobody; the others are made by nodes of lower numbers. A body waits only for nodes of higher numbers than its own, so
 * nobody waits in a circle; whom it cancels is not limited. What was not made yet when its turn comes is left out. */
#ifndef FUZZ_PLAN_H
#define FUZZ_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { MAX_NODES = 24, MAX_OPS = 8, MAX_TARGETS = 4, MAX_DEPTH = 5, NOBODY = 255 };

enum node_kind { NODE_THREAD, NODE_TASK, NODE_PROMISE, NODE_SLEEP, NODE_GATHER, NODE_SHIELD };

/* What a body does when a call has returned -ECANCELED. */
enum policy { PASS_ON, SWALLOW, OWN_ERROR, UNCANCEL, CLEAN_UP, N_POLICIES };

enum node_flags {
        KEEPS_ERRORS = 1 << 0, /* a task: an error of a call is its own; else it goes on */
        IS_PLAIN = 1 << 1,     /* a task without options; a promise without a drop function */
        IS_DETACHED = 1 << 2,  /* a task: nobody has its future */
        IS_TIED = 1 << 3,
        HAS_CALLBACK = 1 << 4, /* from the beginning */
        COLLECTS = 1 << 5,     /* a gather */
        IS_ELSEWHERE = 1 << 5, /* a task: in the other pool */
        CANCELS_REST = 1 << 6, /* likewise */
        WAITS_FOREVER = 1 << 7 /* a task with an OP_FOREVER: see sweep() in run.c */
};

enum op_kind {
        OP_YIELD,
        OP_SPAWN,       /* make the targets; a: into the group that its own task is in */
        OP_SLEEP,       /* a: how long */
        OP_SPIN,        /* likewise */
        OP_FOREVER,     /* sleep until cancelled */
        OP_POLL,        /* a times */
        OP_AWAIT,       /* all of these: the targets */
        OP_AWAIT_UNTIL, /* a: the deadline */
        OP_WAIT_FOR,    /* likewise */
        OP_GATHER,      /* a: the flags */
        OP_WAIT,        /* a: the deadline, b: the mode */
        OP_ANY,         /* a: the flags */
        OP_COMPLETED,   /* a: the deadline */
        OP_RESCHEDULE,  /* the innermost scope; a: the deadline */
        OP_SCOPE,       /* a: the deadline, b: how many of the following ops are inside */
        OP_GROUP,       /* a: the limit, what is done when it is full, and whether it is ended in steps; b: likewise */
        OP_STOP_GROUP,  /* cancel the group around it, or the one its task is in */
        OP_CANCEL,      /* a: the reason */
        OP_UNSTARTED,   /* likewise */
        OP_SELF,        /* likewise: cancel the own task */
        OP_UNCANCEL,
        OP_FINISH, /* a promise; a: how */
        OP_CALLBACK,
        OP_NO_CALLBACK,
        OP_TAKE,
        OP_FAIL, /* end the body with an error */
        N_OPS
};

struct op {
        uint8_t kind, a, b, n_targets;
        uint8_t target[MAX_TARGETS];
};

struct node_plan {
        uint8_t kind, policy, flags, n_ops;
        uint8_t how; /* a promise: how it is finished when nobody did it before; a sleep: how long */
        uint8_t n_children;
        uint8_t child[MAX_TARGETS]; /* of a gather or a shield */
        struct op ops[MAX_OPS];
};

struct plan {
        uint8_t n_nodes;
        bool has_locals;
        bool has_helper; /* node 1 is a thread */
        bool has_other;  /* there are two pools */
        uint8_t common;  /* the deadline that many calls have in common */
        struct node_plan nodes[MAX_NODES];
};

void plan_decode(struct plan *p, const uint8_t *data, size_t size);
void plan_print(const struct plan *p, FILE *to);

/* By hand: a node, and an op of a node, which are filled further by the caller. */
uint8_t plan_node(struct plan *p, enum node_kind kind);
struct op *plan_op(struct plan *p, uint8_t node, enum op_kind kind);

#endif
