/* print.c - see print.h. */
#include "print.h"

#include "digest.h"

#include <executor/types.h> /* errno */
#include <string.h>

static size_t hex(char *text, const unsigned char *digest, size_t size)
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < size; i++) {
                text[2 * i] = digits[digest[i] >> 4];
                text[2 * i + 1] = digits[digest[i] & 15];
        }
        return 2 * size;
}

static void put_escaped(FILE *out, const char *name)
{
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

int print_sum(FILE *out, const unsigned char *digest, size_t size, const char *name)
{
        char text[2 * DIGEST_BYTES_MOST + 2];
        size_t n = hex(text, digest, size);

        text[n++] = ' ';
        text[n++] = ' ';
        errno = 0;
        if (strpbrk(name, "\n\r\\")) {
                putc('\\', out);
                fwrite(text, 1, n, out);
                put_escaped(out, name);
        } else {
                fwrite(text, 1, n, out);
                fputs(name, out);
        }
        putc('\n', out);
        return ferror(out) ? (errno ? -errno : -EIO) : 0;
}

void print_problem(const char *name, int err)
{
        fputs("exsum: ", stderr);
        for (; *name; name++) {
                unsigned char c = (unsigned char)*name;

                if (c < ' ' || c == 0x7f)
                        fprintf(stderr, "\\%03o", c);
                else
                        putc(c, stderr);
        }
        fprintf(stderr, ": %s\n", strerror(-err));
}
