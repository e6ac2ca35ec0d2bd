/* check.c - see check.h.
 *
 * Lines are read while files are summed, so that a list of any length takes no memory. What is said at a list's end needs
 * the end of its files: there the run drains.
 */
#include "check.h"

#include "print.h"
#include "tag.h"

#include <stdlib.h>
#include <string.h>

/* A digester for lines with a tag. */
struct tagged {
        struct tagged *next;
        struct digester *digester;
        size_t n_tag;
        char tag[];
};

static struct tagged *find_tagged(struct check *check, const char *tag, size_t n_tag)
{
        for (struct tagged *tagged = check->tagged; tagged; tagged = tagged->next) {
                if (tagged->n_tag == n_tag && memcmp(tagged->tag, tag, n_tag) == 0)
                        return tagged;
        }
        return NULL;
}

/* Returns 0; -EINVAL: no digest has this tag; -ENOMEM. */
static int tagged_new(struct tagged **out, const char *tag, size_t n_tag)
{
        struct tagged *tagged = malloc(sizeof *tagged + n_tag + 1);

        if (!tagged)
                return -ENOMEM;
        *tagged = (struct tagged){.n_tag = n_tag};
        memcpy(tagged->tag, tag, n_tag);
        tagged->tag[n_tag] = '\0';
        const char *name = tag_to_name(tag, n_tag);
        int err = digester_new(&tagged->digester, name ? name : tagged->tag);
        if (err) {
                free(tagged);
                return err;
        }
        *out = tagged;
        return 0;
}

/* Returns 0 and *digester; -EINVAL: no digest has this tag, or another one was asked for; -ENOMEM. */
static int choose_digester(struct check *check, const struct line *line, struct digester **digester)
{
        *digester = check->digester;
        if (!line->tag)
                return 0;
        struct tagged *tagged = find_tagged(check, line->tag, line->n_tag);
        if (!tagged) {
                int err = tagged_new(&tagged, line->tag, line->n_tag);

                if (err)
                        return err;
                tagged->next = check->tagged;
                check->tagged = tagged;
        }
        *digester = tagged->digester;
        bool is_other = strcmp(digester_tag(tagged->digester), digester_tag(check->digester)) != 0;
        return check->run->options->algorithm && is_other ? -EINVAL : 0;
}

static void note_misformatted(struct check *check)
{
        check->n_misformatted++;
        if (check->run->options->check_says != CHECK_SAYS_BAD_LINES_TOO)
                return;
        progress_hide(&check->run->progress);
        fputs("exsum: ", stderr);
        print_name(check->shown);
        fprintf(stderr, ": %llu: improperly formatted %s checksum line\n", (unsigned long long)check->list.n_line,
                digester_tag(check->digester));
}

/* A file called - in a list that is standard input would be the list. */
static bool is_list_itself(const struct check *check, const char *name)
{
        return strcmp(name, "-") == 0 && strcmp(check->name, "-") == 0;
}

static bool is_comment(const char *text, size_t n)
{
        return n == 0 || text[0] == '#';
}

/* What a line says. Returns 0; -EINVAL: it is none of a list; -ENOMEM. */
static int read_line(struct check *check, char *text, size_t n, struct line *line, struct digester **digester,
                     unsigned char *wanted)
{
        if (!line_parse(line, text, n, &check->form, check->list.delimiter != '\0') ||
            is_list_itself(check, line->name))
                return -EINVAL;
        int err = choose_digester(check, line, digester);
        return err ? err : line_digest(line, wanted, digester_size(*digester)) ? 0 : -EINVAL;
}

/* Starts the file that a line names. Returns as run_start(). */
static int check_line(struct check *check, char *text, size_t n)
{
        unsigned char wanted[DIGEST_BYTES_MOST];
        struct digester *digester;
        struct line line;
        struct item item;

        if (is_comment(text, n))
                return 0;
        if (text[n - 1] == '\r')
                text[--n] = '\0';
        if (n == 0)
                return 0;
        int err = read_line(check, text, n, &line, &digester, wanted);
        if (err == -EINVAL) {
                note_misformatted(check);
                return 0;
        }
        if (err)
                return err;
        check->n_formatted++;
        item_of_name(&item, line.name, check->run->here);
        return run_start(check->run, &item, digester, wanted);
}

/* The next line. Before it waits for one it waits for the files, and shows what came of them. Returns as list_next(). */
static int next_line(struct check *check, char **text, size_t *n)
{
        int answer = list_next(&check->list, text, n, false);

        if (answer != -EAGAIN)
                return answer;
        int err = flight_drain(&check->run->flight);
        run_flush(check->run);
        return err ? err : list_next(&check->list, text, n, true);
}

/* Returns 0, or why the run cannot go on; *read_err says why the list could not be read to its end. */
static int check_lines(struct check *check, int *read_err)
{
        uint64_t n_bytes_before = check->run->n_list_bytes;

        for (;;) {
                char *text;
                size_t n;
                int answer = next_line(check, &text, &n);
                int err = answer == -ECANCELED ? answer : check->run->flight.err;

                if (!err && answer == 1)
                        err = check_line(check, text, n);
                if (err)
                        return err;
                if (answer == -EMSGSIZE) {
                        note_misformatted(check);
                } else if (answer <= 0) {
                        *read_err = answer;
                        return 0;
                }
                check->run->n_list_bytes = n_bytes_before + list_position(&check->list);
        }
}

static void warn(uint64_t n, const char *one, const char *several)
{
        if (n > 0)
                fprintf(stderr, "exsum: WARNING: %llu %s\n", (unsigned long long)n, n == 1 ? one : several);
}

static void complain_of_list(const struct check *check, const char *what)
{
        fputs("exsum: ", stderr);
        print_name(check->shown);
        fprintf(stderr, ": %s\n", what);
}

/* Says what the list was like, at its end. */
static void conclude(struct check *check)
{
        const struct options *options = check->run->options;
        bool says = options->check_says != CHECK_SAYS_NOTHING;

        progress_hide(&check->run->progress);
        if (check->n_formatted == 0) {
                complain_of_list(check, "no properly formatted checksum lines found");
        } else if (says) {
                warn(check->n_misformatted, "line is improperly formatted", "lines are improperly formatted");
                warn(check->n_unreadable, "listed file could not be read", "listed files could not be read");
                warn(check->n_mismatched, "computed checksum did NOT match", "computed checksums did NOT match");
                if (options->ignore_missing && check->n_matched == 0)
                        complain_of_list(check, "no file was verified");
        }
        if (check->n_matched == 0 || check->n_mismatched > 0 || check->n_unreadable > 0 ||
            (options->strict && check->n_misformatted > 0))
                check->run->has_failed = true;
}

/* Returns 0, or why the run cannot go on. */
static int check_list(struct check *check, const char *name)
{
        int read_err = 0;
        int err = list_open(&check->list, name, check->run->options->zero ? '\0' : '\n');

        check->name = name;
        check->shown = strcmp(name, "-") == 0 ? "'standard input'" : name;
        check->form = LINE_FORM_UNKNOWN;
        check->n_formatted = check->n_misformatted = check->n_matched = check->n_mismatched = check->n_unreadable = 0;
        if (err) {
                run_report(check->run, name, err);
                return 0;
        }
        err = check_lines(check, &read_err);
        list_close(&check->list);
        if (!err)
                err = flight_drain(&check->run->flight);
        if (!err && read_err)
                run_report(check->run, name, read_err);
        else if (!err)
                conclude(check);
        return err;
}

static enum verdict judge(const struct options *options, const struct entry *entry)
{
        if (entry->err)
                return entry->err == -ENOENT && options->ignore_missing ? VERDICT_MISSING : VERDICT_UNREADABLE;
        return memcmp(entry->digest, entry->wanted, digester_size(entry->digester)) ? VERDICT_FAILED : VERDICT_OK;
}

static bool is_told(const struct options *options, enum verdict verdict)
{
        if (options->check_says == CHECK_SAYS_NOTHING || (verdict == VERDICT_MISSING && !options->json))
                return false;
        return options->check_says != CHECK_SAYS_FAILURES || (verdict != VERDICT_OK && verdict != VERDICT_MISSING);
}

static void count(struct check *check, const struct entry *entry, enum verdict verdict)
{
        check->n_matched += verdict == VERDICT_OK;
        check->n_mismatched += verdict == VERDICT_FAILED;
        check->n_unreadable += verdict == VERDICT_UNREADABLE;
        check->run->totals.n_files += !entry->err;
        check->run->totals.n_bytes += entry->n_bytes;
}

int check_retire(void *arg, struct entry *entry)
{
        struct run *run = arg;
        enum verdict verdict = judge(run->options, entry);

        count(run->check, entry, verdict);
        if (verdict == VERDICT_UNREADABLE)
                run_report(run, entry->name, entry->err);
        if (!is_told(run->options, verdict))
                return 0;
        run_prepare_output(run);
        return run_note_written(run, print_verdict(stdout, run->options, entry, verdict));
}

/* How long all lists are, for the time left; 0: nobody knows. */
static uint64_t list_bytes(char **names)
{
        struct stat status;
        uint64_t n = 0;

        for (; *names; names++) {
                if (stat(*names, &status) != 0 || !S_ISREG(status.st_mode))
                        return 0;
                n += (uint64_t)status.st_size;
        }
        return n;
}

int check_run(struct check *check, struct run *run, struct digester *digester)
{
        int err = 0;

        *check = (struct check){.run = run, .digester = digester};
        run->check = check;
        run->n_list_bytes_all = run->progress.is_on ? list_bytes(run->options->names) : 0;
        for (char **name = run->options->names; *name && !err; name++)
                err = check_list(check, *name);
        return err;
}

void check_fini(struct check *check)
{
        while (check->tagged) {
                struct tagged *tagged = check->tagged;

                check->tagged = tagged->next;
                digester_free(tagged->digester);
                free(tagged);
        }
}
