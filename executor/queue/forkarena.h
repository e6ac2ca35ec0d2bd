/* forkarena.h - where fork stacks come from: pairs of blocks, kept until the pool goes (forkstack.h G6). The second block of
 * a pair is where the places of a full first one lead: forks there run where they are forked. */
#ifndef EXECI_QUEUE_FORKARENA_H
#define EXECI_QUEUE_FORKARENA_H

#include "queue/forkstack.h"

struct execi_forkarena {
        struct execi_spin lock;
        struct execi_forkstack *free; /* L(lock) */
        char *chunks;                 /* L(lock) the newest; its first word points to the next */
        struct exec_pool *pool;       /* I */
};

void execi_forkarena_init(struct execi_forkarena *a, struct exec_pool *pool);
void execi_forkarena_fini(struct execi_forkarena *a);

/* An empty one. NULL: no memory. */
struct execi_forkstack *execi_forkarena_get(struct execi_forkarena *a);
void execi_forkarena_put(struct execi_forkarena *a, struct execi_forkstack *s);

#endif
