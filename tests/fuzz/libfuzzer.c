/* libfuzzer.c - the same for libFuzzer, which finds bytes that reach new code. The first byte says how many workers. */
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct fuzz_how how = {1 + (size ? data[0] % 3u : 0), "the file that libFuzzer writes"};
        uint64_t n_ops = 0;

        if (size && fuzz_one(data + 1, size - 1, &how, &n_ops))
                abort();
        return 0;
}
