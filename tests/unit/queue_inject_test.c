/* The queue from outside: order, closing, consumers and producers on several threads. */
#include "queue/inject.h"

#include "base/compiler.h"

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
enum { PER_PRODUCER = 20 * 1000 };
#else
enum { PER_PRODUCER = 100 * 1000 };
#endif
enum { PRODUCERS = 4, CONSUMERS = 3, BATCH = 8 };

struct item {
        struct execi_link link;
        unsigned producer, number;
        _Atomic(unsigned) n_popped;
        bool accepted;
};

static struct execi_inject q;
static struct item items[PRODUCERS][PER_PRODUCER];

static struct item *item_of(struct execi_link *l)
{
        return CONTAINER_OF(l, struct item, link);
}

static int setup(void **state)
{
        (void)state;
        memset(items, 0, sizeof(items));
        for (unsigned p = 0; p < PRODUCERS; p++) {
                for (unsigned i = 0; i < PER_PRODUCER; i++) {
                        items[p][i].producer = p;
                        items[p][i].number = i;
                }
        }
        execi_inject_init(&q);
        return 0;
}

static bool push(unsigned i)
{
        return execi_inject_push(&q, &items[0][i].link);
}

static void expect(struct execi_link *const popped[], size_t n, unsigned first)
{
        for (size_t i = 0; i < n; i++)
                assert_int_equal(item_of(popped[i])->number, first + i);
}

static void inject_empty(void **state)
{
        struct execi_link *popped[BATCH];

        (void)state;
        assert_true(execi_inject_empty(&q));
        assert_int_equal(execi_inject_pop(&q, popped, BATCH, true), 0);
        assert_int_equal(execi_inject_pop(&q, popped, BATCH, false), 0);
}

static void inject_J3_keeps_the_order(void **state)
{
        struct execi_link *popped[BATCH];

        (void)state;
        for (unsigned i = 0; i < 5; i++)
                assert_true(push(i));
        assert_false(execi_inject_empty(&q));
        assert_int_equal(execi_inject_pop(&q, popped, 2, false), 2);
        expect(popped, 2, 0);
        for (unsigned i = 5; i < 8; i++) /* behind those that were taken over already */
                assert_true(push(i));
        assert_int_equal(execi_inject_pop(&q, popped, 4, false), 4);
        expect(popped, 4, 2);
        assert_false(execi_inject_empty(&q));
        assert_int_equal(execi_inject_pop(&q, popped, BATCH, true), 2);
        expect(popped, 2, 6);
        assert_true(execi_inject_empty(&q));
        assert_int_equal(execi_inject_pop(&q, popped, BATCH, true), 0);
}

static void inject_pops_at_most_max(void **state)
{
        struct execi_link *popped[1];

        (void)state;
        assert_true(push(0));
        assert_int_equal(execi_inject_pop(&q, popped, 0, true), 0);
        assert_false(execi_inject_empty(&q));
        assert_int_equal(execi_inject_pop(&q, popped, 1, true), 1);
        assert_true(execi_inject_empty(&q));
}

static void inject_J2_refuses_after_close(void **state)
{
        struct execi_link *popped[BATCH];

        (void)state;
        assert_true(push(0));
        assert_true(push(1));
        execi_inject_close(&q);
        assert_false(push(2));
        assert_false(execi_inject_empty(&q)); /* what is inside can be popped */
        assert_int_equal(execi_inject_pop(&q, popped, BATCH, false), 2);
        expect(popped, 2, 0);
        assert_true(execi_inject_empty(&q));
        assert_int_equal(execi_inject_pop(&q, popped, BATCH, false), 0);
        execi_inject_close(&q); /* again */
        assert_false(push(2));
        assert_true(execi_inject_empty(&q));
}

static void inject_close_keeps_the_order(void **state)
{
        struct execi_link *popped[BATCH];

        (void)state;
        for (unsigned i = 0; i < 3; i++)
                assert_true(push(i));
        assert_int_equal(execi_inject_pop(&q, popped, 1, false), 1);
        for (unsigned i = 3; i < 6; i++)
                assert_true(push(i));
        execi_inject_close(&q);
        assert_int_equal(execi_inject_pop(&q, popped, BATCH, false), 5);
        expect(popped, 5, 1);
}

static void inject_does_not_wait_for_another_consumer(void **state)
{
        struct execi_link *popped[BATCH];

        (void)state;
        assert_true(push(0));
        execi_spin_lock(&q.lock);
        assert_int_equal(execi_inject_pop(&q, popped, BATCH, false), 0);
        execi_spin_unlock(&q.lock);
        assert_int_equal(execi_inject_pop(&q, popped, BATCH, false), 1);
}

/* ---- several threads ---- */

static struct {
        _Atomic(int) n_wrong_order;
        _Atomic(int) n_late; /* accepted although close had returned */
        _Atomic(int) closed;
        _Atomic(int) producers_done;
} shared;

static void *producer_main(void *arg)
{
        struct item *own = arg;

        for (unsigned i = 0; i < PER_PRODUCER; i++) {
                bool late = atom_load(&shared.closed, ACQUIRE);

                own[i].accepted = execi_inject_push(&q, &own[i].link);
                if (late && own[i].accepted)
                        atom_add(&shared.n_late, 1, RELAXED);
                if (!own[i].accepted)
                        break;
        }
        return NULL;
}

/* Pushes of one producer that one consumer gets come in their order. */
static void *consumer_main(void *arg)
{
        struct execi_link *popped[BATCH];
        unsigned next[PRODUCERS] = {0}, turns = 0;
        bool done;

        do {
                size_t n;

                done = atom_load(&shared.producers_done, ACQUIRE);
                n = execi_inject_pop(&q, popped, BATCH, done);
                for (size_t i = 0; i < n; i++) {
                        struct item *item = item_of(popped[i]);

                        atom_add(&item->n_popped, 1, RELAXED);
                        if (item->number < next[item->producer])
                                atom_add(&shared.n_wrong_order, 1, RELAXED);
                        next[item->producer] = item->number + 1;
                }
                if (n)
                        done = false;
                else
                        execi_spin_yield(&turns);
        } while (!done);
        return arg;
}

static void check_each_once(void)
{
        size_t n_wrong = 0;

        for (unsigned p = 0; p < PRODUCERS; p++)
                for (unsigned i = 0; i < PER_PRODUCER; i++)
                        n_wrong += atom_load(&items[p][i].n_popped, RELAXED) != items[p][i].accepted;
        assert_int_equal(n_wrong, 0); /* J1 */
        assert_int_equal(atom_load(&shared.n_wrong_order, RELAXED), 0);
        assert_int_equal(atom_load(&shared.n_late, RELAXED), 0);
        assert_true(execi_inject_empty(&q));
}

static void run(unsigned n_consumers, bool close)
{
        pthread_t producers[PRODUCERS], consumers[CONSUMERS];

        memset(&shared, 0, sizeof(shared));
        for (unsigned i = 0; i < n_consumers; i++)
                assert_int_equal(pthread_create(&consumers[i], NULL, consumer_main, NULL), 0);
        for (unsigned i = 0; i < PRODUCERS; i++)
                assert_int_equal(pthread_create(&producers[i], NULL, producer_main, items[i]), 0);
        if (close) {
                while (atom_load(&items[0][PER_PRODUCER / 10].n_popped, RELAXED) == 0)
                        execi_spin_yield(&(unsigned){0});
                execi_inject_close(&q);
                atom_store(&shared.closed, 1, RELEASE);
        }
        for (unsigned i = 0; i < PRODUCERS; i++)
                pthread_join(producers[i], NULL);
        atom_store(&shared.producers_done, 1, RELEASE);
        for (unsigned i = 0; i < n_consumers; i++)
                pthread_join(consumers[i], NULL);
        check_each_once();
}

static void inject_J1_each_once_one_consumer(void **state)
{
        (void)state;
        run(1, false);
}

static void inject_J1_each_once_three_consumers(void **state)
{
        (void)state;
        run(3, false);
}

static void inject_J1_J2_close_races_pushes(void **state)
{
        (void)state;
        run(2, true);
        assert_false(push(PER_PRODUCER - 1));
}

/* J4: another consumer takes one of two; who pushed both must never see the queue empty before. */
static _Atomic(unsigned) round_begun, round_popped;

static void *one_at_a_time(void *arg)
{
        struct execi_link *popped[1];
        unsigned turns = 0;

        for (unsigned i = 1; i <= PER_PRODUCER / 4; i++) {
                while (atom_load(&round_begun, ACQUIRE) < i)
                        execi_spin_yield(&turns);
                while (!execi_inject_pop(&q, popped, 1, true))
                        ;
                atom_store(&round_popped, i, RELEASE);
        }
        return arg;
}

static void inject_J4_not_empty_while_one_is_left(void **state)
{
        struct execi_link *popped[1];
        unsigned n_missed = 0, turns = 0;
        pthread_t consumer;

        (void)state;
        atom_store(&round_begun, 0, RELAXED);
        atom_store(&round_popped, 0, RELAXED);
        assert_int_equal(pthread_create(&consumer, NULL, one_at_a_time, NULL), 0);
        for (unsigned i = 1; i <= PER_PRODUCER / 4; i++) {
                execi_inject_push(&q, &items[0][2 * i - 2].link);
                execi_inject_push(&q, &items[0][2 * i - 1].link);
                atom_store(&round_begun, i, RELEASE);
                do
                        n_missed += execi_inject_empty(&q);
                while (atom_load(&round_popped, ACQUIRE) < i && (execi_spin_yield(&turns), true));
                execi_inject_pop(&q, popped, 1, true);
        }
        pthread_join(consumer, NULL);
        assert_int_equal(n_missed, 0);
        assert_true(execi_inject_empty(&q));
}

#define WITH_SETUP(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
        const struct CMUnitTest tests[] = {
                WITH_SETUP(inject_empty),
                WITH_SETUP(inject_J3_keeps_the_order),
                WITH_SETUP(inject_pops_at_most_max),
                WITH_SETUP(inject_J2_refuses_after_close),
                WITH_SETUP(inject_close_keeps_the_order),
                WITH_SETUP(inject_does_not_wait_for_another_consumer),
                WITH_SETUP(inject_J1_each_once_one_consumer),
                WITH_SETUP(inject_J1_each_once_three_consumers),
                WITH_SETUP(inject_J1_J2_close_races_pushes),
                WITH_SETUP(inject_J4_not_empty_while_one_is_left),
        };

        return cmocka_run_group_tests_name("queue_inject", tests, NULL, NULL);
}
