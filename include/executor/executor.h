/* executor/executor.h - tasks, futures, gather and as_completed on a work-stealing pool. Includes every header. */
#ifndef EXECUTOR_EXECUTOR_H
#define EXECUTOR_EXECUTOR_H

#include <executor/combine.h>
#include <executor/future.h>
#include <executor/pool.h>
#include <executor/task.h>
#include <executor/time.h>
#include <executor/types.h>

#endif
