/* membarrier.c - membarrier(2), private and expedited. */
#include "port/membarrier.h"

#include "base/check.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

bool execi_membarrier_register(void)
{
        return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void execi_membarrier(void)
{
        long r = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);

        CHECK(r == 0, "membarrier: error %d", errno);
}
