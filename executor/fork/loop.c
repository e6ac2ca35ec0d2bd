/* loop.c - parallel loops over one and two dimensions.
 *
 * A piece is halved, one half forked, until it is a leaf; so whoever steals gets half of what is left. The upper half is
 * forked, but where the worker's own share of the range begins in it: so the caller, and a thief to whose piece this
 * applies, come back in the next loop to what they have in their caches. A leaf goes through its indices in steps that
 * grow; between two steps it looks whether a worker has nothing to do, nor anything to take of what was forked before,
 * and then halves what is left. A plane is a range of tiles. */
#include "fork/enter.h"
#include "fork/fork.h"
#include "fork/pieces.h"

#include <executor/loop.h>

struct loop {
        struct execi_pieces pieces;
        size_t begin, end;
        size_t unit; /* indices: pieces are cut at begin + k * unit */
        bool exact;  /* each call gets one unit */
        exec_chunk_fn chunk;
        exec_index_fn index;
        void *arg;
        exec_tile_fn tile;
        const struct exec_tile *plane;
        size_t n_columns; /* of tiles */
        size_t height, width;
};

/* Units from begin to end - 1. */
struct piece {
        struct exec_fork fork;
        struct loop *loop;
        size_t begin, end;
};

static int call_indices(struct loop *l, size_t begin, size_t end)
{
        int answer = 0;

        for (size_t i = begin; i < end && !answer; i++)
                answer = l->index(i, l->arg);
        return answer;
}

static int call_tile(struct loop *l, size_t i)
{
        const struct exec_tile *p = l->plane;
        struct exec_tile t;

        t.row = p->row + i / l->n_columns * l->height;
        t.column = p->column + i % l->n_columns * l->width;
        t.row_end = p->row_end - t.row < l->height ? p->row_end : t.row + l->height;
        t.column_end = p->column_end - t.column < l->width ? p->column_end : t.column + l->width;
        return l->tile(&t, l->arg);
}

/* Units begin to end - 1; one of them where the loop is exact. */
static void call(struct loop *l, size_t begin, size_t end)
{
        size_t from = l->begin + begin * l->unit;
        size_t to = l->end - from < (end - begin) * l->unit ? l->end : from + (end - begin) * l->unit;
        int answer;

        if (l->chunk)
                answer = l->chunk(from, to, l->arg);
        else if (l->index)
                answer = call_indices(l, from, to);
        else
                answer = call_tile(l, begin);
        execi_pieces_answer(&l->pieces, answer);
}

static void run(struct loop *l, size_t begin, size_t end, exec_forks *at);

static void run_piece(struct exec_fork *fork, exec_forks *at)
{
        struct piece *p = (struct piece *)fork;

        run(p->loop, p->begin, p->end, at);
}

static void halve(struct loop *l, size_t begin, size_t end, exec_forks *at)
{
        size_t middle = begin + (end - begin) / 2, home = execi_pieces_home(&l->pieces);
        bool is_upper_first = home >= middle && home < end;
        struct piece other = {.loop = l};

        other.begin = is_upper_first ? begin : middle;
        other.end = is_upper_first ? middle : end;
        run(l, is_upper_first ? middle : begin, is_upper_first ? end : middle, execi_fork(at, &other.fork, run_piece));
        if (exec_join(at, &other.fork))
                run(l, other.begin, other.end, at);
}

static void run_leaf(struct loop *l, size_t begin, size_t end, exec_forks *at)
{
        size_t step = 1, most = l->exact ? 1 : l->pieces.leaf / STEPS_A_PIECE + 1;

        while (begin < end && !execi_pieces_stopped(&l->pieces)) {
                if (step > end - begin)
                        step = end - begin;
                call(l, begin, begin + step);
                begin += step;
                step = step * 2 < most ? step * 2 : most;
                if (begin + 1 < end && execi_pieces_wanted(&l->pieces) && !execi_fork_offer(at)) {
                        halve(l, begin, end, at);
                        return;
                }
        }
}

static void run(struct loop *l, size_t begin, size_t end, exec_forks *at)
{
        if (end - begin > l->pieces.leaf)
                halve(l, begin, end, at);
        else
                run_leaf(l, begin, end, at);
}

static size_t n_units(const struct loop *l)
{
        size_t n = l->end - l->begin;

        return n / l->unit + (n % l->unit != 0);
}

static int run_loop(void *job, exec_forks *at)
{
        struct loop *l = job;
        size_t n = n_units(l);

        execi_pieces_init(&l->pieces, n);
        run(l, 0, n, at);
        return execi_pieces_end(&l->pieces);
}

static int loop(exec_forks *at, struct loop *l, size_t grain)
{
        if (l->begin > l->end || (!l->chunk && !l->index && !l->tile))
                return -EINVAL;
        l->unit = grain ? grain : 1;
        l->exact = grain || l->tile;
        return l->begin == l->end ? 0 : execi_enter(at, run_loop, l);
}

int exec_parallel_for(exec_forks *at, size_t begin, size_t end, size_t grain, exec_chunk_fn body, void *arg)
{
        struct loop l = {.begin = begin, .end = end, .chunk = body, .arg = arg};

        return loop(at, &l, grain);
}

int exec_parallel_for_each(exec_forks *at, size_t begin, size_t end, size_t grain, exec_index_fn body, void *arg)
{
        struct loop l = {.begin = begin, .end = end, .index = body, .arg = arg};

        return loop(at, &l, grain);
}

/* Tiles along a side of @n. */
static size_t along(size_t n, size_t side)
{
        return n / side + (n % side != 0);
}

/* So that every worker has some tiles, and one fits a cache. */
static size_t choose_side(size_t n)
{
        return n < 32 ? 1 : n / 32 > 256 ? 256 : n / 32;
}

int exec_parallel_for_2d(exec_forks *at, const struct exec_tile *plane, size_t grain, exec_tile_fn body, void *arg)
{
        struct loop l = {.tile = body, .arg = arg, .plane = plane};
        size_t n_rows, n_columns;

        if (!body || !plane || plane->row > plane->row_end || plane->column > plane->column_end)
                return -EINVAL;
        n_rows = plane->row_end - plane->row;
        n_columns = plane->column_end - plane->column;
        if (!n_rows || !n_columns)
                return 0;
        l.height = grain ? grain : choose_side(n_rows);
        l.width = grain ? grain : choose_side(n_columns);
        l.n_columns = along(n_columns, l.width);
        if (__builtin_mul_overflow(along(n_rows, l.height), l.n_columns, &l.end))
                return -EINVAL;
        return loop(at, &l, 0);
}
