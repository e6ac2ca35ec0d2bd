/* The context switch: what travels, alignment at the entry, unwinding. Every backend must pass. */
#include "port/context.h"

#include "base/compiler.h"
#include "port/memory.h"
#include "port/sanitizer.h"

#include <execinfo.h>
#include <fenv.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STACK_BYTES = 256 << 10 };

/* A stack with a context, and whoever it was entered from. */
struct coroutine {
        struct execi_context context;
        struct execi_sanitizer_stack sanitizer;
        struct coroutine *back; /* go there when it is left */
        char *low;
        void (*fn)(struct coroutine *self);
        long in, out;
        void *ptr;
};

NOINLINE static void go(struct coroutine *from, struct coroutine *to, bool dying)
{
        execi_sanitizer_before_switch(&from->sanitizer, &to->sanitizer, dying);
        execi_context_switch(&from->context, &to->context);
        execi_sanitizer_after_switch(&from->sanitizer);
}

static void leave(struct coroutine *self)
{
        go(self, self->back, false);
}

static void enter(void *arg)
{
        struct coroutine *self = arg;

        execi_sanitizer_after_switch(&self->sanitizer);
        self->fn(self);
        go(self, self->back, true);
}

static void start(struct coroutine *c, void (*fn)(struct coroutine *))
{
        c->low = execi_map(STACK_BYTES, 1);
        assert_non_null(c->low);
        c->fn = fn;
        assert_true(execi_sanitizer_stack_init(&c->sanitizer, c->low, STACK_BYTES));
        execi_context_make(&c->context, c->low, c->low + STACK_BYTES, enter, c);
}

static void end(struct coroutine *c)
{
        execi_sanitizer_stack_fini(&c->sanitizer);
        execi_unmap(c->low, STACK_BYTES);
}

/* The calling thread's own stack goes into the coroutine until that leaves. */
static void resume(struct coroutine *c)
{
        struct coroutine here = {.low = NULL};

        execi_sanitizer_thread_stack(&here.sanitizer);
        c->back = &here;
        go(&here, c, false);
}

/* ---- */

static void add_up(struct coroutine *self)
{
        for (;;) {
                self->out += self->in;
                leave(self);
        }
}

static void switch_goes_there_and_back(void **state)
{
        struct coroutine c = {.in = 0};

        (void)state;
        start(&c, add_up);
        for (long i = 1; i <= 1000; i++) {
                c.in = i;
                resume(&c);
                assert_int_equal(c.out, i * (i + 1) / 2);
        }
        end(&c);
}

/* AddressSanitizer would keep the block elsewhere. */
__attribute__((no_sanitize("address"))) static void look_at_alignment(struct coroutine *self)
{
        _Alignas(16) char block[16];

#if defined(__x86_64__)
        __asm__ volatile("movaps %%xmm0, %0" : "=m"(block)); /* faults unless the ABI's alignment holds */
#else
        memset(block, 0, sizeof block);
#endif
        self->out = (long)((uintptr_t)block % 16);
        self->in = block > self->low && block < self->low + STACK_BYTES;
}

static void entry_is_aligned(void **state)
{
        struct coroutine c = {.out = -1};

        (void)state;
        start(&c, look_at_alignment);
        resume(&c);
        assert_int_equal(c.out, 0);
        assert_int_equal(c.in, 1); /* and it runs on its own stack */
        end(&c);
}

/* Keeps more values alive across the switch than the callee-saved registers can hold. */
NOINLINE static long keep_many(struct coroutine *self, const long *v)
{
        long a = v[0] * 3, b = v[1] * 5, c = v[2] * 7, d = v[3] * 11, e = v[4] * 13, f = v[5] * 17, g = v[6] * 19;

        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e));
        leave(self);
        return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g;
}

static long expected(const long *v)
{
        return 3 * v[0] + 10 * v[1] + 21 * v[2] + 44 * v[3] + 65 * v[4] + 102 * v[5] + 133 * v[6];
}

static void keep_registers(struct coroutine *self)
{
        for (;;)
                self->out = keep_many(self, self->ptr);
}

static void callee_saved_registers_travel(void **state)
{
        struct coroutine c[8] = {{.in = 0}};
        long v[8][7];

        (void)state;
        for (size_t i = 0; i < 8; i++) {
                for (size_t k = 0; k < 7; k++)
                        v[i][k] = (long)(i * 1000 + k + 1);
                c[i].ptr = v[i];
                start(&c[i], keep_registers);
                resume(&c[i]);
        }
        for (size_t round = 0; round < 10; round++) {
                for (size_t i = 0; i < 8; i++) {
                        resume(&c[i]);
                        assert_int_equal(c[i].out, expected(v[i]));
                }
        }
        for (size_t i = 0; i < 8; i++)
                end(&c[i]);
}

/* The same with floating-point numbers: aarch64 keeps eight of their registers across a call, x86-64 none. */
NOINLINE static double keep_many_doubles(struct coroutine *self, const double *v)
{
        double a = v[0] * 3, b = v[1] * 5, c = v[2] * 7, d = v[3] * 11, e = v[4] * 13, f = v[5] * 17, g = v[6] * 19,
               h = v[7] * 23, i = v[8] * 29;

        leave(self);
        return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i;
}

static void keep_floating(struct coroutine *self)
{
        const double *v = self->ptr;

        self->out = (long)keep_many_doubles(self, v);
}

static void callee_saved_floating_point_registers_travel(void **state)
{
        struct coroutine c[4] = {{.in = 0}};
        double v[4][9];

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                for (size_t k = 0; k < 9; k++)
                        v[i][k] = (double)(i * 1000 + k + 1);
                c[i].ptr = v[i];
                start(&c[i], keep_floating);
                resume(&c[i]);
        }
        for (size_t i = 0; i < 4; i++) {
                const double *w = v[i];
                double sum = 3 * w[0] + 10 * w[1] + 21 * w[2] + 44 * w[3] + 65 * w[4] + 102 * w[5] + 133 * w[6] +
                             184 * w[7] + 261 * w[8];
                resume(&c[i]);
                assert_int_equal(c[i].out, (long)sum);
                end(&c[i]);
        }
}

/* Not inlined: compilers move a division past fesetround(). */
NOINLINE static long double third_x87(void)
{
        volatile long double one = 1, three = 3;

        return one / three;
}

NOINLINE static double third_sse(void)
{
        volatile double one = 1, three = 3;

        return one / three;
}

static void round_down(struct coroutine *self)
{
        self->in = fegetround();
        fesetround(FE_DOWNWARD);
        leave(self);
        self->out = fegetround();
}

static void control_words_travel(void **state)
{
        struct coroutine c = {.in = -1};
        long double nearest_x87 = third_x87();

        (void)state;
        start(&c, round_down);
        fesetround(FE_UPWARD);
        long double up_x87 = third_x87();
        double up_sse = third_sse();
        resume(&c);
        int mine = fegetround();
        long double back_x87 = third_x87();
        double back_sse = third_sse();
        resume(&c);
        fesetround(FE_TONEAREST);
        assert_int_equal(c.in, FE_TONEAREST); /* as they were when it was made */
        assert_int_equal(mine, FE_UPWARD);
        assert_int_equal(c.out, FE_DOWNWARD);
        assert_true(up_x87 == back_x87);
        assert_true(up_sse == back_sse);
        assert_true(third_sse() < up_sse);
        assert_true(nearest_x87 == third_x87());
        end(&c);
}

NOINLINE static int count_frames(int depth)
{
        void *frames[64];

        if (depth > 0) {
                int n = count_frames(depth - 1);
                COMPILER_BARRIER();
                return n;
        }
        return backtrace(frames, 64);
}

static void count_own_frames(struct coroutine *self)
{
        self->in = count_frames(0);
        self->out = count_frames(10);
}

static void backtrace_ends_at_the_entry(void **state)
{
        struct coroutine c = {.in = 0};

        (void)state;
        start(&c, count_own_frames);
        resume(&c);
        assert_in_range(c.in, 3, 12);
        assert_int_equal(c.out - c.in, 10); /* every frame is seen, and nothing below the entry */
        end(&c);
}

static void *resume_elsewhere(void *arg)
{
        resume(arg);
        return NULL;
}

/* pthread_self() is declared const: in the loop below a compiler would ask it once, before the first switch. */
NOINLINE static pthread_t current_thread(void)
{
        COMPILER_BARRIER();
        return pthread_self();
}

static void note_thread(struct coroutine *self)
{
        for (;;) {
                *(pthread_t *)self->ptr = current_thread();
                self->out++;
                leave(self);
        }
}

static void context_goes_on_in_another_thread(void **state)
{
        pthread_t ran_on, thread;
        struct coroutine c = {.ptr = &ran_on};

        (void)state;
        start(&c, note_thread);
        resume(&c);
        assert_true(pthread_equal(ran_on, pthread_self()));
        assert_int_equal(pthread_create(&thread, NULL, resume_elsewhere, &c), 0);
        pthread_join(thread, NULL);
        assert_true(pthread_equal(ran_on, thread));
        resume(&c);
        assert_true(pthread_equal(ran_on, pthread_self()));
        assert_int_equal(c.out, 3);
        end(&c);
}

/* Each one enters the next, the last one unwinds all. */
static void nest(struct coroutine *self)
{
        struct coroutine *next = self->ptr;

        self->out = self->in;
        if (next) {
                next->in = self->in + 1;
                next->back = self;
                go(self, next, false);
                self->out += next->out;
        }
}

static void contexts_nest(void **state)
{
        struct coroutine c[50] = {{.in = 0}};

        (void)state;
        for (size_t i = 0; i < 50; i++) {
                c[i].ptr = i < 49 ? &c[i + 1] : NULL;
                start(&c[i], nest);
        }
        resume(&c[0]);
        assert_int_equal(c[0].out, 49 * 50 / 2);
        for (size_t i = 0; i < 50; i++)
                end(&c[i]);
}

static int init(void **state)
{
        (void)state;
        execi_sanitizer_init();
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(switch_goes_there_and_back),
                cmocka_unit_test(entry_is_aligned),
                cmocka_unit_test(callee_saved_registers_travel),
                cmocka_unit_test(callee_saved_floating_point_registers_travel),
                cmocka_unit_test(control_words_travel),
                cmocka_unit_test(backtrace_ends_at_the_entry),
                cmocka_unit_test(context_goes_on_in_another_thread),
                cmocka_unit_test(contexts_nest),
        };

        return cmocka_run_group_tests(tests, init, NULL);
}
