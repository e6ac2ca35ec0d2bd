/* The deque: orders and amounts, the wrap of its indices, growing and failing to, thieves against an owner. */
#include "queue/deque.h"

#include "port/fault.h"
#include "port/membarrier.h"
#include "port/memory.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

#if TEST_TSAN || TEST_ASAN
enum { STRESS_ITEMS = 100 * 1000 };
#else
enum { STRESS_ITEMS = 1000 * 1000 };
#endif
enum { MAX_THIEVES = 7, BATCH = 16, STRESS_ROUNDS = 5 };

#define NEAR_WRAP ((uint32_t)-3)

static char items[1 << 20]; /* an item is an address in here: nobody looks inside */
static struct execi_deque d;

static int64_t memory_before;

static int setup(void **state)
{
        (void)state;
        execi_fault_arm(FAULT_ALLOC, 0, false);
        execi_fault_arm(FAULT_MAP, 0, false);
        memory_before = execi_memory_allocated() + execi_memory_mapped();
        return 0;
}

static void *item(size_t i)
{
        return &items[i];
}

static void push(size_t first, size_t n)
{
        for (size_t i = first; i < first + n; i++)
                assert_true(execi_deque_push(&d, item(i)));
}

static void start(uint32_t capacity, uint32_t first, bool all_public)
{
        assert_int_equal(execi_deque_init(&d, capacity, first, all_public), 0);
}

static void end(void)
{
        execi_deque_fini(&d);
        assert_int_equal(execi_memory_allocated() + execi_memory_mapped(), memory_before);
}

static void deque_empty(void **state)
{
        void *stolen[4];

        (void)state;
        start(4, NEAR_WRAP, false);
        assert_null(execi_deque_peek(&d));
        assert_null(execi_deque_pop(&d));
        assert_null(execi_deque_pop(&d));
        assert_false(execi_deque_publish(&d));
        assert_int_equal(execi_deque_steal(&d, stolen, 4), 0);
        assert_false(execi_deque_has_public(&d));
        assert_false(execi_deque_has_private(&d));
        end();
}

static void deque_pops_the_newest_first(void **state)
{
        (void)state;
        start(8, NEAR_WRAP, false);
        push(0, 6);
        for (size_t i = 6; i-- > 0;) {
                assert_true(execi_deque_has_private(&d));
                assert_ptr_equal(execi_deque_peek(&d), item(i));
                assert_ptr_equal(execi_deque_pop(&d), item(i));
        }
        assert_null(execi_deque_pop(&d));
        end();
}

static void deque_keeps_private_what_is_not_published(void **state)
{
        void *stolen[4];

        (void)state;
        start(8, NEAR_WRAP, false);
        push(0, 5);
        assert_false(execi_deque_has_public(&d));
        assert_int_equal(execi_deque_steal(&d, stolen, 4), 0);
        for (size_t i = 5; i-- > 0;)
                assert_ptr_equal(execi_deque_pop(&d), item(i));
        end();
}

/* Of n private items publish makes (n + 1) / 2 public; of n public ones steal takes (n + 1) / 2, but at most max. */
static void deque_publishes_half_and_steals_half(void **state)
{
        void *stolen[16];

        (void)state;
        start(16, NEAR_WRAP, false);
        push(0, 9);
        assert_true(execi_deque_publish(&d)); /* 0..4 */
        assert_true(execi_deque_has_public(&d));
        assert_true(execi_deque_has_private(&d));
        assert_int_equal(execi_deque_steal(&d, stolen, 16), 3);
        for (size_t i = 0; i < 3; i++)
                assert_ptr_equal(stolen[i], item(i));
        assert_int_equal(execi_deque_steal(&d, stolen, 16), 1);
        assert_ptr_equal(stolen[0], item(3));
        assert_true(execi_deque_publish(&d)); /* 4..6 */
        assert_int_equal(execi_deque_steal(&d, stolen, 1), 1);
        assert_ptr_equal(stolen[0], item(4));
        assert_int_equal(execi_deque_steal(&d, stolen, 0), 0);
        assert_ptr_equal(execi_deque_pop(&d), item(8));
        assert_ptr_equal(execi_deque_pop(&d), item(7));
        assert_false(execi_deque_has_private(&d));
        assert_false(execi_deque_publish(&d));
        end();
}

/* An owner without private items takes back: half stays public. */
static void deque_takes_back_half(void **state)
{
        void *stolen[8];

        (void)state;
        start(8, NEAR_WRAP, false);
        push(0, 4);
        for (int i = 0; i < 3; i++)
                assert_true(execi_deque_publish(&d)); /* 2, 1, 1 */
        assert_false(execi_deque_has_private(&d));
        assert_ptr_equal(execi_deque_pop(&d), item(3));
        assert_true(execi_deque_has_private(&d)); /* 2 */
        assert_true(execi_deque_has_public(&d));  /* 0, 1 */
        assert_int_equal(execi_deque_steal(&d, stolen, 8), 1);
        assert_ptr_equal(stolen[0], item(0));
        assert_ptr_equal(execi_deque_pop(&d), item(2));
        assert_ptr_equal(execi_deque_pop(&d), item(1));
        assert_null(execi_deque_pop(&d));
        assert_false(execi_deque_has_public(&d));
        end();
}

static void deque_all_public_hides_nothing(void **state)
{
        void *stolen[8];

        (void)state;
        start(8, NEAR_WRAP, true);
        push(0, 3);
        assert_true(execi_deque_publish(&d));
        push(3, 1);
        assert_true(execi_deque_publish(&d));
        for (size_t i = 4; i-- > 1;) {
                assert_false(execi_deque_has_private(&d));
                assert_ptr_equal(execi_deque_pop(&d), item(i));
        }
        assert_true(execi_deque_has_public(&d));
        assert_int_equal(execi_deque_steal(&d, stolen, 8), 1);
        assert_ptr_equal(stolen[0], item(0));
        assert_null(execi_deque_pop(&d));
        end();
}

static void deque_D4_force_publishes_all(void **state)
{
        void *stolen[8];

        (void)state;
        if (!execi_membarrier_register())
                skip();
        start(8, NEAR_WRAP, false);
        assert_false(execi_deque_force(&d));
        push(0, 4);
        assert_true(execi_deque_force(&d));
        assert_false(execi_deque_has_private(&d));
        assert_false(execi_deque_force(&d)); /* nothing more is private */
        assert_int_equal(execi_deque_steal(&d, stolen, 8), 2);
        assert_ptr_equal(stolen[1], item(1));
        assert_ptr_equal(execi_deque_pop(&d), item(3));
        assert_ptr_equal(execi_deque_pop(&d), item(2));
        end();
}

static void deque_lock_keeps_a_second_thief_out(void **state)
{
        void *stolen[8];

        (void)state;
        start(8, 0, false);
        push(0, 4);
        assert_true(execi_deque_publish(&d));
        execi_spin_lock(&d.thief);
        assert_int_equal(execi_deque_steal(&d, stolen, 8), 0);
        assert_false(execi_deque_force(&d));
        execi_spin_unlock(&d.thief);
        assert_int_equal(execi_deque_steal(&d, stolen, 8), 1);
        end();
}

static void deque_D5_grows_and_keeps_all(void **state)
{
        void *stolen[100];
        size_t n = 0;

        (void)state;
        start(1, NEAR_WRAP, false);
        for (size_t i = 0; i < 100; i++) {
                push(i, 1);
                if (i % 7 == 3)
                        execi_deque_publish(&d);
        }
        for (size_t got; (got = execi_deque_steal(&d, &stolen[n], 100 - n)); n += got)
                ;
        assert_in_range(n, 50, 99);
        for (size_t i = 0; i < n; i++)
                assert_ptr_equal(stolen[i], item(i));
        for (size_t i = 100; i-- > n;)
                assert_ptr_equal(execi_deque_pop(&d), item(i));
        assert_null(execi_deque_pop(&d));
        end();
}

/* A steady stream through a small deque goes round in its array and does not grow it. */
static void deque_D3_slots_are_used_again(void **state)
{
        int64_t before;
        void *stolen[1];

        (void)state;
        start(4, (uint32_t)-50, false);
        before = execi_memory_allocated();
        for (size_t i = 0; i < 100; i++) {
                push(i, 1);
                assert_true(execi_deque_publish(&d));
                assert_int_equal(execi_deque_steal(&d, stolen, 1), 1);
                assert_ptr_equal(stolen[0], item(i));
        }
        assert_int_equal(execi_memory_allocated(), before);
        end();
}

static void deque_refuses_a_push_without_memory(void **state)
{
        (void)state;
        start(2, NEAR_WRAP, false);
        push(0, 2);
        execi_fault_arm(FAULT_ALLOC, 1, true);
        assert_false(execi_deque_push(&d, item(2)));
        assert_false(execi_deque_push(&d, item(2)));
        assert_int_equal(execi_fault_fired(), 2);
        assert_ptr_equal(execi_deque_pop(&d), item(1)); /* nothing changed */
        assert_true(execi_deque_push(&d, item(3)));     /* there is room again */
        assert_false(execi_deque_push(&d, item(2)));
        execi_fault_arm(FAULT_ALLOC, 0, false);
        assert_true(execi_deque_push(&d, item(4)));
        assert_ptr_equal(execi_deque_pop(&d), item(4));
        assert_ptr_equal(execi_deque_pop(&d), item(3));
        assert_ptr_equal(execi_deque_pop(&d), item(0));
        end();
}

static void deque_init_without_memory(void **state)
{
        (void)state;
        execi_fault_arm(FAULT_ALLOC, 1, true);
        assert_int_equal(execi_deque_init(&d, 2, 0, false), -ENOMEM);
        execi_fault_arm(FAULT_ALLOC, 0, false);
        execi_fault_arm(FAULT_MAP, 1, true); /* large arrays are mapped */
        assert_int_equal(execi_deque_init(&d, 1 << 16, 0, false), -ENOMEM);
        execi_fault_arm(FAULT_MAP, 0, false);
        start(1 << 16, 0, false);
        assert_true(execi_memory_mapped() > 0);
        end();
}

/* ---- thieves ---- */

static struct {
        _Atomic(unsigned char) handed_out[1 << 20];
        _Atomic(int) n_twice;
        _Atomic(size_t) n_handed_out, n_stolen;
        _Atomic(unsigned) n_started;
        _Atomic(int) stop;
        bool forces;
} stress;

struct thief {
        pthread_t thread;
        uint64_t random;
};

static uint64_t draw(uint64_t *random)
{
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        return *random;
}

static void take(void *taken)
{
        if (atom_add(&stress.handed_out[(char *)taken - items], 1, RELAXED))
                atom_add(&stress.n_twice, 1, RELAXED);
        atom_add(&stress.n_handed_out, 1, RELAXED);
}

static void *thief_main(void *arg)
{
        struct thief *t = arg;
        void *stolen[BATCH];
        unsigned turns = 0;

        atom_add(&stress.n_started, 1, RELEASE);
        while (!atom_load(&stress.stop, RELAXED)) {
                size_t n = execi_deque_steal(&d, stolen, 1 + draw(&t->random) % BATCH);

                for (size_t i = 0; i < n; i++)
                        take(stolen[i]);
                atom_add(&stress.n_stolen, n, RELAXED);
                if (!n && stress.forces && draw(&t->random) % 8 == 0)
                        execi_deque_force(&d);
                if (!n)
                        execi_spin_yield(&turns);
        }
        return NULL;
}

static void own(size_t n_items, bool all_public, uint64_t *random)
{
        size_t pushed = 0;
        void *popped;

        while (pushed < n_items) {
                size_t n_push = draw(random) % 12, n_pop = draw(random) % 12;

                for (; n_push && pushed < n_items; n_push--) {
                        if (!execi_deque_push(&d, item(pushed)))
                                return; /* the count will tell */
                        pushed++;
                        if (all_public || draw(random) % 16 == 0)
                                execi_deque_publish(&d);
                }
                for (; n_pop && (popped = execi_deque_pop(&d)); n_pop--)
                        take(popped);
        }
        while ((popped = execi_deque_pop(&d)))
                take(popped);
}

static void run_round(size_t n_items, unsigned n_thieves, bool all_public, uint64_t seed)
{
        struct thief thieves[MAX_THIEVES];
        uint64_t random = seed * 2 + 1;

        memset(&stress, 0, sizeof(stress));
        stress.forces = !all_public && execi_membarrier_register();
        start(2, (uint32_t)-1000, all_public);
        for (unsigned i = 0; i < n_thieves; i++) {
                thieves[i].random = draw(&random);
                assert_int_equal(pthread_create(&thieves[i].thread, NULL, thief_main, &thieves[i]), 0);
        }
        for (unsigned turns = 0; atom_load(&stress.n_started, ACQUIRE) < n_thieves;)
                execi_spin_yield(&turns);
        own(n_items, all_public, &random);
        atom_store(&stress.stop, 1, RELAXED);
        for (unsigned i = 0; i < n_thieves; i++)
                pthread_join(thieves[i].thread, NULL);
        print_message("             seed %llu: %zu of %zu were stolen\n", (unsigned long long)seed,
                      atom_load(&stress.n_stolen, RELAXED), n_items);
        assert_int_equal(atom_load(&stress.n_twice, RELAXED), 0);
        assert_int_equal(atom_load(&stress.n_handed_out, RELAXED), n_items); /* the owner emptied it at its end */
        end();
}

static void run_stress(size_t n_items, unsigned n_thieves, bool all_public)
{
        const char *given = getenv("EXEC_TEST_SEED");
        uint64_t seed = given ? strtoull(given, NULL, 0) : 20240229;

        for (unsigned round = 0; round < STRESS_ROUNDS; round++)
                run_round(n_items, n_thieves, all_public, seed + round);
}

static void deque_D1_each_item_once_one_thief(void **state)
{
        (void)state;
        run_stress(STRESS_ITEMS, 1, false);
}

static void deque_D1_each_item_once_seven_thieves(void **state)
{
        (void)state;
        run_stress(STRESS_ITEMS / 2, 7, false);
}

static void deque_D1_each_item_once_all_public(void **state)
{
        (void)state;
        run_stress(STRESS_ITEMS / 2, 3, true);
}

#define WITH_SETUP(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
        const struct CMUnitTest tests[] = {
                WITH_SETUP(deque_empty),
                WITH_SETUP(deque_pops_the_newest_first),
                WITH_SETUP(deque_keeps_private_what_is_not_published),
                WITH_SETUP(deque_publishes_half_and_steals_half),
                WITH_SETUP(deque_takes_back_half),
                WITH_SETUP(deque_all_public_hides_nothing),
                WITH_SETUP(deque_D4_force_publishes_all),
                WITH_SETUP(deque_lock_keeps_a_second_thief_out),
                WITH_SETUP(deque_D5_grows_and_keeps_all),
                WITH_SETUP(deque_D3_slots_are_used_again),
                WITH_SETUP(deque_refuses_a_push_without_memory),
                WITH_SETUP(deque_init_without_memory),
                WITH_SETUP(deque_D1_each_item_once_one_thief),
                WITH_SETUP(deque_D1_each_item_once_seven_thieves),
                WITH_SETUP(deque_D1_each_item_once_all_public),
        };

        return cmocka_run_group_tests_name("queue_deque", tests, NULL, NULL);
}
