/* line.c - see line.h. */
#include "line.h"

#include <string.h>

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* Returns -1: no digit. */
static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t count_hex(const char *text)
{
        size_t n = 0;

        while (hex_value(text[n]) >= 0)
                n++;
        return n;
}

static size_t count_tag(const char *text)
{
        return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/");
}

/* Undoes the escapes of [name, end). Returns false: one that does not exist. */
static bool unescape(char *name, const char *end)
{
        char *to = name;

        for (const char *from = name; from < end; from++) {
                if (*from != '\\') {
                        *to++ = *from;
                        continue;
                }
                if (++from == end)
                        return false;
                if (*from != 'n' && *from != 'r' && *from != '\\')
                        return false;
                *to++ = *from == 'n' ? '\n' : *from == 'r' ? '\r' : '\\';
        }
        *to = '\0';
        return true;
}

/* The name is [name, end). */
static bool set_name(struct line *line, char *name, char *end, bool is_escaped)
{
        *end = '\0';
        line->name = name;
        return !is_escaped || unescape(name, end);
}

/* Behind the bracket: NAME) = SUM. The name ends at the last bracket. */
static bool parse_tagged(struct line *line, char *name, char *end, bool is_escaped)
{
        char *bracket = memrchr(name, ')', (size_t)(end - name));

        if (!bracket)
                return false;
        char *at = bracket + 1 + strspn(bracket + 1, " \t");
        if (*at++ != '=')
                return false;
        at += strspn(at, " \t");
        line->hex = at;
        line->n_hex = count_hex(at);
        return line->n_hex > 0 && line->n_hex % 2 == 0 && at + line->n_hex == end &&
               set_name(line, name, bracket, is_escaped);
}

static bool parse_plain(struct line *line, char *text, char *end, enum line_form *form, bool is_escaped)
{
        line->tag = NULL;
        line->hex = text;
        line->n_hex = count_hex(text);
        char *at = text + line->n_hex;
        if (line->n_hex == 0 || line->n_hex % 2 || !is_blank(*at))
                return false;
        at++;
        if (at == end)
                return false;
        if (at + 1 == end || (*at != ' ' && *at != '*')) {
                if (*form == LINE_FORM_USUAL)
                        return false;
                *form = LINE_FORM_REVERSED;
        } else if (*form != LINE_FORM_REVERSED) {
                *form = LINE_FORM_USUAL;
                at++;
        }
        return set_name(line, at, end, is_escaped);
}

bool line_parse(struct line *line, char *text, size_t n, enum line_form *form, bool may_escape)
{
        char *end = text + n;

        if (strlen(text) != n) /* no name has a NUL */
                return false;
        text += strspn(text, " \t");
        bool is_escaped = may_escape && *text == '\\';
        text += is_escaped;
        line->tag = text;
        line->n_tag = count_tag(text);
        char *at = text + line->n_tag;
        at += *at == ' ';
        if (line->n_tag > 0 && *at == '(' && parse_tagged(line, at + 1, end, is_escaped))
                return true;
        return parse_plain(line, text, end, form, is_escaped);
}

bool line_digest(const struct line *line, unsigned char *digest, size_t size)
{
        if (line->n_hex != 2 * size)
                return false;
        for (size_t i = 0; i < size; i++)
                digest[i] = (unsigned char)(hex_value(line->hex[2 * i]) << 4 | hex_value(line->hex[2 * i + 1]));
        return true;
}
