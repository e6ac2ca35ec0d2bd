/* membarrier.h - a full barrier on every running thread of this process, so that hot paths need none. */
#ifndef EXECI_PORT_MEMBARRIER_H
#define EXECI_PORT_MEMBARRIER_H

#include <stdbool.h>

bool execi_membarrier_register(void); /* false: refused; fall back */
void execi_membarrier(void);          /* only after a successful register; CHECKs that it worked */
void execi_membarrier_if_any(void);   /* nothing where no register has succeeded */

#endif
