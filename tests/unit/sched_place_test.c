/* Places: a worker that is woken for a fork may not use the CPUs of those who are awake, and afterwards all again. The
 * thread of the worker that sleeps is the test's own. */
#include "sched/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WORKERS = 3, AWAKE = 0, SLEEPER = 1, ELSEWHERE = 2 };

struct fixture {
        struct execi_affinity before;
        struct exec_pool pool;
        struct execi_worker workers[WORKERS];
};

static struct fixture fx;

static int set_up(void **state)
{
        (void)state;
        memset(&fx, 0, sizeof fx);
        fx.pool.workers = fx.workers;
        fx.pool.n_workers = WORKERS;
        for (unsigned i = 0; i < WORKERS; i++) {
                fx.workers[i].pool = &fx.pool;
                execi_place_init(&fx.workers[i]);
        }
        atom_store(&fx.workers[SLEEPER].is_sleeper, true, RELAXED);
        atom_store(&fx.workers[ELSEWHERE].cpu, -1, RELAXED);
        return !execi_affinity_get(execi_affinity_thread(), &fx.before);
}

static int tear_down(void **state)
{
        (void)state;
        return !execi_affinity_set(execi_affinity_thread(), &fx.before);
}

static bool may_use(int cpu)
{
        struct execi_affinity mask;

        assert_true(execi_affinity_get(execi_affinity_thread(), &mask));
        return mask.words[cpu / AFFINITY_WORD_BITS] >> cpu % AFFINITY_WORD_BITS & 1;
}

static bool is_as_before(void)
{
        struct execi_affinity mask;

        assert_true(execi_affinity_get(execi_affinity_thread(), &mask));
        return !memcmp(&mask, &fx.before, sizeof mask);
}

/* A CPU that this thread may use, beside @other; -1: none. */
static int another_cpu(int other)
{
        for (int cpu = 0; cpu < AFFINITY_MAX_CPUS; cpu++)
                if (cpu != other && may_use(cpu))
                        return cpu;
        return -1;
}

static void taken_cpus_are_forbidden(void **state)
{
        int taken = execi_affinity_cpu();

        (void)state;
        if (another_cpu(taken) < 0)
                skip();
        execi_place_spread(&fx.workers[SLEEPER]); /* this thread is the waker, too */
        assert_false(may_use(taken));
        assert_true(execi_affinity_cpu() != taken);
        execi_place_restore(&fx.workers[SLEEPER]);
        assert_true(is_as_before());
}

/* Both CPUs of a machine with two, or all that it may use: then the kernel chooses. */
static void there_is_none_left(void **state)
{
        struct execi_affinity mask;
        int here = execi_affinity_cpu(), other = another_cpu(here);

        (void)state;
        if (other < 0)
                skip();
        memset(&mask, 0, sizeof mask);
        mask.words[here / AFFINITY_WORD_BITS] |= 1UL << here % AFFINITY_WORD_BITS;
        mask.words[other / AFFINITY_WORD_BITS] |= 1UL << other % AFFINITY_WORD_BITS;
        assert_true(execi_affinity_set(execi_affinity_thread(), &mask));
        atom_store(&fx.workers[AWAKE].cpu, here, RELAXED);
        atom_store(&fx.workers[ELSEWHERE].cpu, other, RELAXED);
        atom_store(&fx.workers[SLEEPER].cpu, here, RELAXED);
        execi_place_spread(&fx.workers[SLEEPER]);
        assert_true(may_use(here) && may_use(other));
        assert_false(fx.workers[SLEEPER].is_spread);
        atom_store(&fx.workers[ELSEWHERE].is_sleeper, true, RELAXED); /* who sleeps takes none */
        execi_place_spread(&fx.workers[SLEEPER]);
        assert_true(fx.workers[SLEEPER].is_spread);
        execi_place_restore(&fx.workers[SLEEPER]);
        assert_true(may_use(here) && may_use(other));
}

static void what_was_not_spread_is_left_alone(void **state)
{
        struct execi_worker *w = &fx.workers[SLEEPER];

        (void)state;
        memset(&w->allowed, 0, sizeof w->allowed);
        execi_place_restore(w);
        assert_true(is_as_before());
        w->thread_number = INT32_MAX; /* no such thread */
        execi_place_spread(w);
        assert_false(w->is_spread);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(taken_cpus_are_forbidden, set_up, tear_down),
                cmocka_unit_test_setup_teardown(there_is_none_left, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_was_not_spread_is_left_alone, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
