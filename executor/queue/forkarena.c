/* forkarena.c - see forkarena.h. */
#include "queue/forkarena.h"

#include "port/memory.h"

enum { PAIRS = 16 };
#define PAIR_BYTES  (2 * FORK_BLOCK_BYTES)
#define CHUNK_BYTES (PAIRS * PAIR_BYTES)

/* What is before the head of a chunk's first block is the chunk's own: no fork is at that block's place 0. */
struct chunk {
        char *next;
};

void execi_forkarena_init(struct execi_forkarena *a, struct exec_pool *pool)
{
        a->pool = pool;
}

void execi_forkarena_fini(struct execi_forkarena *a)
{
        while (a->chunks) {
                char *chunk = a->chunks;

                a->chunks = ((struct chunk *)(void *)chunk)->next;
                execi_unmap(chunk, CHUNK_BYTES);
        }
        a->free = NULL;
}

static struct execi_forkstack *head_of(char *block)
{
        return (struct execi_forkstack *)(void *)(block + FORK_HEAD_AT);
}

/* L(lock) */
static void push(struct execi_forkarena *a, struct execi_forkstack *s)
{
        s->next = a->free;
        a->free = s;
}

/* L(lock) */
static void add_chunk(struct execi_forkarena *a)
{
        char *chunk = execi_map(CHUNK_BYTES, FORK_BLOCK_BYTES);

        if (!chunk)
                return;
        ((struct chunk *)(void *)chunk)->next = a->chunks;
        a->chunks = chunk;
        for (size_t i = PAIRS; i-- > 0;)
                push(a, head_of(chunk + i * PAIR_BYTES));
}

struct execi_forkstack *execi_forkarena_get(struct execi_forkarena *a)
{
        struct execi_forkstack *s;

        execi_spin_lock(&a->lock);
        if (!a->free)
                add_chunk(a);
        s = a->free;
        if (s)
                a->free = s->next;
        execi_spin_unlock(&a->lock);
        if (!s || s->pool)
                return s;
        execi_forkstack_init(s, FORK_BLOCK, a->pool);
        s->home = a;
        execi_forkstack_init(head_of((char *)s - FORK_HEAD_AT + FORK_BLOCK_BYTES), FORK_INLINE, a->pool);
        return s;
}

void execi_forkarena_put(struct execi_forkarena *a, struct execi_forkstack *s)
{
        execi_spin_lock(&a->lock);
        push(a, s);
        execi_spin_unlock(&a->lock);
}
