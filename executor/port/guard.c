/* guard.c - the rungs, tried from the one asked for downward. The budget is a relaxed counter: it orders nothing. */
#include "port/guard.h"

#include "port/atomic.h"
#include "port/fault.h"
#include "port/memory.h"
#include "port/sanitizer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

enum {
        VECTOR_MIN = 4, /* below that the three system calls of a vector do not pay */
        VECTOR_MAX = 64,
        MAPPINGS_EACH = 2, /* the guard, and the stack that it cuts off from the next */
        MAX_MAP_COUNT_DEFAULT = 65530,
};

enum { NOT_ASKED, IS_GOOD, IS_USELESS };

static const uint64_t CANARY = 0x6578656375746f72; /* no small number, no address */

static _Atomic(int) advice;  /* NOT_ASKED, IS_GOOD or IS_USELESS */
static _Atomic(long) budget; /* 0: not read yet */
static _Atomic(long) n_mappings;

static long read_budget(void)
{
        char text[32];
        long max = 0;
        int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);

        if (fd >= 0) {
                ssize_t n = read(fd, text, sizeof text - 1);
                close(fd);
                text[n > 0 ? n : 0] = '\0';
                max = strtol(text, NULL, 10);
        }
        return (max > 0 ? max : MAX_MAP_COUNT_DEFAULT) / 4;
}

static bool take_budget(void)
{
        long max = atom_load(&budget, RELAXED);

        if (!max) {
                max = read_budget();
                atom_store(&budget, max, RELAXED); /* whoever else reads it finds the same */
        }
        if (atom_add(&n_mappings, MAPPINGS_EACH, RELAXED) + MAPPINGS_EACH <= max)
                return true;
        atom_sub(&n_mappings, MAPPINGS_EACH, RELAXED);
        return false;
}

/* Does the advice do what it says? An emulated kernel (qemu's) takes every advice and does nothing. Asked by a system call
 * that is to write to a guarded page: that fails without a signal. It is called by number, for the C library's own version
 * would write by itself. */
static int ask_advice(void)
{
        int saved_errno = errno, answer = NOT_ASKED;
        void *ptr = mmap(NULL, EXECI_GUARD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (ptr != MAP_FAILED) {
                bool is_guarded = madvise(ptr, EXECI_GUARD_BYTES, MADV_GUARD_INSTALL) == 0 &&
                                  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, ptr) != 0 && errno == EFAULT;
                answer = is_guarded ? IS_GOOD : IS_USELESS;
                munmap(ptr, EXECI_GUARD_BYTES);
        }
        errno = saved_errno;
        return answer;
}

/* LeakSanitizer dies on a guard page in a region that it was told of. */
static bool may_madvise(void)
{
        int seen = atom_load(&advice, RELAXED);

        if (seen == NOT_ASKED) {
                seen = ask_advice();
                atom_store(&advice, seen, RELAXED); /* whoever else asks finds the same */
        }
        return seen != IS_USELESS && !(execi_sanitizer & SANITIZER_ASAN);
}

static bool madvise_one(char *low)
{
        return !execi_fault(FAULT_MADVISE) &&
               madvise(low - EXECI_GUARD_BYTES, EXECI_GUARD_BYTES, MADV_GUARD_INSTALL) == 0;
}

static bool mprotect_one(char *low)
{
        if (!take_budget())
                return false;
        if (!execi_fault(FAULT_MPROTECT) && mprotect(low - EXECI_GUARD_BYTES, EXECI_GUARD_BYTES, PROT_NONE) == 0)
                return true;
        atom_sub(&n_mappings, MAPPINGS_EACH, RELAXED);
        return false;
}

/* One call for up to VECTOR_MAX stacks. Returns how many are guarded for sure. The pidfd lives for the call only: one
 * that was kept would still name the parent after a fork. */
static size_t madvise_vector(char *const low[], size_t n)
{
        struct iovec parts[VECTOR_MAX];

        if (n < VECTOR_MIN || execi_sanitizer & SANITIZER_VALGRIND || execi_fault(FAULT_MADVISE))
                return 0; /* valgrind does not know the call */
        for (size_t i = 0; i < n; i++)
                parts[i] = (struct iovec){low[i] - EXECI_GUARD_BYTES, EXECI_GUARD_BYTES};
        int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
        if (fd < 0)
                return 0;
        long done = syscall(SYS_process_madvise, fd, parts, n, MADV_GUARD_INSTALL, 0);
        close(fd);
        return done > 0 ? (size_t)done / EXECI_GUARD_BYTES : 0;
}

static enum execi_guard install_one(enum execi_guard rung, char *low)
{
        if (rung <= GUARD_MADVISE && may_madvise() && madvise_one(low))
                return GUARD_MADVISE;
        if (rung == GUARD_MADVISE)
                return GUARD_BEST;
        if (rung <= GUARD_MPROTECT && mprotect_one(low))
                return GUARD_MPROTECT;
        execi_guard_write_canary(low);
        return GUARD_CANARY;
}

void execi_guard_install(enum execi_guard rung, char *const low[], enum execi_guard kind[], size_t n)
{
        bool is_vector = rung <= GUARD_MADVISE && may_madvise();
        size_t done = 0;

        while (is_vector && done < n) {
                size_t part = n - done < VECTOR_MAX ? n - done : VECTOR_MAX;
                size_t good = madvise_vector(low + done, part);
                for (size_t i = 0; i < good; i++)
                        kind[done + i] = GUARD_MADVISE;
                done += good;
                is_vector = good == part;
        }
        for (; done < n; done++)
                kind[done] = install_one(rung, low[done]);
}

void execi_guard_forget(enum execi_guard kind, size_t n)
{
        if (kind == GUARD_MPROTECT)
                atom_sub(&n_mappings, MAPPINGS_EACH * (long)n, RELAXED);
}

/* Does the kernel take the advice? Asked of a mapping of its own. */
bool execi_guard_probe(void)
{
        char *ptr = execi_map(EXECI_GUARD_BYTES, 1);
        bool good = ptr && may_madvise() && madvise_one(ptr + EXECI_GUARD_BYTES);

        execi_unmap(ptr, EXECI_GUARD_BYTES);
        return good;
}

void execi_guard_write_canary(char *low)
{
        *(volatile uint64_t *)(void *)low = CANARY;
}

bool execi_guard_canary_intact(const char *low)
{
        return *(const volatile uint64_t *)(const void *)low == CANARY;
}

#ifdef EXEC_TESTING
void execi_guard_set_budget(long n)
{
        atom_store(&budget, n, RELAXED);
}

long execi_guard_n_mappings(void)
{
        return atom_load(&n_mappings, RELAXED);
}
#endif
