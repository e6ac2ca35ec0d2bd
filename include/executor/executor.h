/* executor/executor.h - tasks, futures, gather and as_completed on a work-stealing pool. Includes every header. */
#ifndef EXECUTOR_EXECUTOR_H
#define EXECUTOR_EXECUTOR_H

#include <executor/combine.h>
#include <executor/forkjoin.h>
#include <executor/future.h>
#include <executor/group.h>
#include <executor/local.h>
#include <executor/loop.h>
#include <executor/map.h>
#include <executor/pool.h>
#include <executor/task.h>
#include <executor/time.h>
#include <executor/timeout.h>
#include <executor/types.h>
#include <executor/wait.h>
#include <executor/worker_local.h>

#endif
