/* fixture.h - what every test of the public interface stands on.
 *
 * A case is a function; the fixture runs it on a fresh pool of 1, 2 and 8 workers, both on a plain thread and inside a
 * task of the pool, and demands afterwards that nothing is left: tasks, futures, timers, bytes, threads, descriptors.
 * While a case runs its pool is the default pool, so the same calls work in both places.
 *
 * EXPECT() and its kin may be used on any thread and in any task: they note a failure and go on, and the thread that
 * runs the test asserts at the end (cmocka leaves a failed test with a long jump, which must not happen in a task).
 * A case that hangs is ended by an alarm, which writes the pool's tasks to stderr. */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include "port/atomic.h"

#include <executor/executor.h>

#include <pthread.h>

#if defined(__SANITIZE_THREAD__)
#define TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TEST_TSAN 1
#endif
#endif
#ifndef TEST_TSAN
#define TEST_TSAN 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEST_ASAN 1
#endif
#endif
#ifndef TEST_ASAN
#define TEST_ASAN 0
#endif

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- cases ---- */

struct fixture {
        exec_pool *pool;    /* the default pool; NULL for a bare case. A case that frees it sets NULL. */
        unsigned n_workers; /* of the pool */
        bool in_task;       /* the case itself runs as a task of the pool */
};

enum fixture_flags {
        ON_THREAD = 1 << 0,  /* run the case on a plain thread */
        IN_TASK = 1 << 1,    /* run it as a task */
        ONE_WORKER = 1 << 2, /* with 1 worker only: what it asserts follows from there being one */
        BARE = 1 << 3,       /* once, without a pool: the case makes its own */
        CHILD = 1 << 4,      /* once, in a process of its own, bare; must exit with 0 */
        DIES = 1 << 5,       /* with CHILD: must abort with a message that begins "executor: " */
};

typedef void (*fixture_fn)(struct fixture *fx);

struct fixture_case {
        const char *name;
        fixture_fn fn;
        unsigned flags;
};

/* clang-format off */
#define CASE(fn)        { #fn, fn, ON_THREAD | IN_TASK }
#define CASE_THREAD(fn) { #fn, fn, ON_THREAD }
#define CASE_TASK(fn)   { #fn, fn, IN_TASK }
#define CASE_ONE(fn)    { #fn, fn, IN_TASK | ONE_WORKER }
#define CASE_BARE(fn)   { #fn, fn, ON_THREAD | BARE }
#define CASE_CHILD(fn)  { #fn, fn, ON_THREAD | BARE | CHILD }
#define CASE_DIES(fn)   { #fn, fn, ON_THREAD | BARE | CHILD | DIES }
/* clang-format on */

/* Run all cases, or those that match the pattern in argv[1] ("test_K*"). The exit status of the program. */
int fixture_main(int argc, char **argv, const char *group, const struct fixture_case *cases, size_t n_cases);

#define FIXTURE_MAIN(group, cases)                                                                                     \
        int main(int argc, char **argv)                                                                                \
        {                                                                                                              \
                return fixture_main(argc, argv, group, cases, N_OF(cases));                                            \
        }

/* ---- expectations, on any thread ---- */

bool fixture_failed(void); /* has the case failed already? */
bool fixture_expect(bool ok, const char *file, int line, const char *text);
bool fixture_expect_eq(intmax_t a, intmax_t b, const char *file, int line, const char *text);
bool fixture_expect_outcome(exec_future *f, int state, int err, const void *value, const char *file, int line);

#define EXPECT(cond)          fixture_expect(!!(cond), __FILE__, __LINE__, #cond)
#define EXPECT_EQ(a, b)       fixture_expect_eq((intmax_t)(a), (intmax_t)(b), __FILE__, __LINE__, #a " == " #b)
#define EXPECT_PTR(a, b)      fixture_expect_eq((intptr_t)(a), (intptr_t)(b), __FILE__, __LINE__, #a " == " #b)
#define EXPECT_DONE(f, v)     fixture_expect_outcome((f), EXEC_DONE, 0, (v), __FILE__, __LINE__)
#define EXPECT_FAILED(f, err) fixture_expect_outcome((f), EXEC_FAILED, (err), NULL, __FILE__, __LINE__)
#define EXPECT_CANCELLED(f)   fixture_expect_outcome((f), EXEC_CANCELLED, -ECANCELED, NULL, __FILE__, __LINE__)
#define EXPECT_PENDING(f)     fixture_expect_outcome((f), EXEC_PENDING, 0, NULL, __FILE__, __LINE__)

/* ---- amounts ---- */

size_t test_scale(size_t n);  /* how many tasks in all: fewer under a sanitizer */
size_t test_live(size_t n);   /* how many suspended at once: at most 200 under ThreadSanitizer */
bool test_is_precise(void);   /* ThreadSanitizer's precise mode: each task has a stack of its own, used once */
size_t test_rounds(size_t n); /* of a race: the environment variable EXEC_TEST_ROUNDS, else n, scaled */

/* Of a race with many rounds, in which one of two orders came up @n_first times: with enough rounds both must have. Without
 * EXEC_TEST_ROUNDS there are not enough. */
void fixture_both_orders(size_t rounds, size_t n_first);
void fixture_stagger(uint64_t *random); /* in a race: a little while, so that either may be first, also on one CPU */
void fixture_go_on(size_t round);       /* in a long loop: the alarm begins anew now and then */

/* ---- waiting for a situation; all work in tasks and on plain threads ---- */

bool fixture_wait(const _Atomic(int) *word, int at_least); /* false, and noted: not within 30 s */
bool fixture_wait_done(exec_future *f);
/* Until nothing seems to move any more. Only to make a situation likely: on a slow machine tasks may not even have begun. */
void fixture_settle(exec_pool *pool);
void fixture_spin(int64_t ns); /* compute, without giving way */
struct exec_pool_stats fixture_stats(exec_pool *pool);
bool fixture_wait_idle(exec_pool *pool);               /* until every task has ended, no future and no timer is left */
bool fixture_wait_asleep(exec_pool *pool);             /* until no worker runs or looks for something */
size_t fixture_n_threads(void);                        /* of this process */
void fixture_watch(exec_pool *pool, const char *what); /* the alarm begins anew; when it rings, it names these */

/* ---- the smallest bodies ---- */

int task_value(void *arg, void **value);   /* DONE with @arg */
int task_fail(void *arg, void **value);    /* FAILED with the error (intptr_t)@arg */
int task_await(void *arg, void **value);   /* as exec_await(@arg) */
int task_sleep(void *arg, void **value);   /* sleep (intptr_t)@arg nanoseconds; DONE with @arg */
int task_forever(void *arg, void **value); /* sleep until cancelled */
int task_bump(void *arg, void **value);    /* add 1 to the _Atomic(int) @arg, which is its value */

/* A task that awaits, and tells when it has begun: to cancel it before that would be to cancel it unstarted. */
struct awaiter {
        exec_future *f;
        _Atomic(int) begun;
};
int task_await_noted(void *arg, void **value); /* of a struct awaiter */

void drop_bump(void *ptr); /* a drop function for an _Atomic(int): add 1 */

#define ERR(e) ((void *)(intptr_t)(e))  /* an argument for task_fail() */
#define NS(ns) ((void *)(intptr_t)(ns)) /* an argument for task_sleep() */
#define VAL(n) ((void *)(intptr_t)(n))  /* a value that points nowhere */

exec_future *create_in(exec_pool *pool, exec_task_fn fn, void *arg); /* exec_create_task() on that pool */

/* ---- two threads at one point in time ---- */

/* A second plain thread that does @act(@arg) each time it is released. */
struct rival {
        pthread_t thread;
        _Atomic(unsigned) released, finished;
        void (*act)(void *arg);
        void *arg;
        _Atomic(int) stop;
};

void rival_start(struct rival *r, void (*act)(void *arg), void *arg);
void rival_release(struct rival *r); /* both go on at about the same time */
void rival_wait(struct rival *r);    /* for the act to be over */
void rival_stop(struct rival *r);

/* A random number generator for delays and programs; never 0 as a state. */
static inline uint64_t test_random(uint64_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

/* ---- fault injection; false where the library cannot be made to fail ---- */

enum fixture_fault { FAIL_ALLOC, FAIL_MAP };
bool fixture_fault_arm(enum fixture_fault kind, uint64_t n, bool for_ever);
uint64_t fixture_fault_disarm(void); /* how many calls were failed */

#endif
