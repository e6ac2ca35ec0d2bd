/* process.c - see process.h.
 *
 * pthread_atfork() notes which loaded object called it, and dlclose() of that object takes the handler out again. No
 * lock is held around it, so that a fork() can leave none locked in the child: two threads that come first at once both
 * add the handler, which may run twice. */
#include "port/process.h"

#include "port/atomic.h"

#include <errno.h>
#include <pthread.h>

static _Atomic(unsigned) n_forks;
static _Atomic(int) is_watching;
static void (*_Atomic in_child_fn)(void);

static void in_child(void)
{
        atom_add(&n_forks, 1, RELAXED); /* @relaxed the child has one thread */
        atom_load(&in_child_fn, RELAXED)();
}

int execi_process_watch(void (*in_child_of_pools)(void))
{
        if (atom_load(&is_watching, ACQUIRE))
                return 0;
        atom_store(&in_child_fn, in_child_of_pools, RELEASE);
        if (pthread_atfork(NULL, NULL, in_child))
                return -ENOMEM;
        atom_store(&is_watching, 1, RELEASE);
        return 0;
}

unsigned execi_process(void)
{
        return atom_load(&n_forks, RELAXED); /* @relaxed changes only in a child, before it has a second thread */
}
