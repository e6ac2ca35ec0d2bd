/* clock.h - monotonic now. The scheduler asks sched/choose.h, not this. */
#ifndef EXECI_PORT_CLOCK_H
#define EXECI_PORT_CLOCK_H

#include <stdint.h>

int64_t execi_clock_now(void);

/* a + b for times, saturating at INT64_MAX (EXEC_FOREVER); b may be negative, a is not. */
int64_t execi_time_add(int64_t a, int64_t b);

#endif
