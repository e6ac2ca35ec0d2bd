/* Places: a worker that is woken for a fork may not use its waker's CPU, nor the one where it slept if that is taken, until
 * it runs. The waker is the test's thread, kept on one CPU; the worker that sleeps is another thread. */
#include "sched/place.h"

#include "port/pause.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WORKERS = 3, WAKER = 0, SLEEPER = 1, THIRD = 2, FREE = 0 };

struct fixture {
        pthread_t thread;
        _Atomic(int) number; /* of that thread */
        struct execi_parker parker;
        struct execi_affinity before; /* of both */
        int here, other;              /* CPUs; other is -1: there is none */
        struct exec_pool pool;
        struct execi_worker workers[WORKERS];
};

static struct fixture fx;

static void *sleep_until_told(void *arg)
{
        atom_store(&fx.number, execi_affinity_thread(), RELEASE);
        execi_parker_park(&fx.parker, INT64_MAX);
        return arg;
}

static bool has(const struct execi_affinity *mask, int cpu)
{
        return mask->words[cpu / AFFINITY_WORD_BITS] >> cpu % AFFINITY_WORD_BITS & 1;
}

static struct execi_affinity only(int cpu)
{
        struct execi_affinity mask;

        memset(&mask, 0, sizeof mask);
        mask.words[cpu / AFFINITY_WORD_BITS] = 1UL << cpu % AFFINITY_WORD_BITS;
        return mask;
}

static void find_cpus(void)
{
        struct execi_affinity mask;

        fx.here = execi_affinity_cpu();
        mask = only(fx.here);
        fx.other = -1;
        for (int cpu = 0; cpu < AFFINITY_MAX_CPUS && fx.other < 0; cpu++)
                if (cpu != fx.here && has(&fx.before, cpu))
                        fx.other = cpu;
        assert_true(execi_affinity_set(execi_affinity_thread(), &mask));
}

static int set_up(void **state)
{
        unsigned turns = 0;

        (void)state;
        memset(&fx, 0, sizeof fx);
        if (!execi_affinity_get(execi_affinity_thread(), &fx.before))
                return -1;
        execi_parker_init(&fx.parker);
        if (pthread_create(&fx.thread, NULL, sleep_until_told, NULL))
                return -1;
        while (!atom_load(&fx.number, ACQUIRE))
                execi_spin_yield(&turns);
        find_cpus();
        fx.pool.workers = fx.workers;
        fx.pool.n_workers = WORKERS;
        atom_store(&fx.pool.places, true, RELAXED);
        for (unsigned i = 0; i < WORKERS; i++) {
                fx.workers[i].pool = &fx.pool;
                fx.workers[i].thread_number = atom_load(&fx.number, RELAXED);
                atom_store(&fx.workers[i].cpu, -1, RELAXED);
        }
        atom_store(&fx.workers[SLEEPER].is_sleeper, true, RELAXED);
        execi_worker_set_current(&fx.workers[WAKER]);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        execi_worker_set_current(NULL);
        execi_parker_unpark(&fx.parker);
        pthread_join(fx.thread, NULL);
        execi_parker_fini(&fx.parker);
        return !execi_affinity_set(execi_affinity_thread(), &fx.before);
}

static bool may_use(int cpu)
{
        struct execi_affinity mask;

        assert_true(execi_affinity_get(atom_load(&fx.number, RELAXED), &mask));
        return has(&mask, cpu);
}

static bool is_as_before(void)
{
        struct execi_affinity mask;

        assert_true(execi_affinity_get(atom_load(&fx.number, RELAXED), &mask));
        return !memcmp(&mask, &fx.before, sizeof mask);
}

static bool is_moved(void)
{
        assert_true(execi_place_begin(&fx.workers[SLEEPER]));
        execi_place_move(&fx.workers[SLEEPER]);
        return atom_load(&fx.workers[SLEEPER].place, RELAXED) != FREE;
}

static void the_wakers_cpu_is_forbidden(void **state)
{
        (void)state;
        if (fx.other < 0)
                skip();
        atom_store(&fx.workers[SLEEPER].cpu, fx.other, RELAXED);
        assert_true(is_moved());
        assert_false(may_use(fx.here));
        assert_true(may_use(fx.other));
        execi_place_restore(&fx.workers[SLEEPER]);
        assert_true(is_as_before());
        execi_place_restore(&fx.workers[SLEEPER]); /* nothing to do */
        assert_true(is_as_before());
}

/* Of two CPUs both are taken: then the kernel chooses. */
static void a_taken_cpu_is_forbidden(void **state)
{
        struct execi_affinity two;

        (void)state;
        if (fx.other < 0)
                skip();
        two = only(fx.here);
        two.words[fx.other / AFFINITY_WORD_BITS] |= only(fx.other).words[fx.other / AFFINITY_WORD_BITS];
        assert_true(execi_affinity_set(atom_load(&fx.number, RELAXED), &two));
        atom_store(&fx.workers[SLEEPER].cpu, fx.other, RELAXED);
        atom_store(&fx.workers[THIRD].cpu, fx.other, RELAXED);
        assert_false(is_moved());
        assert_true(may_use(fx.here) && may_use(fx.other));
        atom_store(&fx.workers[THIRD].is_sleeper, true, RELAXED); /* who sleeps takes none */
        assert_true(is_moved());
        assert_false(may_use(fx.here));
        execi_place_restore(&fx.workers[SLEEPER]);
        assert_true(may_use(fx.here) && may_use(fx.other));
}

static void what_others_set_stays(void **state)
{
        struct execi_affinity mask;

        (void)state;
        if (fx.other < 0)
                skip();
        assert_true(is_moved());
        mask = only(fx.here);
        assert_true(execi_affinity_set(atom_load(&fx.number, RELAXED), &mask));
        execi_place_restore(&fx.workers[SLEEPER]);
        assert_true(may_use(fx.here));
        assert_false(may_use(fx.other));
        assert_false(is_moved()); /* there is nothing else that it may use */
        assert_true(may_use(fx.here));
}

static void not_where_it_must_not_or_cannot(void **state)
{
        (void)state;
        execi_worker_set_current(NULL); /* a plain thread wakes */
        assert_false(execi_place_begin(&fx.workers[SLEEPER]));
        execi_worker_set_current(&fx.workers[WAKER]);
        fx.workers[SLEEPER].thread_number = INT32_MAX; /* no such thread: the kernel refuses */
        errno = ENOENT;
        assert_false(is_moved());
        assert_int_equal(errno, ENOENT);
        assert_false(execi_place_begin(&fx.workers[SLEEPER])); /* and is not asked again */
        assert_true(is_as_before());
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_wakers_cpu_is_forbidden, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_taken_cpu_is_forbidden, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_others_set_stays, set_up, tear_down),
                cmocka_unit_test_setup_teardown(not_where_it_must_not_or_cannot, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
