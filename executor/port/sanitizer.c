/* sanitizer.c - the weak references to the sanitizers' run-time libraries, and what a switch tells them.
 *
 * Whether a sanitizer is there is asked of its symbols, not of the compiler: this file serves the ordinary library in an
 * instrumented program as well as an instrumented library.
 *
 * ThreadSanitizer keeps a shadow call stack per context. Between __tsan_switch_to_fiber() and the switch of the stack
 * nothing may enter or leave an instrumented function, so the functions around a switch are not instrumented at all.
 * Worker mode switches with synchronisation: what one worker runs one after another is ordered, and a context may be
 * used again for another task. Precise mode switches without: only the edges told by execi_tsan_acquire() and
 * execi_tsan_release() order tasks. */
#include "port/sanitizer.h"

#include <executor/types.h>

#include "port/atomic.h"
#include "port/log.h"
#include "port/pause.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND               0
#define VALGRIND_STACK_REGISTER(low, top) 0
#define VALGRIND_STACK_DEREGISTER(id)     ((void)(id))
#endif

/* For functions in the midst of a switch: a sanitizer that is told of the other stack already, or not yet, would enter and
 * leave them on different ones. clang's no_sanitize("thread") still marks entry and exit. */
#if defined(__clang__)
#if __has_attribute(disable_sanitizer_instrumentation)
#define NO_SANITIZE __attribute__((disable_sanitizer_instrumentation))
#else
#define NO_SANITIZE __attribute__((no_sanitize("thread", "address")))
#endif
#else
#define NO_SANITIZE __attribute__((no_sanitize("thread", "address")))
#endif
#define WEAK __attribute__((weak))

/* With ThreadSanitizer. */
#if defined(__SANITIZE_THREAD__)
#define IS_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_INSTRUMENTED 1
#endif
#endif
#ifndef IS_INSTRUMENTED
#define IS_INSTRUMENTED 0
#endif

enum { TSAN_FLAG_SYNC = 0, TSAN_FLAG_NO_SYNC = 1 };

/* The run-time library of gcc 12 kills the program at 8,128 live contexts and threads; it cannot be told from others
 * that take ten times as many, so all are taken for it. */
#define TSAN_CONTEXTS_DEFAULT 7000

WEAK void *__tsan_get_current_fiber(void);
WEAK void *__tsan_create_fiber(unsigned flags);
WEAK void __tsan_destroy_fiber(void *fiber);
WEAK void __tsan_switch_to_fiber(void *fiber, unsigned flags);
WEAK void __tsan_acquire(void *address);
WEAK void __tsan_release(void *address);
WEAK void AnnotateBenignRaceSized(const char *file, int line, const volatile void *low, size_t bytes, const char *why);
WEAK void AnnotateIgnoreReadsBegin(const char *file, int line); /* reads and writes, in fact */
WEAK void AnnotateIgnoreReadsEnd(const char *file, int line);
WEAK void __sanitizer_start_switch_fiber(void **fake_save, const void *low, size_t bytes);
WEAK void __sanitizer_finish_switch_fiber(void *fake, const void **old_low, size_t *old_bytes);
WEAK void __asan_unpoison_memory_region(const volatile void *low, size_t bytes);
WEAK void __lsan_register_root_region(const void *base, size_t bytes);
WEAK void __lsan_unregister_root_region(const void *base, size_t bytes);

unsigned execi_sanitizer;
static _Atomic(long) n_contexts, max_contexts;
static _Atomic(bool) is_cap_told;

static void read_tsan_options(unsigned *found)
{
        const char *mode = getenv("EXEC_TSAN"), *cap = getenv("EXEC_TSAN_CONTEXTS");
        long n = cap ? strtol(cap, NULL, 10) : 0;

        if (mode && strcmp(mode, "precise") == 0)
                *found |= SANITIZER_TSAN_PRECISE;
        else if (mode && strcmp(mode, "worker") != 0)
                execi_log(EXEC_LOG_WARN, "EXEC_TSAN=%s is neither worker nor precise; using worker", mode);
        atom_store(&max_contexts, n > 0 ? n : TSAN_CONTEXTS_DEFAULT, RELAXED);
}

void execi_sanitizer_init(void)
{
        static _Atomic(int) state; /* 0 not read, 1 being read, 2 read */
        unsigned found = 0;
        int seen = 0;

        if (atom_load(&state, ACQUIRE) == 2)
                return;
        if (!atom_cas(&state, &seen, 1, ACQ_REL)) {
                unsigned turns = 0;
                while (atom_load(&state, ACQUIRE) != 2)
                        execi_spin_yield(&turns);
                return;
        }
        if (__sanitizer_start_switch_fiber && __sanitizer_finish_switch_fiber && __asan_unpoison_memory_region)
                found |= SANITIZER_ASAN;
        if (__tsan_create_fiber && __tsan_switch_to_fiber && __tsan_acquire && AnnotateIgnoreReadsBegin) {
                found |= SANITIZER_TSAN;
                read_tsan_options(&found);
        }
        if (found & SANITIZER_TSAN_PRECISE || (found & SANITIZER_TSAN && !IS_INSTRUMENTED))
                found |= SANITIZER_TSAN_IGNORE;
        if (RUNNING_ON_VALGRIND)
                found |= SANITIZER_VALGRIND;
        execi_sanitizer = found;
        atom_store(&state, 2, RELEASE);
}

bool execi_sanitizer_stack_init(struct execi_sanitizer_stack *s, const void *low, size_t bytes)
{
        s->low = low;
        s->bytes = bytes;
        s->asan_fake = NULL;
        if (!execi_sanitizer)
                return true;
        if (execi_sanitizer & SANITIZER_ASAN) /* frames that never returned have left their red zones behind */
                __asan_unpoison_memory_region(low, bytes);
        if (execi_sanitizer & SANITIZER_TSAN && !s->tsan) {
                s->tsan = execi_tsan_context_new();
                if (!s->tsan)
                        return false;
        }
        if (execi_sanitizer & SANITIZER_VALGRIND)
                s->valgrind = VALGRIND_STACK_REGISTER(low, (const char *)low + bytes);
        return true;
}

/* A stack that was left for good, but not by its last switch, has a fake stack still (AddressSanitizer's, where it detects the
 * use of frames after their return). It is given back by going there and leaving as one does that dies: in the books only. */
static NO_SANITIZE void free_fake_stack(struct execi_sanitizer_stack *s)
{
        const void *low = NULL;
        size_t bytes = 0;
        void *here = NULL;

        __sanitizer_start_switch_fiber(&here, s->low, s->bytes);
        __sanitizer_finish_switch_fiber(s->asan_fake, &low, &bytes);
        __sanitizer_start_switch_fiber(NULL, low, bytes);
        __sanitizer_finish_switch_fiber(here, NULL, NULL);
        s->asan_fake = NULL;
}

void execi_sanitizer_stack_fini(struct execi_sanitizer_stack *s)
{
        if (s->asan_fake)
                free_fake_stack(s);
        if (s->tsan) {
                execi_tsan_context_free(s->tsan);
                s->tsan = NULL;
        }
        if (execi_sanitizer & SANITIZER_ASAN)
                __asan_unpoison_memory_region(s->low, s->bytes);
        if (execi_sanitizer & SANITIZER_VALGRIND)
                VALGRIND_STACK_DEREGISTER(s->valgrind);
}

void execi_sanitizer_thread_stack(struct execi_sanitizer_stack *s)
{
        *s = (struct execi_sanitizer_stack){.low = NULL};
        if (execi_sanitizer & SANITIZER_TSAN)
                s->tsan = __tsan_get_current_fiber();
}

NO_SANITIZE void execi_sanitizer_before_switch_slow(struct execi_sanitizer_stack *from,
                                                    struct execi_sanitizer_stack *to, bool dying)
{
        unsigned sanitizer = execi_sanitizer;

        if (sanitizer & SANITIZER_ASAN) {
                to->learn = from->low ? NULL : from;
                if (dying)
                        from->asan_fake = NULL;
                __sanitizer_start_switch_fiber(dying ? NULL : &from->asan_fake, to->low, to->bytes);
        }
        if (sanitizer & SANITIZER_TSAN && to->tsan && to->tsan != from->tsan)
                __tsan_switch_to_fiber(to->tsan,
                                       sanitizer & SANITIZER_TSAN_PRECISE ? TSAN_FLAG_NO_SYNC : TSAN_FLAG_SYNC);
}

NO_SANITIZE void execi_sanitizer_after_switch_slow(struct execi_sanitizer_stack *self)
{
        const void *low = NULL;
        size_t bytes = 0;

        __sanitizer_finish_switch_fiber(self->asan_fake, &low, &bytes);
        if (self->learn) {
                self->learn->low = low;
                self->learn->bytes = bytes;
        }
}

void execi_sanitizer_region_add(const void *base, size_t bytes)
{
        if (execi_sanitizer & SANITIZER_ASAN && __lsan_register_root_region)
                __lsan_register_root_region(base, bytes);
}

void execi_sanitizer_region_remove(const void *base, size_t bytes)
{
        if (execi_sanitizer & SANITIZER_ASAN && __lsan_unregister_root_region)
                __lsan_unregister_root_region(base, bytes);
}

void execi_tsan_exempt_errno(int *location)
{
        if (execi_sanitizer & SANITIZER_TSAN && AnnotateBenignRaceSized)
                AnnotateBenignRaceSized(__FILE__, __LINE__, location, sizeof *location, "errno belongs to the task");
}

void *execi_tsan_context_new(void)
{
        long max = atom_load(&max_contexts, RELAXED);

        if (atom_add(&n_contexts, 1, RELAXED) >= max) {
                atom_sub(&n_contexts, 1, RELAXED);
                if (!atom_swap(&is_cap_told, true, RELAXED))
                        execi_log(EXEC_LOG_WARN, "all %ld ThreadSanitizer contexts are in use (EXEC_TSAN_CONTEXTS)",
                                  max);
                return NULL;
        }
        return __tsan_create_fiber(0);
}

void execi_tsan_context_free(void *context)
{
        __tsan_destroy_fiber(context);
        atom_sub(&n_contexts, 1, RELAXED);
}

void execi_tsan_acquire_slow(void *edge)
{
        __tsan_acquire(edge);
}

void execi_tsan_release_slow(void *edge)
{
        __tsan_release(edge);
}

void execi_tsan_ignore_begin_slow(void)
{
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
}

void execi_tsan_ignore_end_slow(void)
{
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

void execi_tsan_interrupted_slow(void)
{
        struct timespec no_time = {.tv_sec = 0};

        nanosleep(&no_time, NULL);
}
