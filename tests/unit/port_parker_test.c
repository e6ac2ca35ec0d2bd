/* A parker keeps P1 to P3 of its header. Every backend must pass. */
#include "port/parker.h"

#include "port/clock.h"
#include "port/pause.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const int64_t MS = 1000000;

static void park_takes_an_early_token_P1(void **state)
{
        struct execi_parker p;

        (void)state;
        execi_parker_init(&p);
        execi_parker_unpark(&p);
        assert_true(execi_parker_park(&p, INT64_MAX));
        execi_parker_fini(&p);
}

static void many_unparks_leave_one_token_P1(void **state)
{
        struct execi_parker p;

        (void)state;
        execi_parker_init(&p);
        for (int i = 0; i < 3; i++)
                execi_parker_unpark(&p);
        assert_true(execi_parker_park(&p, 0));
        assert_false(execi_parker_park(&p, 0));
        execi_parker_unpark(&p);
        assert_true(execi_parker_park(&p, 0)); /* also after one that timed out */
        execi_parker_fini(&p);
}

static void park_ends_at_its_deadline(void **state)
{
        struct execi_parker p;

        (void)state;
        execi_parker_init(&p);
        assert_false(execi_parker_park(&p, INT64_MIN));
        assert_false(execi_parker_park(&p, -1));
        errno = 1234; /* and it stays so */
        int64_t deadline = execi_clock_now() + 5 * MS;
        assert_false(execi_parker_park(&p, deadline));
        assert_int_equal(errno, 1234);
        int64_t late = execi_clock_now() - deadline;
        assert_true(late >= 0);
        assert_true(late < 5000 * MS);
        execi_parker_fini(&p);
}

/* ---- two threads hand a baton to and fro ---- */

enum { ROUNDS = 20000 };

struct pair {
        struct execi_parker to, fro;
        long baton; /* not atomic: P2 is what makes it visible */
        long n_wrong;
};

static void *answer(void *arg)
{
        struct pair *p = arg;

        for (long i = 0; i < ROUNDS; i++) {
                execi_parker_park(&p->to, INT64_MAX);
                p->n_wrong += p->baton != 2 * i + 1;
                p->baton++;
                execi_parker_unpark(&p->fro);
        }
        return NULL;
}

static void no_unpark_is_lost_and_data_is_seen_P1_P2(void **state)
{
        struct pair p = {.baton = 0};
        pthread_t thread;

        (void)state;
        execi_parker_init(&p.to);
        execi_parker_init(&p.fro);
        assert_int_equal(pthread_create(&thread, NULL, answer, &p), 0);
        for (long i = 0; i < ROUNDS; i++) {
                p.baton++;
                execi_parker_unpark(&p.to);
                assert_true(execi_parker_park(&p.fro, INT64_MAX));
                assert_int_equal(p.baton, 2 * i + 2);
        }
        pthread_join(thread, NULL);
        assert_int_equal(p.n_wrong, 0);
        execi_parker_fini(&p.to);
        execi_parker_fini(&p.fro);
}

/* ---- deadlines race unparks: each token is taken exactly once ---- */

struct race {
        struct execi_parker parker;
        _Atomic(int) round, done;
};

static void *unpark_each_round(void *arg)
{
        struct race *r = arg;

        for (int i = 1; i <= ROUNDS / 4; i++) {
                unsigned turns = 0;
                while (atom_load(&r->round, ACQUIRE) < i)
                        execi_spin_yield(&turns);
                for (int spin = 0; spin < i % 200; spin++)
                        __asm__ volatile("");
                execi_parker_unpark(&r->parker);
                atom_store(&r->done, i, RELEASE);
        }
        return NULL;
}

static void a_token_that_races_the_deadline_is_taken_once_P1(void **state)
{
        struct race r = {.round = 0};
        pthread_t thread;
        long n_taken = 0;

        (void)state;
        execi_parker_init(&r.parker);
        assert_int_equal(pthread_create(&thread, NULL, unpark_each_round, &r), 0);
        for (int i = 1; i <= ROUNDS / 4; i++) {
                unsigned turns = 0;
                atom_store(&r.round, i, RELEASE);
                n_taken += execi_parker_park(&r.parker, execi_clock_now() + i % 100 * 1000);
                while (atom_load(&r.done, ACQUIRE) < i)
                        execi_spin_yield(&turns);
                n_taken += execi_parker_park(&r.parker, 0); /* what came too late is still there */
                assert_int_equal(n_taken, i);
        }
        pthread_join(thread, NULL);
        execi_parker_fini(&r.parker);
}

/* ---- the parker is freed as soon as park returns ---- */

struct short_lived {
        struct execi_parker parker;
        char pad[64];
};

static _Atomic(struct short_lived *) handed;

static void *unpark_what_is_handed_over(void *arg)
{
        for (int i = 0; i < ROUNDS / 4; i++) {
                struct short_lived *s;
                unsigned turns = 0;
                while (!(s = atom_swap(&handed, NULL, ACQUIRE)))
                        execi_spin_yield(&turns);
                execi_parker_unpark(&s->parker);
        }
        return arg;
}

static void a_parker_may_go_once_park_returned_P3(void **state)
{
        pthread_t thread;

        (void)state;
        assert_int_equal(pthread_create(&thread, NULL, unpark_what_is_handed_over, NULL), 0);
        for (int i = 0; i < ROUNDS / 4; i++) {
                struct short_lived *s = malloc(sizeof *s);
                assert_non_null(s);
                execi_parker_init(&s->parker);
                atom_store(&handed, s, RELEASE);
                if (i % 2)
                        sched_yield();
                assert_true(execi_parker_park(&s->parker, INT64_MAX));
                execi_parker_fini(&s->parker);
                memset(s, 0x5a, sizeof *s);
                free(s);
        }
        pthread_join(thread, NULL);
}

/* ---- unpark from a signal handler, also of a parker that the interrupted thread is just unparking ---- */

static struct execi_parker handled;
static _Atomic(long) n_handled;

static void unpark_handled(int number)
{
        (void)number;
        execi_parker_unpark(&handled);
        atom_add(&n_handled, 1, RELAXED);
}

static void *interrupt(void *thread)
{
        for (int i = 0; i < ROUNDS / 4; i++) {
                pthread_kill(*(pthread_t *)thread, SIGUSR1);
                for (int spin = 0; spin < i % 500; spin++)
                        __asm__ volatile("");
        }
        return NULL;
}

static void unpark_may_interrupt_itself_P1(void **state)
{
        struct sigaction act = {.sa_handler = unpark_handled}, old;
        pthread_t self = pthread_self(), thread;
        void *ended = &self;
        sigset_t usr1;

        (void)state;
        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        execi_parker_init(&handled);
        sigaction(SIGUSR1, &act, &old);
        assert_int_equal(pthread_create(&thread, NULL, interrupt, &self), 0);
        while (pthread_tryjoin_np(thread, &ended))
                for (int i = 0; i < 100; i++) {
                        execi_parker_unpark(&handled);
                        pthread_sigmask(SIG_BLOCK, &usr1, NULL); /* as on a worker: only unpark may be interrupted */
                        assert_true(execi_parker_park(&handled, INT64_MAX));
                        pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
                }
        sigaction(SIGUSR1, &old, NULL);
        assert_null(ended);
        assert_true(atom_load(&n_handled, RELAXED) > 0);
        execi_parker_fini(&handled);
}

/* ---- a wake that is not ours: signals interrupt the sleep ---- */

static void do_nothing(int number)
{
        (void)number;
}

static void *park_for_a_token(void *arg)
{
        return execi_parker_park(arg, INT64_MAX) ? arg : NULL;
}

static void a_signal_does_not_end_the_park(void **state)
{
        struct sigaction act = {.sa_handler = do_nothing}, old; /* without SA_RESTART */
        struct timespec pause = {.tv_nsec = 2 * MS};
        struct execi_parker p;
        pthread_t thread;
        void *got;

        (void)state;
        execi_parker_init(&p);
        sigaction(SIGUSR1, &act, &old);
        assert_int_equal(pthread_create(&thread, NULL, park_for_a_token, &p), 0);
        for (int i = 0; i < 10; i++) {
                nanosleep(&pause, NULL);
                pthread_kill(thread, SIGUSR1);
                assert_int_equal(pthread_tryjoin_np(thread, &got), EBUSY);
        }
        execi_parker_unpark(&p);
        pthread_join(thread, &got);
        sigaction(SIGUSR1, &old, NULL);
        assert_ptr_equal(got, &p);
        execi_parker_fini(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(park_takes_an_early_token_P1),
                cmocka_unit_test(many_unparks_leave_one_token_P1),
                cmocka_unit_test(park_ends_at_its_deadline),
                cmocka_unit_test(no_unpark_is_lost_and_data_is_seen_P1_P2),
                cmocka_unit_test(a_token_that_races_the_deadline_is_taken_once_P1),
                cmocka_unit_test(a_parker_may_go_once_park_returned_P3),
                cmocka_unit_test(unpark_may_interrupt_itself_P1),
                cmocka_unit_test(a_signal_does_not_end_the_park),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
