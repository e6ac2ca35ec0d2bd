/* interrupt.c - see interrupt.h. The state, and who changes it:
 *
 *   FREE -- start --> STARTING -- start --> SET -- the handler --> CAUGHT -- stop, when the thread has ended --> FREE
 *                                            '--- stop --> STOPPING -- likewise ---------------------------------^
 *
 * A handler that finds another state than SET came after stop, or is a second one: it sends the signal once more, which then
 * meets what is there now. Its sem_post() may come late, even into the time of the next start: so the thread goes by the
 * state, and a token only makes it look. */
#include "port/interrupt.h"

#include "base/check.h"
#include "port/atomic.h"
#include "port/thread.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

enum { INTERRUPT_FREE, INTERRUPT_STARTING, INTERRUPT_SET, INTERRUPT_CAUGHT, INTERRUPT_STOPPING };

static struct {
        _Atomic(int) state;
        bool has_sem; /* the rest is of the one who left INTERRUPT_FREE */
        sem_t sem;
        struct sigaction old;
        execi_interrupt_fn fn;
        void *arg;
        bool was_taken;
        struct execi_thread thread;
} interrupt;

/* N2 */
static void on_sigint(int number)
{
        int saved_errno = errno, state = INTERRUPT_SET;

        if (atom_cas(&interrupt.state, &state, INTERRUPT_CAUGHT, ACQ_REL)) /* @pair interrupt.state */
                sem_post(&interrupt.sem);
        else
                kill(getpid(), number);
        errno = saved_errno;
}

static void *thread_main(void *arg)
{
        int state;

        do {
                while (sem_wait(&interrupt.sem))
                        ;
                state = atom_load(&interrupt.state, ACQUIRE); /* @pair interrupt.state */
        } while (state == INTERRUPT_STARTING || state == INTERRUPT_SET);
        if (state == INTERRUPT_CAUGHT)
                interrupt.was_taken = interrupt.fn(interrupt.arg);
        return arg;
}

/* What a handler with SA_RESETHAND leaves may have SA_SIGINFO set: the handler alone tells. */
static bool is_left_alone(void)
{
        return !sigaction(SIGINT, NULL, &interrupt.old) && interrupt.old.sa_handler == SIG_DFL;
}

static void install(void)
{
        struct sigaction mine = {.sa_handler = on_sigint, .sa_flags = SA_RESETHAND};

        sigemptyset(&mine.sa_mask);
        sigaction(SIGINT, &mine, NULL);
}

/* The program may have put another one there meanwhile. */
static void remove_handler(void)
{
        struct sigaction now;

        if (!sigaction(SIGINT, NULL, &now) && now.sa_handler == on_sigint)
                sigaction(SIGINT, &interrupt.old, NULL);
}

/* Of tokens that nobody took, because the thread had another. */
static void empty(void)
{
        if (!interrupt.has_sem)
                CHECK(!sem_init(&interrupt.sem, 0, 0), "sem_init failed");
        interrupt.has_sem = true;
        while (!sem_trywait(&interrupt.sem))
                ;
}

static int start(void)
{
        int r;

        if (!is_left_alone())
                return 0;
        empty();
        r = execi_thread_start(&interrupt.thread, thread_main, NULL, "exec-sigint");
        if (r)
                return r;
        atom_store(&interrupt.state, INTERRUPT_SET, RELEASE);
        install();
        return 1;
}

int execi_interrupt_start(execi_interrupt_fn fn, void *arg)
{
        int saved_errno = errno, state = INTERRUPT_FREE, r;

        if (!atom_cas(&interrupt.state, &state, INTERRUPT_STARTING, ACQ_REL))
                return 0;
        interrupt.fn = fn;
        interrupt.arg = arg;
        interrupt.was_taken = false;
        r = start();
        if (r <= 0)
                atom_store(&interrupt.state, INTERRUPT_FREE, RELEASE);
        errno = saved_errno;
        return r;
}

void execi_interrupt_stop(void)
{
        int saved_errno = errno, state = INTERRUPT_SET;
        bool caught;

        remove_handler();
        caught = !atom_cas(&interrupt.state, &state, INTERRUPT_STOPPING, ACQ_REL);
        sem_post(&interrupt.sem);
        execi_thread_join(&interrupt.thread);
        caught = caught && !interrupt.was_taken;
        atom_store(&interrupt.state, INTERRUPT_FREE, RELEASE);
        if (caught) /* N3; to the process: this thread may have it blocked */
                kill(getpid(), SIGINT);
        errno = saved_errno;
}

void execi_interrupt_in_child(void)
{
        if (atom_load(&interrupt.state, ACQUIRE) == INTERRUPT_FREE)
                return;
        remove_handler();
        interrupt.has_sem = false;
        atom_store(&interrupt.state, INTERRUPT_FREE, RELEASE);
}
