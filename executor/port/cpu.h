/* cpu.h - how many CPUs this process may use: affinity mask, cut by the cgroup's CPU quota (v1 and v2, every level
 * up to the root), rounded up, at least 1. */
#ifndef EXECI_PORT_CPU_H
#define EXECI_PORT_CPU_H

unsigned execi_cpu_count(void);

/* The CPU quota of this process's cgroups, in whole CPUs, rounded up; 0: none, or it cannot be told. @root is put
 * before every path that is read: "" but in tests. */
unsigned execi_cpu_quota(const char *root);

#endif
