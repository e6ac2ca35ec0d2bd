/* Lines of lists: every form, and what is none. What sha256sum makes of the same is compared in check_test.sh. */
#include "../../tools/exsum/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char text[200];
static struct line line;
static enum line_form form;

static bool parse(const char *from)
{
        strcpy(text, from);
        return line_parse(&line, text, strlen(text), &form, true);
}

static void reads(const char *from, const char *tag, const char *name)
{
        unsigned char digest[2] = {0};

        assert_true(parse(from));
        assert_string_equal(line.name, name);
        assert_int_equal(line.tag ? line.n_tag : 0, strlen(tag));
        assert_int_equal(line.tag ? memcmp(line.tag, tag, line.n_tag) : 0, 0);
        assert_true(line_digest(&line, digest, 2));
        assert_int_equal(digest[0] << 8 | digest[1], 0xab0f);
        assert_false(line_digest(&line, digest, 1));
        assert_false(line_digest(&line, digest, 3));
}

static void usual_lines(void **state)
{
        (void)state;
        form = LINE_FORM_UNKNOWN;
        reads("ab0f  name", "", "name");
        assert_int_equal(form, LINE_FORM_USUAL);
        reads("AB0F *name", "", "name");
        reads(" \tab0f\t name with (brackets) = ab0f ", "", "name with (brackets) = ab0f ");
        reads("ab0f   leading blank", "", " leading blank");
        reads("ab0f  **", "", "**");
        reads("\\ab0f  a\\nb\\\\n\\r", "", "a\nb\\n\r");
        assert_false(parse("ab0f name"));
        assert_false(parse("ab0f"));
        assert_false(parse("ab0f "));
        assert_false(parse("ab0fname"));
        assert_false(parse("ab0  name"));
        assert_false(parse("xb0f  name"));
        assert_false(parse("  name"));
        assert_false(parse(""));
        assert_false(parse("\\ab0f  a\\tb"));
        assert_false(parse("\\ab0f  a\\"));
        assert_false(parse("\\\\ab0f  a"));
}

/* The first line that can only be in one form decides. */
static void reversed_lines(void **state)
{
        (void)state;
        form = LINE_FORM_UNKNOWN;
        reads("SHA256 (x) = ab0f", "SHA256", "x");
        assert_int_equal(form, LINE_FORM_UNKNOWN);
        reads("ab0f name", "", "name");
        assert_int_equal(form, LINE_FORM_REVERSED);
        reads("ab0f  name", "", " name");
        reads("ab0f *name", "", "*name");
        form = LINE_FORM_UNKNOWN;
        reads("ab0f x", "", "x");
        assert_int_equal(form, LINE_FORM_REVERSED);
}

static void tagged_lines(void **state)
{
        (void)state;
        form = LINE_FORM_UNKNOWN;
        reads("SHA256 (name) = ab0f", "SHA256", "name");
        reads("SHA2-512/256(name)= ab0f", "SHA2-512/256", "name");
        reads("MD5 (a) = (b) c)\t=\t AB0F", "MD5", "a) = (b) c");
        reads("MD5 () = ab0f", "MD5", "");
        reads("\\MD5 (a\\nb) = ab0f", "MD5", "a\nb");
        assert_false(parse("MD5 (name) - ab0f"));
        assert_false(parse("MD5 (name = ab0f"));
        assert_false(parse("MD5 (name) = ab0f "));
        assert_false(parse("MD5 (name) = ab0"));
        assert_false(parse("MD5 (name) = "));
        assert_false(parse("MD5 (name) ="));
        assert_false(parse("MD5 (name)"));
        assert_false(parse("MD5  (name) = ab0f"));
        assert_false(parse("(name) = ab0f"));
        assert_false(parse("\\MD5 (a\\xb) = ab0f"));
}

static void a_name_has_no_nul_and_no_escapes_where_lines_end_with_one(void **state)
{
        (void)state;
        form = LINE_FORM_UNKNOWN;
        memcpy(text, "ab0f  a\0b", 10);
        assert_false(line_parse(&line, text, 9, &form, false));
        strcpy(text, "ab0f  a\nb\\n");
        assert_true(line_parse(&line, text, strlen(text), &form, false));
        assert_string_equal(line.name, "a\nb\\n");
        strcpy(text, "\\ab0f  a");
        assert_false(line_parse(&line, text, strlen(text), &form, false));
}

/* Whatever comes, it stays inside the text. */
static void noise_is_no_line_or_one(void **state)
{
        static const char letters[] = "0aF (=)\\ \t*n-/";
        uint32_t seed = 1;

        (void)state;
        for (int i = 0; i < 200000; i++) {
                char noise[24];
                size_t n = 0;

                for (; n < seed % 23; n++) {
                        seed = seed * 1664525 + 1013904223;
                        noise[n] = letters[(seed >> 20) % (sizeof letters - 1)];
                }
                seed = seed * 1664525 + 1013904223;
                noise[n] = '\0';
                form = (enum line_form)(seed >> 16 & 1);
                if (line_parse(&line, noise, n, &form, true)) {
                        assert_true(line.name >= noise && line.name + strlen(line.name) <= noise + n);
                        assert_true(line.hex >= noise && line.hex + line.n_hex <= noise + n);
                        assert_true(line.n_hex >= 2 && line.n_hex % 2 == 0);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(usual_lines),
                cmocka_unit_test(reversed_lines),
                cmocka_unit_test(tagged_lines),
                cmocka_unit_test(a_name_has_no_nul_and_no_escapes_where_lines_end_with_one),
                cmocka_unit_test(noise_is_no_line_or_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
