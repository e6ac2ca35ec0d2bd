/* inject.c - see inject.h.
 *
 * J4, the one place where a task could be seen by nobody: it has left the stack and is not counted yet. So n_taken is
 * raised before the swap that empties the stack, and a reader looks at head first: if it reads the NULL that the swap
 * wrote, it reads that n_taken or a later one. */
#include "queue/inject.h"

static struct execi_link closed_mark;

static bool is_empty(const struct execi_link *head)
{
        return !head || head == &closed_mark;
}

/* Under the lock: move the whole stack, left behind as @leave, into the FIFO. */
static void take_stack(struct execi_inject *q, struct execi_link *leave)
{
        size_t n = atom_load(&q->n_taken, RELAXED);
        struct execi_link *newest, *oldest = NULL;

        atom_store(&q->n_taken, n + 1, RELAXED); /* J4; published by the swap */
        newest = atom_swap(&q->head, leave, SEQ_CST);
        for (struct execi_link *l = newest, *older; l; l = older) {
                older = l->next;
                l->next = oldest;
                oldest = l;
                n++;
        }
        if (newest)
                execi_fifo_push_chain(&q->taken, oldest, newest);
        atom_store(&q->n_taken, n, RELEASE);
}

static size_t take_fifo(struct execi_inject *q, struct execi_link *items[], size_t max)
{
        size_t n = 0;

        while (n < max && (items[n] = execi_fifo_pop(&q->taken)))
                n++;
        if (n)
                atom_store(&q->n_taken, atom_load(&q->n_taken, RELAXED) - n, RELEASE);
        return n;
}

bool execi_inject_push(struct execi_inject *q, struct execi_link *l)
{
        struct execi_link *head = atom_load(&q->head, RELAXED);

        do {
                if (head == &closed_mark)
                        return false; /* J2: the mark never goes */
                l->next = head;
        } while (!atom_cas(&q->head, &head, l, SEQ_CST)); /* last touch: @l may be popped */
        return true;
}

size_t execi_inject_pop(struct execi_inject *q, struct execi_link *items[], size_t max, bool wait)
{
        size_t n;

        if (execi_inject_empty(q))
                return 0;
        if (wait)
                execi_spin_lock(&q->lock);
        else if (!execi_spin_try(&q->lock))
                return 0;
        n = take_fifo(q, items, max);
        if (n < max && !is_empty(atom_load(&q->head, RELAXED))) { /* J3: only behind all that was taken before */
                take_stack(q, NULL);
                n += take_fifo(q, items + n, max - n);
        }
        execi_spin_unlock(&q->lock);
        return n;
}

bool execi_inject_empty(struct execi_inject *q)
{
        return is_empty(atom_load(&q->head, SEQ_CST)) && atom_load(&q->n_taken, ACQUIRE) == 0;
}

void execi_inject_close(struct execi_inject *q)
{
        execi_spin_lock(&q->lock);
        if (!q->closed) {
                q->closed = true;
                take_stack(q, &closed_mark); /* J1, J2: one exchange both takes what is inside and refuses the next */
        }
        execi_spin_unlock(&q->lock);
}

void execi_inject_init(struct execi_inject *q)
{
        atom_store(&q->head, NULL, RELAXED);
        execi_spin_init(&q->lock);
        atom_store(&q->n_taken, 0, RELAXED);
        q->taken.head = NULL;
        q->taken.tail = NULL;
        q->closed = false;
}
