/* sum.c - see sum.h. */
#include "sum.h"

#include "print.h"

/* It has no sum, and @err says why. */
static int put_problem(struct run *run, const char *name, int err)
{
        run_report(run, name, err);
        if (!run->options->json)
                return 0;
        run_prepare_output(run);
        return run_note_written(run, print_without_sum(stdout, name, err));
}

int sum_retire(void *arg, struct entry *entry)
{
        struct run *run = arg;

        if (entry->err)
                return put_problem(run, entry->name, entry->err);
        if (entry->is_skipped)
                return 0;
        run->totals.n_files++;
        run->totals.n_bytes += entry->n_bytes;
        run_prepare_output(run);
        return run_note_written(run, print_sum(stdout, run->options, entry));
}

int sum_run(struct run *run, struct digester *digester)
{
        struct roots roots;
        struct item item;
        int err = roots_init(&roots, run->options->names, run->here, run->options->order_is_global);

        while (!err && roots_next(&roots, &item) == 1)
                err = item.err ? put_problem(run, item.path, item.err) : run_start(run, &item, digester, NULL);
        roots_fini(&roots);
        return err;
}
