/* failed.c - see failed.h. */
#include "future/failed.h"

#include "base/check.h"
#include "task/state.h"

/* Shared by all and never counted; 2 references, as one would send them down the sole owner's path of execi_unref(). */
#define ENDED(s, e)                                                                                                    \
        {                                                                                                              \
                .word = WORD_DONE, .refs = 2, .err = (e), .kind = CELL_PROMISE, .state = (s), .flags = CELL_STATIC,    \
                .seen = SEEN_ERROR                                                                                     \
        }
#define FAILED(e) ENDED(EXEC_FAILED, e)

/* Writable: their word's LOCK is taken like any other's. */
static exec_future failed[] ALIGNED(CACHE_LINE) = {
        FAILED(-ENOMEM), FAILED(-EINVAL),  FAILED(-ESHUTDOWN), FAILED(-ECHILD), FAILED(-EPIPE),
        FAILED(-EPERM),  FAILED(-EDEADLK), FAILED(-EALREADY),  FAILED(-EAGAIN), ENDED(EXEC_CANCELLED, -ECANCELED),
};

exec_future *execi_failed(int err)
{
        for (size_t i = 0; i < sizeof failed / sizeof *failed; i++)
                if (failed[i].err == err)
                        return &failed[i];
        execi_panic("no failed future for error %d", err);
}
