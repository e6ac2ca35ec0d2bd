/* membarrier.c - membarrier(2), private and expedited. */
#include "port/membarrier.h"

#include <executor/types.h>

#include "base/check.h"
#include "base/compiler.h"
#include "port/atomic.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic(bool) is_registered;

bool execi_membarrier_register(void)
{
        int saved_errno = errno;
        bool is_there = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;

        errno = saved_errno;
        if (is_there)
                atom_store(&is_registered, true, RELEASE);
        return is_there;
}

/* The kernel may want memory for a set of CPUs, and its absence passes. */
void execi_membarrier(void)
{
        while (UNLIKELY(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)) {
                CHECK(errno == ENOMEM, "membarrier: error %d", errno);
                sched_yield();
        }
}

void execi_membarrier_if_any(void)
{
        if (atom_load(&is_registered, ACQUIRE))
                execi_membarrier();
}
