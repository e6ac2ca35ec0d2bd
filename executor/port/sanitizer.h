/* sanitizer.h - tell AddressSanitizer, ThreadSanitizer and valgrind about stack switches.
 *
 * The ordinary library carries weak references to the sanitizers' interfaces, so that a release library linked into an
 * instrumented program works; execi_sanitizer is set once at start. The modes of ThreadSanitizer: EXEC_TSAN=worker
 * (default) or precise. */
#ifndef EXECI_PORT_SANITIZER_H
#define EXECI_PORT_SANITIZER_H

#include <stdbool.h>
#include <stddef.h>

/* Bits of execi_sanitizer, set once before the first pool starts by execi_sanitizer_init(). */
enum {
        SANITIZER_ASAN = 1,
        SANITIZER_TSAN = 2,
        SANITIZER_TSAN_PRECISE = 4,
        SANITIZER_VALGRIND = 8,
        SANITIZER_TSAN_IGNORE = 16, /* execi_tsan_ignore_begin() works */
};
extern unsigned execi_sanitizer;
void execi_sanitizer_init(void); /* cheap to call again */

/* What a stack needs beside its context. Zero before execi_sanitizer_stack_init(). */
struct execi_sanitizer_stack {
        void *tsan;      /* its ThreadSanitizer context */
        void *asan_fake; /* AddressSanitizer's fake stack while it is left */
        const void *low; /* bounds, for AddressSanitizer; NULL: a thread's own stack that was never left */
        size_t bytes;
        struct execi_sanitizer_stack *learn; /* the stack that was left for this one, if its bounds are to be learnt */
        unsigned valgrind;                   /* stack id */
};

/* A stack is about to be used for the first time (or again after fini). A TSan context is made for it unless the
 * caller has set s->tsan already (precise mode: the context that was made in the task's creator).
 * false: no TSan context is left; the stack must not be used, as if there were no memory for it. */
bool execi_sanitizer_stack_init(struct execi_sanitizer_stack *s, const void *low, size_t bytes);
/* It is given up. Frees s->tsan: a caller that frees it itself sets it to NULL first. Not from the stack itself. */
void execi_sanitizer_stack_fini(struct execi_sanitizer_stack *s);
/* The running thread's own stack, before it is left for the first time. It needs no fini. */
void execi_sanitizer_thread_stack(struct execi_sanitizer_stack *s);

/* Right before and right after execi_context_switch(), in the same function. @dying: the left stack never runs again.
 * after: @self is the stack now running; the one that was left is not touched (somebody else may run it already),
 * but if it was a thread's own its bounds are learnt. */
void execi_sanitizer_before_switch_slow(struct execi_sanitizer_stack *from, struct execi_sanitizer_stack *to,
                                        bool dying);
void execi_sanitizer_after_switch_slow(struct execi_sanitizer_stack *self);

/* Always inline: an instrumented function must not end between telling and switching. */
static inline __attribute__((always_inline)) void
execi_sanitizer_before_switch(struct execi_sanitizer_stack *from, struct execi_sanitizer_stack *to, bool dying)
{
        if (__builtin_expect(execi_sanitizer & (SANITIZER_ASAN | SANITIZER_TSAN), 0))
                execi_sanitizer_before_switch_slow(from, to, dying);
}

static inline __attribute__((always_inline)) void execi_sanitizer_after_switch(struct execi_sanitizer_stack *self)
{
        if (__builtin_expect(execi_sanitizer & SANITIZER_ASAN, 0))
                execi_sanitizer_after_switch_slow(self);
}

/* Memory that holds stacks: a root for LeakSanitizer, which otherwise calls a leak what only a suspended stack points
 * to. It must not contain MADV_GUARD_INSTALL pages. */
void execi_sanitizer_region_add(const void *base, size_t bytes);
void execi_sanitizer_region_remove(const void *base, size_t bytes);

/* This thread's errno: each task has its own, kept across waits; to ThreadSanitizer it is one variable of many tasks. */
void execi_tsan_exempt_errno(int *location);

/* ThreadSanitizer only. Contexts made apart from a stack (precise mode: in the task's creator). */
void *execi_tsan_context_new(void);          /* NULL: none left; the caller falls back */
void execi_tsan_context_free(void *context); /* not the running one */
void execi_tsan_acquire_slow(void *edge);
void execi_tsan_release_slow(void *edge);

static inline void execi_tsan_acquire(void *edge)
{
        if (__builtin_expect(execi_sanitizer & SANITIZER_TSAN, 0))
                execi_tsan_acquire_slow(edge);
}

static inline void execi_tsan_release(void *edge)
{
        if (__builtin_expect(execi_sanitizer & SANITIZER_TSAN, 0))
                execi_tsan_release_slow(edge);
}

static inline bool execi_tsan_precise(void)
{
        return __builtin_expect(execi_sanitizer & SANITIZER_TSAN_PRECISE, 0);
}

/* A system call that ThreadSanitizer does not know was interrupted: it runs the program's signal handlers not there but in
 * the next call it knows. */
void execi_tsan_interrupted_slow(void);

static inline void execi_tsan_interrupted(void)
{
        if (__builtin_expect(execi_sanitizer & SANITIZER_TSAN, 0))
                execi_tsan_interrupted_slow();
}

/* What is done in between is no access of the program's. Only around calls that do not switch. Nothing in the worker mode
 * of an instrumented library, where ThreadSanitizer sees how the library orders its own accesses. */
void execi_tsan_ignore_begin_slow(void);
void execi_tsan_ignore_end_slow(void);

static inline void execi_tsan_ignore_begin(void)
{
        if (__builtin_expect(execi_sanitizer & SANITIZER_TSAN_IGNORE, 0))
                execi_tsan_ignore_begin_slow();
}

static inline void execi_tsan_ignore_end(void)
{
        if (__builtin_expect(execi_sanitizer & SANITIZER_TSAN_IGNORE, 0))
                execi_tsan_ignore_end_slow();
}

#endif
