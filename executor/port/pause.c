/* pause.c - one step of a spin. */
#include "port/pause.h"

#include <sched.h>

/* About as long as a short section can take; then its holder has lost the CPU, perhaps to us. */
enum { TURNS_BEFORE_YIELD = 64 };

void execi_spin_yield(unsigned *turns)
{
        if (++*turns % TURNS_BEFORE_YIELD)
                execi_pause();
        else
                sched_yield();
}
