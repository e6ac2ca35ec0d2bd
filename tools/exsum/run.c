/* run.c - see run.h. */
#include "run.h"

#include "print.h"

#include <fcntl.h>
#include <string.h>

/* What opening a file and printing its line takes, in bytes that could be summed meanwhile: only for the time left. */
#define FILE_UNITS 16384

static void look(const struct run *run, struct progress_state *state)
{
        state->n_files = run->totals.n_files;
        state->n_bytes = meter_bytes(&run->meter);
        if (run->options->check) {
                state->n_units = run->n_list_bytes;
                state->n_units_all = run->n_list_bytes_all;
                return;
        }
        state->n_units = state->n_bytes + FILE_UNITS * state->n_files;
        state->n_units_all = scan_is_complete(&run->scan) ? run->scan.n_bytes + FILE_UNITS * run->scan.n_files : 0;
}

static void draw_when_due(struct run *run)
{
        struct progress_state state;

        if (!progress_is_due(&run->progress))
                return;
        look(run, &state);
        progress_draw(&run->progress, &state);
}

int run_note_written(struct run *run, int err)
{
        run->write_err = run->write_err ? run->write_err : err;
        return run->write_err;
}

void run_flush(struct run *run)
{
        if (fflush(stdout) != 0)
                run_note_written(run, -errno);
}

/* While nothing ends: what is printed must not sit in the buffer. */
static bool tick(void *arg)
{
        struct run *run = arg;

        run_flush(run);
        draw_when_due(run);
        return run->progress.is_on;
}

void run_prepare_output(struct run *run)
{
        if (run->progress.is_on_stdout_too)
                progress_hide(&run->progress);
}

void run_report(struct run *run, const char *name, int err)
{
        progress_hide(&run->progress);
        print_problem(name, err);
        run->totals.n_problems++;
        run->has_failed = true;
}

/* What is not a regular file may be the same pipe or terminal as the one before: those are read one at a time. */
static int start_alone(struct run *run, struct entry *entry)
{
        int err = flight_drain(&run->flight);

        run_flush(run); /* reading may take for ever */
        if (err) {
                entry_free(entry);
                return err;
        }
        err = flight_start(&run->flight, entry);
        return err ? err : flight_drain(&run->flight);
}

int run_start(struct run *run, const struct item *item, struct digester *digester, const unsigned char *wanted)
{
        struct entry *entry = entry_new(item->path, item->at, item->kind, digester, &run->meter);

        if (!entry)
                return -ENOMEM;
        if (wanted)
                memcpy(entry->wanted, wanted, digester_size(digester));
        draw_when_due(run);
        return item->is_alone ? start_alone(run, entry) : flight_start(&run->flight, entry);
}

int run_end(struct run *run, int err)
{
        if (!err || err == -ECANCELED) {
                int drain_err = flight_drain(&run->flight);

                err = err ? err : drain_err;
        }
        scan_stop(&run->scan);
        progress_hide(&run->progress);
        if (err == -ECANCELED) {
                run->is_stopped = true;
                totals_print_interrupted(&run->totals);
                err = 0;
        }
        if (!err && run->options->stats)
                totals_print_stats(&run->totals, run->options, &run->flight);
        return err;
}

int run_init(struct run *run, const struct options *options, int (*retire)(void *run, struct entry *entry))
{
        const struct flight_calls calls = {.retire = retire, .tick = tick, .ctx = run};

        *run = (struct run){.options = options, .totals.start_ns = exec_now()};
        progress_init(&run->progress);
        run->here = anchor_new(AT_FDCWD, 0);
        if (!run->here)
                return -ENOMEM;
        if (run->progress.is_on && !options->check)
                scan_start(&run->scan, options->names);
        return flight_init(&run->flight, options->as_completed, &calls);
}

void run_fini(struct run *run)
{
        flight_fini(&run->flight);
        anchor_unref(run->here);
}
