/* line.h - a line of a list of checksums, in any form that sha256sum -c reads:
 *
 *     SUM  NAME          also SUM *NAME
 *     SUM NAME           as BSD's md5 -r writes it; the first line decides for the whole list
 *     TAG (NAME) = SUM   also TAG(NAME)= SUM, as openssl dgst writes it
 *
 * each behind any blanks, and behind a backslash where the name is escaped. */
#ifndef EXSUM_LINE_H
#define EXSUM_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum line_form { LINE_FORM_UNKNOWN, LINE_FORM_USUAL, LINE_FORM_REVERSED };

struct line {
        const char *tag; /* NULL: there is none */
        size_t n_tag;
        const char *hex; /* the sum */
        size_t n_hex;    /* even */
        char *name;      /* not escaped */
};

/* line_parse - take @text of @n bytes apart, in place; text[n] is NUL. @form is the list's, LINE_FORM_UNKNOWN at first.
 * @may_escape is false for lists whose lines end with a NUL.
 * Returns   false: it is in none of the forms. */
bool line_parse(struct line *line, char *text, size_t n, enum line_form *form, bool may_escape);

/* line_digest - the sum as @size bytes. Returns false: it is not that long. */
bool line_digest(const struct line *line, unsigned char *digest, size_t size);

#endif
