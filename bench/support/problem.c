/* problem.c - the rounds in which an implementation solves a problem. */
#include "problem.h"
#include "figure.h"
#include "meter.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { WARM_UP_NS = 50000000, MAX_VARIANTS = 8, LARGE_BYTES = 2 << 20 /* a large page's */ };

double bench_ns_each(int64_t ns, uint64_t work)
{
        return (double)ns / (double)work;
}

double bench_seconds(int64_t ns, uint64_t work)
{
        (void)work;
        return (double)ns / 1e9;
}

void *bench_alloc(size_t n, size_t size)
{
        size_t alignment = n * size < LARGE_BYTES ? 64 : LARGE_BYTES;
        size_t bytes = (n * size + alignment - 1) / alignment * alignment;
        void *memory = aligned_alloc(alignment, bytes);

        if (!memory)
                bench_die("no memory for %zu bytes", bytes);
        if (alignment == LARGE_BYTES)
                madvise(memory, bytes, MADV_HUGEPAGE); /* a wish */
        return memory;
}

/* One solver with one number of workers. */
struct setting {
        const struct bench *bench;
        const struct bench_solution *solution;
        const struct bench_solver *solver;
        void *pool;
};

struct timed {
        void (*solve)(void *state);
        void *state;
        int64_t ns;
};

static void solve_timed(void *arg)
{
        struct timed *t = arg;
        int64_t start_ns = bench_now_ns();

        t->solve(t->state);
        t->ns = bench_now_ns() - start_ns;
}

static int64_t solve_once(const struct setting *s, void (*solve)(void *state), void *state)
{
        const struct bench_problem *problem = s->solver->problem;
        struct timed t = {.solve = solve, .state = state};

        if (problem->prepare)
                problem->prepare(state);
        if (s->solution->run)
                s->solution->run(s->pool, solve_timed, &t);
        else
                solve_timed(&t);
        problem->check(state);
        return t.ns;
}

static void *open_problem(const struct setting *s, const char *variant, bool is_quick, uint64_t *work)
{
        struct bench_request request = {variant, is_quick, s->solver->amount, s->bench->seed};

        return s->solver->problem->open(&request, work);
}

static void warm_up(const struct setting *s, const char *variant)
{
        const struct bench_problem *problem = s->solver->problem;
        uint64_t work;
        void *state = open_problem(s, variant, true, &work);
        int64_t end_ns = bench_now_ns() + WARM_UP_NS;

        do
                solve_once(s, s->solver->solve, state);
        while (bench_now_ns() < end_ns);
        problem->close(state);
}

/* Returns the median time in nanoseconds. */
static double run_workers(struct setting *s, const char *variant, unsigned n_workers, struct bench_figure *figure)
{
        const struct bench_problem *problem = s->solver->problem;
        struct bench_samples values = {0};
        struct bench_samples times = {0};
        struct bench_samples ratios = {0};
        void *state;

        s->pool = s->solution->start ? s->solution->start(s->bench, n_workers) : NULL;
        warm_up(s, variant);
        *figure = (struct bench_figure){.variant = variant, .workers = n_workers};
        state = open_problem(s, variant, s->bench->is_quick, &figure->work);
        for (unsigned round = 0; round < s->bench->n_rounds; round++) {
                int64_t plain_ns = problem->plain ? solve_once(s, problem->plain, state) : 0;
                int64_t ns = solve_once(s, s->solver->solve, state);

                if (problem->plain) {
                        plain_ns += solve_once(s, problem->plain, state);
                        bench_add(&ratios, (double)ns / ((double)plain_ns / 2));
                }
                bench_add(&times, (double)ns);
                bench_add(&values, problem->value(ns, figure->work));
        }
        problem->close(state);
        if (s->solution->stop)
                s->solution->stop(s->pool);
        bench_report(s->bench, figure, problem->metric, problem->unit, &values);
        bench_report(s->bench, figure, "time by plain code", "x", &ratios);
        return bench_median(&times);
}

static void run_variant(struct setting *s, const char *variant)
{
        double ns_on_one = 0;

        for (unsigned i = 0; i < s->bench->n_worker_counts; i++) {
                struct bench_figure figure;
                double ns = run_workers(s, variant, s->bench->workers[i], &figure);

                if (figure.workers == 1)
                        ns_on_one = ns;
                else
                        bench_report_speedup(s->bench, &figure, ns_on_one, ns);
        }
}

static const struct bench_solver *find_solver(const struct bench_solution *solution,
                                              const struct bench_problem *problem, const char *variant)
{
        for (const struct bench_solver *solver = solution->solvers; solver->problem; solver++) {
                if (solver->problem == problem && (!solver->variant || !strcmp(solver->variant, variant)))
                        return solver;
        }
        return NULL;
}

int bench_solve(const struct bench_solution *solution, const struct bench_problem *problem, int argc, char **argv)
{
        const char *variants[MAX_VARIANTS + 1];
        struct bench_program program = {problem->name, solution->impl, variants, solution->workers, 5};
        struct bench b;
        size_t n = 0;

        for (const char *const *v = problem->variants; *v; v++) {
                if (n < MAX_VARIANTS && find_solver(solution, problem, *v))
                        variants[n++] = *v;
        }
        variants[n] = NULL;
        bench_init(&b, &program, argc, argv);
        for (size_t i = 0; i < n; i++) {
                struct setting s = {.bench = &b, .solution = solution};

                s.solver = find_solver(solution, problem, variants[i]);
                if (bench_wants(&b, variants[i]))
                        run_variant(&s, variants[i]);
        }
        return bench_fini(&b);
}

int bench_solve_named(const struct bench_solution *solution, int argc, char **argv)
{
        for (const struct bench_solver *solver = solution->solvers; argc > 1 && solver->problem; solver++) {
                if (!strcmp(argv[1], solver->problem->name))
                        return bench_solve(solution, solver->problem, argc - 1, argv + 1);
        }
        fprintf(stderr, "usage: %s NAME [options]\nnames:", argv[0]);
        for (const struct bench_solver *solver = solution->solvers; solver->problem; solver++) {
                if (solver == solution->solvers || solver->problem != solver[-1].problem)
                        fprintf(stderr, " %s", solver->problem->name);
        }
        fprintf(stderr, "\n");
        return 2;
}
