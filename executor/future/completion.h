/* completion.h - what only the library asks of a completion queue. */
#ifndef EXECI_FUTURE_COMPLETION_H
#define EXECI_FUTURE_COMPLETION_H

#include <executor/combine.h>

/* Cancel every future in it. By its only user: nobody adds or takes meanwhile. */
void execi_completion_cancel_all(exec_completion *c, const char *reason);

#endif
