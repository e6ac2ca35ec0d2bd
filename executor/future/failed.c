/* failed.c - see failed.h. */
#include "future/failed.h"

#include "base/check.h"
#include "task/state.h"

#define FAILED(e)                                                                                                      \
        {                                                                                                              \
                .word = WORD_DONE, .refs = 1, .err = (e), .kind = CELL_PROMISE, .state = EXEC_FAILED,                  \
                .flags = CELL_STATIC, .seen = SEEN_ERROR                                                               \
        }

/* Writable: their word's LOCK is taken like any other's. */
static exec_future failed[] ALIGNED(CACHE_LINE) = {
        FAILED(-ENOMEM), FAILED(-EINVAL), FAILED(-ESHUTDOWN), FAILED(-ECHILD),
        FAILED(-EPIPE),  FAILED(-EPERM),  FAILED(-EDEADLK),
};

exec_future *execi_failed(int err)
{
        for (size_t i = 0; i < sizeof failed / sizeof *failed; i++)
                if (failed[i].err == err)
                        return &failed[i];
        execi_panic("no failed future for error %d", err);
}
