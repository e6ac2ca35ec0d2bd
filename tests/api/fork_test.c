/* fork_test.c - in the child of a fork() the parent's pools are refused, and it may have its own: U23 of
 * docs/CONFORMANCE.md. */
#include "fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer ends a child that starts threads; AddressSanitizer's allocator may be locked in it for ever. */
#define CHILD_IS_WHOLE (!TEST_TSAN && !TEST_ASAN)

/* ---- the child, with the status it exits with: 0, or the line of what was not as it should be ---- */

#define CHECK_CHILD(cond)                                                                                              \
        do {                                                                                                           \
                if (!(cond))                                                                                           \
                        return __LINE__ % 256 ? __LINE__ % 256 : 1;                                                    \
        } while (0)

static int default_pool_is_none_or_refused(void)
{
        exec_future *f = exec_create_task(task_value, NULL), *s = exec_sleep_future(0);
        int expected = exec_pool_current() ? -ECHILD : -EINVAL;

        CHECK_CHILD(exec_await(f, NULL) == expected);
        CHECK_CHILD(exec_await(s, NULL) == expected);
        exec_future_unref(f);
        exec_future_unref(s);
        return 0;
}

static int parents_pool_is_refused(exec_pool *pool)
{
        struct exec_pool_stats stats = {.size = sizeof stats};
        exec_future *f = create_in(pool, task_value, NULL);

        CHECK_CHILD(exec_await(f, NULL) == -ECHILD);
        exec_future_unref(f);
        CHECK_CHILD(exec_pool_stats(pool, &stats) == -ECHILD);
        CHECK_CHILD(exec_pool_dump(pool, 2) == -ECHILD);
        CHECK_CHILD(exec_pool_request_stop(pool) == -ECHILD);
        CHECK_CHILD(exec_pool_set_default(pool) == -ECHILD);
        CHECK_CHILD(exec_pool_shutdown(pool, EXEC_CANCEL, EXEC_FOREVER) == -ECHILD);
        CHECK_CHILD(exec_pool_free(pool) == -ECHILD);
        return default_pool_is_none_or_refused();
}

static int is_plain_thread(void)
{
        exec_future *f = exec_promise_new(NULL);

        CHECK_CHILD(exec_current_task() == NULL);
        CHECK_CHILD(exec_pool_worker() == -1);
        CHECK_CHILD(!exec_cancel_requested());
        CHECK_CHILD(exec_uncancel(NULL) == -EPERM);
        CHECK_CHILD(exec_sleep(EXEC_US(10)) == 0);
        CHECK_CHILD(exec_yield() == 0);
        CHECK_CHILD(exec_await_until(f, exec_now() + EXEC_MS(1), NULL) == -ETIMEDOUT);
        CHECK_CHILD(exec_promise_set(f, NULL) == 0);
        CHECK_CHILD(exec_await(f, NULL) == 0);
        exec_future_unref(f);
        return 0;
}

static int fan_out(void *arg, void **value)
{
        exec_future *f[10];

        *value = arg;
        for (int i = 0; i < 10; i++)
                f[i] = exec_create_task(i % 2 ? task_value : task_sleep, NS(1000));
        return exec_gather(f, 10, NULL, EXEC_UNREF);
}

static int own_pool_works(void)
{
        exec_pool *pool = NULL;
        void *value = NULL;
        exec_future *f;

        CHECK_CHILD(exec_run(fan_out, &value, &value) == 0);
        CHECK_CHILD(value == &value);
        CHECK_CHILD(exec_pool_new(&pool, NULL) == 0);
        CHECK_CHILD(exec_pool_set_default(pool) == 0);
        CHECK_CHILD(exec_pool_current() == pool);
        f = exec_create_task(fan_out, NULL);
        CHECK_CHILD(exec_await(f, NULL) == 0);
        exec_future_unref(f);
        CHECK_CHILD(exec_pool_shutdown(pool, EXEC_DRAIN, EXEC_FOREVER) == 0);
        CHECK_CHILD(exec_pool_free(pool) == 0);
        CHECK_CHILD(exec_pool_current() == NULL);
        return 0;
}

static int child_status(exec_pool *pool)
{
        int r = parents_pool_is_refused(pool);

        if (!r && CHILD_IS_WHOLE)
                r = is_plain_thread();
        if (!r && CHILD_IS_WHOLE)
                r = own_pool_works();
        return r;
}

/* A worker's thread has all signals blocked, also the alarm of a child that hangs. */
static void child_begins(void)
{
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        alarm(20);
}

static void fork_and_look(exec_pool *pool)
{
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
                child_begins();
                _exit(child_status(pool));
        }
        if (!EXPECT_EQ(pid > 0 ? 0 : errno, 0))
                return;
        EXPECT_EQ(waitpid(pid, &status, 0), pid);
        EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -status, 0);
}

/* ---- the cases ---- */

static void test_U23_fork(struct fixture *fx)
{
        exec_future *f = exec_create_task(task_value, fx);

        fork_and_look(fx->pool);
        EXPECT_EQ(exec_await(f, NULL), 0); /* the parent goes on */
        EXPECT_EQ(exec_sleep(EXEC_US(10)), 0);
        exec_future_unref(f);
}

static _Atomic(int) busy_stop;

static int create_all_the_time(void *arg, void **value)
{
        (void)arg, (void)value;
        while (!atom_load(&busy_stop, ACQUIRE)) {
                exec_future *f[20];

                for (int i = 0; i < 20; i++)
                        f[i] = exec_create_task(i % 3 ? task_value : task_sleep, NS(1000));
                exec_gather(f, 20, NULL, EXEC_UNREF);
        }
        return 0;
}

/* At any moment of the other workers' work. */
static void test_U23_fork_from_a_busy_pool(struct fixture *fx)
{
        size_t rounds = test_rounds(10);
        exec_future *f[3];

        atom_store(&busy_stop, 0, RELEASE);
        for (int i = 0; i < 3; i++)
                f[i] = exec_create_task(create_all_the_time, NULL);
        for (size_t i = 0; i < rounds; i++) {
                exec_sleep(EXEC_US(100));
                fork_and_look(fx->pool);
        }
        atom_store(&busy_stop, 1, RELEASE);
        EXPECT_EQ(exec_gather(f, 3, NULL, EXEC_UNREF), 0);
}

static void fork_in_callback(exec_future *f, void *arg)
{
        int status = 0;
        pid_t pid = fork();

        (void)f;
        if (pid == 0) {
                child_begins();
                _exit(parents_pool_is_refused(arg));
        }
        EXPECT_EQ(waitpid(pid, &status, 0), pid);
        EXPECT_EQ(status, 0);
}

static void test_U23_fork_in_a_callback(struct fixture *fx)
{
        exec_future *gate = exec_promise_new(NULL), *f = exec_create_task(task_await, gate);

        EXPECT_EQ(exec_future_add_callback(f, fork_in_callback, fx->pool), 0);
        EXPECT_EQ(exec_promise_set(gate, NULL), 0);
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        exec_future_unref(gate);
}

/* A child of a child, and pools made in between. */
static int child_with_a_pool(exec_pool *parents)
{
        exec_pool *pool = NULL;
        int status = 0, r;
        pid_t pid;

        CHECK_CHILD(exec_pool_new(&pool, NULL) == 0);
        pid = fork();
        if (pid == 0) {
                r = parents_pool_is_refused(pool);
                _exit(r ? r : child_status(parents));
        }
        CHECK_CHILD(waitpid(pid, &status, 0) == pid);
        CHECK_CHILD(status == 0);
        CHECK_CHILD(exec_pool_free(pool) == 0);
        return 0;
}

static void test_U23_fork_in_the_child(struct fixture *fx)
{
        int status = 0;
        pid_t pid;

        if (!CHILD_IS_WHOLE)
                return;
        pid = fork();
        if (pid == 0) {
                child_begins();
                _exit(child_with_a_pool(fx->pool));
        }
        EXPECT_EQ(waitpid(pid, &status, 0), pid);
        EXPECT_EQ(status, 0);
}

/* The worker's loop must not go on in the child: the tasks in its queues are the parent's. */
static int return_in_the_child(void *arg, void **value)
{
        pid_t pid = fork();

        *value = VAL(pid);
        if (pid == 0) {
                child_begins();
                dup2(*(int *)arg, 2);
        }
        return 0;
}

static void test_U23_task_returns_in_the_child(struct fixture *fx)
{
        int pipe_fds[2], status = 0;
        void *pid = NULL;
        exec_future *f;
        char text[512];
        ssize_t got;

        (void)fx;
        EXPECT_EQ(pipe(pipe_fds), 0);
        f = exec_create_task(return_in_the_child, &pipe_fds[1]);
        EXPECT_EQ(exec_await(f, &pid), 0);
        EXPECT_EQ(waitpid((pid_t)(intptr_t)pid, &status, 0), (pid_t)(intptr_t)pid);
        EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        close(pipe_fds[1]);
        got = read(pipe_fds[0], text, sizeof text - 1);
        text[got > 0 ? got : 0] = 0;
        EXPECT(strstr(text, "executor: ") && strstr(text, "fork()"));
        close(pipe_fds[0]);
        exec_future_unref(f);
}

static const struct fixture_case cases[] = {
        CASE(test_U23_fork),
        CASE(test_U23_fork_from_a_busy_pool),
        CASE(test_U23_fork_in_a_callback),
        CASE(test_U23_fork_in_the_child),
        CASE_THREAD(test_U23_task_returns_in_the_child),
};

FIXTURE_MAIN("fork", cases)
