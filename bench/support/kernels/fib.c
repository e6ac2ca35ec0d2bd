/* fib.c - the fork-join problem with the least work in each task: what is measured is the fork. */
#include "problems.h"

#include <stdlib.h>

static uint64_t fib_number(unsigned n)
{
        uint64_t a = 0;
        uint64_t b = 1;

        for (unsigned i = 0; i < n; i++) {
                uint64_t sum = a + b;

                a = b;
                b = sum;
        }
        return a;
}

/* The amount is a smaller n, for those who would take minutes. */
static void *fib_open(const struct bench_request *request, uint64_t *work)
{
        struct fib *p = bench_alloc(1, sizeof(*p));
        unsigned n = request->is_quick ? FIB_N_QUICK : FIB_N;

        p->n = request->amount && request->amount < n ? request->amount : n;
        *work = fib_number(p->n + 1) - 1; /* inner calls, each of which forks once */
        return p;
}

static void fib_prepare(void *state)
{
        struct fib *p = state;

        p->result = 0;
}

/* Not inlined into itself; it takes a fifth longer where it lies badly. gcc makes a loop of the second call, as it may of
 * the one that the others do not fork. */
__attribute__((noinline, aligned(64))) static uint64_t fib_called(unsigned n)
{
        if (n < 2)
                return n;
        return fib_called(n - 1) + fib_called(n - 2);
}

static void fib_plain(void *state)
{
        struct fib *p = state;

        p->result = fib_called(p->n);
}

static void fib_check(void *state)
{
        const struct fib *p = state;

        if (p->result != fib_number(p->n))
                bench_die("fib(%u) is not %llu", p->n, (unsigned long long)p->result);
}

static const char *const variants[] = {"typed", "pointer", NULL};

const struct bench_problem fib_problem = {
        .name = "fib",
        .variants = variants,
        .metric = "time per fork",
        .unit = "ns",
        .open = fib_open,
        .prepare = fib_prepare,
        .check = fib_check,
        .close = free,
        .value = bench_ns_each,
        .plain = fib_plain,
};
