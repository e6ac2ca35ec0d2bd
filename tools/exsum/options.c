/* options.c - see options.h. */
#include "options.h"

#include "digest.h"

#include <executor/types.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_MOST 1024

static const char help[] =
        "Usage: exsum [OPTION]... [FILE|DIRECTORY]...\n"
        "  or:  exsum -c [OPTION]... [LIST]...\n"
        "Print checksums of files and of all regular files below directories, in parallel,\n"
        "in the form that `sha256sum -c` reads; or check the files that such lists name.\n"
        "Without FILE, or when FILE is -, read standard input.\n"
        "\n"
        "  -a, --algorithm=NAME  sha256 (the default), md5, sha1, sha512, blake2b512, or any other\n"
        "                        digest that OpenSSL knows; --algorithms lists them\n"
        "  -c, --check           read checksums from each LIST and check the files\n"
        "      --tag             lines in BSD's form: SHA256 (name) = sum\n"
        "  -z, --zero            end each line with a NUL, and escape no name\n"
        "      --json            a JSON object on each line\n"
        "      --order=ORDER     directory (the default): arguments as given, the names in each directory\n"
        "                        by their bytes; global: all paths by their bytes\n"
        "      --as-completed    print each line when it is there, in no order\n"
        "  -j, --workers=N       run on N threads (default: one for each CPU)\n"
        "      --stats           at the end write to stderr what was done, and how fast\n"
        "  -h, --help            show this text\n"
        "      --version         show the version\n"
        "\n"
        "With -c only:\n"
        "      --ignore-missing  pass over files that are not there\n"
        "      --quiet           no OK for files that are as they should be\n"
        "      --status          print nothing; the exit status tells\n"
        "      --strict          a line that cannot be read is a failure\n"
        "  -w, --warn            tell each line that cannot be read\n"
        "\n"
        "Symbolic links below a directory are not followed; sockets, fifos and devices there are\n"
        "passed over. Exit status: 0; 1 when something could not be read or written, or is not as its\n"
        "list says; 2 for misuse; 130 after SIGINT.\n";

enum {
        OPTION_AS_COMPLETED = 256,
        OPTION_ALGORITHMS,
        OPTION_IGNORE_MISSING,
        OPTION_JSON,
        OPTION_ORDER,
        OPTION_QUIET,
        OPTION_STATS,
        OPTION_STATUS,
        OPTION_STRICT,
        OPTION_TAG,
        OPTION_VERSION,
};

static const struct option long_options[] = {
        {"algorithm", required_argument, NULL, 'a'},
        {"algorithms", no_argument, NULL, OPTION_ALGORITHMS},
        {"as-completed", no_argument, NULL, OPTION_AS_COMPLETED},
        {"check", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"ignore-missing", no_argument, NULL, OPTION_IGNORE_MISSING},
        {"json", no_argument, NULL, OPTION_JSON},
        {"order", required_argument, NULL, OPTION_ORDER},
        {"quiet", no_argument, NULL, OPTION_QUIET},
        {"stats", no_argument, NULL, OPTION_STATS},
        {"status", no_argument, NULL, OPTION_STATUS},
        {"strict", no_argument, NULL, OPTION_STRICT},
        {"tag", no_argument, NULL, OPTION_TAG},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"warn", no_argument, NULL, 'w'},
        {"workers", required_argument, NULL, 'j'},
        {"zero", no_argument, NULL, 'z'},
        {NULL, 0, NULL, 0},
};

/* What was written on the command line, as far as the options no longer tell. */
struct seen {
        const char *order;      /* --order's argument, or NULL */
        const char *check_only; /* the last option that only a check has, or NULL */
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

static bool parse_order(const char *text, struct options *options)
{
        options->order_is_global = strcmp(text, "global") == 0;
        if (options->order_is_global || strcmp(text, "directory") == 0)
                return true;
        fprintf(stderr, "exsum: '%s' is no order (directory or global)\n", text);
        return false;
}

static enum options_answer print_version(void)
{
        printf("exsum (executor) %d.%d.%d\n", EXEC_VERSION_MAJOR, EXEC_VERSION_MINOR, EXEC_VERSION_PATCH);
        return OPTIONS_EXIT;
}

/* An option that only a check has. Returns false: it is another one. */
static bool parse_check_option(struct options *options, struct seen *seen, int option)
{
        switch (option) {
        case OPTION_IGNORE_MISSING:
                seen->check_only = "--ignore-missing";
                options->ignore_missing = true;
                return true;
        case OPTION_STRICT:
                seen->check_only = "--strict";
                options->strict = true;
                return true;
        case OPTION_QUIET:
                seen->check_only = "--quiet";
                options->check_says = CHECK_SAYS_FAILURES;
                return true;
        case OPTION_STATUS:
                seen->check_only = "--status";
                options->check_says = CHECK_SAYS_NOTHING;
                return true;
        case 'w':
                seen->check_only = "--warn";
                options->check_says = CHECK_SAYS_BAD_LINES_TOO;
                return true;
        default:
                return false;
        }
}

static enum options_answer parse_option(struct options *options, struct seen *seen, int option)
{
        switch (option) {
        case 'a':
                options->algorithm = optarg;
                return OPTIONS_RUN;
        case 'c':
                options->check = true;
                return OPTIONS_RUN;
        case 'j':
                return parse_workers(optarg, &options->n_workers) ? OPTIONS_RUN : misuse();
        case 'z':
                options->zero = true;
                return OPTIONS_RUN;
        case OPTION_AS_COMPLETED:
                options->as_completed = true;
                return OPTIONS_RUN;
        case OPTION_JSON:
                options->json = true;
                return OPTIONS_RUN;
        case OPTION_ORDER:
                seen->order = optarg;
                return parse_order(optarg, options) ? OPTIONS_RUN : misuse();
        case OPTION_STATS:
                options->stats = true;
                return OPTIONS_RUN;
        case OPTION_TAG:
                options->tag = true;
                return OPTIONS_RUN;
        case OPTION_ALGORITHMS:
                digest_print_algorithms(stdout);
                return OPTIONS_EXIT;
        case 'h':
                fputs(help, stdout);
                return OPTIONS_EXIT;
        case OPTION_VERSION:
                return print_version();
        default:
                return parse_check_option(options, seen, option) ? OPTIONS_RUN : misuse();
        }
}

/* Returns why the options cannot stand together, or NULL. */
static const char *contradiction(const struct options *options, const struct seen *seen)
{
        if (options->check && options->tag)
                return "--tag is meaningless with --check, which reads both forms";
        if (options->check && seen->order)
                return "--order is meaningless with --check, whose order is the list's";
        if (options->as_completed && seen->order)
                return "--as-completed and --order exclude one another";
        if (options->json && (options->tag || (options->zero && !options->check)))
                return "--json excludes --tag and --zero";
        return NULL;
}

static enum options_answer check_options(const struct options *options, const struct seen *seen)
{
        const char *why = contradiction(options, seen);

        if (why) {
                fprintf(stderr, "exsum: %s\n", why);
                return misuse();
        }
        if (seen->check_only && !options->check) {
                fprintf(stderr, "exsum: %s is meaningful only with --check\n", seen->check_only);
                return misuse();
        }
        return OPTIONS_RUN;
}

enum options_answer options_parse(struct options *options, int argc, char **argv)
{
        static char *standard_input[] = {"-", NULL};
        struct seen seen = {0};
        int option;

        *options = (struct options){0};
        while ((option = getopt_long(argc, argv, "a:cj:hwz", long_options, NULL)) != -1) {
                enum options_answer answer = parse_option(options, &seen, option);

                if (answer != OPTIONS_RUN)
                        return answer;
        }
        options->names = optind < argc ? argv + optind : standard_input;
        return check_options(options, &seen);
}
