/* entry.h - one file on its way: found, summed by a task, printed. */
#ifndef EXSUM_ENTRY_H
#define EXSUM_ENTRY_H

#include "anchor.h"
#include "digest.h"

#include <stdbool.h>

enum entry_kind {
        ENTRY_ARGUMENT, /* named by the user: links are followed, anything that can be read is */
        ENTRY_WALKED,   /* found below a directory: a regular file or nothing */
        ENTRY_STDIN,
};

/* The walking task owns an entry, except that the task which sums it writes the result; that task's end hands it
 * back. */
struct entry {
        struct entry *next, *prev; /* in the window */
        struct digester *digester;
        struct meter *meter;
        struct anchor *at;
        enum entry_kind kind;
        bool is_done;
        bool is_skipped;                         /* result: walked, and no regular file any more */
        int err;                                 /* 0, or the negative errno value why there is no digest */
        uint64_t n_bytes;                        /* result */
        unsigned char digest[DIGEST_BYTES_MOST]; /* result */
        unsigned char wanted[DIGEST_BYTES_MOST]; /* in a check: what the list says */
        size_t name_bytes;
        char name[]; /* as displayed */
};

struct entry *entry_new(const char *name, struct anchor *at, enum entry_kind kind, struct digester *digester,
                        struct meter *meter);
void entry_free(struct entry *entry);

/* entry_sum - a task's body: sum the entry @arg. It blocks its worker in open(2) and read(2). */
int entry_sum(void *arg, void **value);

#endif
