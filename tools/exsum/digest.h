/* digest.h - the checksum of what an open file still has to give. */
#ifndef EXSUM_DIGEST_H
#define EXSUM_DIGEST_H

#include "meter.h"
#include "source.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DIGEST_BYTES_MOST 64

struct digester;

/* digester_new - @algorithm is a name that OpenSSL knows, as "sha256".
 * Returns   0; -EINVAL: no such algorithm, or one without a length of its own; -ENOMEM. */
int digester_new(struct digester **out, const char *algorithm);
void digester_free(struct digester *digester);

/* How many bytes of a digest are used. */
size_t digester_size(const struct digester *digester);

/* What the digest is called in BSD's form: "SHA256". */
const char *digester_tag(const struct digester *digester);

/* digester_read - read @source to its end, counted in @meter as it goes. Safe from several threads at once; must not be
 * left by a wait in between.
 * Returns   0, *digest and *n_bytes; -ECANCELED: the task that calls was cancelled, or the run is to stop; what read(2)
 *           failed with. */
int digester_read(struct digester *digester, struct source *source, struct meter *meter,
                  unsigned char digest[DIGEST_BYTES_MOST], uint64_t *n_bytes);

/* digest_print_algorithms - a line for each algorithm that digester_new() takes. */
void digest_print_algorithms(FILE *out);

#endif
