/* progress.c - see progress.h. */
#include "progress.h"

#include <executor/executor.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRAW_NS       EXEC_MS(200)
#define SMOOTH_S      5.0 /* rates are of about the last so many seconds */
#define WIDTH_MOST    200
#define BAR_MOST      30
#define BAR_LEAST     8
#define LEFT_MOST_S   (100.0 * 3600)
#define TERMINAL_WIDE 80 /* where it does not say */

/* 1.23 GB */
static void format_bytes(char *text, size_t size, double n)
{
        static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
        size_t unit = 0;

        while (n >= 999.5 && unit < 6) {
                n /= 1000;
                unit++;
        }
        int digits = unit == 0 || n >= 99.5 ? 0 : n >= 9.95 ? 1 : 2;
        snprintf(text, size, "%.*f %s", digits, n, units[unit]);
}

/* 1:23 or 1:02:03 */
static void format_time(char *text, size_t size, double seconds)
{
        unsigned long s = (unsigned long)(seconds + 0.5);

        if (s < 3600)
                snprintf(text, size, "%lu:%02lu", s / 60, s % 60);
        else
                snprintf(text, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
}

/* Returns 0 to 1. */
static double share(const struct progress_state *state)
{
        return state->n_units < state->n_units_all ? (double)state->n_units / (double)state->n_units_all : 1;
}

static void format_bar(char *text, size_t width, const struct progress_state *state)
{
        size_t n = (size_t)(share(state) * (double)width);

        text[0] = '[';
        memset(text + 1, ' ', width);
        memset(text + 1, '=', n);
        memcpy(text + 1 + width, "] ", 3);
}

static void format_words(char *text, size_t size, const struct progress_state *state, double bytes_per_s, double left_s)
{
        char percent[16] = "", bytes[32], rate[40] = "", left[40] = "";

        if (state->n_units_all > 0)
                snprintf(percent, sizeof percent, "%3d %%  ", (int)(share(state) * 100));
        format_bytes(bytes, sizeof bytes, (double)state->n_bytes);
        if (bytes_per_s > 0) {
                format_bytes(left, sizeof left, bytes_per_s);
                snprintf(rate, sizeof rate, "  %.32s/s", left);
        }
        left[0] = '\0';
        if (left_s >= 0 && left_s < LEFT_MOST_S) {
                char time[24];

                format_time(time, sizeof time, left_s);
                snprintf(left, sizeof left, "  %s left", time);
        }
        snprintf(text, size, "%s%llu files  %s%s%s", percent, (unsigned long long)state->n_files, bytes, rate, left);
}

void progress_format(char *line, size_t size, unsigned width, const struct progress_state *state, double bytes_per_s,
                     double left_s)
{
        char words[160], bar[BAR_MOST + 4] = "";

        format_words(words, sizeof words, state, bytes_per_s, left_s);
        size_t n_words = strlen(words);
        if (state->n_units_all > 0 && width >= n_words + BAR_LEAST + 3) {
                size_t n_bar = width - n_words - 3;

                format_bar(bar, n_bar < BAR_MOST ? n_bar : BAR_MOST, state);
        }
        snprintf(line, width + 1 < size ? width + 1 : size, "%s%s", bar, words);
}

static unsigned terminal_width(void)
{
        struct winsize window;

        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0)
                return TERMINAL_WIDE;
        return window.ws_col < WIDTH_MOST ? window.ws_col : WIDTH_MOST;
}

static double smoothed(double before, double now, double seconds)
{
        double weight = seconds < SMOOTH_S ? seconds / SMOOTH_S : 1;

        return before > 0 ? before + (now - before) * weight : now;
}

static void note_rates(struct progress *progress, const struct progress_state *state)
{
        int64_t now_ns = exec_now();
        double seconds = (double)(now_ns - progress->drawn_ns) / 1e9;

        if (seconds > 0 && state->n_bytes >= progress->drawn.n_bytes)
                progress->bytes_per_s = smoothed(progress->bytes_per_s,
                                                 (double)(state->n_bytes - progress->drawn.n_bytes) / seconds, seconds);
        if (seconds > 0 && state->n_units >= progress->drawn.n_units)
                progress->units_per_s = smoothed(progress->units_per_s,
                                                 (double)(state->n_units - progress->drawn.n_units) / seconds, seconds);
        progress->drawn_ns = now_ns;
        progress->drawn = *state;
}

static double left_s(const struct progress *progress, const struct progress_state *state)
{
        if (state->n_units_all == 0 || progress->units_per_s <= 0)
                return -1;
        return (1 - share(state)) * (double)state->n_units_all / progress->units_per_s;
}

/* In the background a program does not write over what is in the foreground. */
static bool is_in_foreground(void)
{
        pid_t foreground = tcgetpgrp(STDERR_FILENO);

        return foreground < 0 || foreground == getpgrp();
}

bool progress_is_due(const struct progress *progress)
{
        return progress->is_on && exec_now() - progress->drawn_ns >= DRAW_NS;
}

void progress_draw(struct progress *progress, const struct progress_state *state)
{
        char line[WIDTH_MOST + 1];

        note_rates(progress, state);
        if (!is_in_foreground())
                return;
        progress_format(line, sizeof line, terminal_width() - 1, state, progress->bytes_per_s, left_s(progress, state));
        fprintf(stderr, "\r%s\033[K", line);
        fflush(stderr);
        progress->is_shown = true;
}

void progress_hide(struct progress *progress)
{
        if (progress->is_shown)
                fputs("\r\033[K", stderr);
        progress->is_shown = false;
}

void progress_init(struct progress *progress)
{
        *progress = (struct progress){.is_on = isatty(STDERR_FILENO), .drawn_ns = exec_now()};
        progress->is_on_stdout_too = progress->is_on && isatty(STDOUT_FILENO);
}
