/* clock.c - CLOCK_MONOTONIC in nanoseconds. */
#include "port/clock.h"

#include <time.h>

int64_t execi_clock_now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t execi_time_add(int64_t a, int64_t b)
{
        int64_t sum;

        if (__builtin_add_overflow(a, b, &sum))
                return INT64_MAX; /* a is not negative, so only the top can be passed */
        return sum;
}
