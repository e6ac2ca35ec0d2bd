/* process.c - see process.h. */
#include "port/process.h"

#include "port/atomic.h"

#include <pthread.h>

static _Atomic(unsigned) n_forks;

static void in_child(void)
{
        atom_add(&n_forks, 1, RELAXED); /* @relaxed the child has one thread */
}

static void watch_forks(void)
{
        pthread_atfork(NULL, NULL, in_child);
}

unsigned execi_process(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, watch_forks);
        return atom_load(&n_forks, RELAXED); /* @relaxed changes only in a child, before it has a second thread */
}
