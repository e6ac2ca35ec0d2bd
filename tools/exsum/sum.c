/* sum.c - see sum.h.
 *
 * The main task walks and starts a task for each file. When enough are in flight it waits at the completion queue,
 * marks what has ended, and prints: with --as-completed that very entry, else from the window's first on while they
 * are done. A file's task blocks its worker in read(2); with as many workers as CPUs that is what is wanted for files
 * in the page cache, and -j helps where the disk is slow.
 *
 * I1  at most n_running_most tasks are in flight, and the window is bounded: memory does not grow with the tree.
 * I2  the first entry of the window is not done (in order), or none is (as completed): what can be printed was printed.
 * I3  an entry is freed only after its task has ended: here, or in sum_fini() when exec_run has ended them all.
 */
#include "sum.h"

#include "print.h"

#include <string.h>
#include <sys/stat.h>

#define TASKS_PER_WORKER 64
#define FLUSH_NS         EXEC_MS(100)

static void report(struct sum *sum, const char *name, int err)
{
        print_problem(name, err);
        sum->has_failed = true;
}

static void retire(struct sum *sum, struct entry *entry)
{
        if (entry->err) {
                report(sum, entry->name, entry->err);
        } else if (!entry->is_skipped) {
                int err = print_sum(stdout, entry->digest, digester_size(sum->digester), entry->name);

                sum->write_err = sum->write_err ? sum->write_err : err;
                sum->n_files++;
                sum->n_bytes += entry->n_bytes;
        }
        window_remove(&sum->window, entry);
        entry_free(entry);
}

/* Its task has ended with @err. */
static void finish(struct sum *sum, struct entry *entry, int err)
{
        entry->err = err;
        entry->is_done = true;
        if (sum->options->as_completed) {
                retire(sum, entry);
                return;
        }
        while (sum->window.first && sum->window.first->is_done)
                retire(sum, sum->window.first);
}

/* Takes one task that has ended, if there is one until the deadline. Returns as exec_completion_next(). */
static int collect_until(struct sum *sum, int64_t deadline_ns)
{
        struct exec_outcome outcome;
        exec_future *task;
        void *entry;
        int answer = exec_completion_next(sum->running, deadline_ns, &task, &entry);

        if (answer != 1)
                return answer;
        exec_future_outcome(task, &outcome);
        exec_future_unref(task);
        finish(sum, entry, outcome.err);
        return 1;
}

/* Waits for a task to end. What is printed must not sit in the buffer while a long one runs. */
static int collect(struct sum *sum)
{
        int answer = collect_until(sum, exec_now() + FLUSH_NS);

        if (answer != -ETIMEDOUT)
                return answer;
        fflush(stdout);
        return collect_until(sum, EXEC_FOREVER);
}

/* Collects until at most @n_running tasks are in flight and the window has room. Returns 0 or -errno. */
static int make_room(struct sum *sum, size_t n_running)
{
        while (exec_completion_pending(sum->running) > n_running || window_is_full(&sum->window)) {
                int answer = collect(sum);

                if (answer < 0)
                        return answer;
        }
        return sum->write_err;
}

/* Starts a task for a file. Returns 0 or a negative errno value. */
static int start(struct sum *sum, const char *name, struct anchor *at, enum entry_kind kind)
{
        struct entry *entry = entry_new(name, at, kind, sum->digester);

        if (!entry)
                return -ENOMEM;
        window_push(&sum->window, entry);
        exec_future *task = exec_create_task(entry_sum, entry);
        sum->n_tasks++;
        if (exec_completion_add(sum->running, task, entry) != 0)
                finish(sum, entry, exec_await(task, NULL)); /* no memory: one at a time */
        exec_future_unref(task);

        size_t n_running = exec_completion_pending(sum->running);
        if (n_running > sum->n_running_peak)
                sum->n_running_peak = n_running;
        /* Collecting half of them in a row wakes this task less often than one by one. */
        bool is_full = n_running >= sum->n_running_most || window_is_full(&sum->window);
        return is_full ? make_room(sum, sum->n_running_most / 2) : sum->write_err;
}

static int sum_directory(struct sum *sum, const char *name)
{
        struct found found;
        int err = walk_start(&sum->walk, name);

        if (err)
                report(sum, name, err);
        err = 0;
        while (!err && walk_next(&sum->walk, &found) == 1) {
                if (found.err)
                        report(sum, found.path, found.err);
                else
                        err = start(sum, found.path, found.at, ENTRY_WALKED);
        }
        return err;
}

/* What is not a regular file may be the same pipe or terminal as the one before: those are read one at a time. */
static int sum_alone(struct sum *sum, const char *name, enum entry_kind kind)
{
        int err = make_room(sum, 0);

        fflush(stdout); /* reading may take for ever; an error stays with the stream */
        if (!err)
                err = start(sum, name, sum->walk.here, kind);
        return err ? err : make_room(sum, 0);
}

static int sum_argument(struct sum *sum, const char *name)
{
        struct stat status;

        if (strcmp(name, "-") == 0)
                return sum_alone(sum, name, ENTRY_STDIN);
        if (stat(name, &status) != 0)
                return start(sum, name, sum->walk.here, ENTRY_ARGUMENT); /* which reports it in its place */
        if (S_ISDIR(status.st_mode))
                return sum_directory(sum, name);
        if (S_ISREG(status.st_mode))
                return start(sum, name, sum->walk.here, ENTRY_ARGUMENT);
        return sum_alone(sum, name, ENTRY_ARGUMENT);
}

static void print_stats(const struct sum *sum)
{
        struct exec_pool_stats stats = {.size = sizeof stats};
        double seconds = (double)(exec_now() - sum->start_ns) / 1e9;

        exec_pool_stats(exec_pool_current(), &stats);
        fprintf(stderr,
                "exsum: %llu files, %llu bytes in %.3f s, %.1f MB/s; "
                "%llu tasks on %llu workers, %llu steals, %zu in flight at most\n",
                (unsigned long long)sum->n_files, (unsigned long long)sum->n_bytes, seconds,
                seconds > 0 ? (double)sum->n_bytes / 1e6 / seconds : 0.0, (unsigned long long)sum->n_tasks,
                (unsigned long long)stats.n_workers, (unsigned long long)stats.n_steals, sum->n_running_peak);
}

int sum_run(void *arg, void **value)
{
        struct sum *sum = arg;
        int err = 0;

        (void)value;
        sum->start_ns = exec_now();
        sum->n_running_most = TASKS_PER_WORKER * (size_t)exec_pool_n_workers(exec_pool_current());
        for (char **name = sum->options->names; *name && !err; name++)
                err = sum_argument(sum, *name);
        if (!err)
                err = make_room(sum, 0);
        if (!err && sum->options->stats)
                print_stats(sum);
        return err;
}

int sum_init(struct sum *sum, const struct options *options, struct digester *digester)
{
        *sum = (struct sum){.options = options, .digester = digester};
        int err = walk_init(&sum->walk);
        return err ? err : exec_completion_new(&sum->running);
}

void sum_fini(struct sum *sum)
{
        while (sum->window.first) {
                struct entry *entry = sum->window.first;

                window_remove(&sum->window, entry);
                entry_free(entry);
        }
        exec_completion_free(sum->running);
        walk_fini(&sum->walk);
}
