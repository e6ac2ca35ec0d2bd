/* threadlocal.h - read a thread-local pointer so that no compiler can keep its address across a switch of stacks.
 *
 * EXECI_THREAD_LOCAL_READ(type, variable) is defined where one or two instructions do it; the variable must be global,
 * of the initial-exec model. Elsewhere it is read in a function that is never inlined. */
#ifndef EXECI_PORT_THREADLOCAL_H
#define EXECI_PORT_THREADLOCAL_H

#if defined(__x86_64__) && defined(__LP64__)
#define EXECI_THREAD_LOCAL_READ(type, variable)                                                                        \
        __extension__({                                                                                                \
                type value_;                                                                                           \
                __asm__ volatile("movq " #variable "@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0"                        \
                                 : "=r"(value_)                                                                        \
                                 :                                                                                     \
                                 : "memory");                                                                          \
                value_;                                                                                                \
        })
#endif

#endif
