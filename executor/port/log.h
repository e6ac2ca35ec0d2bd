/* log.h - one line to the user's log hook, or to stderr. */
#ifndef EXECI_PORT_LOG_H
#define EXECI_PORT_LOG_H

#include "base/compiler.h"

/* @level is an enum exec_log_level. Allocates nothing; a message is cut at 500 bytes. Call it without a lock held:
 * the user's function runs inside. */
void execi_log(int level, const char *format, ...) PRINTF(2, 3) COLD;

#endif
