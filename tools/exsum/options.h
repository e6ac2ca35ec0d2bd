/* options.h - what the command line asks for. */
#ifndef EXSUM_OPTIONS_H
#define EXSUM_OPTIONS_H

#include <stdbool.h>

struct options {
        const char *algorithm;
        unsigned n_workers; /* 0: as many as there are CPUs */
        bool as_completed;
        bool stats;
        char **names; /* up to a NULL; at least one */
};

enum options_answer { OPTIONS_RUN, OPTIONS_EXIT, OPTIONS_MISUSE };

/* options_parse - OPTIONS_EXIT: help or the version was asked for and written; OPTIONS_MISUSE: told on stderr. */
enum options_answer options_parse(struct options *options, int argc, char **argv);

#endif
