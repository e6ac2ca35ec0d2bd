/* stop_test.c - ending pools: from several threads at once, from signal handlers, and where it is refused. */
#include "fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static exec_pool *pool_of(unsigned n_workers)
{
        struct exec_pool_options o;
        exec_pool *pool = NULL;

        exec_pool_options_init(&o, sizeof o);
        o.n_workers = n_workers;
        EXPECT_EQ(exec_pool_new(&pool, &o), 0);
        return pool;
}

/* ---- several threads in exec_pool_shutdown() ---- */

struct stopper {
        exec_pool *pool;
        enum exec_shutdown_mode mode;
        int64_t deadline;
        _Atomic(int) *begun, *returned;
        int rc;
        pthread_t thread;
};

static void *shut_down(void *arg)
{
        struct stopper *s = arg;

        atom_add(s->begun, 1, ACQ_REL);
        s->rc = exec_pool_shutdown(s->pool, s->mode, s->deadline);
        atom_add(s->returned, 1, ACQ_REL);
        return NULL;
}

static void start_stoppers(struct stopper *s, int n)
{
        for (int i = 0; i < n; i++)
                EXPECT_EQ(pthread_create(&s[i].thread, NULL, shut_down, &s[i]), 0);
}

static void join_stoppers(struct stopper *s, int n)
{
        for (int i = 0; i < n; i++) {
                pthread_join(s[i].thread, NULL);
                EXPECT_EQ(s[i].rc, 0);
        }
}

/* All wait; then the task ends by itself. */
static void test_three_threads_drain(struct fixture *fx)
{
        size_t rounds = test_rounds(20);

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                exec_pool *pool = pool_of(1 + i % 2);
                exec_future *gate = exec_promise_new(NULL), *f = create_in(pool, task_await, gate);
                _Atomic(int) begun = 0, returned = 0;
                struct stopper s[3] = {
                        {pool, EXEC_DRAIN, EXEC_FOREVER, &begun, &returned, 1, 0},
                        {pool, EXEC_DRAIN, EXEC_FOREVER, &begun, &returned, 1, 0},
                        {pool, EXEC_DRAIN, exec_now() + EXEC_SEC(1000), &begun, &returned, 1, 0},
                };

                start_stoppers(s, 3);
                fixture_wait(&begun, 3);
                exec_sleep(EXEC_US(100) * (int64_t)(i % 10));
                EXPECT_EQ(atom_load(&returned, ACQUIRE), 0);
                EXPECT_EQ(exec_promise_set(gate, NULL), 0);
                join_stoppers(s, 3);
                EXPECT_EQ(exec_await(f, NULL), 0);
                exec_future_unref(f);
                exec_future_unref(gate);
                EXPECT_EQ(exec_pool_free(pool), 0);
        }
}

static void no_log(int level, const char *message, void *ctx)
{
        (void)level, (void)message, (void)ctx;
}

/* Two drain what never ends; this one gives up at its deadline; the last one cancels. */
static void test_three_threads_in_mixed_modes(struct fixture *fx)
{
        size_t rounds = test_rounds(20);

        (void)fx;
        exec_set_log(no_log, NULL);
        for (size_t i = 0; i < rounds; i++) {
                exec_pool *pool = pool_of(2);
                exec_future *f = create_in(pool, task_forever, NULL);
                _Atomic(int) begun = 0, returned = 0;
                struct stopper s[3] = {
                        {pool, EXEC_DRAIN, EXEC_FOREVER, &begun, &returned, 1, 0},
                        {pool, EXEC_DRAIN, EXEC_FOREVER, &begun, &returned, 1, 0},
                        {pool, EXEC_CANCEL, EXEC_FOREVER, &begun, &returned, 1, 0},
                };

                start_stoppers(s, 2);
                fixture_wait(&begun, 2);
                exec_sleep(EXEC_MS(1));
                EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, exec_now() + EXEC_MS(i % 3)), -ETIMEDOUT);
                EXPECT_EQ(atom_load(&returned, ACQUIRE), 0);
                start_stoppers(s + 2, 1);
                join_stoppers(s, 3);
                EXPECT_CANCELLED(f);
                exec_future_unref(f);
                EXPECT_EQ(exec_pool_free(pool), 0);
        }
        exec_set_log(NULL, NULL);
}

/* ---- where it is refused ---- */

struct ended_in_callback {
        exec_pool *pool;
        int free, drain, cancel;
        _Atomic(int) called;
};

static void end_pool_in_callback(exec_future *f, void *arg)
{
        struct ended_in_callback *e = arg;

        (void)f;
        e->drain = exec_pool_shutdown(e->pool, EXEC_DRAIN, EXEC_FOREVER);
        e->cancel = exec_pool_shutdown(e->pool, EXEC_CANCEL, 0);
        e->free = exec_pool_free(e->pool);
        atom_store(&e->called, 1, RELEASE);
}

static void test_end_a_pool_in_a_callback_of_a_thread(struct fixture *fx)
{
        struct ended_in_callback e = {fx->pool, 1, 1, 1, 0};
        exec_future *done = exec_promise_new(NULL), *waits = exec_create_task(task_await, done), *f;

        EXPECT_EQ(exec_future_add_callback(done, end_pool_in_callback, &e), 0);
        EXPECT_EQ(exec_promise_set(done, NULL), 0); /* here and now */
        EXPECT_EQ(atom_load(&e.called, ACQUIRE), 1);
        EXPECT_EQ(e.free, -EPERM);
        EXPECT_EQ(e.drain, -EPERM);
        EXPECT_EQ(e.cancel, -EPERM);
        EXPECT_EQ(exec_await(waits, NULL), 0);
        f = exec_create_task(task_value, NULL); /* the pool has noticed nothing */
        EXPECT_EQ(exec_await(f, NULL), 0);
        exec_future_unref(f);
        exec_future_unref(waits);
        exec_future_unref(done);
}

static struct ended_in_callback *ended_in_drop;

static void end_pool_in_drop(void *ptr)
{
        (void)ptr;
        end_pool_in_callback(NULL, ended_in_drop);
}

static void test_end_a_pool_in_a_drop_function_of_a_thread(struct fixture *fx)
{
        struct ended_in_callback e = {fx->pool, 1, 1, 1, 0};
        exec_future *f = exec_promise_new(end_pool_in_drop);

        ended_in_drop = &e;
        EXPECT_EQ(exec_promise_set(f, fx), 0);
        exec_future_unref(f);
        EXPECT_EQ(atom_load(&e.called, ACQUIRE), 1);
        EXPECT_EQ(e.free, -EPERM);
        EXPECT_EQ(e.drain, -EPERM);
        EXPECT_EQ(e.cancel, -EPERM);
}

static void test_end_a_pool_in_a_callback_of_a_worker(struct fixture *fx)
{
        struct ended_in_callback e = {fx->pool, 1, 1, 1, 0};
        exec_future *gate = exec_promise_new(NULL), *f = exec_create_task(task_await, gate);

        EXPECT_EQ(exec_future_add_callback(f, end_pool_in_callback, &e), 0);
        EXPECT_EQ(exec_promise_set(gate, NULL), 0);
        EXPECT_EQ(exec_await(f, NULL), 0);
        fixture_wait(&e.called, 1);
        EXPECT_EQ(e.free, -EDEADLK);
        EXPECT_EQ(e.drain, -EDEADLK);
        EXPECT_EQ(e.cancel, -EDEADLK);
        exec_future_unref(f);
        exec_future_unref(gate);
}

/* ---- from a signal handler ---- */

static exec_pool *_Atomic stop_pool;
static _Atomic(int) stop_rc, n_signals, stop_after;

static void stop_on_signal(int number)
{
        int before = errno;

        (void)number;
        if (atom_add(&n_signals, 1, RELAXED) + 1 < atom_load(&stop_after, RELAXED))
                return;
        errno = 1234;
        atom_store(&stop_rc, exec_pool_request_stop(atom_load(&stop_pool, RELAXED)), RELAXED);
        if (errno != 1234)
                atom_store(&stop_rc, -1234, RELAXED);
        errno = before;
}

static void arm_signal(exec_pool *pool, int after, struct sigaction *old)
{
        struct sigaction act;

        memset(&act, 0, sizeof act);
        act.sa_handler = stop_on_signal;
        act.sa_flags = SA_RESTART;
        atom_store(&stop_pool, pool, RELAXED);
        atom_store(&stop_rc, 1, RELAXED);
        atom_store(&n_signals, 0, RELAXED);
        atom_store(&stop_after, after, RELAXED);
        EXPECT_EQ(sigaction(SIGUSR1, &act, old), 0);
}

static void test_request_stop_from_a_signal_handler(struct fixture *fx)
{
        exec_pool *pool = pool_of(2);
        exec_future *f[10];
        struct sigaction old;

        (void)fx;
        arm_signal(pool, 1, &old);
        for (int i = 0; i < 10; i++)
                f[i] = create_in(pool, task_forever, NULL);
        fixture_settle(pool);
        EXPECT_EQ(raise(SIGUSR1), 0);
        EXPECT_EQ(atom_load(&stop_rc, RELAXED), 0);
        for (int i = 0; i < 10; i++) {
                EXPECT_EQ(exec_await(f[i], NULL), -ECANCELED);
                exec_future_unref(f[i]);
        }
        sigaction(SIGUSR1, &old, NULL);
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, EXEC_FOREVER), 0);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

struct shooter {
        pthread_t target, thread;
        _Atomic(int) stop;
};

static void *shoot(void *arg)
{
        struct shooter *s = arg;

        while (!atom_load(&s->stop, ACQUIRE)) {
                pthread_kill(s->target, SIGUSR1);
                fixture_spin(EXEC_US(3));
        }
        return NULL;
}

/* Signals interrupt a thread that submits, in every place; each of them asks for the stop, one after a while first. Every
 * task ran, was cancelled or was refused. */
static void test_request_stop_interrupts_a_submitter(struct fixture *fx)
{
        size_t rounds = test_rounds(30);

        (void)fx;
        for (size_t i = 0; i < rounds; i++) {
                struct shooter s = {pthread_self(), 0, 0};
                exec_pool *pool = pool_of(1 + i % 2);
                struct sigaction old;
                int rc;

                arm_signal(pool, 1 + (int)(i * 7 % 50), &old);
                EXPECT_EQ(pthread_create(&s.thread, NULL, shoot, &s), 0);
                do {
                        exec_future *f = create_in(pool, i % 3 ? task_value : task_sleep, NS(1000));

                        rc = i % 4 ? exec_await(f, NULL) : 0;
                        if (i % 4 == 0 && exec_future_done(f))
                                rc = exec_await(f, NULL);
                        EXPECT(rc == 0 || rc == -ECANCELED || rc == -ESHUTDOWN);
                        exec_future_unref(f);
                } while (rc != -ESHUTDOWN);
                atom_store(&s.stop, 1, RELEASE);
                pthread_join(s.thread, NULL);
                EXPECT_EQ(atom_load(&stop_rc, RELAXED), 0);
                sigaction(SIGUSR1, &old, NULL);
                EXPECT_EQ(exec_pool_free(pool), 0);
        }
}

static void test_request_stop_and_nothing_else(struct fixture *fx)
{
        exec_pool *pool = pool_of(2);

        (void)fx;
        EXPECT_EQ(exec_pool_request_stop(NULL), -EINVAL);
        EXPECT_EQ(exec_pool_request_stop(pool), 0);
        EXPECT_EQ(exec_pool_request_stop(pool), 0);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

/* ---- a task that ends its thread ---- */

static int cancel_thread(void *arg, void **value)
{
        (void)arg, (void)value;
        pthread_cancel(pthread_self());
        pthread_testcancel();
        return 0;
}

static void run_named(exec_task_fn fn, void *arg, size_t stack_bytes)
{
        exec_pool *pool = pool_of(2);
        struct exec_task_options o;
        exec_future *f;

        exec_task_options_init(&o, sizeof o);
        o.pool = pool;
        o.name = "the one that exits";
        o.stack_bytes = stack_bytes;
        f = exec_create_task_with(fn, arg, &o);
        alarm(20);
        exec_await(f, NULL);
}

static void test_pthread_cancel_of_a_worker(struct fixture *fx)
{
        (void)fx;
        run_named(cancel_thread, NULL, 0);
}

#if !TEST_TSAN
static int exit_thread(void *arg, void **value)
{
        (void)value;
        if (arg)
                exec_sleep(EXEC_US(10)); /* then it runs on a stack it was switched back to */
        pthread_exit(NULL);
}

static void test_pthread_exit_in_a_task(struct fixture *fx)
{
        (void)fx;
        run_named(exit_thread, NULL, 0);
}

static void test_pthread_exit_after_a_wait(struct fixture *fx)
{
        (void)fx;
        run_named(exit_thread, &stop_pool, 0);
}

static void test_pthread_exit_on_a_stack_of_its_own(struct fixture *fx)
{
        (void)fx;
        run_named(exit_thread, &stop_pool, (size_t)1 << 20);
}

static void exit_in_callback(exec_future *f, void *arg)
{
        (void)f, (void)arg;
        pthread_exit(NULL);
}

static void test_pthread_exit_in_a_callback(struct fixture *fx)
{
        exec_pool *pool = pool_of(1);
        exec_future *gate = exec_promise_new(NULL), *f = create_in(pool, task_await, gate);

        (void)fx;
        exec_future_add_callback(f, exit_in_callback, NULL);
        exec_promise_set(gate, NULL);
        alarm(20);
        pause();
}

static void test_pthread_exit_is_named(struct fixture *fx)
{
        int pipe_fds[2], status = 0;
        char text[1024];
        ssize_t got;
        pid_t pid;

        (void)fx;
        EXPECT_EQ(pipe(pipe_fds), 0);
        pid = fork();
        if (pid == 0) {
                dup2(pipe_fds[1], 2);
                run_named(exit_thread, NULL, 0);
                _exit(0);
        }
        close(pipe_fds[1]);
        EXPECT_EQ(waitpid(pid, &status, 0), pid);
        EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        got = read(pipe_fds[0], text, sizeof text - 1);
        text[got > 0 ? got : 0] = 0;
        EXPECT(strstr(text, "the one that exits"));
        EXPECT(strstr(text, "pthread_exit()"));
        close(pipe_fds[0]);
}
#endif

/* ---- what the log is given ---- */

struct lines {
        int n, n_with_newline, n_named;
};

static void count_lines(int level, const char *message, void *ctx)
{
        struct lines *l = ctx;

        (void)level;
        l->n++;
        l->n_with_newline += strchr(message, '\n') != NULL;
        l->n_named += strstr(message, "the last of its kind") != NULL;
}

static void test_log_lines_of_a_dump(struct fixture *fx)
{
        struct lines l = {0, 0, 0};
        exec_pool *pool = pool_of(1);
        struct exec_task_options o;
        exec_future *f;

        (void)fx;
        exec_task_options_init(&o, sizeof o);
        o.pool = pool;
        o.name = "the last of its kind";
        f = exec_create_task_with(task_forever, NULL, &o);
        exec_set_log(count_lines, &l);
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, exec_now() + EXEC_MS(5)), -ETIMEDOUT);
        exec_set_log(NULL, NULL);
        EXPECT(l.n >= 4); /* two headings, the task, the sum */
        EXPECT_EQ(l.n_named, 1);
        EXPECT_EQ(l.n_with_newline, 0);
        EXPECT_EQ(exec_pool_free(pool), 0);
        EXPECT_CANCELLED(f);
        exec_future_unref(f);
}

static void test_deadline_in_the_past(struct fixture *fx)
{
        exec_pool *pool = pool_of(1);
        exec_future *f = create_in(pool, task_forever, NULL);

        (void)fx;
        exec_set_log(no_log, NULL);
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, INT64_MIN), -ETIMEDOUT);
        exec_set_log(NULL, NULL);
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_CANCEL, EXEC_FOREVER), 0);
        EXPECT_EQ(exec_pool_shutdown(pool, EXEC_DRAIN, INT64_MIN), 0); /* nothing is left to wait for */
        EXPECT_EQ(exec_pool_shutdown(pool, (enum exec_shutdown_mode)7, EXEC_FOREVER), -EINVAL);
        EXPECT_EQ(exec_pool_shutdown(NULL, EXEC_DRAIN, EXEC_FOREVER), -EINVAL);
        exec_future_unref(f);
        EXPECT_EQ(exec_pool_free(pool), 0);
}

/* ---- freed while the callbacks of sleeps run ---- */

struct late {
        _Atomic(int) begun, n_made, n_ran;
        exec_future *made[4];
        bool suspend;
};

static int late_body(void *arg, void **value)
{
        struct late *l = arg;

        *value = NULL;
        atom_add(&l->n_ran, 1, RELEASE);
        return l->suspend ? exec_sleep(EXEC_MS(200)) : 0; /* made after the request to cancel, it may run its time */
}

/* On a worker that otherwise sleeps: the pool must not count as done meanwhile. */
static void make_tasks_late(exec_future *f, void *arg)
{
        struct late *l = arg;

        (void)f;
        atom_store(&l->begun, 1, RELEASE);
        usleep(50000);
        for (int i = 0; i < 4; i++)
                l->made[i] = exec_create_task(late_body, l);
        atom_store(&l->n_made, 4, RELEASE);
}

static void freed_during_a_callback(bool suspend)
{
        struct late l = {.suspend = suspend};
        exec_pool *pool = pool_of(1);
        exec_future *sleep;

        exec_pool_set_default(pool);
        sleep = exec_sleep_future(EXEC_MS(5));
        EXPECT_EQ(exec_future_add_callback(sleep, make_tasks_late, &l), 0);
        fixture_wait(&l.begun, 1);
        EXPECT_EQ(exec_pool_free(pool), 0);
        EXPECT_EQ(atom_load(&l.n_made, ACQUIRE), 4);
        for (int i = 0; i < 4; i++) {
                EXPECT(exec_future_done(l.made[i]));
                exec_future_unref(l.made[i]);
        }
        exec_future_unref(sleep);
}

static void test_freed_during_a_callback_that_makes_tasks(struct fixture *fx)
{
        (void)fx;
        freed_during_a_callback(false);
        freed_during_a_callback(true);
}

static void take_long(exec_future *f, void *arg)
{
        (void)f;
        (void)arg;
        usleep(10000);
}

static void make_sleeper(exec_future *f, void *arg)
{
        (void)f;
        exec_future_unref(exec_create_task(late_body, arg));
}

/* The thread that frees the pool goes through one heap after the other; tasks that begin to sleep meanwhile must be
 * cancelled like any other. */
static void test_freed_while_tasks_begin_to_sleep(struct fixture *fx)
{
        enum { N = 10 };
        struct late l = {.suspend = true};
        exec_future *slow[N], *late[N];
        exec_pool *pool = pool_of(2);

        (void)fx;
        exec_pool_set_default(pool);
        for (int i = 0; i < N; i++) {
                slow[i] = exec_sleep_future(EXEC_SEC(3600));
                EXPECT_EQ(exec_future_add_callback(slow[i], take_long, NULL), 0);
                late[i] = exec_sleep_future(EXEC_MS(20));
                EXPECT_EQ(exec_future_add_callback(late[i], make_sleeper, &l), 0);
        }
        EXPECT_EQ(exec_pool_free(pool), 0);
        exec_future_unref_all(slow, N);
        exec_future_unref_all(late, N);
}

static const struct fixture_case cases[] = {
        CASE_BARE(test_three_threads_drain),
        CASE_BARE(test_three_threads_in_mixed_modes),
        CASE_THREAD(test_end_a_pool_in_a_callback_of_a_thread),
        CASE_THREAD(test_end_a_pool_in_a_drop_function_of_a_thread),
        CASE_THREAD(test_end_a_pool_in_a_callback_of_a_worker),
        CASE_BARE(test_request_stop_from_a_signal_handler),
        CASE_BARE(test_request_stop_interrupts_a_submitter),
        CASE_BARE(test_request_stop_and_nothing_else),
        CASE_DIES(test_pthread_cancel_of_a_worker),
#if !TEST_TSAN /* which ends the program itself, in other words */
        CASE_DIES(test_pthread_exit_in_a_task),
        CASE_DIES(test_pthread_exit_after_a_wait),
        CASE_DIES(test_pthread_exit_on_a_stack_of_its_own),
        CASE_DIES(test_pthread_exit_in_a_callback),
        CASE_BARE(test_pthread_exit_is_named),
#endif
        CASE_BARE(test_log_lines_of_a_dump),
        CASE_BARE(test_deadline_in_the_past),
        CASE_BARE(test_freed_during_a_callback_that_makes_tasks),
        CASE_BARE(test_freed_while_tasks_begin_to_sleep),
};

FIXTURE_MAIN("stop", cases)
