/* The heap of timers: order, removal, the overflow list when memory fails, giving memory back. */
#include "queue/heap.h"

#include "port/fault.h"
#include "port/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 2000, FIRST_CAPACITY = 64 };

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint64_t draw(void)
{
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return seed;
}

static struct execi_timer timers[N];
static struct execi_heap heap;
static int64_t memory_before;

static int64_t memory(void)
{
        return execi_memory_allocated() + execi_memory_mapped();
}

static int setup(void **state)
{
        (void)state;
        execi_fault_arm(FAULT_ALLOC, 0, false);
        memory_before = memory();
        execi_heap_init(&heap);
        for (size_t i = 0; i < N; i++)
                execi_timer_init(&timers[i], 0, (uint32_t)i);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        execi_fault_arm(FAULT_ALLOC, 0, false);
        execi_heap_fini(&heap);
        return memory() == memory_before ? 0 : -1;
}

static void no_memory(void)
{
        execi_fault_arm(FAULT_ALLOC, 1, true);
}

static void push(size_t i, int64_t deadline_ns)
{
        execi_timer_init(&timers[i], deadline_ns, (uint32_t)i);
        execi_heap_push(&heap, &timers[i]);
}

/* What the least deadline of those inside must be, found the slow way. */
static int64_t least(const bool inside[], size_t n)
{
        int64_t min = INT64_MAX;

        for (size_t i = 0; i < n; i++)
                if (inside[i] && timers[i].deadline_ns < min)
                        min = timers[i].deadline_ns;
        return min;
}

static void heap_H2_empty(void **state)
{
        (void)state;
        assert_int_equal(execi_heap_min(&heap), INT64_MAX);
        assert_int_equal(execi_heap_count(&heap), 0);
        assert_null(execi_heap_pop(&heap, INT64_MAX));
        execi_heap_trim(&heap);
        assert_int_equal(memory(), memory_before);
}

static void heap_pops_in_order_of_deadlines(void **state)
{
        int64_t last = INT64_MIN;

        (void)state;
        for (size_t i = 0; i < N; i++)
                push(i, (int64_t)(draw() % 500)); /* many are equal */
        for (size_t i = 0; i < N; i++) {
                int64_t min = execi_heap_min(&heap);
                struct execi_timer *t = execi_heap_pop(&heap, INT64_MAX);

                assert_non_null(t);
                assert_int_equal(t->deadline_ns, min);
                assert_true(t->deadline_ns >= last);
                last = t->deadline_ns;
        }
        assert_null(execi_heap_pop(&heap, INT64_MAX));
}

static void heap_pops_only_what_is_due(void **state)
{
        (void)state;
        push(0, 20);
        push(1, 10);
        push(2, INT64_MAX);
        assert_null(execi_heap_pop(&heap, 9));
        assert_ptr_equal(execi_heap_pop(&heap, 10), &timers[1]);
        assert_null(execi_heap_pop(&heap, 19));
        assert_ptr_equal(execi_heap_pop(&heap, INT64_MAX - 1), &timers[0]);
        assert_null(execi_heap_pop(&heap, INT64_MAX - 1));
        assert_ptr_equal(execi_heap_pop(&heap, INT64_MAX), &timers[2]); /* for ever is over when asked for */
}

static void heap_H1_remove_answers_once(void **state)
{
        (void)state;
        assert_false(execi_heap_remove(&heap, &timers[0])); /* never pushed */
        push(0, 5);
        push(1, 6);
        assert_true(execi_heap_remove(&heap, &timers[0]));
        assert_false(execi_heap_remove(&heap, &timers[0]));
        assert_ptr_equal(execi_heap_pop(&heap, INT64_MAX), &timers[1]);
        assert_false(execi_heap_remove(&heap, &timers[1]));
        execi_heap_push(&heap, &timers[0]); /* and again */
        assert_true(execi_heap_remove(&heap, &timers[0]));
        assert_int_equal(execi_heap_count(&heap), 0);
}

static size_t pop_random(bool inside[])
{
        struct execi_timer *t = execi_heap_pop(&heap, INT64_MAX);

        if (!t)
                return 0;
        assert_true(inside[t->kind]);
        assert_int_equal(t->deadline_ns, least(inside, N / 4));
        inside[t->kind] = false;
        return 1;
}

/* A random walk of pushes, removals and pops; @fails_in: one push in so many finds no memory. */
static void walk(unsigned n_steps, unsigned fails_in)
{
        bool inside[N / 4] = {false};
        size_t n_inside = 0, most_overflow = 0;

        for (unsigned step = 0; step < n_steps; step++) {
                size_t i = draw() % (N / 4);
                unsigned lean = step / 512 % 2; /* grow for a while, then shrink */

                if (!inside[i] && draw() % 3 > lean) {
                        if (fails_in && draw() % fails_in == 0)
                                no_memory();
                        push(i, (int64_t)(draw() % 1000));
                        execi_fault_arm(FAULT_ALLOC, 0, false);
                        inside[i] = true;
                        n_inside++;
                } else if (draw() % 4 == 0) {
                        n_inside -= pop_random(inside);
                } else {
                        assert_int_equal(execi_heap_remove(&heap, &timers[i]), inside[i]);
                        n_inside -= inside[i];
                        inside[i] = false;
                }
                most_overflow = heap.n_overflow > most_overflow ? heap.n_overflow : most_overflow;
                if (draw() % 64 == 0)
                        execi_heap_trim(&heap);
                assert_int_equal(execi_heap_count(&heap), n_inside);
                assert_int_equal(execi_heap_min(&heap), least(inside, N / 4));
        }
        while (n_inside)
                n_inside -= pop_random(inside);
        assert_int_equal(most_overflow > 1, fails_in != 0);
}

static void heap_H1_H2_random_walk(void **state)
{
        (void)state;
        walk(20000, 0);
}

static void heap_H1_H2_random_walk_without_memory(void **state)
{
        (void)state;
        walk(20000, 2);
}

static void heap_H3_overflow_from_the_first(void **state)
{
        (void)state;
        no_memory();
        push(0, 30);
        push(1, 10);
        push(2, 20);
        assert_true(execi_fault_fired() > 0);
        assert_int_equal(timers[1].slot, EXECI_TIMER_OVERFLOW);
        assert_int_equal(execi_heap_min(&heap), 10);
        assert_int_equal(execi_heap_count(&heap), 3);
        assert_true(execi_heap_remove(&heap, &timers[1]));
        assert_int_equal(execi_heap_min(&heap), 20);
        assert_null(execi_heap_pop(&heap, 19));
        assert_ptr_equal(execi_heap_pop(&heap, 20), &timers[2]);
        assert_ptr_equal(execi_heap_pop(&heap, 30), &timers[0]);
        assert_int_equal(execi_heap_min(&heap), INT64_MAX);
        assert_null(execi_heap_pop(&heap, INT64_MAX));
}

static void heap_H3_overflow_moves_in_when_there_is_room(void **state)
{
        (void)state;
        for (size_t i = 0; i < FIRST_CAPACITY; i++)
                push(i, 100 + (int64_t)i);
        no_memory();
        push(FIRST_CAPACITY, 50);
        push(FIRST_CAPACITY + 1, 1000);
        assert_int_equal(execi_fault_fired(), 2);
        assert_int_equal(timers[FIRST_CAPACITY].slot, EXECI_TIMER_OVERFLOW);
        assert_int_equal(execi_heap_min(&heap), 50);
        assert_ptr_equal(execi_heap_pop(&heap, INT64_MAX), &timers[FIRST_CAPACITY]); /* the list is looked at too */
        assert_ptr_equal(execi_heap_pop(&heap, INT64_MAX), &timers[0]);
        assert_int_not_equal(timers[FIRST_CAPACITY + 1].slot, EXECI_TIMER_OVERFLOW);
        push(0, 60);
        assert_int_equal(timers[0].slot, EXECI_TIMER_OVERFLOW);
        execi_fault_arm(FAULT_ALLOC, 0, false);
        push(FIRST_CAPACITY, 70); /* now it grows, and all move in */
        assert_int_not_equal(timers[0].slot, EXECI_TIMER_OVERFLOW);
        for (int64_t last = 0, n = FIRST_CAPACITY + 2; n > 0; n--) {
                struct execi_timer *t = execi_heap_pop(&heap, INT64_MAX);

                assert_non_null(t);
                assert_true(t->deadline_ns >= last);
                last = t->deadline_ns;
        }
}

static void heap_memory_is_about_32_bytes_a_timer(void **state)
{
        (void)state;
        for (size_t i = 0; i < 1024; i++)
                push(i, (int64_t)i);
        assert_in_range(memory() - memory_before, 1, 1024 * 32);
}

static void heap_trim_gives_back_and_keeps_all(void **state)
{
        int64_t full;

        (void)state;
        for (size_t i = 0; i < N; i++)
                push(i, (int64_t)(draw() % 1000));
        full = memory();
        for (size_t i = 0; i < N - 40; i++) /* those with the high slots stay */
                assert_true(execi_heap_remove(&heap, &timers[i]));
        execi_heap_trim(&heap);
        assert_in_range(memory() - memory_before, 1, (full - memory_before) / 8);
        for (size_t i = 0; i < 100; i++)
                push(i, (int64_t)(draw() % 1000));
        for (int64_t last = 0, n = 140; n > 0; n--) {
                struct execi_timer *t = execi_heap_pop(&heap, INT64_MAX);

                assert_non_null(t);
                assert_true(t->deadline_ns >= last);
                last = t->deadline_ns;
        }
        execi_heap_trim(&heap);
        assert_int_equal(memory(), memory_before);
}

static void heap_trim_without_memory_changes_nothing(void **state)
{
        (void)state;
        for (size_t i = 0; i < N; i++)
                push(i, (int64_t)i);
        for (size_t i = 10; i < N; i++)
                assert_true(execi_heap_remove(&heap, &timers[i]));
        no_memory();
        execi_heap_trim(&heap);
        assert_true(execi_fault_fired() > 0);
        for (size_t i = 10; i < 200; i++)
                push(i, (int64_t)i);
        for (size_t i = 0; i < 200; i++)
                assert_ptr_equal(execi_heap_pop(&heap, INT64_MAX), &timers[i]);
        assert_int_equal(execi_heap_count(&heap), 0);
}

#define WITH_SETUP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                WITH_SETUP(heap_H2_empty),
                WITH_SETUP(heap_pops_in_order_of_deadlines),
                WITH_SETUP(heap_pops_only_what_is_due),
                WITH_SETUP(heap_H1_remove_answers_once),
                WITH_SETUP(heap_H1_H2_random_walk),
                WITH_SETUP(heap_H1_H2_random_walk_without_memory),
                WITH_SETUP(heap_H3_overflow_from_the_first),
                WITH_SETUP(heap_H3_overflow_moves_in_when_there_is_room),
                WITH_SETUP(heap_memory_is_about_32_bytes_a_timer),
                WITH_SETUP(heap_trim_gives_back_and_keeps_all),
                WITH_SETUP(heap_trim_without_memory_changes_nothing),
        };

        return cmocka_run_group_tests_name("queue_heap", tests, NULL, NULL);
}
