/* model_port.c - what stands for executor/port in a model: memory from an arena that each execution starts anew, a
 * membarrier, spins and parkers that wait for a change, a clock that ticks when it is read. */
#include "model_engine.h"

#include "base/check.h"
#include "port/clock.h"
#include "port/membarrier.h"
#include "port/memory.h"
#include "port/parker.h"
#include "port/pause.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
        ARENA_BYTES = 1 << 20,
        TICK_NS = 20 * 1000, /* so that what is repeated for some time ends soon */
};

static _Alignas(4096) char arena[ARENA_BYTES];
static size_t arena_used;
static int64_t clock_ns;
static bool no_membarrier;

void model_port_start(void)
{
        arena_used = 0;
        clock_ns = 0;
        no_membarrier = false;
}

void model_without_membarrier(void)
{
        no_membarrier = true;
}

/* ---- memory ---- */

static void *arena_get(size_t bytes, size_t align)
{
        size_t at = (arena_used + align - 1) & ~(align - 1);

        if (bytes > ARENA_BYTES || at > ARENA_BYTES - bytes)
                return NULL;
        arena_used = at + bytes;
        return memset(arena + at, 0, bytes);
}

void *execi_alloc(size_t bytes)
{
        return arena_get(bytes, 16);
}

void *execi_alloc_unset(size_t bytes)
{
        return arena_get(bytes, 16);
}

void *execi_alloc_aligned(size_t bytes, size_t align)
{
        return arena_get(bytes, align);
}

void *execi_map(size_t bytes, size_t align)
{
        return arena_get(bytes, align);
}

void *execi_array_new(size_t bytes)
{
        return arena_get(bytes, 64);
}

void execi_free(void *ptr, size_t bytes)
{
        if (ptr)
                model_forget(ptr, bytes);
}

void execi_free_aligned(void *ptr, size_t bytes, size_t align)
{
        (void)align;
        if (ptr)
                model_forget(ptr, bytes);
}

void execi_unmap(void *ptr, size_t bytes)
{
        if (ptr)
                model_forget(ptr, bytes);
}

void execi_array_free(void *ptr, size_t bytes)
{
        if (ptr)
                model_forget(ptr, bytes);
}

void execi_array_unback(void *ptr, size_t kept, size_t bytes)
{
        (void)ptr;
        (void)kept;
        (void)bytes;
}

void execi_unback(void *ptr, size_t bytes)
{
        (void)ptr;
        (void)bytes;
}

void execi_hugepages(void *ptr, size_t bytes)
{
        (void)ptr;
        (void)bytes;
}

/* ---- barriers, spins, parkers ---- */

bool execi_membarrier_register(void)
{
        return !no_membarrier;
}

void execi_membarrier(void)
{
        struct model_access a = {.kind = MODEL_MEMBARRIER};

        if (no_membarrier)
                model_fail("a membarrier where there is none");
        if (!model_access_before(&a))
                model_memory_barrier();
        model_access_after(&a);
}

void execi_membarrier_if_any(void)
{
        if (!no_membarrier)
                execi_membarrier();
}

void execi_spin_yield(unsigned *turns)
{
        (void)turns;
        model_wait_for_change();
}

void execi_parker_init(struct execi_parker *p)
{
        atom_store(&p->token, 0, RELAXED);
}

void execi_parker_fini(struct execi_parker *p)
{
        (void)p;
}

bool execi_parker_park(struct execi_parker *p, int64_t deadline_ns)
{
        while (!atom_load(&p->token, ACQUIRE) || !atom_swap(&p->token, 0, ACQUIRE)) {
                if (!model_wait_while(&p->token, sizeof(p->token), 0, deadline_ns))
                        return false;
        }
        return true;
}

void execi_parker_unpark(struct execi_parker *p)
{
        atom_swap(&p->token, 1, RELEASE);
}

/* ---- clock, panic ---- */

int64_t execi_clock_now(void)
{
        return clock_ns += TICK_NS;
}

void model_port_time_is(int64_t now_ns)
{
        if (clock_ns < now_ns)
                clock_ns = now_ns;
}

int64_t execi_time_add(int64_t a, int64_t b)
{
        int64_t sum;

        return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

void execi_panic(const char *format, ...)
{
        static char text[256];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        model_fail(text);
}
