/* fuzz.c - see fuzz.h. Pools are kept from program to program: for each number of workers one, and another for programs with
 * task-locals, which would take the short cuts from the rest. Beside each stands one of one worker, for programs with two. */
#include "fuzz.h"

#include "fixture.h"
#include "run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HANG_S = TEST_TSAN || TEST_ASAN ? 90 : 30 };

static exec_pool *pools[FUZZ_MAX_WORKERS + 1][2], *others[FUZZ_MAX_WORKERS + 1][2];
static struct run run;
static const char *volatile watched;
static exec_pool *volatile watched_pool, *volatile watched_other;

static void write_text(const char *text)
{
        if (text && write(2, text, strlen(text)) < 0)
                _exit(1);
}

/* The dump is made for this: it waits for nothing. */
static void on_alarm(int signal)
{
        (void)signal;
        write_text("\nhangs: ");
        write_text(watched);
        write_text("\n");
        exec_pool_dump(watched_pool, 2);
        if (watched_other)
                exec_pool_dump(watched_other, 2);
        abort();
}

static void unhandled(exec_future *f, const struct exec_outcome *outcome, void *ctx)
{
        (void)f, (void)outcome, (void)ctx;
        bump(&run.n_unhandled);
}

static exec_pool *need_pool(exec_pool **pool, unsigned n_workers)
{
        struct exec_pool_options o;

        if (*pool)
                return *pool;
        exec_pool_options_init(&o, sizeof o);
        o.n_workers = n_workers;
        if (exec_pool_new(pool, &o)) {
                fprintf(stderr, "no pool for the fuzzer\n");
                abort();
        }
        return *pool;
}

int fuzz_plan(const struct plan *plan, const struct fuzz_how *how, uint64_t *n_ops)
{
        exec_pool *pool = need_pool(&pools[how->n_workers][plan->has_locals], how->n_workers), *other = NULL;
        bool ok;

        if (plan->has_other)
                other = need_pool(&others[how->n_workers][plan->has_locals], 1);

        if (!body_key && exec_local_new(&body_key, body_drop_local))
                abort();
        watched = how->replay;
        watched_pool = pool;
        watched_other = other;
        signal(SIGALRM, on_alarm);
        alarm(HANG_S);
        exec_set_unhandled(unhandled, NULL);
        exec_pool_set_default(pool);
        ok = run_plan(&run, plan, pool, other);
        exec_pool_set_default(NULL);
        alarm(0);
        *n_ops += atom_load(&run.n_ops, RELAXED);
        if (ok)
                return 0;
        fprintf(stderr, "failed: %s\nwith %u workers, the program:\n", run.failure, how->n_workers);
        plan_print(plan, stderr);
        fprintf(stderr, "again: %s\n", how->replay);
        return 1;
}

int fuzz_one(const uint8_t *data, size_t size, const struct fuzz_how *how, uint64_t *n_ops)
{
        struct plan plan;

        plan_decode(&plan, data, size);
        return fuzz_plan(&plan, how, n_ops);
}

bool fuzz_end(void)
{
        bool ok = true;

        for (int i = 0; i <= FUZZ_MAX_WORKERS; i++)
                for (int k = 0; k < 2; k++) {
                        ok &= exec_pool_free(pools[i][k]) == 0;
                        ok &= exec_pool_free(others[i][k]) == 0;
                        pools[i][k] = others[i][k] = NULL;
                }
        exec_local_free(body_key);
        body_key = NULL;
        exec_set_unhandled(NULL, NULL);
        return ok;
}

static uint64_t hash(uint64_t x)
{
        x += 0x9e3779b97f4a7c15u;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        return x ^ (x >> 31);
}

size_t fuzz_bytes(uint64_t seed, uint8_t *data, size_t max)
{
        size_t size = 20 + hash(seed) % 400;

        size = size < max ? size : max;
        seed = hash(seed);
        for (size_t i = 0; i < size; i++)
                data[i] = (uint8_t)(hash(seed + i / 8 + 1) >> (i % 8 * 8));
        return size;
}
