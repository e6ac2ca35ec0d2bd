/* model_atomic.h - takes the place of port/atomic.h where EXEC_MODEL is defined: the same macros, but every access is a
 * step of the model (model.h). An atomic object is then a plain one that nobody may touch but through these macros. */
#ifndef EXECI_MODEL_ATOMIC_H
#define EXECI_MODEL_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The model's threads are one thread to the system: port/threadlocal.h stays empty, and what is local to a thread is
 * asked of the program. */
#define EXECI_PORT_THREADLOCAL_H

enum model_order {
        RELAXED = 0,
        ACQUIRE = 1,
        RELEASE = 2,
        ACQ_REL = ACQUIRE | RELEASE,
        SEQ_CST = ACQ_REL | 4,
};

enum model_rmw { MODEL_SWAP, MODEL_ADD, MODEL_SUB, MODEL_OR, MODEL_AND };

uint64_t model_load(void *object, size_t size, enum model_order order);
void model_store(void *object, size_t size, uint64_t value, enum model_order order);
uint64_t model_rmw(void *object, size_t size, enum model_rmw how, uint64_t operand, enum model_order order);
bool model_cas(void *object, size_t size, uint64_t *expected, uint64_t desired, enum model_order order);

#define _Atomic(type) __typeof__(type)

#define MODEL_VALUE(v)  ((uint64_t)(uintptr_t)(v))
#define MODEL_AS(p, v)  ((__typeof__(*(p)))(uintptr_t)(v))
#define MODEL_OBJECT(p) ((void *)(uintptr_t)(p)), sizeof(*(p))
/* In a form whose value may go unused. */
#define MODEL_RMW(p, how, v, order)                                                                                    \
        __extension__({                                                                                                \
                __typeof__(*(p)) model_old = MODEL_AS(p, model_rmw(MODEL_OBJECT(p), how, MODEL_VALUE(v), (order)));    \
                model_old;                                                                                             \
        })

#define atom_load(p, order)     MODEL_AS(p, model_load(MODEL_OBJECT(p), (order)))
#define atom_store(p, v, order) model_store(MODEL_OBJECT(p), MODEL_VALUE(v), (order))
#define atom_swap(p, v, order)  MODEL_RMW(p, MODEL_SWAP, v, order)
#define atom_add(p, v, order)   MODEL_RMW(p, MODEL_ADD, v, order)
#define atom_sub(p, v, order)   MODEL_RMW(p, MODEL_SUB, v, order)
#define atom_or(p, v, order)    MODEL_RMW(p, MODEL_OR, v, order)
#define atom_and(p, v, order)   MODEL_RMW(p, MODEL_AND, v, order)
#define atom_cas(p, expected, v, order)                                                                                \
        __extension__({                                                                                                \
                __typeof__(&*(expected)) model_expected = (expected);                                                  \
                uint64_t model_seen = MODEL_VALUE(*model_expected);                                                    \
                bool model_ok = model_cas(MODEL_OBJECT(p), &model_seen, MODEL_VALUE(v), (order));                      \
                *model_expected = MODEL_AS(model_expected, model_seen);                                                \
                model_ok;                                                                                              \
        })

#endif
