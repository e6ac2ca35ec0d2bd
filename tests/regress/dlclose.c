/* dlclose.c LIBRARY - a program that loads the library, runs a pool, frees it and unloads the library has everything
 * back, a hundred times over: code, memory, threads, handlers; and may fork() afterwards. */
#define EXEC_KEEP_ERRNO /* nothing is linked */
#include <executor/executor.h>

#include <dirent.h>
#include <dlfcn.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 100, WARM = 10, CHILDREN = 50, SLACK_PAGES = 64 };

static struct {
        int (*run)(exec_task_fn main, void *arg, void **value);
        exec_future *(*create_task)(exec_task_fn fn, void *arg);
        int (*gather)(exec_future *const *f, size_t n, struct exec_outcome *out, unsigned flags);
        int (*sleep)(int64_t ns);
} api;

static int child(void *arg, void **value)
{
        *value = arg;
        return api.sleep(1000);
}

static int parent(void *arg, void **value)
{
        exec_future *f[CHILDREN];

        *value = arg;
        for (int i = 0; i < CHILDREN; i++)
                f[i] = api.create_task(child, NULL);
        return api.gather(f, CHILDREN, NULL, EXEC_UNREF);
}

static int load_function(void *library, const char *name, void *function)
{
        void *address = dlsym(library, name);

        memcpy(function, &address, sizeof address);
        return !address;
}

static int load(void *library)
{
        return load_function(library, "exec_run", &api.run) ||
               load_function(library, "exec_create_task", &api.create_task) ||
               load_function(library, "exec_gather", &api.gather) || load_function(library, "exec_sleep", &api.sleep);
}

static int fork_works(void)
{
        int status = -1;
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* 0, or what failed */
static const char *one_round(const char *path)
{
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL), *value = NULL;

        if (!library || load(library))
                return dlerror();
        if (api.run(parent, &api, &value) || value != &api)
                return "exec_run";
        if (!fork_works())
                return "fork() while it is loaded";
        if (dlclose(library))
                return dlerror();
        return fork_works() ? NULL : "fork() after dlclose()";
}

static long n_pages(void)
{
        FILE *file = fopen("/proc/self/statm", "re");
        long n = -1;

        if (file) {
                if (fscanf(file, "%ld", &n) != 1)
                        n = -1;
                fclose(file);
        }
        return n;
}

static int is_mapped(const char *path)
{
        const char *name = strrchr(path, '/') ? strrchr(path, '/') : path;
        FILE *file = fopen("/proc/self/maps", "re");
        char line[4096];
        int found = !file;

        while (file && fgets(line, sizeof line, file))
                found |= strstr(line, name) != NULL;
        if (file)
                fclose(file);
        return found;
}

static int n_threads(void)
{
        DIR *dir = opendir("/proc/self/task");
        int n = -2; /* . and .. */

        while (dir && readdir(dir))
                n++;
        if (dir)
                closedir(dir);
        return n;
}

static int one_thread_left(void)
{
        for (int turn = 0; turn < 100000 && n_threads() != 1; turn++)
                sched_yield(); /* the kernel shows a joined thread for a moment longer */
        return n_threads() == 1;
}

int main(int argc, char **argv)
{
        const char *wrong = argc == 2 ? NULL : "no library was named";
        long before = 0, after;
        struct sigaction segv;

        mallopt(M_ARENA_MAX, 1); /* so that the C library's own memory does not depend on which thread was first */
        for (int i = 0; i < ROUNDS && !wrong; i++) {
                wrong = one_round(argv[1]);
                if (!wrong && is_mapped(argv[1]))
                        wrong = "the library is still there";
                if (!wrong && !one_thread_left())
                        wrong = "threads are left";
                if (i == WARM)
                        before = n_pages();
        }
        after = n_pages();
        if (!wrong && after > before + SLACK_PAGES)
                wrong = "memory is left";
        if (!wrong && (sigaction(SIGSEGV, NULL, &segv) || segv.sa_handler != SIG_DFL))
                wrong = "a signal handler is left";
        printf("%s; %ld pages, later %ld\n", wrong ? wrong : "ok", before, after);
        return wrong != NULL;
}
