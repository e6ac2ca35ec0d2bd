/* model_suite.h - the main program of a model: each program must pass in both memories, each mutation must be found. */
#ifndef EXECI_MODEL_SUITE_H
#define EXECI_MODEL_SUITE_H

#include "model.h"

struct model_case {
        const struct model_program *program;
        struct model_mutation mutation; /* without a name: none, the program must pass */
};

/* One cmocka test a case, named "<suite>_<program>" or "<suite>_<program>_<mutation>". What main() returns. */
int model_suite(const char *suite, const struct model_case cases[], size_t n);

#endif
