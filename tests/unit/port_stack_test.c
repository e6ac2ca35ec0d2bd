/* Stacks: S1 to S3 of stack.h, Y1 to Y3 of depth.h, the ladder of guards, the counters, and giving memory back. */
#include "port/stack.h"

#include "port/fault.h"
#include "port/memory.h"
#include "port/sanitizer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "port_child.h"

enum { BYTES = 64 << 10, PAGE = 4096 };

static bool has_madvise;

static size_t resident(const struct execi_stacks *s, char *const low[], size_t n)
{
        size_t found = 0;

        for (size_t i = 0; i < n; i++)
                found += execi_stack_touched(s, low[i]) > 0;
        return found;
}

static void touch(const struct execi_stacks *s, char *const low[], size_t n)
{
        for (size_t i = 0; i < n; i++)
                low[i][s->bytes - 64] = 1;
}

static uint64_t count(_Atomic(uint64_t) *counter)
{
        return atom_load(counter, RELAXED);
}

/* ---- S1: guards ---- */

struct poke {
        char *at;
};

static void poke(void *arg)
{
        struct poke *p = arg;

        *(volatile char *)p->at = 1;
}

static int signal_of_poke(char *at)
{
        struct poke p = {at};

        return child_run(poke, &p).signal;
}

static void expect_guard_page(char *low)
{
        assert_int_equal(signal_of_poke(low - 1), SIGSEGV);
        assert_int_equal(signal_of_poke(low - EXECI_GUARD_BYTES), SIGSEGV);
        assert_int_equal(signal_of_poke(low), 0);
        assert_int_equal(signal_of_poke(low + BYTES - 1), 0);
}

/* Guards fault when new, and when their stacks' pages were given back and they are handed out again. */
static void guard_faults(enum execi_guard rung, bool recycle)
{
        struct execi_stacks s;
        char *low[3], *again[3];

        assert_int_equal(execi_stacks_init(&s, BYTES, rung, recycle), 0);
        assert_int_equal(execi_stacks_get(&s, low, 3), 3);
        assert_int_equal(execi_stack_guard(&s, low[1]), rung);
        expect_guard_page(low[1]);
        touch(&s, low, 3);
        execi_stacks_put(&s, low + 1, 2);
        execi_stacks_trim(&s, 0); /* the first one in use keeps the region */
        assert_int_equal(execi_stacks_get(&s, again, 2), 2);
        assert_int_equal(execi_stack_guard(&s, again[0]), rung);
        expect_guard_page(again[0]);
        execi_stacks_put(&s, again, 2);
        execi_stacks_put(&s, low, 1);
        execi_stacks_fini(&s);
}

static void madvise_guard_faults_S1(void **state)
{
        (void)state;
        if (!has_madvise)
                skip();
        guard_faults(GUARD_MADVISE, true);
}

static void mprotect_guard_faults_S1(void **state)
{
        (void)state;
        guard_faults(GUARD_MPROTECT, true);
}

static void lone_stack_guard_faults_S1(void **state)
{
        (void)state;
        if (has_madvise)
                guard_faults(GUARD_MADVISE, false);
        guard_faults(GUARD_MPROTECT, false);
}

static void canary_dies_and_comes_back_S1(void **state)
{
        struct execi_stacks s;
        char *low[2];

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_CANARY, true), 0);
        assert_int_equal(execi_stacks_get(&s, low, 2), 2);
        assert_int_equal(execi_stack_guard(&s, low[0]), GUARD_CANARY);
        assert_true(execi_stack_intact(&s, low[0]));
        memset(low[0], 0, 8); /* what an overflow does first */
        assert_false(execi_stack_intact(&s, low[0]));
        assert_true(execi_stack_intact(&s, low[1]));
        execi_stacks_put(&s, low, 1);
        execi_stacks_trim(&s, 0);
        assert_int_equal(execi_stacks_get(&s, low, 1), 1);
        assert_true(execi_stack_intact(&s, low[0]));
        execi_stacks_put(&s, low, 2);
        execi_stacks_fini(&s);
}

static void without_a_canary_a_stack_is_intact(void **state)
{
        struct execi_stacks s;
        char *low[1];

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_MPROTECT, true), 0);
        assert_int_equal(execi_stacks_get(&s, low, 1), 1);
        memset(low[0], 0, 8);
        assert_true(execi_stack_intact(&s, low[0]));
        execi_stacks_put(&s, low, 1);
        execi_stacks_fini(&s);
}

/* ---- the ladder ---- */

static void get_and_put(enum execi_guard rung, bool recycle, size_t n, enum execi_guard expected)
{
        struct execi_stacks s;
        char *low[200];

        assert_int_equal(execi_stacks_init(&s, BYTES, rung, recycle), 0);
        assert_int_equal(execi_stacks_get(&s, low, n), n);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(execi_stack_guard(&s, low[i]), expected);
        assert_int_equal(count(&s.n_guard[expected]), n);
        execi_stacks_put(&s, low, n);
        execi_stacks_fini(&s);
}

static void ladder_begins_with_the_best(void **state)
{
        (void)state;
        get_and_put(GUARD_BEST, true, 200, has_madvise ? GUARD_MADVISE : GUARD_MPROTECT);
        get_and_put(GUARD_BEST, false, 3, has_madvise ? GUARD_MADVISE : GUARD_MPROTECT);
}

static void ladder_falls_to_mprotect_without_madvise(void **state)
{
        (void)state;
        execi_fault_arm(FAULT_MADVISE, 1, true);
        get_and_put(GUARD_BEST, true, 200, GUARD_MPROTECT);
        get_and_put(GUARD_BEST, false, 3, GUARD_MPROTECT);
        assert_true(execi_fault_fired() > 0);
        execi_fault_arm(FAULT_MADVISE, 0, false);
}

static void ladder_falls_to_the_canary_without_mprotect(void **state)
{
        (void)state;
        execi_fault_arm(FAULT_MADVISE, 1, true);
        execi_fault_arm(FAULT_MPROTECT, 1, true);
        get_and_put(GUARD_BEST, true, 200, GUARD_CANARY);
        get_and_put(GUARD_MPROTECT, true, 3, GUARD_CANARY);
        execi_fault_arm(FAULT_MADVISE, 0, false);
        execi_fault_arm(FAULT_MPROTECT, 0, false);
        assert_int_equal(execi_guard_n_mappings(), 0);
}

static void ladder_survives_one_failure_of_madvise(void **state)
{
        (void)state;
        if (!has_madvise)
                skip();
        for (uint64_t nth = 1; nth <= 6; nth++) {
                struct execi_stacks s;
                char *low[100];
                assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, true), 0);
                execi_fault_arm(FAULT_MADVISE, nth, false);
                assert_int_equal(execi_stacks_get(&s, low, 100), 100);
                execi_fault_arm(FAULT_MADVISE, 0, false);
                assert_true(count(&s.n_guard[GUARD_MADVISE]) >= 99);
                assert_int_equal(count(&s.n_guard[GUARD_CANARY]), 0);
                execi_stacks_put(&s, low, 100);
                execi_stacks_fini(&s);
        }
}

static void madvise_alone_gives_no_other_guard_S1(void **state)
{
        struct execi_stacks s;
        char *low[100];

        (void)state;
        execi_fault_arm(FAULT_MADVISE, 1, true);
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_MADVISE, true), -ENOTSUP);
        execi_fault_arm(FAULT_MADVISE, 0, false);
        if (!has_madvise)
                skip();
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_MADVISE, true), 0);
        execi_fault_arm(FAULT_MADVISE, 1, true);
        assert_int_equal(execi_stacks_get(&s, low, 100), 0);
        execi_fault_arm(FAULT_MADVISE, 0, false);
        assert_int_equal(count(&s.n_live), 0);
        assert_int_equal(execi_stacks_get(&s, low, 100), 100); /* and is not stuck */
        assert_int_equal(count(&s.n_guard[GUARD_MADVISE]), 100);
        execi_stacks_put(&s, low, 100);
        execi_stacks_fini(&s);
}

static void mprotect_keeps_its_budget(void **state)
{
        struct execi_stacks s;
        char *low[100];

        (void)state;
        execi_guard_set_budget(60);
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_MPROTECT, true), 0);
        assert_int_equal(execi_stacks_get(&s, low, 100), 100);
        assert_int_equal(count(&s.n_guard[GUARD_MPROTECT]), 30);
        assert_int_equal(count(&s.n_guard[GUARD_CANARY]), 70);
        assert_int_equal(execi_guard_n_mappings(), 60);
        execi_stacks_put(&s, low, 100);
        execi_stacks_trim(&s, 0); /* unmaps, and gives the budget back */
        assert_int_equal(execi_guard_n_mappings(), 0);
        assert_int_equal(execi_stacks_get(&s, low, 10), 10);
        assert_int_equal(count(&s.n_guard[GUARD_MPROTECT]), 10);
        execi_stacks_put(&s, low, 10);
        execi_stacks_fini(&s);
        execi_guard_set_budget(0);
        assert_int_equal(execi_guard_n_mappings(), 0);
}

/* ---- no memory ---- */

static void get_fails_cleanly_without_memory(void **state)
{
        static const enum execi_fault_kind kinds[] = {FAULT_MAP, FAULT_ALLOC};
        int64_t allocated = execi_memory_allocated(), mapped = execi_memory_mapped();
        struct execi_stacks s;
        char *low[300];

        (void)state;
        for (size_t k = 0; k < 2; k++) {
                assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, true), 0);
                execi_fault_arm(kinds[k], 1, true);
                assert_int_equal(execi_stacks_get(&s, low, 300), 0);
                execi_fault_arm(kinds[k], 0, false);
                assert_int_equal(execi_memory_allocated(), allocated);
                assert_int_equal(execi_memory_mapped(), mapped);
                for (uint64_t nth = 1; nth <= 8; nth++) {
                        execi_fault_arm(kinds[k], nth, true);
                        size_t got = execi_stacks_get(&s, low, 300);
                        execi_fault_arm(kinds[k], 0, false);
                        assert_true(got <= 300);
                        got += execi_stacks_get(&s, low + got, 300 - got);
                        assert_int_equal(got, 300);
                        execi_stacks_put(&s, low, 300);
                        execi_stacks_trim(&s, 0);
                }
                execi_stacks_fini(&s);
                assert_int_equal(execi_memory_allocated(), allocated);
                assert_int_equal(execi_memory_mapped(), mapped);
        }
}

static void one_refused_map_is_made_up_for(void **state)
{
        struct execi_stacks s;
        char *low[10];

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, true), 0);
        execi_fault_arm(FAULT_MAP, 1, false);
        assert_int_equal(execi_stacks_get(&s, low, 10), 10); /* from a smaller region */
        assert_int_equal(execi_fault_fired(), 1);
        execi_fault_arm(FAULT_MAP, 0, false);
        execi_stacks_put(&s, low, 10);
        execi_stacks_fini(&s);
}

/* ---- counters, order, trim ---- */

static void counters_follow(void **state)
{
        struct execi_stacks s;
        char *low[150];

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES - 1, GUARD_BEST, true), 0);
        assert_int_equal(s.bytes, BYTES);
        assert_int_equal(execi_stacks_get(&s, low, 150), 150);
        assert_int_equal(count(&s.n_live), 150);
        assert_int_equal(count(&s.n_free), 0);
        execi_stacks_put(&s, low, 50);
        assert_int_equal(count(&s.n_live), 150);
        assert_int_equal(count(&s.n_free), 50);
        assert_int_equal(execi_stacks_get(&s, low, 20), 20);
        assert_int_equal(count(&s.n_free), 30);
        execi_stacks_put(&s, low, 20);
        execi_stacks_put(&s, low + 50, 100);
        execi_stacks_trim(&s, 0);
        assert_int_equal(count(&s.n_live), 0);
        assert_int_equal(count(&s.n_free), 0);
        assert_int_equal(count(&s.n_peak), 150);
        execi_stacks_fini(&s);
}

static void the_warmest_comes_first(void **state)
{
        struct execi_stacks s;
        char *low[20], *one;

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, true), 0);
        assert_int_equal(execi_stacks_get(&s, low, 20), 20);
        execi_stacks_put(&s, &low[3], 1);
        execi_stacks_put(&s, &low[7], 1);
        assert_int_equal(execi_stacks_get(&s, &one, 1), 1);
        assert_ptr_equal(one, low[7]);
        assert_int_equal(execi_stacks_get(&s, &one, 1), 1);
        assert_ptr_equal(one, low[3]);
        execi_stacks_put(&s, low, 20);
        execi_stacks_fini(&s);
}

static void trim_leaves_only_what_is_kept_S2(void **state)
{
        struct execi_stacks s;
        char *low[100], *kept[5];

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, true), 0);
        assert_int_equal(execi_stacks_get(&s, low, 100), 100);
        touch(&s, low, 100);
        assert_int_equal(resident(&s, low, 100), 100);
        execi_stacks_put(&s, low, 99);
        execi_stacks_trim(&s, 5);
        /* Regions that are gone have no pages either: mincore(2) fails there. */
        assert_in_range(resident(&s, low, 99), 1, 5);
        assert_int_equal(execi_stack_touched(&s, low[99]), 4096);
        assert_int_equal(execi_stacks_get(&s, kept, 5), 5);
        assert_int_equal(resident(&s, kept, 5), 5); /* the kept are the next */
        execi_stacks_put(&s, kept, 5);
        execi_stacks_trim(&s, 0);
        assert_int_equal(resident(&s, low, 99), 0);
        execi_stacks_put(&s, &low[99], 1);
        execi_stacks_fini(&s);
}

static void trim_unmaps_what_is_unused_S2(void **state)
{
        int64_t allocated = execi_memory_allocated(), mapped = execi_memory_mapped();
        struct execi_stacks s;
        char **low = calloc(1000, sizeof *low);

        (void)state;
        assert_non_null(low);
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, true), 0);
        for (int round = 0; round < 3; round++) {
                assert_int_equal(execi_stacks_get(&s, low, 1000), 1000);
                assert_true(execi_memory_mapped() > mapped + 1000 * (int64_t)BYTES);
                execi_stacks_put(&s, low, 1000);
                execi_stacks_trim(&s, 0);
                assert_int_equal(execi_memory_mapped(), mapped);
        }
        execi_stacks_fini(&s);
        assert_int_equal(execi_memory_allocated(), allocated);
        free(low);
}

static void lone_stacks_are_unmapped_at_once(void **state)
{
        int64_t mapped = execi_memory_mapped();
        struct execi_stacks s;
        char *low[10];

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, false), 0);
        assert_int_equal(execi_stacks_get(&s, low, 10), 10);
        assert_int_equal(count(&s.n_live), 10);
        touch(&s, low, 10);
        execi_stacks_put(&s, low, 10);
        assert_int_equal(execi_memory_mapped(), mapped);
        assert_int_equal(count(&s.n_live), 0);
        execi_stacks_fini(&s);
}

static void put_twice(void *arg)
{
        struct execi_stacks *s = arg;
        char *low;

        if (execi_stacks_get(s, &low, 1) != 1)
                _exit(1);
        execi_stacks_put(s, &low, 1);
        execi_stacks_put(s, &low, 1);
}

static void put_foreign(void *arg)
{
        char *low = execi_map(BYTES, 1);

        execi_stacks_put(arg, &low, 1);
}

static void misuse_is_named_S3(void **state)
{
        struct execi_stacks s;

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, true), 0);
        struct child_end twice = child_run(put_twice, &s), foreign = child_run(put_foreign, &s);
        assert_int_equal(twice.signal, SIGABRT);
        assert_non_null(strstr(twice.text, "given back twice"));
        assert_int_equal(foreign.signal, SIGABRT);
        assert_non_null(strstr(foreign.text, "does not belong here"));
        execi_stacks_fini(&s);
}

/* ---- questions ---- */

static void neighbours_differ_in_colour(void **state)
{
        struct execi_stacks s;
        char *low[64];
        unsigned seen = 0;

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, true), 0);
        assert_int_equal(execi_stacks_get(&s, low, 64), 64);
        for (size_t i = 0; i < 64; i++) {
                unsigned colour = execi_stack_colour(&s, low[i]);
                assert_in_range(colour, 0, 18);
                seen |= 1u << colour;
                if (i > 0)
                        assert_true(colour != execi_stack_colour(&s, low[i - 1]));
        }
        assert_int_equal(seen, (1u << 19) - 1);
        execi_stacks_put(&s, low, 64);
        execi_stacks_fini(&s);
}

static void touched_is_measured_from_the_top(void **state)
{
        struct execi_stacks s;
        char *low;

        (void)state;
        assert_int_equal(execi_stacks_init(&s, 1 << 20, GUARD_BEST, true), 0);
        assert_int_equal(execi_stacks_get(&s, &low, 1), 1);
        assert_int_equal(execi_stack_touched(&s, low), 0);
        low[(1 << 20) - 1] = 1;
        assert_int_equal(execi_stack_touched(&s, low), PAGE);
        low[(1 << 20) - 70 * PAGE] = 1;
        assert_int_equal(execi_stack_touched(&s, low), 70 * PAGE);
        low[0] = 1;
        assert_int_equal(execi_stack_touched(&s, low), 1 << 20);
        execi_stacks_put(&s, &low, 1);
        execi_stacks_fini(&s);
}

/* ---- depth ---- */

static void expect_depth(struct execi_stacks *s, size_t bytes)
{
        errno = EDOM;
        assert_int_equal(execi_stacks_depth(s), bytes);
        assert_int_equal(errno, EDOM);
}

static void touch_deep(const struct execi_stacks *s, char *low, size_t bytes)
{
        for (size_t at = 64; at < bytes; at += PAGE)
                low[s->bytes - at] = 1;
        low[s->bytes - bytes] = 1;
}

static void depth_of_a_stack_in_use_Y1(void **state)
{
        struct execi_stacks s;
        char *low[100];

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, true), 0);
        expect_depth(&s, 0);
        assert_int_equal(execi_stacks_get(&s, low, 60), 60);
        expect_depth(&s, 0);
        touch(&s, low, 60);
        expect_depth(&s, PAGE);
        touch_deep(&s, low[41], 40 << 10);
        expect_depth(&s, 40 << 10);
        touch_deep(&s, low[7], 20 << 10);
        expect_depth(&s, 40 << 10);
        execi_stacks_put(&s, low, 60);
        expect_depth(&s, 40 << 10);
        execi_stacks_trim(&s, 0);
        expect_depth(&s, 40 << 10);
        execi_stacks_fini(&s);
}

/* Nobody has asked before the pages went. */
static void depth_is_seen_before_pages_go(void **state)
{
        static const size_t in_use[] = {0, 1};

        (void)state;
        for (size_t k = 0; k < 2; k++) { /* the region is unmapped, or only emptied */
                struct execi_stacks s;
                char *low[300];
                assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, true), 0);
                assert_int_equal(execi_stacks_get(&s, low, 300), 300);
                touch(&s, low, 300);
                touch_deep(&s, low[1 + 60 * k], 40 << 10);
                execi_stacks_put(&s, low + in_use[k], 300 - in_use[k]);
                execi_stacks_trim(&s, 0);
                assert_int_equal(execi_stack_touched(&s, low[1 + 60 * k]), 0);
                expect_depth(&s, 40 << 10);
                execi_stacks_put(&s, low, in_use[k]);
                execi_stacks_fini(&s);
        }
}

static void depth_of_lone_stacks_is_seen_at_their_end(void **state)
{
        struct execi_stacks s;
        char *low[2];

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, false), 0);
        assert_int_equal(execi_stacks_get(&s, low, 2), 2);
        touch_deep(&s, low[0], 24 << 10);
        expect_depth(&s, 0);
        execi_stacks_put(&s, low, 2);
        expect_depth(&s, 24 << 10);
        execi_stacks_fini(&s);
}

static void canary_is_not_taken_for_depth_Y3(void **state)
{
        struct execi_stacks s;
        char *low[10];

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_CANARY, true), 0);
        assert_int_equal(execi_stacks_get(&s, low, 10), 10);
        expect_depth(&s, 0);
        touch(&s, low, 10);
        expect_depth(&s, PAGE);
        touch_deep(&s, low[3], BYTES);
        expect_depth(&s, BYTES - PAGE);
        execi_stacks_put(&s, low, 10);
        execi_stacks_fini(&s);
}

/* More than are looked at each time: the next time it is others. */
static void many_stacks_are_looked_at_in_turns(void **state)
{
        struct execi_stacks s;
        char *low[128];
        size_t n_looks = 0;

        (void)state;
        assert_int_equal(execi_stacks_init(&s, BYTES, GUARD_BEST, true), 0);
        assert_int_equal(execi_stacks_get(&s, low, 128), 128);
        touch(&s, low, 128);
        touch_deep(&s, low[70], 3 * PAGE);
        expect_depth(&s, 3 * PAGE); /* the first time there is time for all */
        for (size_t pages = 4; pages < 14; pages++) {
                touch_deep(&s, low[pages * 9], pages * PAGE);
                for (n_looks = 1; execi_stacks_depth(&s) < pages * PAGE; n_looks++)
                        assert_true(n_looks <= 8);
        }
        execi_stacks_put(&s, low, 128);
        execi_stacks_fini(&s);
}

static void depth_of_a_huge_stack(void **state)
{
        const size_t bytes = (size_t)64 << 20;
        struct execi_stacks s;
        char *low;

        (void)state;
        assert_int_equal(execi_stacks_init(&s, bytes, GUARD_MPROTECT, false), 0);
        assert_int_equal(execi_stacks_get(&s, &low, 1), 1);
        low[bytes - 1] = 1;
        assert_int_equal(execi_stack_touched(&s, low), PAGE);
        low[bytes - (15 << 20)] = 1; /* a large array, of which the far end is used */
        assert_int_equal(execi_stack_touched(&s, low), 15 << 20);
        low[bytes - (30 << 20)] = 1;
        assert_int_equal(execi_stack_touched(&s, low), 30 << 20);
        execi_stacks_put(&s, &low, 1);
        expect_depth(&s, 30 << 20);
        execi_stacks_fini(&s);
}

/* The library's calls of mincore(2) come here; what is to happen just before the next one, once. */
static void (*before_mincore)(void);

int mincore(void *at, size_t bytes, unsigned char *resident)
{
        void (*fn)(void) = before_mincore;

        if (fn) {
                before_mincore = NULL;
                fn();
        }
        return (int)syscall(SYS_mincore, at, bytes, resident);
}

static struct {
        struct execi_stacks stacks;
        char *low, *foreign;
} moved;

/* The region goes, and somebody else's memory comes to lie there. */
static void unmap_and_fill(void)
{
        execi_stacks_put(&moved.stacks, &moved.low, 1);
        execi_stacks_trim(&moved.stacks, 0);
        moved.foreign = mmap(moved.low, BYTES, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (moved.foreign != MAP_FAILED)
                memset(moved.foreign, 1, BYTES);
}

static void foreign_memory_is_not_taken_for_depth_Y2(void **state)
{
        (void)state;
        assert_int_equal(execi_stacks_init(&moved.stacks, BYTES, GUARD_BEST, true), 0);
        assert_int_equal(execi_stacks_get(&moved.stacks, &moved.low, 1), 1);
        touch(&moved.stacks, &moved.low, 1);
        before_mincore = unmap_and_fill;
        expect_depth(&moved.stacks, PAGE);
        assert_null(before_mincore);
        assert_ptr_equal(moved.foreign, moved.low);
        munmap(moved.foreign, BYTES);
        execi_stacks_fini(&moved.stacks);
}

/* ---- S3: several threads ---- */

enum { THREADS = 3, ROUNDS = 1500, HOLD = 40 };

struct crowd {
        struct execi_stacks stacks;
        _Atomic(long) n_shared, n_short, n_foreign;
        _Atomic(bool) is_over;
};

static void *churn(void *arg)
{
        struct crowd *c = arg;
        char *low[HOLD];

        for (int round = 0; round < ROUNDS; round++) {
                size_t want = (size_t)(round % HOLD) + 1;
                size_t got = execi_stacks_get(&c->stacks, low, want);
                if (got < want)
                        atom_add(&c->n_short, 1, RELAXED);
                for (size_t i = 0; i < got; i++)
                        *(void *volatile *)(void *)(low[i] + BYTES - 64) = &low[i];
                for (size_t i = 0; i < got; i++) { /* nobody else wrote there, and no trim wiped it */
                        if (*(void *volatile *)(void *)(low[i] + BYTES - 64) != &low[i])
                                atom_add(&c->n_shared, 1, RELAXED);
                }
                execi_stacks_put(&c->stacks, low, got);
                if (round % 16 == 0)
                        execi_stacks_trim(&c->stacks, (size_t)round % 3 * 10);
        }
        return NULL;
}

static void *look(void *arg)
{
        struct crowd *c = arg;

        while (!atom_load(&c->is_over, ACQUIRE)) {
                if (execi_stacks_depth(&c->stacks) > PAGE) /* all stacks are touched at their tops only */
                        atom_add(&c->n_foreign, 1, RELAXED);
        }
        return NULL;
}

static void no_stack_is_in_two_hands_S3(void **state)
{
        static struct crowd c;
        pthread_t threads[THREADS], looker;

        (void)state;
        assert_int_equal(execi_stacks_init(&c.stacks, BYTES, GUARD_BEST, true), 0);
        for (int i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, churn, &c), 0);
        assert_int_equal(pthread_create(&looker, NULL, look, &c), 0);
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        atom_store(&c.is_over, true, RELEASE);
        pthread_join(looker, NULL);
        assert_int_equal(atom_load(&c.n_foreign, RELAXED), 0);
        expect_depth(&c.stacks, PAGE);
        assert_int_equal(atom_load(&c.n_shared, RELAXED), 0);
        assert_int_equal(atom_load(&c.n_short, RELAXED), 0);
        assert_int_equal(count(&c.stacks.n_live), count(&c.stacks.n_free));
        execi_stacks_fini(&c.stacks);
}

static int init(void **state)
{
        (void)state;
        execi_sanitizer_init();
        has_madvise = execi_guard_probe();
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(madvise_guard_faults_S1),
                cmocka_unit_test(mprotect_guard_faults_S1),
                cmocka_unit_test(lone_stack_guard_faults_S1),
                cmocka_unit_test(canary_dies_and_comes_back_S1),
                cmocka_unit_test(without_a_canary_a_stack_is_intact),
                cmocka_unit_test(ladder_begins_with_the_best),
                cmocka_unit_test(ladder_falls_to_mprotect_without_madvise),
                cmocka_unit_test(ladder_falls_to_the_canary_without_mprotect),
                cmocka_unit_test(ladder_survives_one_failure_of_madvise),
                cmocka_unit_test(madvise_alone_gives_no_other_guard_S1),
                cmocka_unit_test(mprotect_keeps_its_budget),
                cmocka_unit_test(get_fails_cleanly_without_memory),
                cmocka_unit_test(one_refused_map_is_made_up_for),
                cmocka_unit_test(counters_follow),
                cmocka_unit_test(the_warmest_comes_first),
                cmocka_unit_test(trim_leaves_only_what_is_kept_S2),
                cmocka_unit_test(trim_unmaps_what_is_unused_S2),
                cmocka_unit_test(lone_stacks_are_unmapped_at_once),
                cmocka_unit_test(misuse_is_named_S3),
                cmocka_unit_test(neighbours_differ_in_colour),
                cmocka_unit_test(touched_is_measured_from_the_top),
                cmocka_unit_test(depth_of_a_stack_in_use_Y1),
                cmocka_unit_test(depth_is_seen_before_pages_go),
                cmocka_unit_test(depth_of_lone_stacks_is_seen_at_their_end),
                cmocka_unit_test(canary_is_not_taken_for_depth_Y3),
                cmocka_unit_test(many_stacks_are_looked_at_in_turns),
                cmocka_unit_test(depth_of_a_huge_stack),
                cmocka_unit_test(foreign_memory_is_not_taken_for_depth_Y2),
                cmocka_unit_test(no_stack_is_in_two_hands_S3),
        };

        return cmocka_run_group_tests(tests, init, NULL);
}
