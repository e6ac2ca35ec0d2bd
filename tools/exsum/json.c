/* json.c - see json.h. */
#include "json.h"

#include <stdbool.h>
#include <stdint.h>

/* How many bytes follow one that begins a character; -1: none begins so. */
static int n_following(unsigned char c)
{
        if (c < 0x80)
                return 0;
        if (c >= 0xc2 && c < 0xe0)
                return 1;
        if (c >= 0xe0 && c < 0xf0)
                return 2;
        return c >= 0xf0 && c < 0xf5 ? 3 : -1;
}

/* Not the shortest form, a surrogate, or behind the last character. */
static bool is_forbidden(uint32_t character, int n)
{
        return (n == 2 && (character < 0x800 || (character >= 0xd800 && character < 0xe000))) ||
               (n == 3 && (character < 0x10000 || character > 0x10ffff));
}

static bool is_utf8(const char *text)
{
        const unsigned char *at = (const unsigned char *)text;

        while (*at) {
                int n = n_following(*at);
                if (n < 0)
                        return false;
                uint32_t character = n ? *at & (0x3fu >> n) : *at;
                at++;
                for (int i = 0; i < n; i++, at++) {
                        if ((*at & 0xc0) != 0x80)
                                return false;
                        character = character << 6 | (*at & 0x3f);
                }
                if (is_forbidden(character, n))
                        return false;
        }
        return true;
}

void json_put_string(FILE *out, const char *text)
{
        putc('"', out);
        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;

                if (c == '"' || c == '\\')
                        fprintf(out, "\\%c", c);
                else if (c < ' ' || c == 0x7f)
                        fprintf(out, "\\u%04x", c);
                else
                        putc(c, out);
        }
        putc('"', out);
}

void json_put_name(FILE *out, const char *name)
{
        if (is_utf8(name)) {
                fputs("\"name\": ", out);
                json_put_string(out, name);
                return;
        }
        fputs("\"name_hex\": \"", out);
        for (; *name; name++)
                fprintf(out, "%02x", (unsigned char)*name);
        putc('"', out);
}
