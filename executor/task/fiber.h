/* fiber.h - a stack with a saved context; its record lies at the top of the stack itself.
 *
 * A fiber runs the worker's loop, and on the loop's frame the tasks, until one of them waits: then the fiber, loop frame
 * and all, belongs to that task until it goes on. Only a fiber that is at its loop is free.
 *
 * B1 a fiber's memory is used again only after the switch away from it (sched/suspend.h).
 * B2 beside the record, one page must hold the frames of a task that merely waits: sleepers cost one page each. */
#ifndef EXECI_TASK_FIBER_H
#define EXECI_TASK_FIBER_H

#include "port/context.h"
#include "port/sanitizer.h"
#include "port/stack.h"
#include "task/cell.h"

#include <stdbool.h>

struct execi_worker;
struct execi_scope;
struct execi_forkstack;

struct execi_fiber {
        struct execi_context context;
        exec_future *task;             /* innermost running task, NULL at the loop */
        struct execi_worker *worker;   /* the one it runs on, or ran on last */
        struct execi_scope *scope;     /* the innermost timeout scope of the tasks on this stack */
        struct execi_fiber *next;      /* in a cache */
        exec_future *first;            /* with a stack of its own: the task it was made for */
        char *low;                     /* lowest usable address; low + direct_room: the end for direct awaits */
        struct execi_stacks *stacks;   /* where the stack came from */
        struct execi_forkstack *forks; /* the forks of the tasks on it; NULL: it never had one */
        exec_future *root;             /* the task whose fork the innermost one carries */
        uint32_t n_forked;             /* forks that are tasks, or run where they are forked */
        bool used_slot;  /* precise ThreadSanitizer: worker-local memory, since its task last came to this worker */
        uint32_t n_tied; /* tied tasks on it */
        bool checked;    /* at each suspension something is to be looked at: one of these, or the time */
        bool forked;     /* it has, or had, forks, a carrier or worker-local memory on it */
        bool has_canary; /* no guard page */
        exec_future *step_task; /* debug mode: the task that runs since step_ns, without a wait; step.h */
        int64_t step_ns;
        struct execi_sanitizer_stack sanitizer;
};

/* Put a fiber that will call main(fiber) on the stack @low of @stacks. @tsan: a context
 * made before, now the fiber's, or NULL. NULL: no context for ThreadSanitizer. */
struct execi_fiber *execi_fiber_make(struct execi_stacks *stacks, char *low, void (*main)(void *), void *tsan);
/* What is left is its stack; not of the running one. */
char *execi_fiber_strip(struct execi_fiber *f);
/* Strip it and give its stack back. */
void execi_fiber_free(struct execi_fiber *f);

/* From now on there may be forks, a carrier or worker-local memory on it. */
static inline void execi_fiber_set_forked(struct execi_fiber *f)
{
        f->forked = f->checked = true;
}

/* Bytes left below the caller's frame. */
static inline size_t execi_fiber_room(const struct execi_fiber *f)
{
        return (size_t)((char *)__builtin_frame_address(0) - f->low);
}

#endif
