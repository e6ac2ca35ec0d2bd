/* port_child.h - run a function in a forked process and see how it ended and what it wrote to stderr: for tests of
 * what kills a process. */
#ifndef TEST_PORT_CHILD_H
#define TEST_PORT_CHILD_H

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

struct child_end {
        int signal; /* that ended it, or 0 */
        int status; /* its exit status, if no signal did */
        char text[2048];
};

/* A sanitizer's handlers are taken out first, so that a signal ends the child as it would end a program. It leaves no
 * core file. */
static inline struct child_end child_run(void (*fn)(void *), void *arg)
{
        static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
        struct child_end end = {.signal = 0};
        size_t used = 0;
        int ends[2], status = 0;

        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct rlimit none = {0, 0};
                setrlimit(RLIMIT_CORE, &none);
                for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
                        signal(fatal[i], SIG_DFL);
                dup2(ends[1], STDERR_FILENO);
                close(ends[0]);
                close(ends[1]);
                alarm(30);
                fn(arg);
                _exit(0);
        }
        close(ends[1]);
        for (ssize_t n; (n = read(ends[0], end.text + used, sizeof end.text - 1 - used)) > 0;)
                used += (size_t)n;
        close(ends[0]);
        char *emulator = strstr(end.text, "qemu: uncaught target signal");
        if (emulator) /* what qemu adds of its own */
                *emulator = '\0';
        assert_int_equal(waitpid(pid, &status, 0), pid);
        end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        return end;
}

#endif
