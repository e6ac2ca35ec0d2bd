/* unhandled.h - who hears of an error that nobody looked at. */
#ifndef EXECI_WAIT_UNHANDLED_H
#define EXECI_WAIT_UNHANDLED_H

#include "task/cell.h"

void execi_unhandled(exec_future *f);

#endif
