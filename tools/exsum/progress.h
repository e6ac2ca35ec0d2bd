/* progress.h - one line on the terminal that tells how far the run is, how fast, and how long it will take. Nothing where
 * stderr is no terminal, or the terminal is somebody else's just now. */
#ifndef EXSUM_PROGRESS_H
#define EXSUM_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_state {
        uint64_t n_files, n_bytes;
        uint64_t n_units, n_units_all; /* what is done of all; 0: nobody knows how much that is */
};

struct progress {
        bool is_on;
        bool is_shown;
        bool is_on_stdout_too; /* what is printed goes to the same terminal */
        int64_t drawn_ns;
        struct progress_state drawn;
        double bytes_per_s, units_per_s; /* of the last seconds; 0: not known yet */
};

void progress_init(struct progress *progress);

/* progress_is_due - is it time to draw? */
bool progress_is_due(const struct progress *progress);
void progress_draw(struct progress *progress, const struct progress_state *state);

/* progress_hide - take the line away, before something else is written. */
void progress_hide(struct progress *progress);

/* progress_format - the line's text: at most @width characters, which is less than @size. @left_s is how long it will take,
 * or negative: nobody knows. */
void progress_format(char *line, size_t size, unsigned width, const struct progress_state *state, double bytes_per_s,
                     double left_s);

#endif
