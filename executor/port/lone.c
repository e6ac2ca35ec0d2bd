/* lone.c - one page for what is known of the stack, the guard, the stack. */
#include "port/lone.h"

#include "port/memory.h"
#include "port/sanitizer.h"

#include <stdint.h>
#include <unistd.h>

struct head {
        enum execi_guard kind;
};

static size_t head_bytes(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t mapping_bytes(size_t bytes)
{
        return head_bytes() + EXECI_GUARD_BYTES + bytes;
}

static struct head *head_of(const char *low)
{
        return (struct head *)(uintptr_t)(low - EXECI_GUARD_BYTES - head_bytes());
}

char *execi_lone_new(size_t bytes, enum execi_guard rung)
{
        enum execi_guard kind;
        char *base = execi_map(mapping_bytes(bytes), 1), *low;

        if (!base)
                return NULL;
        low = base + head_bytes() + EXECI_GUARD_BYTES;
        execi_guard_install(rung, &low, &kind, 1);
        if (kind == GUARD_BEST) {
                execi_unmap(base, mapping_bytes(bytes));
                return NULL;
        }
        head_of(low)->kind = kind;
        execi_sanitizer_region_add(base, mapping_bytes(bytes));
        return low;
}

void execi_lone_free(char *low, size_t bytes)
{
        struct head *base = head_of(low);

        execi_sanitizer_region_remove(base, mapping_bytes(bytes));
        execi_unmap(base, mapping_bytes(bytes));
}

enum execi_guard execi_lone_guard(const char *low)
{
        return head_of(low)->kind;
}
