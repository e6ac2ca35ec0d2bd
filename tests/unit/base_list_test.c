/* The FIFO of links: order, emptiness, chains. */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void fifo_keeps_the_order(void **state)
{
        struct execi_fifo q = {NULL, NULL};
        struct execi_link l[5];

        (void)state;
        assert_null(execi_fifo_pop(&q));
        for (size_t i = 0; i < 3; i++)
                execi_fifo_push(&q, &l[i]);
        assert_ptr_equal(execi_fifo_pop(&q), &l[0]);
        execi_fifo_push(&q, &l[3]);
        for (size_t i = 1; i < 4; i++)
                assert_ptr_equal(execi_fifo_pop(&q), &l[i]);
        assert_null(execi_fifo_pop(&q));
}

static void fifo_is_usable_after_running_empty(void **state)
{
        struct execi_fifo q = {NULL, NULL};
        struct execi_link l[2];

        (void)state;
        for (int round = 0; round < 3; round++) {
                execi_fifo_push(&q, &l[0]);
                assert_ptr_equal(execi_fifo_pop(&q), &l[0]);
                assert_null(execi_fifo_pop(&q));
        }
        execi_fifo_push(&q, &l[0]);
        execi_fifo_push(&q, &l[1]);
        assert_ptr_equal(execi_fifo_pop(&q), &l[0]);
        assert_ptr_equal(execi_fifo_pop(&q), &l[1]);
}

static void fifo_takes_a_chain(void **state)
{
        struct execi_fifo q = {NULL, NULL};
        struct execi_link l[5];

        (void)state;
        l[0].next = &l[1];
        l[1].next = &l[2];
        l[2].next = &l[4]; /* the chain's end is what the call says, not this */
        execi_fifo_push_chain(&q, &l[0], &l[2]);
        execi_fifo_push_chain(&q, &l[3], &l[3]);
        for (size_t i = 0; i < 4; i++)
                assert_ptr_equal(execi_fifo_pop(&q), &l[i]);
        assert_null(execi_fifo_pop(&q));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fifo_keeps_the_order),
                cmocka_unit_test(fifo_is_usable_after_running_empty),
                cmocka_unit_test(fifo_takes_a_chain),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
