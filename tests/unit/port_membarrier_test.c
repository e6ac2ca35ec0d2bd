/* membarrier(2): one side of a store-then-load handshake may go without a fence if the other side calls it. */
#include "port/membarrier.h"

#include "base/compiler.h"
#include "port/pause.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROUNDS = 20000 };

static struct {
        _Atomic(int) x ALIGNED(CACHE_PAIR);
        _Atomic(int) y ALIGNED(CACHE_PAIR);
        _Atomic(int) round ALIGNED(CACHE_PAIR);
        _Atomic(int) seen_by_other ALIGNED(CACHE_PAIR);
        _Atomic(int) done ALIGNED(CACHE_PAIR);
} shared;

static void wait_for(_Atomic(int) *word, int value)
{
        unsigned turns = 0;

        while (atom_load(word, ACQUIRE) < value)
                execi_spin_yield(&turns);
}

/* The sides must come within a few nanoseconds of each other, and nobody knows which one is late: every delay is tried. */
static void delay(int turns)
{
        for (int i = 0; i < turns; i++)
                __asm__ volatile("");
}

/* The side without a fence. */
static void *other_side(void *arg)
{
        for (int i = 1; i <= ROUNDS; i++) {
                wait_for(&shared.round, i);
                delay(i / 256 % 32);
                atom_store(&shared.x, i, RELAXED);
                COMPILER_BARRIER();
                atom_store(&shared.seen_by_other, atom_load(&shared.y, RELAXED), RELAXED);
                atom_store(&shared.done, i, RELEASE);
        }
        return arg;
}

static void membarrier_orders_both_sides(void **state)
{
        pthread_t other;
        int n_missed = 0;

        (void)state;
        if (!execi_membarrier_register())
                skip();
        assert_true(execi_membarrier_register()); /* a second time is allowed */
        assert_int_equal(pthread_create(&other, NULL, other_side, NULL), 0);
        for (int i = 1; i <= ROUNDS; i++) {
                atom_store(&shared.round, i, RELEASE);
                delay(i % 1024);
                atom_store(&shared.y, i, RELAXED);
                execi_membarrier();
                int seen = atom_load(&shared.x, RELAXED);
                wait_for(&shared.done, i);
                n_missed += seen < i && atom_load(&shared.seen_by_other, RELAXED) < i;
        }
        pthread_join(other, NULL);
        assert_int_equal(n_missed, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(membarrier_orders_both_sides)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
