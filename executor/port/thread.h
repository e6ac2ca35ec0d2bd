/* thread.h - start, name, guard and join a pthread. */
#ifndef EXECI_PORT_THREAD_H
#define EXECI_PORT_THREAD_H

#include <pthread.h>

struct execi_thread {
        pthread_t id;
};

/* Starts with every signal blocked but SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF, SIGSYS.
 * EAGAIN is tried again a few times with a short pause. The name is cut to what the kernel takes.
 * 0 or -errno. */
int execi_thread_start(struct execi_thread *t, void *(*fn)(void *), void *arg, const char *name);
void execi_thread_join(struct execi_thread *t);

/* Return @fn(@arg). Should the thread end before, by pthread_exit() or pthread_cancel(), on whatever stack it is just then,
 * call @ended(@arg) on the thread's own. */
void *execi_thread_guard(void *(*fn)(void *), void *arg, void (*ended)(void *arg));

#endif
