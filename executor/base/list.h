/* list.h - an intrusive singly linked link, and a FIFO of them. No locking. */
#ifndef EXECI_BASE_LIST_H
#define EXECI_BASE_LIST_H

#include <stddef.h>

struct execi_link {
        struct execi_link *next;
};

struct execi_fifo {
        struct execi_link *head, *tail;
};

static inline void execi_fifo_push(struct execi_fifo *q, struct execi_link *l)
{
        l->next = NULL;
        if (q->tail)
                q->tail->next = l;
        else
                q->head = l;
        q->tail = l;
}

/* Append a chain first..last whose last link ends it. */
static inline void execi_fifo_push_chain(struct execi_fifo *q, struct execi_link *first, struct execi_link *last)
{
        last->next = NULL;
        if (q->tail)
                q->tail->next = first;
        else
                q->head = first;
        q->tail = last;
}

static inline struct execi_link *execi_fifo_pop(struct execi_fifo *q)
{
        struct execi_link *l = q->head;

        if (l) {
                q->head = l->next;
                if (!q->head)
                        q->tail = NULL;
        }
        return l;
}

#endif
