/* waiter.h - finishing a future, and the node by which one waits for it.
 *
 * N1 a node is linked to a future's word only under the word's LOCK, or as the first by a compare-and-swap. It is
 *    unlinked under LOCK, or, where the word names it as an entry without others, by a compare-and-swap: who finishes
 *    changes the word before he touches a node, so one of the two swaps fails.
 * N2 finishing detaches the whole list under LOCK and claims each waiter before LOCK falls; whoever lost the claim (a
 *    deadline or a cancel won) takes LOCK before his wait returns, and so finds his node untouched from then on.
 *    An entry needs no claim: alone in the list it is detached by the swap that sets DONE, and from then
 *    on is the finisher's; whoever wants its memory back waits until it has arrived there.
 * N3 waiters are told in the order in which they came; but gathers and shields after all others, and callbacks run last:
 *    those may run the program's own code, which must not find an entry or a task that nobody has told yet.
 * N4 nothing here allocates or fails. */
#ifndef EXECI_WAIT_WAITER_H
#define EXECI_WAIT_WAITER_H

#include "port/parker.h"
#include "sched/pool.h"
#include "task/state.h"

enum waiter_kind {
        WAITER_TASK,     /* a suspended task: its wait word, then a wake */
        WAITER_THREAD,   /* a plain thread: a wait word of its own, then its parker */
        WAITER_ENTRY,    /* one of an upper layer: @finished is called when LOCK has fallen */
        WAITER_CALLBACK, /* a done callback; the node is freed when it has run */
        /* From here on those that lead to the end of other futures. */
        WAITER_GATHER, /* a gather that is not the first waiter; the node is freed by the one who finishes */
        WAITER_SHIELD, /* shield.h */
};

struct execi_waiter {
        uint64_t next; /* an older node, perhaps with TAG_ENTRY, or a gather's cell | TAG_GATHER, or 0 */
        struct execi_waiter *prev;
        enum waiter_kind kind;
        /* An entry: the future is done, and the node its finisher's, who lets go of it here. */
        void (*finished)(struct execi_worker *w, struct execi_waiter *entry);
} ALIGNED(16);

struct execi_task_waiter {
        struct execi_waiter node;
        exec_future *task;
};

struct execi_thread_waiter {
        struct execi_waiter node;
        struct execi_wait wait;
        struct execi_parker parker;
};

struct execi_gather_waiter {
        struct execi_waiter node;
        exec_future *gather;
        exec_future *child; /* once it has ended */
        int state, err;
};

/* The gathers and shields still to be told of an end, which may be the end of one of them, and so on: in a loop. */
struct execi_telling {
        exec_future *gather, *child; /* the gather that stood in the child's word, or NULL */
        int state, err;
        bool callbacks;             /* some are to be run */
        struct execi_waiter *nodes; /* the others: of gathers and of shields */
};

struct execi_callback_waiter {
        struct execi_waiter node;
        struct execi_callback_waiter *next_run;
        exec_future *future;
        void (*fn)(exec_future *f, void *arg);
        void *arg;
        struct execi_locals *locals; /* what it will see: locals.h */
};

static inline struct execi_waiter *execi_waiter_at(uint64_t next)
{
        return (struct execi_waiter *)(uintptr_t)(next & ~WAITER_TAGS); /* NOLINT */
}

/* How the word names @n, its oldest node. */
static inline uint64_t execi_waiter_as_oldest(const struct execi_waiter *n)
{
        return (uint64_t)(uintptr_t)n | (n->kind == WAITER_ENTRY ? TAG_ENTRY : 0);
}

/* Link @n to @f. false: f is done; nothing was changed. */
bool execi_waiter_link_slow(exec_future *f, struct execi_waiter *n);
/* As the first waiter, as most often. false: not so easy; nothing was changed. */
static inline bool execi_waiter_link_first(exec_future *f, struct execi_waiter *n)
{
        uint64_t w = atom_load(&f->word, RELAXED); /* @relaxed recheck */

        n->prev = NULL;
        n->next = 0;
        return LIKELY(!(w & (WORD_WAITERS | WORD_DONE | WORD_LOCK)) &&
                      atom_cas(&f->word, &w, w | execi_waiter_as_oldest(n), ACQ_REL)); /* W3 */
}

static inline bool execi_waiter_link(exec_future *f, struct execi_waiter *n)
{
        return execi_waiter_link_first(f, n) || execi_waiter_link_slow(f, n);
}
/* Unlink @n, which was linked. false: f is done, and whoever finished it has let go of n or owns it. */
bool execi_waiter_unlink(exec_future *f, struct execi_waiter *n);
/* The same for an entry, which most often is alone. */
static inline bool execi_waiter_unlink_entry(exec_future *f, struct execi_waiter *n)
{
        uint64_t w = atom_load(&f->word, RELAXED); /* @relaxed recheck */

        return LIKELY((w & (WORD_WAITERS | WORD_DONE | WORD_LOCK)) == execi_waiter_as_oldest(n) &&
                      atom_cas(&f->word, &w, w & ~WORD_WAITERS, ACQ_REL)) || /* W3 */
               execi_waiter_unlink(f, n);
}

/* Finish a task: by its runner, or by the one who claimed it before it started. A success with an undelivered cancel
 * becomes CANCELLED. @w: the calling thread's worker, or NULL. Last touch of @f, whose memory may be gone. */
void execi_task_finish(struct execi_worker *w, exec_future *f, int err, void *value);
/* Finish any other future unless it is done. false: it was. */
bool execi_finish(struct execi_worker *w, exec_future *f, int state, int err, void *value);
/* The second half: LOCK is held, the outcome is written. Last touch. */
void execi_finish_locked(struct execi_worker *w, exec_future *f, uint64_t word);
/* The same as execi_finish(), but what it leads to is left in @t; execi_tell_all() does it. */
bool execi_finish_into(struct execi_worker *w, exec_future *f, int state, int err, void *value,
                       struct execi_telling *t);
void execi_tell_all(struct execi_worker *w, struct execi_telling *t);

/* A gather hears of @n children; told late, in batches, by a worker. execi_gather_flush() tells now. */
void execi_gather_tell(struct execi_worker *w, exec_future *gather, int64_t n);
void execi_gather_flush_slow(struct execi_worker *w);
static inline void execi_gather_flush(struct execi_worker *w)
{
        if (w->gather)
                execi_gather_flush_slow(w);
}
/* The same for one child, in a loop of tellings. */
void execi_gather_count(struct execi_worker *w, exec_future *gather, struct execi_telling *t);
/* Hold a gather's end off while its children are cancelled. false: it is too late. */
bool execi_gather_hold(exec_future *gather);

/* The common end of a plain task: it succeeded, nobody waits but perhaps a gather or a completion queue. false: nothing
 * was changed. */
static ALWAYS_INLINE bool execi_task_finish_plain(struct execi_worker *w, exec_future *f, void *value)
{
        uint64_t word = atom_load(&f->word, RELAXED); /* @relaxed recheck */
        uint64_t waiters = word & WORD_WAITERS;

        if (UNLIKELY((word & (WORD_LOCK | WORD_CANCEL | WORD_DETACHED)) ||
                     (waiters && !(waiters & (TAG_GATHER | TAG_ENTRY)))))
                return false;
        f->state = EXEC_DONE;
        f->value = value;
        /* @pair state.done: release publishes the outcome; last touch */
        if (UNLIKELY(!atom_cas(&f->word, &word, (word & ~(WORD_WAITERS | WORD_QUEUED)) | WORD_DONE, ACQ_REL)))
                return false;
        if (waiters & TAG_ENTRY) {
                struct execi_waiter *entry = execi_waiter_at(waiters);

                entry->finished(w, entry);
        } else if (waiters) {
                exec_future *g = (exec_future *)(uintptr_t)(waiters - TAG_GATHER); /* NOLINT */

                if (LIKELY(w->gather == g))
                        w->n_gather++;
                else
                        execi_gather_tell(w, g, 1);
        }
        return true;
}

/* References. */
void execi_ref(exec_future *f);
void execi_unref_slow(struct execi_worker *w, exec_future *f);
/* The last reference of a plain task that succeeded; all else is the slow half's. */
static inline void execi_unref(struct execi_worker *w, exec_future *f)
{
        /* The flags of the word first: behind DONE the other fields hold still. */
        if (LIKELY((atom_load(&f->word, ACQUIRE) & (WORD_DONE | WORD_QUEUED | WORD_LOCK)) == WORD_DONE &&
                   atom_load(&f->refs, ACQUIRE) == 1 && execi_is_plain_success(f) && w &&
                   !atom_load(&f->extra, RELAXED))) { /* @relaxed the last user */
                atom_store(&f->refs, 0, RELAXED);     /* @relaxed a second unref finds it */
                execi_slab_free(w->slab, f);
        } else {
                execi_unref_slow(w, f);
        }
}
/* Free a cell: drops its value, reports an error that nobody saw. */
void execi_cell_release(struct execi_worker *w, exec_future *f);

/* Run the callbacks that wait on this thread, unless one is running. */
void execi_callbacks_run(void);
void execi_callback_defer(struct execi_callback_waiter *c);
bool execi_callback_is_running(void);
/* Unlink every callback (@fn, @arg) of @f; the caller frees them. A chain by next_run. */
struct execi_callback_waiter *execi_callbacks_unlink(exec_future *f, void (*fn)(exec_future *f, void *arg), void *arg);
/* The same with those of a finished future that wait on this thread. */
struct execi_callback_waiter *execi_callbacks_withdraw(exec_future *f, void (*fn)(exec_future *f, void *arg),
                                                       void *arg);

#endif
