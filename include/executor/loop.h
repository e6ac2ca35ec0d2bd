/* executor/loop.h - loops over ranges of indices, divided among the workers. Defaults: see executor/types.h.
 *
 * A range is divided as far as there are workers to take a part, and further as often as one has nothing to do, however
 * uneven the indices are; the parts are begun in no particular order. Bodies run inside forks of the caller
 * (executor/forkjoin.h); they may fork, loop and wait.
 *
 * In all of these: @at is the caller's place; NULL: where he is, and from a plain thread the default pool (with a place of
 * exec_forks_here() it runs on that thread). A body returns 0 to go on; EXEC_LOOP_STOP: no further chunk is begun, and the
 * loop returns 0; or a negative errno value: likewise, and the loop returns that, the first that came where there are
 * several; another positive number counts as -EINVAL. Chunks that have begun are never interrupted.
 *   Returns   0; a body's error; -EINVAL: a body is NULL, or begin > end; -ECANCELED: the caller was cancelled, and some
 *             chunks were not run; in a plain thread with @at NULL also -EINVAL: no default pool, what
 *             exec_create_task() says, and -EPERM in a done callback, a drop function or a hook.
 *   Blocks    until every chunk that has begun has ended. */
#ifndef EXECUTOR_LOOP_H
#define EXECUTOR_LOOP_H

#include <executor/forkjoin.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EXEC_LOOP_STOP = 1 };

/* The indices begin to end - 1. */
typedef int (*exec_chunk_fn)(size_t begin, size_t end, void *arg);
typedef int (*exec_index_fn)(size_t i, void *arg);

/* exec_parallel_for - @body for chunks that together are begin to end - 1. @grain 0: their sizes are chosen, small at first,
 * larger while they go on; else each begins at begin + k * grain and has grain indices, but the last. */
EXEC_API int exec_parallel_for(exec_forks *at, size_t begin, size_t end, size_t grain, exec_chunk_fn body, void *arg);

/* exec_parallel_for_each - @body for each index. It costs a call for each; where that matters EXEC_CHUNKS_OF() makes a
 * chunk body of an index body, into which the compiler inlines it. */
EXEC_API int exec_parallel_for_each(exec_forks *at, size_t begin, size_t end, size_t grain, exec_index_fn body,
                                    void *arg);

/* EXEC_CHUNKS_OF - define the static exec_chunk_fn @name, which calls @index_body for each index. */
#define EXEC_CHUNKS_OF(name, index_body)                                                                               \
        static int name(size_t begin, size_t end, void *arg)                                                           \
        {                                                                                                              \
                int answer_ = 0;                                                                                       \
                for (size_t i_ = begin; i_ < end && !answer_; i_++)                                                    \
                        answer_ = index_body(i_, arg);                                                                 \
                return answer_;                                                                                        \
        }

/* A part of a plane: rows row to row_end - 1, of them columns column to column_end - 1. */
struct exec_tile {
        size_t row, row_end;
        size_t column, column_end;
};

typedef int (*exec_tile_fn)(const struct exec_tile *tile, void *arg);

/* exec_parallel_for_2d - @body for tiles that together are @plane. @grain 0: their sides are chosen, about a 32nd of the
 * plane's and at most 256; else no tile has a side longer than that. Also -EINVAL: plane is NULL, or there are too many tiles. */
EXEC_API int exec_parallel_for_2d(exec_forks *at, const struct exec_tile *plane, size_t grain, exec_tile_fn body,
                                  void *arg);

enum exec_reduce_flags {
        EXEC_REDUCE_FIXED = 1 << 0, /* what is combined with what depends on begin, end and grain alone */
};

/* What exec_parallel_reduce() does. Combining must be associative; it need not be commutative. */
struct exec_reduce {
        size_t size;      /* sizeof(struct exec_reduce) */
        size_t acc_bytes; /* of an accumulator; they are aligned to 16 */
        /* Make @acc the neutral element. NULL: zero-filled memory is. */
        void (*init)(void *acc, void *arg);
        /* Add the indices begin to end - 1 to @acc. */
        int (*body)(size_t begin, size_t end, void *acc, void *arg);
        /* Add @right, which is used no more, to @acc; all of @acc comes before all of @right. */
        void (*combine)(void *acc, void *right, void *arg);
        void *arg;
        size_t grain;   /* 0: chosen */
        unsigned flags; /* enum exec_reduce_flags */
};

/* exec_parallel_reduce - add the indices begin to end - 1 to @acc, the caller's accumulator. With EXEC_REDUCE_FIXED the
 * range is cut at begin + k * grain, and pairs of neighbours are combined in the same way each time: so floating-point
 * sums are the same on any number of workers.
 * Returns   as the loops; -EINVAL also: acc, body or combine is NULL, acc_bytes is 0, flags or size are unknown; -ENOMEM:
 *           with EXEC_REDUCE_FIXED there was none for the accumulators, and nothing was called. After an error, or
 *           EXEC_LOOP_STOP, @acc has what was added by the chunks that had begun.
 * Owns      accumulators that were made are combined in any case, so that what init() or body() put into them is not lost. */
EXEC_API int exec_parallel_reduce(exec_forks *at, size_t begin, size_t end, void *acc,
                                  const struct exec_reduce *reduce);

#ifdef __cplusplus
}
#endif
#endif
