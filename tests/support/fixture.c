/* fixture.c - runs cases on fresh pools and counts what they leave behind. The only test file that looks below the
 * public headers, and only to count bytes and sleepers and to make allocations fail; where the library hides these
 * functions (a shared build) their weak references are NULL and the checks are left out. */
#include "fixture.h"

#include "port/fault.h"
#include "port/memory.h"
#include "sched/idle.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#pragma weak execi_memory_allocated
#pragma weak execi_memory_mapped
#pragma weak execi_idle_all_asleep
#ifdef EXEC_TESTING
#pragma weak execi_fault_arm
#pragma weak execi_fault_fired
#endif

enum { MAX_FAILURES = 16, HANG_S = 100, PATIENCE_S = 30 };

extern char **environ;

/* Some cases ask for more memory than there is: the sanitizers' allocators shall say so instead of ending the test. */
#if TEST_ASAN
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
        return "allocator_may_return_null=1";
}
#endif
#if TEST_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
        return "allocator_may_return_null=1";
}
#endif

/* ---- failures, noted by any thread, read when the pool is gone ---- */

struct failure {
        const char *file;
        int line;
        char text[256];
        _Atomic(int) ready;
};

static struct failure failures[MAX_FAILURES];
static _Atomic(int) n_failures;

static void note_failure(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void note_failure(const char *file, int line, const char *format, ...)
{
        int slot = atom_add(&n_failures, 1, RELAXED);
        va_list args;

        if (slot >= MAX_FAILURES)
                return;
        failures[slot].file = file;
        failures[slot].line = line;
        va_start(args, format);
        vsnprintf(failures[slot].text, sizeof failures[slot].text, format, args);
        va_end(args);
        atom_store(&failures[slot].ready, 1, RELEASE); /* @pair print_failures */
}

bool fixture_failed(void)
{
        return atom_load(&n_failures, ACQUIRE) > 0;
}

static void reset_failures(void)
{
        for (int i = 0; i < MAX_FAILURES; i++)
                atom_store(&failures[i].ready, 0, RELAXED);
        atom_store(&n_failures, 0, RELAXED);
}

static int print_failures(void)
{
        int n = atom_load(&n_failures, ACQUIRE);

        for (int i = 0; i < n && i < MAX_FAILURES; i++)
                if (atom_load(&failures[i].ready, ACQUIRE))
                        fprintf(stderr, "%s:%d: failed: %s\n", failures[i].file, failures[i].line, failures[i].text);
        if (n > MAX_FAILURES)
                fprintf(stderr, "... and %d more\n", n - MAX_FAILURES);
        return n;
}

bool fixture_expect(bool ok, const char *file, int line, const char *text)
{
        if (!ok)
                note_failure(file, line, "%s", text);
        return ok;
}

bool fixture_expect_eq(intmax_t a, intmax_t b, const char *file, int line, const char *text)
{
        if (a != b)
                note_failure(file, line, "%s: %jd, %jd", text, a, b);
        return a == b;
}

bool fixture_expect_outcome(exec_future *f, int state, int err, const void *value, const char *file, int line)
{
        struct exec_outcome o = {-1, 1, NULL};
        int rc = exec_future_outcome(f, &o);
        bool ok = rc == (state == EXEC_PENDING ? -EINPROGRESS : 0) && o.state == state &&
                  exec_future_done(f) == (state != EXEC_PENDING);

        if (state != EXEC_PENDING)
                ok = ok && o.err == err;
        if (state == EXEC_DONE)
                ok = ok && o.value == value;
        if (!ok)
                note_failure(file, line, "outcome: rc %d, state %d (not %d), err %d (not %d), value %p (not %p)", rc,
                             o.state, state, o.err, err, o.value, value);
        return ok;
}

/* ---- amounts ---- */

size_t test_scale(size_t n)
{
        size_t scaled = TEST_TSAN ? n / 50 : TEST_ASAN ? n / 5 : n;

        return scaled < 10 ? (n < 10 ? n : 10) : scaled;
}

size_t test_live(size_t n)
{
        return TEST_TSAN && n > 200 ? 200 : n;
}

bool test_is_precise(void)
{
        const char *mode = getenv("EXEC_TSAN");

        return TEST_TSAN && mode && !strcmp(mode, "precise");
}

size_t test_rounds(size_t n)
{
        const char *s = getenv("EXEC_TEST_ROUNDS");

        return s && *s ? strtoul(s, NULL, 10) : test_scale(n);
}

/* ---- waiting ---- */

bool fixture_wait(const _Atomic(int) *word, int at_least)
{
        int64_t end = exec_now() + EXEC_SEC(PATIENCE_S);

        for (unsigned turn = 0; atom_load(word, ACQUIRE) < at_least; turn++) {
                if (exec_now() > end) {
                        note_failure(__FILE__, __LINE__, "waited in vain for %d, is %d", at_least,
                                     (int)atom_load(word, ACQUIRE));
                        return false;
                }
                exec_sleep(turn < 20 ? EXEC_US(50) : EXEC_MS(1));
        }
        return true;
}

bool fixture_wait_done(exec_future *f)
{
        int64_t end = exec_now() + EXEC_SEC(PATIENCE_S);

        while (!exec_future_done(f)) {
                if (exec_now() > end) {
                        note_failure(__FILE__, __LINE__, "waited in vain for a future");
                        return false;
                }
                exec_sleep(EXEC_US(100));
        }
        return true;
}

void fixture_spin(int64_t ns)
{
        int64_t end = exec_now() + ns;

        while (exec_now() < end)
                ;
}

struct exec_pool_stats fixture_stats(exec_pool *pool)
{
        struct exec_pool_stats s;

        memset(&s, 0, sizeof s);
        s.size = sizeof s;
        if (exec_pool_stats(pool, &s))
                note_failure(__FILE__, __LINE__, "exec_pool_stats() failed");
        return s;
}

/* The pool's own numbers tell whether anything moved. The sleeps of the caller count as movement when it is a task, so
 * this looks at those of others only: tasks made and ended. */
void fixture_settle(exec_pool *pool)
{
        struct exec_pool_stats last = fixture_stats(pool);
        int64_t end = exec_now() + EXEC_SEC(5);

        for (int still = 0; still < 3 && exec_now() < end;) {
                struct exec_pool_stats now;
                uint64_t others;

                exec_sleep(EXEC_MS(2));
                now = fixture_stats(pool);
                others = now.n_suspends - last.n_suspends - (exec_current_task() ? 1 : 0);
                still = others == 0 && now.n_created == last.n_created && now.n_finished == last.n_finished ? still + 1
                                                                                                            : 0;
                last = now;
        }
}

bool fixture_wait_idle(exec_pool *pool)
{
        int64_t end = exec_now() + EXEC_SEC(PATIENCE_S);

        for (;;) {
                struct exec_pool_stats s = fixture_stats(pool);

                if (s.n_created == s.n_finished && !s.n_futures && !s.n_timers)
                        return true;
                if (exec_now() > end) {
                        note_failure(__FILE__, __LINE__, "left: %ju of %ju tasks, %ju futures, %ju timers",
                                     (uintmax_t)(s.n_created - s.n_finished), (uintmax_t)s.n_created,
                                     (uintmax_t)s.n_futures, (uintmax_t)s.n_timers);
                        exec_pool_dump(pool, 2);
                        return false;
                }
                exec_sleep(EXEC_US(200));
        }
}

bool fixture_wait_asleep(exec_pool *pool)
{
        int64_t end = exec_now() + EXEC_SEC(PATIENCE_S);

        while (execi_idle_all_asleep && !execi_idle_all_asleep(pool)) {
                if (exec_now() > end) {
                        note_failure(__FILE__, __LINE__, "a worker does not sleep");
                        exec_pool_dump(pool, 2);
                        return false;
                }
                exec_sleep(EXEC_US(200));
        }
        return true;
}

/* ---- bodies ---- */

int task_value(void *arg, void **value)
{
        *value = arg;
        return 0;
}

int task_fail(void *arg, void **value)
{
        (void)value;
        return (int)(intptr_t)arg;
}

int task_await(void *arg, void **value)
{
        return exec_await(arg, value);
}

int task_await_noted(void *arg, void **value)
{
        struct awaiter *a = arg;

        atom_store(&a->begun, 1, RELEASE);
        return exec_await(a->f, value);
}

int task_sleep(void *arg, void **value)
{
        *value = arg;
        return exec_sleep((intptr_t)arg);
}

int task_forever(void *arg, void **value)
{
        (void)arg, (void)value;
        return exec_sleep_until(EXEC_FOREVER);
}

int task_bump(void *arg, void **value)
{
        _Atomic(int) *n = arg;

        atom_add(n, 1, ACQ_REL);
        *value = arg;
        return 0;
}

void drop_bump(void *ptr)
{
        _Atomic(int) *n = ptr;

        atom_add(n, 1, ACQ_REL);
}

exec_future *create_in(exec_pool *pool, exec_task_fn fn, void *arg)
{
        struct exec_task_options o;

        exec_task_options_init(&o, sizeof o);
        o.pool = pool;
        return exec_create_task_with(fn, arg, &o);
}

/* ---- rivals ---- */

static void *rival_main(void *arg)
{
        struct rival *r = arg;

        for (unsigned round = 1;; round++) {
                for (unsigned turn = 0; atom_load(&r->released, ACQUIRE) < round; turn++)
                        if (turn > 200)
                                sched_yield();
                if (atom_load(&r->stop, ACQUIRE))
                        return NULL;
                r->act(r->arg);
                atom_store(&r->finished, round, RELEASE); /* @pair rival_wait */
        }
}

void rival_start(struct rival *r, void (*act)(void *arg), void *arg)
{
        memset(r, 0, sizeof *r);
        r->act = act;
        r->arg = arg;
        if (pthread_create(&r->thread, NULL, rival_main, r)) {
                fprintf(stderr, "no thread for the test\n");
                abort();
        }
}

void rival_release(struct rival *r)
{
        fixture_go_on(atom_add(&r->released, 1, ACQ_REL));
}

void rival_wait(struct rival *r)
{
        while (atom_load(&r->finished, ACQUIRE) != atom_load(&r->released, RELAXED))
                sched_yield();
}

void rival_stop(struct rival *r)
{
        atom_store(&r->stop, 1, RELEASE);
        rival_release(r);
        pthread_join(r->thread, NULL);
}

/* ---- faults ---- */

bool fixture_fault_arm(enum fixture_fault kind, uint64_t n, bool for_ever)
{
#ifdef EXEC_TESTING
        if (execi_fault_arm) {
                execi_fault_arm(kind == FAIL_ALLOC ? FAULT_ALLOC : FAULT_MAP, n, for_ever);
                return true;
        }
#endif
        (void)kind, (void)n, (void)for_ever;
        return false;
}

uint64_t fixture_fault_disarm(void)
{
        uint64_t fired = 0;

#ifdef EXEC_TESTING
        if (execi_fault_fired) {
                fired = execi_fault_fired();
                execi_fault_arm(FAULT_ALLOC, 0, false);
                execi_fault_arm(FAULT_MAP, 0, false);
        }
#endif
        return fired;
}

/* ---- what a case may not leave behind ---- */

struct resources {
        int64_t allocated, mapped;
        size_t n_fds, n_threads;
};

static size_t count_entries(const char *path)
{
        DIR *dir = opendir(path);
        size_t n = 0;

        if (!dir)
                return 0;
        while (readdir(dir))
                n++;
        closedir(dir);
        return n - 2; /* . and .. */
}

size_t fixture_n_threads(void)
{
        return count_entries("/proc/self/task");
}

static struct resources resources_now(void)
{
        struct resources r = {0, 0, count_entries("/proc/self/fd"), fixture_n_threads()};

        if (execi_memory_allocated)
                r.allocated = execi_memory_allocated();
        if (execi_memory_mapped)
                r.mapped = execi_memory_mapped();
        return r;
}

static void expect_resources(const struct resources *before)
{
        int64_t end = exec_now() + EXEC_SEC(5);
        struct resources now = resources_now();

        /* The kernel shows a joined thread for a moment longer, an emulated one longer still: so it may stand in @before. */
        while (now.n_threads > before->n_threads && exec_now() < end) {
                sched_yield();
                now = resources_now();
        }
        if (now.allocated != before->allocated)
                note_failure(__FILE__, __LINE__, "%jd bytes left allocated",
                             (intmax_t)(now.allocated - before->allocated));
        if (now.mapped != before->mapped)
                note_failure(__FILE__, __LINE__, "%jd bytes left mapped", (intmax_t)(now.mapped - before->mapped));
        if (now.n_fds != before->n_fds)
                note_failure(__FILE__, __LINE__, "%zu descriptors, were %zu", now.n_fds, before->n_fds);
        if (now.n_threads > before->n_threads)
                note_failure(__FILE__, __LINE__, "%zu threads, were %zu", now.n_threads, before->n_threads);
}

/* ---- an alarm for cases that hang ---- */

static const char *alarm_name;
static exec_pool *_Atomic alarm_pool;

static void write_text(const char *text)
{
        if (write(2, text, strlen(text)) < 0)
                _exit(1);
}

static void on_alarm(int signal)
{
        exec_pool *pool = atom_load(&alarm_pool, RELAXED);

        (void)signal;
        write_text("\nhangs: ");
        write_text(alarm_name);
        write_text("\n");
        if (pool)
                exec_pool_dump(pool, 2);
        abort();
}

void fixture_watch(exec_pool *pool, const char *what)
{
        alarm_name = what;
        atom_store(&alarm_pool, pool, RELAXED);
        alarm(HANG_S);
}

void fixture_both_orders(size_t rounds, size_t n_first)
{
        enum { ENOUGH = 10000 };

        EXPECT(rounds < ENOUGH || (n_first > 0 && n_first < rounds));
}

void fixture_stagger(uint64_t *random)
{
        fixture_spin((int64_t)(test_random(random) % 4000));
        if (test_random(random) % 8 == 0)
                sched_yield();
}

void fixture_go_on(size_t round)
{
        if (round % 1024 == 1023)
                alarm(HANG_S);
}

/* ---- running ---- */

struct run {
        const struct fixture_case *c;
        unsigned n_workers;
        bool in_task;
        char name[160];
};

static const char *program;

static int run_in_task(void *arg, void **value)
{
        struct {
                const struct fixture_case *c;
                struct fixture *fx;
        } *call = arg;

        call->c->fn(call->fx);
        *value = arg;
        return 0;
}

static void run_on_pool(const struct run *r, struct fixture *fx)
{
        struct {
                const struct fixture_case *c;
                struct fixture *fx;
        } call = {r->c, fx};
        struct exec_pool_options o;
        exec_future *f;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = r->n_workers;
        if (!EXPECT_EQ(exec_pool_new(&fx->pool, &o), 0))
                return;
        EXPECT_EQ(exec_pool_n_workers(fx->pool), r->n_workers);
        EXPECT_EQ(exec_pool_set_default(fx->pool), 0);
        fixture_watch(fx->pool, r->name);
        if (r->in_task) {
                f = exec_create_task(run_in_task, &call);
                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
        } else {
                r->c->fn(fx);
        }
        atom_store(&alarm_pool, NULL, RELAXED);
        if (fx->pool) {
                fixture_wait_idle(fx->pool);
                EXPECT_EQ(exec_pool_free(fx->pool), 0);
        }
        exec_pool_set_default(NULL);
}

/* The words of EXEC_TEST_EMULATOR, which runs the programs of another processor: the beginning of @argv. */
static size_t emulator_words(char *text, size_t size, char **argv, size_t max)
{
        const char *given = getenv("EXEC_TEST_EMULATOR");
        size_t n = 0;
        char *rest = NULL;

        snprintf(text, size, "%s", given ? given : "");
        for (char *word = strtok_r(text, " ", &rest); word && n < max; word = strtok_r(NULL, " ", &rest))
                argv[n++] = word;
        return n;
}

/* Run the case in a process of its own and hand over what it wrote to stderr. */
static int run_child(const char *name, char *text, size_t size)
{
        char *argv[8] = {NULL}, emulator[256];
        size_t n = emulator_words(emulator, sizeof emulator, argv, 4);
        const char *path = n ? argv[0] : "/proc/self/exe";
        posix_spawn_file_actions_t actions;
        int pipe_fds[2], status = -1;
        size_t used = 0;
        ssize_t got;
        pid_t pid;

        argv[n++] = (char *)(uintptr_t)program;
        argv[n++] = (char *)"--child";
        argv[n++] = (char *)(uintptr_t)name;
        if (pipe(pipe_fds))
                return -1;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 2);
        posix_spawn_file_actions_addclose(&actions, pipe_fds[0]);
        posix_spawn_file_actions_addclose(&actions, pipe_fds[1]);
        if (posix_spawnp(&pid, path, &actions, NULL, argv, environ))
                pid = -1;
        close(pipe_fds[1]);
        while (pid > 0 && used + 1 < size && (got = read(pipe_fds[0], text + used, size - 1 - used)) > 0)
                used += (size_t)got;
        text[used] = 0;
        close(pipe_fds[0]);
        posix_spawn_file_actions_destroy(&actions);
        if (pid > 0)
                waitpid(pid, &status, 0);
        return status;
}

static void run_as_child(const struct run *r)
{
        char text[8192];
        int status = run_child(r->c->name, text, sizeof text);
        bool ok = r->c->flags & DIES ? WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(text, "executor: ")
                                     : WIFEXITED(status) && WEXITSTATUS(status) == 0;

        if (!ok) {
                fprintf(stderr, "%s", text);
                note_failure(__FILE__, __LINE__, "the process of %s ended with status 0x%x", r->c->name, status);
        }
}

static void run_case(void **state)
{
        const struct run *r = *state;
        struct fixture fx = {NULL, r->n_workers, r->in_task};
        struct resources before = resources_now();

        reset_failures();
        fixture_watch(NULL, r->name);
        if (r->c->flags & CHILD)
                run_as_child(r);
        else if (r->c->flags & BARE)
                r->c->fn(&fx);
        else
                run_on_pool(r, &fx);
        expect_resources(&before);
        alarm(0);
        if (print_failures())
                fail();
}

/* What the library makes once and keeps is made before anything is counted. */
static void warm_up(void)
{
        exec_pool *pool;
        exec_future *f;

        if (exec_pool_new(&pool, NULL))
                return;
        f = create_in(pool, task_value, NULL);
        exec_await(f, NULL);
        exec_future_unref(f);
        exec_pool_free(pool);
}

static int child_main(const char *name, const struct fixture_case *cases, size_t n_cases)
{
        struct fixture fx = {NULL, 0, false};

        for (size_t i = 0; i < n_cases; i++)
                if (!strcmp(cases[i].name, name)) {
                        fixture_watch(NULL, name);
                        cases[i].fn(&fx);
                        return print_failures() ? 1 : 0;
                }
        return 2;
}

static struct run *add_run(struct run *r, const struct fixture_case *c, unsigned n_workers, bool in_task)
{
        r->c = c;
        r->n_workers = n_workers;
        r->in_task = in_task;
        if (c->flags & BARE)
                snprintf(r->name, sizeof r->name, "%s", c->name);
        else
                snprintf(r->name, sizeof r->name, "%s [%u %s, %s]", c->name, n_workers,
                         n_workers == 1 ? "worker" : "workers", in_task ? "task" : "thread");
        return r + 1;
}

static size_t expand(const struct fixture_case *c, struct run *runs)
{
        static const unsigned n_workers[] = {1, 2, 8};
        struct run *r = runs;

        if (c->flags & BARE)
                return (size_t)(add_run(r, c, 0, false) - runs);
        for (size_t i = 0; i < (c->flags & ONE_WORKER ? 1 : N_OF(n_workers)); i++) {
                if (c->flags & ON_THREAD)
                        r = add_run(r, c, n_workers[i], false);
                if (c->flags & IN_TASK)
                        r = add_run(r, c, n_workers[i], true);
        }
        return (size_t)(r - runs);
}

int fixture_main(int argc, char **argv, const char *group, const struct fixture_case *cases, size_t n_cases)
{
        struct run *runs = calloc(n_cases * 6, sizeof *runs);
        struct CMUnitTest *tests = calloc(n_cases * 6, sizeof *tests);
        size_t n = 0;
        int failed;

        program = argv[0];
        signal(SIGALRM, on_alarm);
        if (!runs || !tests)
                return 2;
        if (argc == 3 && !strcmp(argv[1], "--child")) {
                free(runs);
                free(tests);
                return child_main(argv[2], cases, n_cases);
        }
        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        for (size_t i = 0; i < n_cases; i++)
                n += expand(&cases[i], runs + n);
        for (size_t i = 0; i < n; i++)
                tests[i] = (struct CMUnitTest){runs[i].name, run_case, NULL, NULL, &runs[i]};
        warm_up();
        failed = _cmocka_run_group_tests(group, tests, n, NULL, NULL);
        free(runs);
        free(tests);
        return failed;
}
