/* options.c - see options.h. */
#include "options.h"

#include <executor/types.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define WORKERS_MOST 1024

static const char help[] =
        "Usage: exsum [OPTION]... [FILE|DIRECTORY]...\n"
        "Print checksums of files and of all regular files below directories, in parallel,\n"
        "in the form that `sha256sum -c` reads. Without FILE, or when FILE is -, read standard input.\n"
        "\n"
        "  -a, --algorithm=NAME  sha256 (the default), md5, sha1, sha512, blake2b512, or any other\n"
        "                        digest that OpenSSL knows\n"
        "      --as-completed    print each sum when it is there, instead of in order\n"
        "                        (arguments as given, names in each directory by their bytes)\n"
        "  -j, --workers=N       run on N threads (default: one for each CPU)\n"
        "      --stats           at the end write to stderr what was done, and how fast\n"
        "  -h, --help            show this text\n"
        "      --version         show the version\n"
        "\n"
        "Symbolic links below a directory are not followed; sockets, fifos and devices there are\n"
        "passed over. Exit status: 0; 1 when something could not be read or written; 2 for misuse.\n";

enum { OPTION_AS_COMPLETED = 256, OPTION_STATS, OPTION_VERSION };

static const struct option long_options[] = {
        {"algorithm", required_argument, NULL, 'a'},
        {"as-completed", no_argument, NULL, OPTION_AS_COMPLETED},
        {"workers", required_argument, NULL, 'j'},
        {"stats", no_argument, NULL, OPTION_STATS},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, OPTION_VERSION},
        {NULL, 0, NULL, 0},
};

static enum options_answer misuse(void)
{
        fputs("Try 'exsum --help'.\n", stderr);
        return OPTIONS_MISUSE;
}

static bool parse_workers(const char *text, unsigned *n_workers)
{
        char *end;
        unsigned long n = strtoul(text, &end, 10);

        if (text[0] < '0' || text[0] > '9' || *end || n < 1 || n > WORKERS_MOST) {
                fprintf(stderr, "exsum: '%s' is no number of workers (1 to %d)\n", text, WORKERS_MOST);
                return false;
        }
        *n_workers = (unsigned)n;
        return true;
}

enum options_answer options_parse(struct options *options, int argc, char **argv)
{
        static char *standard_input[] = {"-", NULL};
        int option;

        *options = (struct options){.algorithm = "sha256"};
        while ((option = getopt_long(argc, argv, "a:j:h", long_options, NULL)) != -1) {
                switch (option) {
                case 'a':
                        options->algorithm = optarg;
                        break;
                case 'j':
                        if (!parse_workers(optarg, &options->n_workers))
                                return misuse();
                        break;
                case 'h':
                        fputs(help, stdout);
                        return OPTIONS_EXIT;
                case OPTION_AS_COMPLETED:
                        options->as_completed = true;
                        break;
                case OPTION_STATS:
                        options->stats = true;
                        break;
                case OPTION_VERSION:
                        printf("exsum (executor) %d.%d.%d\n", EXEC_VERSION_MAJOR, EXEC_VERSION_MINOR,
                               EXEC_VERSION_PATCH);
                        return OPTIONS_EXIT;
                default:
                        return misuse();
                }
        }
        options->names = optind < argc ? argv + optind : standard_input;
        return OPTIONS_RUN;
}
