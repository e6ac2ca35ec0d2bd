/* digest.h - the checksum of what an open file still has to give. */
#ifndef EXSUM_DIGEST_H
#define EXSUM_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES_MOST 64

struct digester;

/* digester_new - @algorithm is a name that OpenSSL knows, as "sha256".
 * Returns   0; -EINVAL: no such algorithm, or one without a length of its own; -ENOMEM. */
int digester_new(struct digester **out, const char *algorithm);
void digester_free(struct digester *digester);

/* How many bytes of a digest are used. */
size_t digester_size(const struct digester *digester);

/* digester_read - read @fd to its end. Safe from several threads at once; must not be left by a wait in between.
 * Returns   0, *digest and *n_bytes; -ECANCELED: the task that calls was cancelled; what read(2) failed with. */
int digester_read(struct digester *digester, int fd, unsigned char digest[DIGEST_BYTES_MOST], uint64_t *n_bytes);

#endif
