/* model_engine.h - between the files of the checker: the search (model.c), the memories (model_memory.c), what stands
 * for executor/port (model_port.c). */
#ifndef EXECI_MODEL_ENGINE_H
#define EXECI_MODEL_ENGINE_H

#include "model.h"

/* model.c */
void model_give_up(const char *what) __attribute__((noreturn));
extern bool model_running;           /* inside an execution; outside accesses are plain */
bool model_can_depart(void);         /* the bound is not spent yet */
unsigned model_depart(unsigned n);   /* 0 costs nothing, 1 .. n - 1 one each; n > 1 only if model_can_depart() */
void model_changed(bool by_current); /* something another thread can see changed */
void model_trace(const char *what, unsigned thread);
bool model_access_before(struct model_access *a);
void model_access_after(struct model_access *a);

/* model_memory.c */
void model_memory_start(enum model_memory memory, unsigned n_threads);
bool model_memory_drain_all(void);                                          /* false: all store buffers were empty */
bool model_memory_differs(const void *object, size_t size, uint64_t value); /* in memory, or it will */
void model_memory_settle(unsigned me, const void *object, uint64_t value);  /* let that reach memory */
void model_memory_barrier(void);                                            /* all threads */
bool model_memory_catch_up(unsigned thread); /* let it know the newest of all objects; false: it did */

/* model_port.c */
void model_port_start(void);
void model_port_time_is(int64_t now_ns); /* at least */

#endif
