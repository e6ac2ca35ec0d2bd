/* pool.h - the pool that a bench of the library measures. With --impl VARIANT it is a special one:
 *   no-membarrier   as on a kernel that refuses membarrier(2)
 *   guard-madvise, guard-mprotect, guard-canary   this rung of the stack guards
 *   tied, migrate   every task stays on its worker; every suspended task changes it */
#ifndef BENCH_SUPPORT_POOL_H
#define BENCH_SUPPORT_POOL_H

#include "bench.h"
#include "problem.h"

#include <executor/executor.h>

void bench_pool_options(struct exec_pool_options *options, const struct bench *b, unsigned n_workers);
exec_pool *bench_pool_new(const struct bench *b, unsigned n_workers);
void bench_pool_free(exec_pool *pool);
struct exec_pool_stats bench_pool_stats(const exec_pool *pool);

exec_future *bench_create_on(exec_pool *pool, exec_task_fn fn, void *arg);
/* Run @fn as a task of @pool and wait for its end. */
void bench_run_on(exec_pool *pool, exec_task_fn fn, void *arg);

/* The main function of a program in which the library solves a fork-join problem: in a task, on 1 and on 2 workers.
 * @solvers are all of the one problem. */
int bench_solve_on_pool(const struct bench_solver *solvers, int argc, char **argv);

/* End the program when @err is not 0. */
void bench_expect(int err, const char *what);

#endif
