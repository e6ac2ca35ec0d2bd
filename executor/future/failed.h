/* failed.h - futures that have already failed, one for each error of creating: never freed, shared by all. */
#ifndef EXECI_FUTURE_FAILED_H
#define EXECI_FUTURE_FAILED_H

#include "task/cell.h"

exec_future *execi_failed(int err);

#endif
