/* loop.c - fuzz_loop: random programs, for a time or for a number of operations.
 *
 *   fuzz_loop [--seconds S] [--ops N] [--programs N] [--seed SEED] [--workers N] [--repeat N]
 *
 * Without --workers programs run with 1, 2 and 3 workers in turn. Without a seed a random one. Each program has a seed of its
 * own, by which a failure is told and run again; --repeat runs each so often: what depends on time may come the third time. */
#include "fuzz.h"

#include <executor/time.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

struct options {
        uint64_t seed, n_ops, n_programs, n_repeats;
        int64_t seconds;
        unsigned n_workers;
};

static const struct option names[] = {
        {"seconds", required_argument, NULL, 's'},
        {"ops", required_argument, NULL, 'o'},
        {"programs", required_argument, NULL, 'p'},
        {"seed", required_argument, NULL, 'e'},
        {"workers", required_argument, NULL, 'w'},
        {"repeat", required_argument, NULL, 'r'},
        {NULL, 0, NULL, 0},
};

static int read_options(int argc, char **argv, struct options *o)
{
        int c;

        while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
                uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;

                switch (c) {
                case 's':
                        o->seconds = (int64_t)number;
                        break;
                case 'o':
                        o->n_ops = number;
                        break;
                case 'p':
                        o->n_programs = number;
                        break;
                case 'e':
                        o->seed = number;
                        break;
                case 'w':
                        o->n_workers = (unsigned)number;
                        break;
                case 'r':
                        o->n_repeats = number;
                        break;
                default:
                        return -1;
                }
        }
        return optind < argc || o->n_workers > FUZZ_MAX_WORKERS ? -1 : 0;
}

static int run_seed(uint64_t seed, unsigned n_workers, const struct options *o, uint64_t *n_ops)
{
        uint8_t data[512];
        size_t size = fuzz_bytes(seed, data, sizeof data);
        char replay[128];
        struct fuzz_how how = {n_workers, replay};

        snprintf(replay, sizeof replay, "fuzz_loop --seed %" PRIu64 " --workers %u --programs 1 --repeat 1000", seed,
                 n_workers);
        for (uint64_t i = 0; i < o->n_repeats; i++)
                if (fuzz_one(data, size, &how, n_ops))
                        return 1;
        return 0;
}

int main(int argc, char **argv)
{
        struct options o = {.seed = (uint64_t)exec_now() ^ (uint64_t)getpid() << 40, .n_repeats = 1};
        uint64_t n_ops = 0, n = 0;
        int64_t end;
        int failed = 0;

        if (read_options(argc, argv, &o)) {
                fprintf(stderr,
                        "fuzz_loop [--seconds S] [--ops N] [--programs N] [--seed N] [--workers N] [--repeat N]\n");
                return 2;
        }
        end = o.seconds || o.n_ops || o.n_programs ? 0 : exec_now() + EXEC_SEC(3);
        if (o.seconds)
                end = exec_now() + EXEC_SEC(o.seconds);
        printf("fuzz_loop --seed %" PRIu64 "\n", o.seed);
        fflush(stdout);
        while (!failed && (!end || exec_now() < end) && (!o.n_ops || n_ops < o.n_ops) &&
               (!o.n_programs || n < o.n_programs)) {
                failed = run_seed(o.seed + n, o.n_workers ? o.n_workers : 1 + (unsigned)(n % 3), &o, &n_ops);
                n++;
        }
        failed |= !fuzz_end();
        printf("%" PRIu64 " programs, %" PRIu64 " operations: %s\n", n, n_ops, failed ? "failed" : "passed");
        return failed;
}
