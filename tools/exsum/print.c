/* print.c - see print.h. */
#include "print.h"

#include "json.h"

#include <executor/types.h> /* errno */
#include <string.h>

static void put_hex(FILE *out, const unsigned char *digest, size_t size)
{
        static const char digits[] = "0123456789abcdef";
        char text[2 * DIGEST_BYTES_MOST];

        for (size_t i = 0; i < size; i++) {
                text[2 * i] = digits[digest[i] >> 4];
                text[2 * i + 1] = digits[digest[i] & 15];
        }
        fwrite(text, 1, 2 * size, out);
}

/* In a check only a newline matters, as to sha256sum. */
static bool needs_escape(const struct options *options, const char *name)
{
        if (options->check)
                return strchr(name, '\n');
        return !options->zero && strpbrk(name, "\n\r\\");
}

static void put_name(FILE *out, const struct options *options, const char *name)
{
        if (!needs_escape(options, name)) {
                fputs(name, out);
                return;
        }
        for (; *name; name++) {
                if (*name == '\n')
                        fputs("\\n", out);
                else if (*name == '\r')
                        fputs("\\r", out);
                else if (*name == '\\')
                        fputs("\\\\", out);
                else
                        putc(*name, out);
        }
}

/* Ends a line, before which errno was 0. */
static int end_line(FILE *out, char end)
{
        putc(end, out);
        return ferror(out) ? (errno ? -errno : -EIO) : 0;
}

static void put_plain(FILE *out, const struct options *options, const struct entry *entry)
{
        put_hex(out, entry->digest, digester_size(entry->digester));
        fputs("  ", out);
        put_name(out, options, entry->name);
}

static void put_tagged(FILE *out, const struct options *options, const struct entry *entry)
{
        fprintf(out, "%s (", digester_tag(entry->digester));
        put_name(out, options, entry->name);
        fputs(") = ", out);
        put_hex(out, entry->digest, digester_size(entry->digester));
}

static void put_json(FILE *out, const struct entry *entry)
{
        putc('{', out);
        json_put_name(out, entry->name);
        fputs(", \"algorithm\": ", out);
        json_put_string(out, digester_tag(entry->digester));
        fputs(", \"digest\": \"", out);
        put_hex(out, entry->digest, digester_size(entry->digester));
        fprintf(out, "\", \"bytes\": %llu}", (unsigned long long)entry->n_bytes);
}

int print_sum(FILE *out, const struct options *options, const struct entry *entry)
{
        errno = 0;
        if (options->json) {
                put_json(out, entry);
                return end_line(out, '\n');
        }
        if (needs_escape(options, entry->name))
                putc('\\', out);
        if (options->tag)
                put_tagged(out, options, entry);
        else
                put_plain(out, options, entry);
        return end_line(out, options->zero ? '\0' : '\n');
}

int print_without_sum(FILE *out, const char *name, int err)
{
        errno = 0;
        putc('{', out);
        json_put_name(out, name);
        fputs(", \"error\": ", out);
        json_put_string(out, strerror(-err));
        putc('}', out);
        return end_line(out, '\n');
}

static int print_verdict_json(FILE *out, const struct entry *entry, enum verdict verdict)
{
        static const char *const words[] = {"ok", "failed", "unreadable", "missing"};

        putc('{', out);
        json_put_name(out, entry->name);
        fputs(", \"algorithm\": ", out);
        json_put_string(out, digester_tag(entry->digester));
        fprintf(out, ", \"result\": \"%s\"", words[verdict]);
        if (entry->err) {
                fputs(", \"error\": ", out);
                json_put_string(out, strerror(-entry->err));
        }
        putc('}', out);
        return end_line(out, '\n');
}

int print_verdict(FILE *out, const struct options *options, const struct entry *entry, enum verdict verdict)
{
        static const char *const words[] = {": OK", ": FAILED", ": FAILED open or read", ": MISSING"};

        errno = 0;
        if (options->json)
                return print_verdict_json(out, entry, verdict);
        if (needs_escape(options, entry->name))
                putc('\\', out);
        put_name(out, options, entry->name);
        fputs(words[verdict], out);
        return end_line(out, '\n');
}

void print_name(const char *name)
{
        for (; *name; name++) {
                unsigned char c = (unsigned char)*name;

                if (c < ' ' || c == 0x7f)
                        fprintf(stderr, "\\%03o", c);
                else
                        putc(c, stderr);
        }
}

void print_problem(const char *name, int err)
{
        fputs("exsum: ", stderr);
        print_name(name);
        fprintf(stderr, ": %s\n", strerror(-err));
}
