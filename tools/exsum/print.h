/* print.h - the lines that exsum writes. */
#ifndef EXSUM_PRINT_H
#define EXSUM_PRINT_H

#include "entry.h"
#include "options.h"

#include <stdio.h>

/* print_sum - the line of a file that was summed, in the form that @options ask for: by default as GNU sha256sum writes it,
 * where a name with a newline, a carriage return or a backslash has those escaped, and the line begins with a backslash.
 * Returns   0 or a negative errno value. */
int print_sum(FILE *out, const struct options *options, const struct entry *entry);

/* print_without_sum - in JSON: a file that has no sum, and why. */
int print_without_sum(FILE *out, const char *name, int err);

/* How a file was found by a check. */
enum verdict { VERDICT_OK, VERDICT_FAILED, VERDICT_UNREADABLE, VERDICT_MISSING };

/* print_verdict - a check's line, as sha256sum writes it, or in JSON. Returns as print_sum(). */
int print_verdict(FILE *out, const struct options *options, const struct entry *entry, enum verdict verdict);

/* print_problem - "exsum: name: why" on stderr; control characters in the name are shown in octal. */
void print_problem(const char *name, int err);

/* print_name - the name on stderr, as print_problem() shows it. */
void print_name(const char *name);

#endif
