/* flight.c - see flight.h.
 *
 * The starting task collects: when enough are in flight it waits at the completion queue, marks what has ended, and
 * retires: as completed that very entry, else from the window's first on while they are done. A file's task blocks its
 * worker in read(2); with as many workers as CPUs that is what is wanted for files in the page cache, and more workers
 * help where the disk is slow.
 *
 * I1  at most n_running_most tasks are in flight, and the window is bounded: memory does not grow with the tree.
 * I2  the first entry of the window is not done (in order), or none is (as completed): what can be retired was retired;
 *     but for the first that was stopped: behind it, in order, nothing is retired any more.
 * I3  an entry is freed only after its task has ended: here, or in flight_fini() when exec_run has ended them all.
 */
#include "flight.h"

#include "stop.h"

#define TASKS_PER_WORKER 64
#define TICK_NS          EXEC_MS(100)

static void note_error(struct flight *flight, int err)
{
        if (!flight->err)
                flight->err = err;
}

static void retire(struct flight *flight, struct entry *entry)
{
        if (entry->err == -ECANCELED)
                note_error(flight, -ECANCELED);
        else
                note_error(flight, flight->calls.retire(flight->calls.ctx, entry));
        window_remove(&flight->window, entry);
        entry_free(entry);
}

/* Its task has ended with @err. */
static void finish(struct flight *flight, struct entry *entry, int err)
{
        entry->err = err;
        entry->is_done = true;
        if (flight->as_completed) {
                retire(flight, entry);
                return;
        }
        while (flight->window.first && flight->window.first->is_done && !flight->err)
                retire(flight, flight->window.first);
}

/* Takes one task that has ended, if there is one until the deadline. Returns as exec_completion_next(). */
static int collect_until(struct flight *flight, int64_t deadline_ns)
{
        struct exec_outcome outcome;
        exec_future *task;
        void *entry;
        int answer = exec_completion_next(flight->running, deadline_ns, &task, &entry);

        if (answer != 1)
                return answer;
        exec_future_outcome(task, &outcome);
        exec_future_unref(task);
        finish(flight, entry, outcome.err);
        return 1;
}

/* Waits for a task to end. */
static int collect(struct flight *flight)
{
        int64_t deadline_ns = exec_now() + TICK_NS;

        for (;;) {
                int answer = collect_until(flight, deadline_ns);

                if (answer != -ETIMEDOUT)
                        return answer;
                bool again = flight->calls.tick(flight->calls.ctx);
                deadline_ns = again ? exec_now() + TICK_NS : EXEC_FOREVER;
        }
}

/* Collects until at most @n_running tasks are in flight and the window has room. With an error there will be no room, but
 * tasks are still to be waited for. Returns 0 or the error. */
static int make_room(struct flight *flight, size_t n_running)
{
        while (exec_completion_pending(flight->running) > n_running ||
               (window_is_full(&flight->window) && !flight->err)) {
                int answer = collect(flight);

                if (answer < 0)
                        note_error(flight, answer);
                if (answer < 0)
                        break;
        }
        return flight->err;
}

int flight_drain(struct flight *flight)
{
        return make_room(flight, 0);
}

int flight_start(struct flight *flight, struct entry *entry)
{
        if (stop_is_requested())
                note_error(flight, -ECANCELED);
        if (flight->err) {
                entry_free(entry);
                return flight->err;
        }
        window_push(&flight->window, entry);
        exec_future *task = exec_create_task(entry_sum, entry);
        flight->n_tasks++;
        if (exec_completion_add(flight->running, task, entry) != 0)
                finish(flight, entry, exec_await(task, NULL)); /* no memory: one at a time */
        exec_future_unref(task);

        size_t n_running = exec_completion_pending(flight->running);
        if (n_running > flight->n_running_peak)
                flight->n_running_peak = n_running;
        /* Collecting half of them in a row wakes this task less often than one by one. */
        bool is_full = n_running >= flight->n_running_most || window_is_full(&flight->window);
        return is_full ? make_room(flight, flight->n_running_most / 2) : flight->err;
}

int flight_init(struct flight *flight, bool as_completed, const struct flight_calls *calls)
{
        *flight = (struct flight){.as_completed = as_completed, .calls = *calls};
        flight->n_running_most = TASKS_PER_WORKER * (size_t)exec_pool_n_workers(exec_pool_current());
        return exec_completion_new(&flight->running);
}

void flight_fini(struct flight *flight)
{
        while (flight->window.first) {
                struct entry *entry = flight->window.first;

                window_remove(&flight->window, entry);
                entry_free(entry);
        }
        exec_completion_free(flight->running);
}
