/* tag.c - see tag.h. */
#include "tag.h"

#include <string.h>

static const struct {
        const char *tag, *name;
} tags[] = {
        {"MD5", "MD5"},
        {"SHA1", "SHA1"},
        {"SHA224", "SHA2-224"},
        {"SHA256", "SHA2-256"},
        {"SHA384", "SHA2-384"},
        {"SHA512", "SHA2-512"},
        {"SHA512/256", "SHA2-512/256"},
        {"BLAKE2b", "BLAKE2B-512"},
        {"BLAKE2s", "BLAKE2S-256"},
        {"SM3", "SM3"},
        {"RMD160", "RIPEMD-160"},
};

enum { N_TAGS = sizeof tags / sizeof tags[0] };

const char *tag_of_name(const char *name)
{
        for (size_t i = 0; i < N_TAGS; i++) {
                if (strcmp(tags[i].name, name) == 0)
                        return tags[i].tag;
        }
        return name;
}

const char *tag_to_name(const char *tag, size_t n)
{
        for (size_t i = 0; i < N_TAGS; i++) {
                if (strlen(tags[i].tag) == n && memcmp(tags[i].tag, tag, n) == 0)
                        return tags[i].name;
        }
        return NULL;
}
