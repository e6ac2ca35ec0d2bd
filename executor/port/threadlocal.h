/* threadlocal.h - read a thread-local pointer so that no compiler can keep its address across a switch of stacks.
 *
 * EXECI_THREAD_LOCAL_READ(type, variable) is defined where a few instructions do it; the variable must be global,
 * of the initial-exec model. Elsewhere it is read in a function that is never inlined. */
#ifndef EXECI_PORT_THREADLOCAL_H
#define EXECI_PORT_THREADLOCAL_H

#include <stdint.h>

#if defined(__x86_64__)
#define EXECI_THREAD_LOCAL_READ(type, variable)                                                                        \
        __extension__({                                                                                                \
                type value_;                                                                                           \
                __asm__ volatile("movq " #variable "@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0"                        \
                                 : "=r"(value_)                                                                        \
                                 :                                                                                     \
                                 : "memory");                                                                          \
                value_;                                                                                                \
        })
#elif defined(__aarch64__)
#define EXECI_THREAD_LOCAL_READ(type, variable)                                                                        \
        __extension__({                                                                                                \
                type value_;                                                                                           \
                uintptr_t thread_;                                                                                     \
                __asm__ volatile("adrp %0, :gottprel:" #variable "\n\t"                                                \
                                 "ldr %0, [%0, :gottprel_lo12:" #variable "]\n\t"                                      \
                                 "mrs %1, tpidr_el0\n\t"                                                               \
                                 "ldr %0, [%1, %0]"                                                                    \
                                 : "=&r"(value_), "=&r"(thread_)                                                       \
                                 :                                                                                     \
                                 : "memory");                                                                          \
                value_;                                                                                                \
        })
#endif

#endif
