/* model.c - the search: which thread goes on, what was tried, what is left to try. See model.h.
 *
 * An execution is the list of answers to its questions ("which of n?"). The next one repeats the answers up to the last
 * question that has an untried answer, gives that one, and answers 0 from there on. */
#include "model_engine.h"

#include "port/context.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_BYTES = 64 << 10, QUESTIONS_MAX = 4096, STEPS_MAX = 3000, TURN_MAX = 200, NAMES_MAX = 64, FREED_MAX = 16 };
#define NOBODY MODEL_THREADS

struct thread {
        struct execi_context context;
        bool done;
        bool waiting;
        bool sleeps;        /* nothing but its deadline ends its wait */
        const void *object; /* it waits for another value than this one; NULL: for any change */
        size_t size;
        uint64_t value;
        bool timed_out;
        uint64_t n_known;    /* changes before its last wait, and its own since; if it waits: until n_changes differs */
        int64_t deadline_ns; /* of its wait; INT64_MAX: none */
        bool in_hook;        /* its accesses are no steps */
        char *stack;
};

bool model_running;

static struct thread threads[MODEL_THREADS];
static struct execi_context explorer;
static const struct model_program *program;
static const struct model_mutation *mutation;
static unsigned current;
static uint64_t n_changes;
static unsigned bound, n_departures, n_steps, n_turn; /* n_turn: steps of the running thread since it was its turn */
static const char *failure;
static bool gave_up; /* the failure is the checker's */

static struct {
        uint16_t answer, of;
} questions[QUESTIONS_MAX];
static unsigned n_questions, n_asked;

static bool tracing;
static struct {
        const void *object;
        const char *name;
} names[NAMES_MAX];
static unsigned n_names;

static struct {
        uintptr_t low, high;
} freed[FREED_MAX];
static unsigned n_freed;

/* ---- questions ---- */

_Noreturn static void leave(const char *what)
{
        failure = what;
        execi_context_switch(&threads[current].context, &explorer);
        abort();
}

void model_fail(const char *what)
{
        if (model_running)
                leave(what);
        fprintf(stderr, "model: %s outside an execution\n", what);
        abort();
}

void model_give_up(const char *what)
{
        gave_up = true;
        leave(what);
}

static unsigned ask(unsigned n)
{
        if (n <= 1)
                return 0;
        if (n_asked == n_questions) {
                if (n_questions == QUESTIONS_MAX)
                        model_give_up("too many questions");
                questions[n_questions].answer = 0;
                questions[n_questions].of = (uint16_t)n;
                n_questions++;
        }
        if (questions[n_asked].of != n)
                model_give_up("the program is not deterministic");
        return questions[n_asked++].answer;
}

/* false: all was tried. */
static bool next_execution(void)
{
        n_questions = n_asked; /* a failed execution may have asked fewer than were remembered */
        while (n_questions && questions[n_questions - 1].answer + 1 == questions[n_questions - 1].of)
                n_questions--;
        if (!n_questions)
                return false;
        questions[n_questions - 1].answer++;
        return true;
}

bool model_can_depart(void)
{
        return n_departures < bound;
}

unsigned model_depart(unsigned n)
{
        unsigned answer = ask(n);

        if (answer)
                n_departures++;
        return answer;
}

void model_trace(const char *what, unsigned thread)
{
        if (tracing)
                fprintf(stderr, "  %u: %s\n", thread, what);
}

unsigned model_choose(unsigned n)
{
        return ask(n);
}

/* ---- threads ---- */

static bool all_done(void)
{
        for (unsigned i = 0; i < program->n_threads; i++)
                if (!threads[i].done)
                        return false;
        return true;
}

static bool can_run(unsigned i)
{
        const struct thread *t = &threads[i];

        if (t->done || !t->waiting)
                return !t->done;
        if (t->sleeps)
                return false;
        return t->object ? model_memory_differs(t->object, t->size, t->value) : t->n_known != n_changes;
}

/* Who comes next; NOBODY when none can. */
static unsigned decide(void)
{
        unsigned runs[MODEL_THREADS], n = 0;
        bool stays = can_run(current);

        if (stays)
                runs[n++] = current;
        if (!stays || model_can_depart())
                for (unsigned i = 0; i < program->n_threads; i++)
                        if (i != current && can_run(i))
                                runs[n++] = i;
        if (n == 0)
                return NOBODY;
        return runs[stays ? model_depart(n) : ask(n)];
}

/* The next after the running thread: who polls for long must let others go on, and buffers empty themselves. */
static unsigned next_in_turn(void)
{
        unsigned next = current;

        model_memory_drain_all();
        do
                next = (next + 1) % program->n_threads;
        while (!can_run(next));
        return next;
}

/* The earliest deadline passes. NOBODY: there is none. */
static unsigned let_time_pass(void)
{
        unsigned first = NOBODY;

        for (unsigned i = 0; i < program->n_threads && program->time == MODEL_LAST_TIME; i++)
                if (!threads[i].done && threads[i].deadline_ns != INT64_MAX &&
                    (first == NOBODY || threads[i].deadline_ns < threads[first].deadline_ns))
                        first = i;
        if (first != NOBODY) {
                model_port_time_is(threads[first].deadline_ns);
                threads[first].timed_out = true;
                model_trace("its deadline passes", first);
        }
        return first;
}

static void pass_on(void)
{
        unsigned me = current, next = ++n_turn > TURN_MAX && can_run(me) ? next_in_turn() : decide();

        while (next == NOBODY && !all_done()) {
                if (model_memory_drain_all()) /* the buffers empty themselves in time */
                        next = decide();
                else if ((next = let_time_pass()) == NOBODY)
                        break;
        }
        if (next == NOBODY) {
                execi_context_switch(&threads[me].context, &explorer);
                abort();
        }
        threads[next].waiting = false;
        if (next == me && n_turn <= TURN_MAX)
                return;
        n_turn = 0;
        if (next == me)
                return;
        current = next;
        execi_context_switch(&threads[me].context, &threads[next].context);
}

void model_step(void)
{
        if (++n_steps > STEPS_MAX)
                leave("endless");
        pass_on();
}

void model_changed(bool by_current)
{
        n_changes++;
        threads[current].n_known += by_current;
}

static bool wait_until(int64_t deadline_ns)
{
        struct thread *t = &threads[current];

        t->waiting = true;
        t->deadline_ns = deadline_ns;
        t->timed_out = false;
        model_step();
        t->deadline_ns = INT64_MAX;
        t->n_known = n_changes;
        t->sleeps = false;
        t->object = NULL;
        return !t->timed_out;
}

void model_wait_for_change(void)
{
        struct thread *t = &threads[current];

        if (!model_memory_catch_up(current) && t->n_known == n_changes)
                wait_until(INT64_MAX);
        t->n_known = n_changes; /* else there may be something it has not seen yet */
}

bool model_wait_while(const void *object, size_t size, uint64_t value, int64_t deadline_ns)
{
        struct thread *t = &threads[current];
        bool in_time = true;

        if (!model_memory_differs(object, size, value)) {
                bool may_pass = deadline_ns != INT64_MAX && program->time == MODEL_ANY_TIME;

                if (may_pass && model_can_depart() && model_depart(2)) {
                        model_port_time_is(deadline_ns);
                        return false;
                }
                t->object = object;
                t->size = size;
                t->value = value;
                in_time = wait_until(deadline_ns);
        }
        model_memory_settle(current, object, value);
        model_memory_catch_up(current);
        return in_time;
}

void model_sleep_until(int64_t deadline_ns)
{
        threads[current].sleeps = true;
        wait_until(deadline_ns);
}

unsigned model_self(void)
{
        return current;
}

static void thread_main(void *arg)
{
        struct thread *t = arg;

        program->thread[t - threads]();
        t->done = true;
        pass_on();
        abort();
}

/* ---- accesses ---- */

void model_name(const void *object, const char *name)
{
        if (n_names < NAMES_MAX) {
                names[n_names].object = object;
                names[n_names++].name = name;
        }
}

static void print_object(const void *object)
{
        for (unsigned i = 0; i < n_names; i++) {
                if (names[i].object == object) {
                        fprintf(stderr, "%-12s", names[i].name);
                        return;
                }
        }
        fprintf(stderr, "%-12p", object);
}

static void print_access(const struct model_access *a)
{
        static const char *const kinds[] = {"load", "store", "rmw", "cas", "membarrier"};

        fprintf(stderr, "  %u: %-10s ", a->thread, kinds[a->kind]);
        print_object(a->object);
        if (a->kind != MODEL_LOAD)
                fprintf(stderr, " operand %#" PRIx64, a->operand);
        if (a->kind != MODEL_STORE)
                fprintf(stderr, " read %#" PRIx64, a->value);
        if (a->kind == MODEL_CAS)
                fprintf(stderr, " expected %#" PRIx64 " %s", a->expected, a->ok ? "done" : "failed");
        fprintf(stderr, "%s\n", a->skip ? " (mutated)" : "");
}

static void call_hook(model_hook_fn hook, struct model_access *a)
{
        unsigned me = current;

        if (!hook)
                return;
        threads[me].in_hook = true;
        hook(a);
        threads[me].in_hook = false;
}

void model_forget(const void *object, size_t size)
{
        if (n_freed == FREED_MAX)
                model_give_up("too much is freed");
        freed[n_freed].low = (uintptr_t)object;
        freed[n_freed++].high = (uintptr_t)object + size;
}

static void check_not_freed(const void *object)
{
        for (unsigned i = 0; i < n_freed; i++)
                if ((uintptr_t)object >= freed[i].low && (uintptr_t)object < freed[i].high)
                        model_fail("freed memory is touched");
}

/* true: a mutation has answered it. */
bool model_access_before(struct model_access *a)
{
        if (threads[current].in_hook)
                return false;
        model_step();
        a->thread = current;
        check_not_freed(a->object);
        if (mutation)
                call_hook(mutation->before, a);
        return a->skip;
}

void model_access_after(struct model_access *a)
{
        if (threads[current].in_hook)
                return;
        if (tracing)
                print_access(a);
        if (mutation)
                call_hook(mutation->after, a);
}

/* ---- executions ---- */

static void execute(enum model_memory memory)
{
        n_changes = 0;
        n_departures = 0;
        n_steps = 0;
        n_turn = 0;
        n_asked = 0;
        n_names = 0;
        n_freed = 0;
        failure = NULL;
        gave_up = false;
        model_port_start();
        program->setup();
        model_memory_start(memory, program->n_threads);
        for (unsigned i = 0; i < program->n_threads; i++) {
                struct thread *t = &threads[i];

                t->done = false;
                t->waiting = false;
                t->sleeps = false;
                t->object = NULL;
                t->n_known = 0;
                t->deadline_ns = INT64_MAX;
                t->in_hook = false;
                execi_context_make(&t->context, t->stack, t->stack + STACK_BYTES, thread_main, t);
        }
        current = ask(program->n_threads);
        model_running = true;
        execi_context_switch(&explorer, &threads[current].context);
        model_running = false;
}

/* The threads have stopped. Verify runs as one of them, so that it can fail too. */
static void verify_main(void *arg)
{
        (void)arg;
        program->verify();
        execi_context_switch(&threads[0].context, &explorer);
}

static void finish(void)
{
        if (!all_done()) {
                failure = "deadlock";
                return;
        }
        model_memory_drain_all();
        current = 0;
        threads[0].in_hook = true; /* what verify does is not a step */
        execi_context_make(&threads[0].context, threads[0].stack, threads[0].stack + STACK_BYTES, verify_main, NULL);
        model_memory_catch_up(0);
        model_running = true;
        execi_context_switch(&explorer, &threads[0].context);
        model_running = false;
}

struct model_result model_explore(const struct model_program *p, enum model_memory memory,
                                  const struct model_mutation *m, bool trace)
{
        struct model_result result = {0};
        const char *deeper = getenv("MODEL_DEEPER");

        program = p;
        mutation = m;
        bound = p->bound[memory] + (deeper ? (unsigned)strtoul(deeper, NULL, 10) : 0);
        n_questions = 0;
        for (unsigned i = 0; i < p->n_threads; i++) {
                threads[i].stack = aligned_alloc(16, STACK_BYTES);
                if (!threads[i].stack)
                        abort();
        }
        do {
                execute(memory);
                if (!failure)
                        finish();
                result.n_executions++;
                if (n_steps > result.max_steps)
                        result.max_steps = n_steps;
        } while (!failure && next_execution());
        result.failure = failure;
        result.gave_up = gave_up;
        if (failure && trace && !tracing) {
                tracing = true; /* once more, the same answers */
                fprintf(stderr, "%s: %s\n", p->name, failure);
                execute(memory);
                if (!failure)
                        finish();
                tracing = false;
        }
        for (unsigned i = 0; i < p->n_threads; i++)
                free(threads[i].stack);
        return result;
}
