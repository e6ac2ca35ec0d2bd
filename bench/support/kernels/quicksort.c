/* quicksort.c - numbers sorted in place: big tasks above, millions of small ones below. */
#include "problems.h"

#include <stdlib.h>

static void swap(int32_t *a, int32_t *b)
{
        int32_t old = *a;

        *a = *b;
        *b = old;
}

void quicksort_small(int32_t data[], size_t n)
{
        for (size_t i = 1; i < n; i++) {
                int32_t x = data[i];
                size_t at = i;

                for (; at && data[at - 1] > x; at--)
                        data[at] = data[at - 1];
                data[at] = x;
        }
}

static int32_t median_of_three(int32_t a, int32_t b, int32_t c)
{
        int32_t low = a < b ? a : b;
        int32_t high = a < b ? b : a;

        return c < low ? low : (c > high ? high : c);
}

/* Two of the three are at most the pivot and two are at least it, so neither part ends empty and no scan leaves the
 * array. */
size_t quicksort_partition(int32_t data[], size_t n)
{
        int32_t pivot = median_of_three(data[0], data[n / 2], data[n - 1]);
        int32_t *low = data;
        int32_t *high = data + n - 1;

        for (;;) {
                while (*low < pivot)
                        low++;
                while (*high > pivot)
                        high--;
                if (low >= high)
                        break;
                swap(low++, high--);
        }
        return (size_t)(low - data);
}

static uint64_t next_random(uint64_t *state)
{
        uint64_t x = *state += 0x9e3779b97f4a7c15; /* splitmix64 */

        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
        x = (x ^ x >> 27) * 0x94d049bb133111eb;
        return x ^ x >> 31;
}

static void *quicksort_open(const struct bench_request *request, uint64_t *work)
{
        struct quicksort *p = bench_alloc(1, sizeof(*p));

        p->n = request->is_quick ? QUICKSORT_N_QUICK : QUICKSORT_N;
        p->seed = request->seed;
        p->data = bench_alloc(p->n, sizeof(*p->data));
        *work = p->n;
        return p;
}

/* Does not change when numbers change places, and does when one is lost or comes twice. */
static uint64_t fingerprint(const struct quicksort *p)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < p->n; i++) {
                uint64_t x = (uint32_t)p->data[i];

                sum += x * x + x * 0x9e3779b97f4a7c15;
        }
        return sum;
}

static void quicksort_prepare(void *state)
{
        struct quicksort *p = state;
        uint64_t random = p->seed;

        for (size_t i = 0; i < p->n; i++)
                p->data[i] = (int32_t)next_random(&random);
        p->sum = fingerprint(p);
}

static void quicksort_check(void *state)
{
        const struct quicksort *p = state;

        for (size_t i = 1; i < p->n; i++) {
                if (p->data[i - 1] > p->data[i])
                        bench_die("number %zu is not sorted", i);
        }
        if (fingerprint(p) != p->sum)
                bench_die("numbers were lost while they were sorted");
}

static void quicksort_close(void *state)
{
        struct quicksort *p = state;

        free(p->data);
        free(p);
}

static const char *const variants[] = {"ints", NULL};

const struct bench_problem quicksort_problem = {
        .name = "quicksort",
        .variants = variants,
        .metric = "time",
        .unit = "s",
        .open = quicksort_open,
        .prepare = quicksort_prepare,
        .check = quicksort_check,
        .close = quicksort_close,
        .value = bench_seconds,
};
