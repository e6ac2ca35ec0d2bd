/* tag.h - what a digest is called at the head of a line in BSD's form, "SHA256 (name) = ...". */
#ifndef EXSUM_TAG_H
#define EXSUM_TAG_H

#include <stddef.h>

/* The tag for what OpenSSL calls @name; its own name where coreutils and BSD have none. */
const char *tag_of_name(const char *name);

/* What OpenSSL calls the digest with the tag of @n bytes, or NULL: then the tag may be such a name itself. */
const char *tag_to_name(const char *tag, size_t n);

#endif
