/* plan.c - see plan.h. */
#include "plan.h"

#include <string.h>

/* The bytes; behind their end there are zeros, which end everything soon. */
struct source {
        const uint8_t *at, *end;
};

static uint8_t next(struct source *s)
{
        return s->at < s->end ? *s->at++ : 0;
}

uint8_t plan_node(struct plan *p, enum node_kind kind)
{
        struct node_plan *n = &p->nodes[p->n_nodes];

        memset(n, 0, sizeof *n);
        n->kind = (uint8_t)kind;
        return p->n_nodes++;
}

struct op *plan_op(struct plan *p, uint8_t node, enum op_kind kind)
{
        struct node_plan *n = &p->nodes[node];
        struct op *op = &n->ops[n->n_ops++];

        memset(op, 0, sizeof *op);
        op->kind = (uint8_t)kind;
        if (kind == OP_FOREVER)
                n->flags |= WAITS_FOREVER;
        return op;
}

/* The nodes that a body has made so far: most calls are about these. */
struct own {
        uint8_t n, id[MAX_NODES];
};

/* 0 stands for what the zeros behind the end mean. */
static const uint8_t op_table[] = {
        OP_YIELD,  OP_SPAWN,  OP_SPAWN,  OP_SPAWN,      OP_SPAWN,       OP_AWAIT,       OP_AWAIT,    OP_AWAIT_UNTIL,
        OP_GATHER, OP_GATHER, OP_WAIT,   OP_WAIT,       OP_WAIT_FOR,    OP_WAIT_FOR,    OP_ANY,      OP_COMPLETED,
        OP_SCOPE,  OP_SCOPE,  OP_SCOPE,  OP_GROUP,      OP_GROUP,       OP_STOP_GROUP,  OP_CANCEL,   OP_CANCEL,
        OP_CANCEL, OP_CANCEL, OP_FINISH, OP_FINISH,     OP_CALLBACK,    OP_NO_CALLBACK, OP_TAKE,     OP_UNCANCEL,
        OP_SELF,   OP_SLEEP,  OP_SLEEP,  OP_SPIN,       OP_FOREVER,     OP_POLL,        OP_FAIL,     OP_UNSTARTED,
        OP_AWAIT,  OP_AWAIT,  OP_YIELD,  OP_COMPLETED,  OP_AWAIT_UNTIL, OP_CANCEL,      OP_GATHER,   OP_SCOPE,
        OP_SCOPE,  OP_SCOPE,  OP_SCOPE,  OP_RESCHEDULE, OP_SPIN,        OP_AWAIT_UNTIL, OP_WAIT_FOR, OP_GROUP,
};

static const uint8_t kind_table[] = {
        NODE_PROMISE, NODE_TASK, NODE_TASK, NODE_TASK,   NODE_TASK,   NODE_TASK,    NODE_SLEEP,   NODE_GATHER,
        NODE_GATHER,  NODE_TASK, NODE_TASK, NODE_SHIELD, NODE_SHIELD, NODE_PROMISE, NODE_PROMISE, NODE_TASK,
};

static uint8_t decode_node(struct plan *p, struct source *s, int depth);

static void remember(struct own *own, const struct plan *p, uint8_t id)
{
        if (own->n < MAX_NODES)
                own->id[own->n++] = id;
        for (uint8_t i = 0; i < p->nodes[id].n_children; i++)
                remember(own, p, p->nodes[id].child[i]);
}

/* Nodes that are to be made: as many as asked for, while there is room. */
static uint8_t decode_children(struct plan *p, struct source *s, int depth, uint8_t child[], unsigned n)
{
        uint8_t made = 0;

        while (made < n && p->n_nodes < MAX_NODES)
                child[made++] = decode_node(p, s, depth + 1);
        return made;
}

/* The numbers of all nodes are known only later: what is no own one stays a byte above these. */
enum { ANY_NODE = 128 };

static void decode_targets(struct source *s, struct op *op, const struct own *own)
{
        op->n_targets = (uint8_t)(1 + next(s) % MAX_TARGETS);
        for (uint8_t i = 0; i < op->n_targets; i++) {
                uint8_t byte = next(s);

                op->target[i] = own->n && byte % 8 ? own->id[byte / 8 % own->n] : (uint8_t)(ANY_NODE + byte / 8);
        }
}

static void resolve(struct plan *p)
{
        for (uint8_t i = 0; i < p->n_nodes; i++)
                for (uint8_t k = 0; k < p->nodes[i].n_ops; k++)
                        for (uint8_t j = 0; j < p->nodes[i].ops[k].n_targets; j++) {
                                uint8_t *target = &p->nodes[i].ops[k].target[j];

                                if (*target >= ANY_NODE)
                                        *target = (*target - ANY_NODE) % p->n_nodes;
                        }
}

static bool is_for_one(uint8_t kind)
{
        return kind == OP_AWAIT || kind == OP_AWAIT_UNTIL || kind == OP_WAIT_FOR || kind == OP_CANCEL ||
               kind == OP_UNSTARTED || kind == OP_FINISH || kind == OP_UNCANCEL || kind == OP_TAKE;
}

/* Most begin by making somebody; a helper never does. */
static uint8_t decode_kind(struct source *s, unsigned i, int depth, bool is_helper)
{
        uint8_t byte = next(s), kind = op_table[byte % sizeof op_table];

        if (is_helper)
                return kind == OP_SPAWN ? OP_CANCEL : kind;
        return i == 0 && (depth == 0 || byte % 4) ? OP_SPAWN : kind;
}

static void decode_ops(struct plan *p, struct source *s, uint8_t id, int depth)
{
        unsigned n_ops = next(s);
        struct own own = {0};

        n_ops = n_ops ? 2 + n_ops % (MAX_OPS - 1) : 0;
        for (unsigned i = 0; i < n_ops; i++) {
                struct op *op = plan_op(p, id, decode_kind(s, i, depth, depth == 0 && id == 1));

                op->a = next(s);
                op->b = next(s);
                if (op->kind == OP_SPAWN) {
                        op->n_targets = decode_children(p, s, depth, op->target, 1 + op->b % 3u);
                        for (uint8_t k = 0; k < op->n_targets; k++)
                                remember(&own, p, op->target[k]);
                } else if (op->kind >= OP_AWAIT && op->kind != OP_SCOPE && op->kind != OP_GROUP &&
                           op->kind != OP_RESCHEDULE) {
                        decode_targets(s, op, &own);
                        if (is_for_one(op->kind))
                                op->n_targets = 1;
                }
        }
}

static uint8_t decode_node(struct plan *p, struct source *s, int depth)
{
        uint8_t kind = kind_table[next(s) % sizeof kind_table], id, flags;

        if (depth >= MAX_DEPTH && kind != NODE_SLEEP)
                kind = NODE_PROMISE;
        if (depth == 1 && p->n_nodes == 1 + p->has_helper)
                kind = NODE_TASK;
        id = plan_node(p, kind);
        flags = next(s);
        p->nodes[id].flags = flags & (uint8_t)~WAITS_FOREVER;
        if (kind == NODE_GATHER || kind == NODE_SHIELD)
                p->nodes[id].n_children =
                        decode_children(p, s, depth, p->nodes[id].child, kind == NODE_SHIELD ? 1 : flags % 4u);
        for (uint8_t i = 0; i < p->nodes[id].n_children; i++)
                p->nodes[p->nodes[id].child[i]].flags &= (uint8_t)~IS_DETACHED;
        if (kind == NODE_SHIELD && !p->nodes[id].n_children)
                p->nodes[id].kind = NODE_PROMISE;
        if ((flags & COLLECTS) && (flags & CANCELS_REST))
                p->nodes[id].flags &= (uint8_t)~COLLECTS;
        p->nodes[id].how = next(s);
        if (kind == NODE_TASK) {
                uint8_t byte = next(s);

                p->nodes[id].policy = byte % 2 ? PASS_ON : byte / 2 % N_POLICIES;
                decode_ops(p, s, id, depth);
        }
        return id;
}

void plan_decode(struct plan *p, const uint8_t *data, size_t size)
{
        struct source s = {data, data + size};
        uint8_t byte;

        p->n_nodes = 0;
        p->common = next(&s);
        byte = next(&s);
        p->has_locals = byte % 8 == 7;
        p->has_helper = byte / 8 % 4 == 3;
        p->has_other = byte / 32 % 4 == 3;
        plan_node(p, NODE_THREAD);
        if (p->has_helper)
                plan_node(p, NODE_THREAD);
        decode_ops(p, &s, 0, 0);
        if (p->has_helper)
                decode_ops(p, &s, 1, 0);
        resolve(p);
}

/* ---- print ---- */

static const char *const kind_names[] = {"thread", "task", "promise", "sleep", "gather", "shield"};
static const char *const policy_names[] = {"passes on", "swallows", "own error", "uncancels", "cleans up"};
static const char *const op_names[] = {
        "yield",     "spawn", "sleep",    "spin",      "forever",    "poll",        "await", "await_until", "wait_for",
        "gather",    "wait",  "any",      "completed", "reschedule", "scope",       "group", "stop_group",  "cancel",
        "unstarted", "self",  "uncancel", "finish",    "callback",   "no_callback", "take",  "fail",
};

_Static_assert(sizeof op_names / sizeof *op_names == N_OPS, "a name for each");

static void print_targets(const uint8_t target[], uint8_t n, FILE *to)
{
        for (uint8_t i = 0; i < n; i++)
                fprintf(to, " %d", target[i]);
        fprintf(to, "\n");
}

void plan_print(const struct plan *p, FILE *to)
{
        fprintf(to, "common deadline %d%s%s%s\n", p->common, p->has_locals ? ", with locals" : "",
                p->has_helper ? ", with a helper" : "", p->has_other ? ", two pools" : "");
        for (uint8_t i = 0; i < p->n_nodes; i++) {
                const struct node_plan *n = &p->nodes[i];

                fprintf(to, "%d: %s, %s, flags 0x%x, how %d", i, kind_names[n->kind], policy_names[n->policy], n->flags,
                        n->how);
                print_targets(n->child, n->n_children, to);
                for (uint8_t k = 0; k < n->n_ops; k++) {
                        const struct op *op = &n->ops[k];

                        fprintf(to, "      %s %d %d:", op_names[op->kind], op->a, op->b);
                        print_targets(op->target, op->n_targets, to);
                }
        }
}
