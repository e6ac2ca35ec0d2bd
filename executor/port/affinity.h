/* affinity.h - on which CPU a thread runs, and on which it may. Leaves errno alone. */
#ifndef EXECI_PORT_AFFINITY_H
#define EXECI_PORT_AFFINITY_H

#include <stdbool.h>

enum { AFFINITY_MAX_CPUS = 1024, AFFINITY_WORD_BITS = 8 * sizeof(unsigned long) };

struct execi_affinity {
        unsigned long words[AFFINITY_MAX_CPUS / AFFINITY_WORD_BITS];
};

/* The kernel's number of the calling thread. */
int execi_affinity_thread(void);
/* The CPU that the calling thread runs on; -1: cannot be told, or it is too high a number for the masks. */
int execi_affinity_cpu(void);

/* false: the kernel refused, or has more CPUs than the masks. */
bool execi_affinity_get(int thread, struct execi_affinity *out);
bool execi_affinity_set(int thread, const struct execi_affinity *mask);

static inline void execi_affinity_remove(struct execi_affinity *mask, int cpu)
{
        if (cpu >= 0)
                mask->words[cpu / AFFINITY_WORD_BITS] &= ~(1UL << cpu % AFFINITY_WORD_BITS);
}

bool execi_affinity_is_empty(const struct execi_affinity *mask);

#endif
