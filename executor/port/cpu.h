/* cpu.h - how many CPUs this process may use: affinity mask, cut by the cgroup's CPU quota (v1 and v2, every level
 * up to the root), rounded up, at least 1. */
#ifndef EXECI_PORT_CPU_H
#define EXECI_PORT_CPU_H

unsigned execi_cpu_count(void);

#endif
