/* options.h - what the command line asks for. */
#ifndef EXSUM_OPTIONS_H
#define EXSUM_OPTIONS_H

#include <stdbool.h>

/* What a check tells of each line; of several the last one asked for counts, as with sha256sum. */
enum check_says { CHECK_SAYS_ALL, CHECK_SAYS_BAD_LINES_TOO, CHECK_SAYS_FAILURES, CHECK_SAYS_NOTHING };

struct options {
        const char *algorithm; /* NULL: none was named */
        unsigned n_workers;    /* 0: as many as there are CPUs */
        bool as_completed;
        bool order_is_global;
        bool tag;
        bool zero;
        bool json;
        bool stats;
        bool check;
        bool ignore_missing;
        bool strict;
        enum check_says check_says;
        char **names; /* up to a NULL; at least one */
};

enum options_answer { OPTIONS_RUN, OPTIONS_EXIT, OPTIONS_MISUSE };

/* options_parse - OPTIONS_EXIT: help or the version was asked for and written; OPTIONS_MISUSE: told on stderr. */
enum options_answer options_parse(struct options *options, int argc, char **argv);

#endif
