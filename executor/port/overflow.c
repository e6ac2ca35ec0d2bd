/* overflow.c - the SIGSEGV handler.
 *
 * It never ends the program itself: it writes its line, puts the default action back and returns, so that the access
 * faults again and the core file and the exit status are the usual ones. The handler is ours only while SIGSEGV was
 * left at its default; whoever installs another one later wins, and is left alone on removal. */
#include "port/overflow.h"

#include "port/atomic.h"
#include "port/memory.h"
#include "port/pause.h"

#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

enum { LINE_BYTES = 256, ROOM_BYTES = 16 << 10, FRAME_BYTES = 4 << 10 };

static struct execi_spin lock;
static unsigned n_installed; /* L(lock) */
static bool is_ours;         /* L(lock) */
static _Atomic(execi_overflow_fn) describe_fn;

static void write_line(const char *text)
{
        static const char prefix[] = "executor: ";
        char line[sizeof prefix + LINE_BYTES + 1];
        size_t head = sizeof prefix - 1, n = strnlen(text, LINE_BYTES);

        memcpy(line, prefix, head);
        memcpy(line + head, text, n);
        line[head + n] = '\n';
        if (write(STDERR_FILENO, line, head + n + 1) < 0)
                return; /* the fault itself tells the rest */
}

static void on_fault(int number, siginfo_t *info, void *context)
{
        struct sigaction standard = {.sa_handler = SIG_DFL};
        execi_overflow_fn describe = atom_load(&describe_fn, ACQUIRE);
        char text[LINE_BYTES] = "";

        (void)context;
        if (info->si_code > 0 && describe && describe(info->si_addr, text, sizeof text))
                write_line(text);
        sigaction(number, &standard, NULL);
        if (info->si_code <= 0) /* sent by somebody: nothing faults again. It is delivered when we return. */
                raise(number);
}

void execi_overflow_install(execi_overflow_fn describe)
{
        struct sigaction old, ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

        execi_spin_lock(&lock);
        atom_store(&describe_fn, describe, RELEASE);
        if (n_installed++ == 0 && sigaction(SIGSEGV, NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) &&
            old.sa_handler == SIG_DFL) {
                sigemptyset(&ours.sa_mask);
                is_ours = sigaction(SIGSEGV, &ours, NULL) == 0;
        }
        execi_spin_unlock(&lock);
}

void execi_overflow_remove(void)
{
        struct sigaction now, standard = {.sa_handler = SIG_DFL};

        execi_spin_lock(&lock);
        if (--n_installed == 0) {
                bool is_still = is_ours && sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_flags & SA_SIGINFO &&
                                now.sa_sigaction == on_fault;
                if (is_still)
                        sigaction(SIGSEGV, &standard, NULL);
                is_ours = false;
        }
        execi_spin_unlock(&lock);
}

/* The kernel's own frame grows with the processor's registers. */
static size_t altstack_bytes(void)
{
        size_t frame = getauxval(AT_MINSIGSTKSZ);

        return (frame > FRAME_BYTES ? frame : FRAME_BYTES) + ROOM_BYTES;
}

void *execi_overflow_thread_start(void)
{
        stack_t old, ours = {.ss_size = altstack_bytes()};

        if (sigaltstack(NULL, &old) || !(old.ss_flags & SS_DISABLE))
                return NULL;
        ours.ss_sp = execi_map(ours.ss_size, 1);
        if (!ours.ss_sp)
                return NULL;
        if (sigaltstack(&ours, NULL)) {
                execi_unmap(ours.ss_sp, ours.ss_size);
                return NULL;
        }
        return ours.ss_sp;
}

void execi_overflow_thread_end(void *altstack)
{
        stack_t none = {.ss_flags = SS_DISABLE};

        if (!altstack)
                return;
        sigaltstack(&none, NULL);
        execi_unmap(altstack, altstack_bytes());
}
