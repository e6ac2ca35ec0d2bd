/* json.h - text in JSON. */
#ifndef EXSUM_JSON_H
#define EXSUM_JSON_H

#include <stdio.h>

/* json_put_string - @text in quotes; it must be UTF-8. */
void json_put_string(FILE *out, const char *text);

/* json_put_name - the key and value of a file's name: "name": "..."; where the name is not UTF-8, which JSON cannot hold,
 * "name_hex": "..." with its bytes in hexadecimal. */
void json_put_name(FILE *out, const char *name);

#endif
