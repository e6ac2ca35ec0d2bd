/* errno.c - the errno accessor that no compiler may fold.
 *
 * The C library's __errno_location() is declared const, so compilers call it once per function; after a suspension the
 * task may be on another thread. noinline alone is not enough where this body is visible (link-time optimisation): the
 * compiler would find out that the function is pure. The volatile assembly with a memory clobber is a side effect that
 * it cannot see through. */
#define EXEC_KEEP_ERRNO
#include <executor/types.h>

#include "base/compiler.h"

#if defined(__GNUC__) && !defined(__clang__)
#define OPAQUE __attribute__((noinline, noipa))
#else
#define OPAQUE __attribute__((noinline))
#endif

OPAQUE int *exec_errno_location(void)
{
        COMPILER_BARRIER();
        int *location = &errno;
        COMPILER_BARRIER();
        return location;
}
