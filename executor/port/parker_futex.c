/* parker_futex.c - a parker on one futex word.
 *
 *      token   park                            unpark
 *      0       -> 2, sleep                     -> 1
 *      1       -> 0, return true               stays 1
 *      2       (only the parked thread: sleep) -> 1, wake
 *
 * P1: park sleeps only while the word is 2, and the kernel compares again; every unpark leaves 1. P2: unpark's exchange
 * releases, the parker takes 1 with acquire; an unpark that finds 1 goes on with the release sequence of the first.
 * P3: the exchange is the last touch; the wake names only an address. A wake that comes late may hit another parker on
 * the same address: it looks at its word and sleeps again.
 *
 * Both calls leave errno alone: parking is what waits in plain threads do, and unparking is done from signal handlers. */
#include "port/parker.h"

#include <executor/types.h>

#include "base/check.h"
#include "base/compiler.h"
#include "port/sanitizer.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NONE = 0, TOKEN = 1, PARKED = 2 };

void execi_parker_init(struct execi_parker *p)
{
        atom_store(&p->token, NONE, RELAXED);
}

void execi_parker_fini(struct execi_parker *p)
{
        (void)p;
}

/* false: the deadline has passed. */
static bool sleep_on(_Atomic(uint32_t) *word, int64_t deadline_ns)
{
        struct timespec at = {.tv_sec = 0};
        struct timespec *until = NULL;
        int saved_errno = errno;

        if (deadline_ns != INT64_MAX) {
                if (deadline_ns > 0) {
                        at.tv_sec = deadline_ns / 1000000000;
                        at.tv_nsec = deadline_ns % 1000000000;
                }
                until = &at;
        }
        long r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, PARKED, until, NULL, FUTEX_BITSET_MATCH_ANY);
        if (r == 0)
                return true;
        int err = errno;
        if (err == EINTR)
                execi_tsan_interrupted();
        errno = saved_errno;
        CHECK(err == EAGAIN || err == EINTR || err == ETIMEDOUT, "futex wait: error %d", err);
        return err != ETIMEDOUT;
}

bool execi_parker_park(struct execi_parker *p, int64_t deadline_ns)
{
        uint32_t seen = NONE;

        if (!atom_cas(&p->token, &seen, PARKED, ACQUIRE)) { /* @pair parker.token */
                atom_swap(&p->token, NONE, ACQUIRE);
                return true;
        }
        for (;;) {
                bool in_time = sleep_on(&p->token, deadline_ns);
                seen = TOKEN;
                if (atom_cas(&p->token, &seen, NONE, ACQUIRE)) /* @pair parker.token */
                        return true;
                if (!in_time) /* the token may still have come since */
                        return atom_swap(&p->token, NONE, ACQUIRE) == TOKEN;
        }
}

void execi_parker_unpark(struct execi_parker *p)
{
        if (atom_swap(&p->token, TOKEN, RELEASE) == PARKED) { /* @pair parker.token; the last touch of *p */
                int saved_errno = errno;

                syscall(SYS_futex, &p->token, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
                errno = saved_errno; /* EFAULT: the address is gone */
        }
}
