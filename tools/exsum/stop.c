/* stop.c - see stop.h.
 *
 * SIGINT is blocked in every thread, and one thread of its own waits for it. A handler would interrupt whatever thread the
 * kernel picks, in the midst of anything; and ThreadSanitizer puts a handler off until that thread does something, which one
 * that is parked never does.
 */
#include "stop.h"

#include <executor/types.h> /* errno */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_bool is_requested;
static int event_fd = -1; /* written once, before there are threads */

/* The descriptor is what wakes; the flag is only looked at. @relaxed hint */
static void request(void)
{
        atomic_store_explicit(&is_requested, true, memory_order_relaxed);
        (void)!write(event_fd, &(uint64_t){1}, sizeof(uint64_t));
}

/* The thread's work: the first signal is a request, the second one does what it does without all this. */
static void *listen_for(void *arg)
{
        sigset_t *set = arg;
        int signal;

        sigwait(set, &signal);
        request();
        sigwait(set, &signal);
        pthread_sigmask(SIG_UNBLOCK, set, NULL);
        raise(signal);
        return NULL;
}

void stop_install(void)
{
        static sigset_t set;
        struct sigaction action;
        pthread_t thread;

        if (sigaction(SIGINT, NULL, &action) != 0 || action.sa_handler == SIG_IGN)
                return;
        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        pthread_sigmask(SIG_BLOCK, &set, NULL); /* for the threads to come too */
        if (pthread_create(&thread, NULL, listen_for, &set) == 0)
                pthread_detach(thread);
        else
                pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* then it ends the process */
}

bool stop_is_requested(void)
{
        return atomic_load_explicit(&is_requested, memory_order_relaxed); /* @relaxed hint */
}

int stop_fd(void)
{
        return event_fd;
}
