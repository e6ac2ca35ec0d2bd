/* print.h - the lines that exsum writes. */
#ifndef EXSUM_PRINT_H
#define EXSUM_PRINT_H

#include <stddef.h>
#include <stdio.h>

/* print_sum - one line as GNU sha256sum writes it: a name with a newline, a carriage return or a backslash has those
 * escaped, and the line begins with a backslash.
 * Returns   0 or a negative errno value. */
int print_sum(FILE *out, const unsigned char *digest, size_t size, const char *name);

/* print_problem - "exsum: name: why" on stderr; control characters in the name are shown in octal. */
void print_problem(const char *name, int err);

#endif
