/* The spin lock excludes, also when its holder loses the CPU. */
#include "port/pause.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { THREADS = 4, ROUNDS = 5000 };

static struct execi_spin lock;
static long counter; /* L(lock) */

static void *count(void *arg)
{
        for (int i = 0; i < ROUNDS; i++) {
                execi_spin_lock(&lock);
                long seen = counter;
                if (i % 512 == 0)
                        sched_yield();
                counter = seen + 1;
                execi_spin_unlock(&lock);
        }
        return arg;
}

static void spin_lock_excludes(void **state)
{
        pthread_t threads[THREADS];

        (void)state;
        for (int i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        assert_int_equal(counter, (long)THREADS * ROUNDS);
}

static void spin_try_fails_while_held(void **state)
{
        struct execi_spin s = {0};

        (void)state;
        assert_true(execi_spin_try(&s));
        assert_false(execi_spin_try(&s));
        execi_spin_unlock(&s);
        assert_true(execi_spin_try(&s));
        execi_spin_unlock(&s);
}

static void spin_yield_counts_its_turns(void **state)
{
        unsigned turns = 0;

        (void)state;
        for (int i = 0; i < 1000; i++)
                execi_spin_yield(&turns);
        assert_int_equal(turns, 1000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(spin_lock_excludes),
                cmocka_unit_test(spin_try_fails_while_held),
                cmocka_unit_test(spin_yield_counts_its_turns),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
