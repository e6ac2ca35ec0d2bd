/* stop.c - see stop.h. A signal handler has no argument: hence the two variables here. */
#include "stop.h"

#include <executor/types.h> /* errno */
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_bool is_requested;
static int event_fd = -1; /* written once, before the handler is there and before there are threads */

/* The descriptor is what wakes; the flag is only looked at. @relaxed hint */
static void request(int signal)
{
        int saved = errno;

        (void)signal;
        atomic_store_explicit(&is_requested, true, memory_order_relaxed);
        (void)!write(event_fd, &(uint64_t){1}, sizeof(uint64_t));
        errno = saved;
}

void stop_install(void)
{
        struct sigaction action = {.sa_handler = request, .sa_flags = SA_RESTART | (int)SA_RESETHAND}, before;

        if (sigaction(SIGINT, NULL, &before) != 0 || before.sa_handler == SIG_IGN)
                return;
        event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        sigemptyset(&action.sa_mask);
        sigaction(SIGINT, &action, NULL);
}

bool stop_is_requested(void)
{
        return atomic_load_explicit(&is_requested, memory_order_relaxed); /* @relaxed hint */
}

int stop_fd(void)
{
        return event_fd;
}
