/* reduce.c - parallel reductions.
 *
 * Free: pieces are cut as in loop.c. A piece that nobody stole goes on in the accumulator of the one before it; only one
 * that runs elsewhere makes an accumulator, and the join combines the two. Without memory for one it is not run there, but
 * by the joiner. Fixed: an accumulator for each chunk, made before; then neighbours are combined, pair by pair. */
#include "fork/enter.h"
#include "fork/fork.h"
#include "fork/pieces.h"
#include "port/memory.h"

#include <executor/loop.h>

#include <string.h>

enum { FIXED_CHUNKS = 256, ACC_ALIGN = 16 };

struct run {
        struct execi_pieces pieces;
        struct exec_reduce how;
        size_t begin, end, unit;
        char *fixed; /* accumulators */
        void *acc;
};

struct piece {
        struct exec_fork fork;
        struct run *run;
        size_t begin, end; /* units */
        void *acc;         /* made by who runs it elsewhere; NULL: there was no memory */
};

static void init(const struct run *r, void *acc)
{
        if (r->how.init)
                r->how.init(acc, r->how.arg);
        else
                memset(acc, 0, r->how.acc_bytes);
}

static void call(struct run *r, size_t begin, size_t end, void *acc)
{
        size_t from = r->begin + begin * r->unit;
        size_t to = r->end - from < (end - begin) * r->unit ? r->end : from + (end - begin) * r->unit;

        execi_pieces_answer(&r->pieces, r->how.body(from, to, acc, r->how.arg));
}

static void run(struct run *r, size_t begin, size_t end, void *acc, exec_forks *at);

static void run_piece(struct exec_fork *fork, exec_forks *at)
{
        struct piece *p = (struct piece *)fork;

        p->acc = execi_alloc(p->run->how.acc_bytes);
        if (!p->acc)
                return;
        init(p->run, p->acc);
        run(p->run, p->begin, p->end, p->acc, at);
}

static void halve(struct run *r, size_t begin, size_t end, void *acc, exec_forks *at)
{
        size_t middle = begin + (end - begin) / 2;
        struct piece upper = {.run = r, .begin = middle, .end = end, .acc = NULL};

        run(r, begin, middle, acc, execi_fork(at, &upper.fork, run_piece));
        if (exec_join(at, &upper.fork) || !upper.acc) {
                run(r, middle, end, acc, at);
                return;
        }
        r->how.combine(acc, upper.acc, r->how.arg);
        execi_free(upper.acc, r->how.acc_bytes);
}

static void run_leaf(struct run *r, size_t begin, size_t end, void *acc, exec_forks *at)
{
        size_t step = 1, most = r->pieces.leaf / STEPS_A_PIECE + 1;

        while (begin < end && !execi_pieces_stopped(&r->pieces)) {
                if (step > end - begin)
                        step = end - begin;
                call(r, begin, begin + step, acc);
                begin += step;
                step = step * 2 < most ? step * 2 : most;
                if (begin + 1 < end && execi_pieces_wanted(&r->pieces) && !execi_fork_offer(at)) {
                        halve(r, begin, end, acc, at);
                        return;
                }
        }
}

static void run(struct run *r, size_t begin, size_t end, void *acc, exec_forks *at)
{
        if (end - begin > r->pieces.leaf)
                halve(r, begin, end, acc, at);
        else
                run_leaf(r, begin, end, acc, at);
}

static size_t n_units(const struct run *r)
{
        size_t n = r->end - r->begin;

        return n / r->unit + (n % r->unit != 0);
}

static int run_free(void *job, exec_forks *at)
{
        struct run *r = job;
        size_t n = n_units(r);

        execi_pieces_init(&r->pieces, n);
        run(r, 0, n, r->acc, at);
        return execi_pieces_end(&r->pieces);
}

/* ---- fixed ---- */

static size_t stride(const struct run *r)
{
        return (r->how.acc_bytes + ACC_ALIGN - 1) & ~(size_t)(ACC_ALIGN - 1);
}

static int fixed_chunk(size_t i, void *arg)
{
        struct run *r = arg;
        size_t from = r->begin + i * r->unit, to = r->end - from < r->unit ? r->end : from + r->unit;

        return r->how.body(from, to, r->fixed + i * stride(r), r->how.arg);
}

static void combine_fixed(struct run *r, size_t n)
{
        for (size_t width = 1; width < n; width *= 2)
                for (size_t i = 0; i + width < n; i += 2 * width)
                        r->how.combine(r->fixed + i * stride(r), r->fixed + (i + width) * stride(r), r->how.arg);
        r->how.combine(r->acc, r->fixed, r->how.arg);
}

static int reduce_fixed(exec_forks *at, struct run *r)
{
        size_t n, bytes;
        int err;

        if (!r->how.grain)
                r->unit = (r->end - r->begin) / FIXED_CHUNKS + 1;
        n = n_units(r);
        if (r->how.acc_bytes > SIZE_MAX / 2 || __builtin_mul_overflow(n, stride(r), &bytes))
                return -ENOMEM;
        r->fixed = execi_alloc(bytes);
        if (!r->fixed)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                init(r, r->fixed + i * stride(r));
        err = exec_parallel_for_each(at, 0, n, 1, fixed_chunk, r);
        combine_fixed(r, n);
        execi_free(r->fixed, bytes);
        return err;
}

static int read_how(struct exec_reduce *to, const struct exec_reduce *from)
{
        memset(to, 0, sizeof *to);
        if (!from || from->size < offsetof(struct exec_reduce, arg) || from->size > 4096)
                return -EINVAL;
        memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
        if (!to->acc_bytes || !to->body || !to->combine || (to->flags & ~(unsigned)EXEC_REDUCE_FIXED))
                return -EINVAL;
        return 0;
}

int exec_parallel_reduce(exec_forks *at, size_t begin, size_t end, void *acc, const struct exec_reduce *reduce)
{
        struct run r = {.begin = begin, .end = end, .acc = acc};

        if (!acc || begin > end || read_how(&r.how, reduce))
                return -EINVAL;
        r.unit = r.how.grain ? r.how.grain : 1;
        if (begin == end)
                return 0;
        return (r.how.flags & EXEC_REDUCE_FIXED) ? reduce_fixed(at, &r) : execi_enter(at, run_free, &r);
}
