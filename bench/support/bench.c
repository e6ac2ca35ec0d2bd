/* bench.c - options of a bench program, and the line that says what machine, compiler and seed this is. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(BENCH_COMPILER) /* of a program in another language */
#define COMPILER BENCH_COMPILER
#elif defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#ifdef __OPTIMIZE__
#define BUILD ""
#else
#define BUILD " WITHOUT OPTIMISATION"
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED " SANITIZED"
#else
#define SANITIZED ""
#endif

void bench_die(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        fputs("bench: ", stderr);
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
        va_end(args);
        exit(2);
}

static unsigned long number(const char *option, const char *text, unsigned long least, unsigned long most)
{
        char *end;
        unsigned long n;

        errno = 0;
        n = strtoul(text, &end, 10);
        if (errno || end == text || *end || n < least || n > most)
                bench_die("%s: %s is not a number from %lu to %lu", option, text, least, most);
        return n;
}

static void read_workers(struct bench *b, const char *list)
{
        char copy[128];
        char *rest = copy;
        char *word;

        if (strlen(list) >= sizeof(copy))
                bench_die("--workers: too long");
        strcpy(copy, list);
        b->n_worker_counts = 0;
        while ((word = strsep(&rest, ","))) {
                if (b->n_worker_counts == BENCH_MAX_WORKER_COUNTS)
                        bench_die("--workers: at most %d numbers", BENCH_MAX_WORKER_COUNTS);
                b->workers[b->n_worker_counts++] = (unsigned)number("--workers", word, 1, BENCH_MAX_WORKERS);
        }
}

/* Is @word one of the words of @list, which are separated by commas? */
static bool has_word(const char *list, const char *word)
{
        size_t length = strlen(word);

        for (const char *at = list; at; at = strchr(at, ',')) {
                at += *at == ',';
                if (!strncmp(at, word, length) && (!at[length] || at[length] == ','))
                        return true;
        }
        return false;
}

static void check_only(const struct bench *b, const char *list)
{
        char copy[256];
        char *rest = copy;
        char *word;

        if (strlen(list) >= sizeof(copy))
                bench_die("--only: too long");
        strcpy(copy, list);
        while ((word = strsep(&rest, ","))) {
                bool is_known = false;

                for (const char *const *v = b->variants; *v; v++)
                        is_known |= !strcmp(*v, word);
                if (!is_known)
                        bench_die("--only: %s has no variant \"%s\"", b->name, word);
        }
}

static void usage(const struct bench *b)
{
        printf("usage: %s [--quick] [--workers 1,2] [--rounds N] [--only VARIANT,...] [--impl VARIANT] [--seed N] "
               "[--json FILE|-]\nvariants:",
               b->name);
        for (const char *const *v = b->variants; *v; v++)
                printf(" %s", *v);
        printf("\n");
        exit(0);
}

static void open_json(struct bench *b, const char *path)
{
        if (!strcmp(path, "-")) {
                b->json = stdout;
                b->text = stderr;
                return;
        }
        b->json = fopen(path, "w");
        if (!b->json)
                bench_die("%s: %s", path, strerror(errno));
}

static void read_options(struct bench *b, int argc, char **argv)
{
        static const struct option options[] = {
                {"quick", no_argument, NULL, 'q'},
                {"workers", required_argument, NULL, 'w'},
                {"rounds", required_argument, NULL, 'r'},
                {"only", required_argument, NULL, 'o'},
                {"impl", required_argument, NULL, 'i'},
                {"seed", required_argument, NULL, 's'},
                {"json", required_argument, NULL, 'j'},
                {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        int option;

        while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                switch (option) {
                case 'q':
                        b->is_quick = true;
                        break;
                case 'w':
                        read_workers(b, optarg);
                        break;
                case 'r':
                        b->n_rounds = (unsigned)number("--rounds", optarg, 1, BENCH_MAX_ROUNDS);
                        break;
                case 'o':
                        check_only(b, optarg);
                        b->only = optarg;
                        break;
                case 'i':
                        b->impl_variant = optarg;
                        break;
                case 's':
                        b->seed = number("--seed", optarg, 0, UINT32_MAX);
                        break;
                case 'j':
                        open_json(b, optarg);
                        break;
                case 'h':
                        usage(b);
                        break;
                default:
                        exit(2);
                }
        }
        if (optind < argc)
                bench_die("%s: no such argument; try --help", argv[optind]);
}

/* The value of "@key : value" in /proc/cpuinfo, or "?". */
static void processor(char *out, size_t size, const char *key)
{
        char line[256];
        FILE *file = fopen("/proc/cpuinfo", "r");

        snprintf(out, size, "?");
        while (file && fgets(line, sizeof(line), file)) {
                char *colon = strchr(line, ':');

                if (strncmp(line, key, strlen(key)) || !colon)
                        continue;
                line[strcspn(line, "\n")] = '\0';
                snprintf(out, size, "%s", colon + 2);
                break;
        }
        if (file)
                fclose(file);
}

static void print_machine(const struct bench *b)
{
        struct utsname name;
        char model[128];
        double memory_gib = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / (1 << 30);

        uname(&name);
        processor(model, sizeof(model), "model name");
        fprintf(b->text, "# %s, %s: %s, %ld CPUs, %.1f GiB, %s %s; %s%s%s; seed %llu%s\n", b->name, b->impl, model,
                sysconf(_SC_NPROCESSORS_ONLN), memory_gib, name.sysname, name.release, COMPILER, BUILD, SANITIZED,
                (unsigned long long)b->seed, b->is_quick ? "; quick" : "");
        fflush(b->text);
}

void bench_init(struct bench *b, const struct bench_program *program, int argc, char **argv)
{
        static char impl[64];

        memset(b, 0, sizeof(*b));
        b->name = program->name;
        b->impl = program->impl;
        b->variants = program->variants;
        b->n_rounds = program->n_rounds;
        b->seed = 1;
        b->text = stdout;
        read_workers(b, program->workers);
        read_options(b, argc, argv);
        if (b->impl_variant) {
                snprintf(impl, sizeof(impl), "%s:%s", program->impl, b->impl_variant);
                b->impl = impl;
        }
        print_machine(b);
}

int bench_fini(struct bench *b)
{
        bool is_bad = fflush(b->text) != 0;

        if (b->json)
                is_bad |= fflush(b->json) != 0 || ferror(b->json);
        if (is_bad)
                bench_die("output could not be written");
        if (b->json && b->json != stdout)
                fclose(b->json);
        return 0;
}

bool bench_wants(const struct bench *b, const char *variant)
{
        return !b->only || has_word(b->only, variant);
}

unsigned bench_most_workers(const struct bench *b)
{
        unsigned most = 1;

        for (unsigned i = 0; i < b->n_worker_counts; i++)
                most = b->workers[i] > most ? b->workers[i] : most;
        return most;
}
