/* totals.h - what the run has done so far, and how it is told at the end. */
#ifndef EXSUM_TOTALS_H
#define EXSUM_TOTALS_H

#include "flight.h"
#include "options.h"

#include <stdint.h>

struct totals {
        int64_t start_ns;
        uint64_t n_files, n_bytes; /* summed, and printed or checked */
        uint64_t n_problems;       /* files and directories that could not be read */
};

/* totals_print_stats - one line on stderr, in words or, where @options say so, in JSON. */
void totals_print_stats(const struct totals *totals, const struct options *options, const struct flight *flight);

/* totals_print_interrupted - how far it came, on stderr. */
void totals_print_interrupted(const struct totals *totals);

#endif
