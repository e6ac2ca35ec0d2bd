/* group.h - the inside of a task group, for the two files that work on it: group.c (begin, ends, cancel), group_create.c.
 *
 * G1 a child is counted from before its task is created until its end is noted; the group's end, and with it its memory,
 *    waits for the count. So whoever holds a child's count, or a hold, may touch the group; it does so for the last time
 *    when it drops the lock under which it gave that up.
 * G2 a child's node is in a list of the group while it is counted, and holds the group's reference on the task. When the task
 *    has ended the node is freed at once; or, where it failed, becomes the record of the error, and keeps the reference:
 *    so nothing is allocated on that way.
 * G3 the group is closed once: by the first error, a cancel, or its end. After it no node is added. The one who closed it
 *    cancels the children: each is moved to another list when it is asked, so the walk survives whatever happens in between.
 *    A task that is just being created finds the mark that was left in its node, and is cancelled by its creator.
 * G4 no lock is held while somebody is cancelled: that may run the program's drop functions and callbacks, or end tasks
 *    whose ends come back here. A child that ends cancelled cancels nobody, so this does not recurse.
 * G5 the one who began the group is asked only while it is in the body, and before the one who asks gives up its count; the
 *    end withdraws that request. */
#ifndef EXECI_FUTURE_GROUP_H
#define EXECI_FUTURE_GROUP_H

#include "port/pause.h"
#include "wait/waiter.h"
#include "wait/waitlist.h"

#include <executor/group.h>

struct execi_child {
        union {
                struct {
                        struct execi_waiter node;
                        exec_group *group;
                        _Atomic(uintptr_t) future; /* 0: being created; CANCEL_WHEN_BORN: likewise, and cancelled */
                };
                struct exec_group_error error; /* G2 */
        };
        struct execi_child *next;
        struct execi_child **at; /* what points to it */
};

#define CANCEL_WHEN_BORN ((uintptr_t)1)

_Static_assert(sizeof(struct execi_child) == 64, "a child costs one cache line beside its cell");

struct exec_group {
        exec_future *parent; /* I the task that began it, referenced; NULL: a thread */
        size_t limit;        /* I 0: none */
        unsigned when_full;  /* I */
        struct execi_spin lock;
        struct execi_child *children, *asked; /* L(lock) G3 */
        _Atomic(size_t) n_children;           /* written under the lock */
        size_t n_holds;                       /* L(lock) others who may touch the group */
        bool is_closed;                       /* L(lock) G3 */
        bool in_body;                         /* L(lock) */
        bool is_ending, has_ended;            /* L(lock) */
        bool is_forgotten;                    /* L(lock) freed before its end: the last one frees the memory */
        bool parent_asked;                    /* L(lock) G5 */
        bool interrupted;                     /* O the one who ends it: it was cancelled */
        bool spare_used;                      /* L(lock) */
        unsigned n_before;                    /* I requests of the parent that came before the group */
        const char *why;                      /* L(lock) it was closed */
        struct execi_waitlist ender;
        struct execi_waitlist creators;                  /* who wait for room */
        struct execi_child *errors, **errors_end, *seen; /* L(lock); @seen: the last one that was looked at */
        _Atomic(size_t) n_errors;                        /* written under the lock */
        size_t i_seen;                                   /* L(lock) */
        struct execi_child spare;                        /* of a child for which there was no memory */
        struct execi_child body;                         /* the record of the body's error */
};

/* All of these L(lock). */

static inline void execi_group_push(struct execi_child **list, struct execi_child *c)
{
        c->next = *list;
        c->at = list;
        if (c->next)
                c->next->at = &c->next;
        *list = c;
}

static inline size_t execi_group_count(const exec_group *g)
{
        return atom_load(&((exec_group *)(uintptr_t)g)->n_children, RELAXED); /* NOLINT; @relaxed locked */
}

static inline bool execi_group_is_full(const exec_group *g)
{
        return g->limit && execi_group_count(g) >= g->limit;
}

static inline bool execi_group_has_no_room(void *group)
{
        const exec_group *g = group;

        return !g->is_closed && execi_group_is_full(g);
}

/* Of a child's node: its task has ended. */
void execi_group_child_finished(struct execi_worker *w, struct execi_waiter *node);
/* It has ended well, was cancelled, or never came to be. */
void execi_group_child_gone(struct execi_worker *w, exec_group *g, struct execi_child *c);

#endif
