/* Memory: zeroed, aligned, counted; the user's allocator; failing. */
#include "port/memory.h"

#include "base/compiler.h"
#include "port/fault.h"

#include <executor/types.h>

#include "port_child.h"

#include <stdlib.h>
#include <sys/mman.h>

struct meter {
        size_t n_alloc, n_free, bytes_out, shift;
};

static void *meter_alloc(size_t bytes, void *ctx)
{
        struct meter *m = ctx;
        char *ptr = malloc(bytes + m->shift);

        if (!ptr)
                return NULL;
        memset(ptr, 0xa5, bytes + m->shift); /* an allocator owes no zeros */
        m->n_alloc++;
        m->bytes_out += bytes;
        return ptr + m->shift;
}

static void meter_free(void *ptr, size_t bytes, void *ctx)
{
        struct meter *m = ctx;

        m->n_free++;
        m->bytes_out -= bytes;
        free((char *)ptr - m->shift);
}

static bool is_zero(const char *ptr, size_t bytes)
{
        for (size_t i = 0; i < bytes; i++) {
                if (ptr[i])
                        return false;
        }
        return true;
}

static void alloc_is_zeroed_aligned_and_counted(void **state)
{
        static const size_t sizes[] = {0, 1, 15, 16, 100, 5000};

        (void)state;
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                int64_t before = execi_memory_allocated();
                char *ptr = execi_alloc(sizes[i]);
                assert_non_null(ptr);
                assert_int_equal((uintptr_t)ptr % 16, 0);
                assert_true(is_zero(ptr, sizes[i]));
                assert_true(execi_memory_allocated() >= before + (int64_t)sizes[i]);
                memset(ptr, 1, sizes[i]);
                execi_free(ptr, sizes[i]);
                assert_int_equal(execi_memory_allocated(), before);
        }
        execi_free(NULL, 7);
}

static void alloc_aligned_is_aligned(void **state)
{
        int64_t before = execi_memory_allocated();

        (void)state;
        for (size_t align = 16; align <= 4096; align *= 2) {
                char *ptr[3];
                for (size_t i = 0; i < 3; i++) {
                        ptr[i] = execi_alloc_aligned(100 + i, align);
                        assert_non_null(ptr[i]);
                        assert_int_equal((uintptr_t)ptr[i] % align, 0);
                        assert_true(is_zero(ptr[i], 100 + i));
                        memset(ptr[i], 1, 100 + i);
                }
                for (size_t i = 0; i < 3; i++)
                        execi_free_aligned(ptr[i], 100 + i, align);
        }
        execi_free_aligned(NULL, 100, 64);
        assert_int_equal(execi_memory_allocated(), before);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
        int64_t allocated = execi_memory_allocated(), mapped = execi_memory_mapped();

        (void)state;
        errno = 1234;
        assert_null(execi_alloc(SIZE_MAX));
        assert_null(execi_alloc_aligned(SIZE_MAX, 64));
        assert_null(execi_alloc_aligned(SIZE_MAX - 64, 64));
        assert_null(execi_map(0, 1));
        assert_null(execi_map(SIZE_MAX, 1));
        assert_null(execi_map(SIZE_MAX / 4, (size_t)1 << 21));
        assert_int_equal(errno, 1234);
        assert_int_equal(execi_memory_allocated(), allocated);
        assert_int_equal(execi_memory_mapped(), mapped);
}

static void allocator_hook_serves_and_can_be_taken_back(void **state)
{
        struct meter m = {.n_alloc = 0};
        struct exec_allocator a = {meter_alloc, meter_free, &m};

        (void)state;
        assert_int_equal(exec_set_allocator(&a), 0);
        char *ptr = execi_alloc(48), *aligned = execi_alloc_aligned(48, 128);
        assert_true(is_zero(ptr, 48) && is_zero(aligned, 48));
        assert_int_equal(m.n_alloc, 2);
        assert_int_equal(exec_set_allocator(NULL), -EALREADY);
        assert_int_equal(exec_set_allocator(&a), -EALREADY);
        execi_free(ptr, 48);
        execi_free_aligned(aligned, 48, 128);
        assert_int_equal(m.n_free, 2);
        assert_int_equal(m.bytes_out, 0);
        assert_int_equal(exec_set_allocator(NULL), 0);
        execi_free(execi_alloc(48), 48);
        assert_int_equal(m.n_alloc, 2);
}

static void *refuse(size_t bytes, void *ctx)
{
        (void)bytes;
        (void)ctx;
        errno = ENOMEM;
        return NULL;
}

static void refusals_leave_errno_alone(void **state)
{
        struct exec_allocator a = {refuse, meter_free, NULL};

        (void)state;
        assert_int_equal(exec_set_allocator(&a), 0);
        errno = 1234;
        assert_null(execi_alloc(16));
        assert_null(execi_alloc_aligned(16, 64));
        assert_int_equal(errno, 1234);
        assert_int_equal(exec_set_allocator(NULL), 0);
}

static void allocator_hook_needs_both_functions(void **state)
{
        struct exec_allocator no_free = {meter_alloc, NULL, NULL}, no_alloc = {NULL, meter_free, NULL};

        (void)state;
        assert_int_equal(exec_set_allocator(&no_free), -EINVAL);
        assert_int_equal(exec_set_allocator(&no_alloc), -EINVAL);
}

static void allocate_misaligned(void *arg)
{
        struct meter m = {.shift = 8};
        struct exec_allocator a = {meter_alloc, meter_free, &m};

        (void)arg;
        exec_set_allocator(&a);
        execi_alloc(32);
}

static void allocator_hook_that_misaligns_is_named(void **state)
{
        struct child_end end = child_run(allocate_misaligned, NULL);

        (void)state;
        assert_int_equal(end.signal, SIGABRT);
        assert_non_null(strstr(end.text, "exec_set_allocator: "));
}

static void map_is_aligned_zeroed_and_counted(void **state)
{
        int64_t before = execi_memory_mapped();

        (void)state;
        for (size_t align = 1; align <= (size_t)4 << 20; align *= 4) {
                char *ptr = execi_map(10000, align);
                assert_non_null(ptr);
                assert_int_equal((uintptr_t)ptr % align, 0);
                assert_true(is_zero(ptr, 10000));
                memset(ptr, 1, 10000);
                assert_int_equal(execi_memory_mapped(), before + 3 * 4096);
                execi_unmap(ptr, 10000);
                assert_int_equal(execi_memory_mapped(), before);
        }
        execi_unmap(NULL, 10000);
}

static void unback_gives_pages_back(void **state)
{
        unsigned char resident[4];
        char *ptr = execi_map(sizeof resident * 4096, 1);

        (void)state;
        assert_non_null(ptr);
        execi_hugepages(ptr, sizeof resident * 4096);
        memset(ptr, 1, sizeof resident * 4096);
        execi_unback(ptr + 4096, 2 * 4096);
        assert_int_equal(mincore(ptr, sizeof resident * 4096, resident), 0);
        assert_int_equal(resident[0] & 1, 1);
        assert_int_equal(resident[1] & 1, 0);
        assert_int_equal(resident[2] & 1, 0);
        assert_int_equal(resident[3] & 1, 1);
        execi_unmap(ptr, sizeof resident * 4096);
}

/* On both sides of each bound between the ways to have one. */
static void arrays_of_every_size(void **state)
{
        static const size_t sizes[] = {1,          4096,          (64 << 10) - 1, 64 << 10,
                                       100000 + 1, (2 << 20) - 1, 2 << 20,        (5 << 20) + 7};
        int64_t allocated = execi_memory_allocated(), mapped = execi_memory_mapped();

        (void)state;
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                size_t bytes = sizes[i];
                char *ptr = execi_array_new(bytes);

                assert_non_null(ptr);
                assert_int_equal((uintptr_t)ptr % CACHE_LINE, 0);
                assert_true(is_zero(ptr, bytes));
                memset(ptr, 1, bytes);
                execi_array_unback(ptr, bytes < 100 ? bytes : 100, bytes);
                for (size_t j = 0; j < bytes && j < 100; j++)
                        assert_int_equal(ptr[j], 1);
                memset(ptr, 1, bytes);
                execi_array_free(ptr, bytes);
                assert_int_equal(execi_memory_allocated(), allocated);
                assert_int_equal(execi_memory_mapped(), mapped);
        }
        assert_null(execi_array_new(SIZE_MAX));
        execi_array_free(NULL, 16);
        execi_array_free(NULL, SIZE_MAX);
}

static void array_gives_all_but_its_head_back(void **state)
{
        enum { PAGES = 600 };
        unsigned char resident[PAGES];
        char *ptr = execi_array_new(PAGES * 4096);
        unsigned n_resident = 0;

        (void)state;
        assert_non_null(ptr);
        memset(ptr, 1, PAGES * 4096);
        execi_array_unback(ptr, 4097, PAGES * 4096);
        assert_int_equal(mincore(ptr, PAGES * 4096, resident), 0);
        for (size_t i = 0; i < PAGES; i++)
                n_resident += resident[i] & 1;
        assert_int_equal(n_resident, 2);
        execi_array_free(ptr, PAGES * 4096);
}

static void unset_memory_is_counted_and_can_fail(void **state)
{
        int64_t before = execi_memory_allocated();
        char *ptr = execi_alloc_unset(1000);

        (void)state;
        assert_non_null(ptr);
        assert_int_equal((uintptr_t)ptr % 16, 0);
        assert_int_equal(execi_memory_allocated(), before + 1000);
        memset(ptr, 1, 1000);
        execi_free(ptr, 1000);
        assert_int_equal(execi_memory_allocated(), before);
        assert_null(execi_alloc_unset(SIZE_MAX));
        execi_fault_arm(FAULT_ALLOC, 1, false);
        assert_null(execi_alloc_unset(16));
        execi_fault_arm(FAULT_ALLOC, 0, false);
        assert_int_equal(execi_memory_allocated(), before);
}

static void faults_make_alloc_and_map_fail(void **state)
{
        int64_t allocated = execi_memory_allocated(), mapped = execi_memory_mapped();

        (void)state;
        execi_fault_arm(FAULT_ALLOC, 1, true);
        assert_null(execi_alloc(16));
        assert_null(execi_alloc_aligned(16, 64));
        assert_int_equal(execi_fault_fired(), 2);
        execi_fault_arm(FAULT_ALLOC, 0, false);
        execi_fault_arm(FAULT_MAP, 1, false);
        assert_null(execi_map(4096, 1));
        assert_int_equal(execi_fault_fired(), 1);
        execi_fault_arm(FAULT_MAP, 0, false);
        assert_int_equal(execi_memory_allocated(), allocated);
        assert_int_equal(execi_memory_mapped(), mapped);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(alloc_is_zeroed_aligned_and_counted),
                cmocka_unit_test(alloc_aligned_is_aligned),
                cmocka_unit_test(sizes_that_cannot_be_are_refused),
                cmocka_unit_test(allocator_hook_serves_and_can_be_taken_back),
                cmocka_unit_test(refusals_leave_errno_alone),
                cmocka_unit_test(allocator_hook_needs_both_functions),
                cmocka_unit_test(allocator_hook_that_misaligns_is_named),
                cmocka_unit_test(map_is_aligned_zeroed_and_counted),
                cmocka_unit_test(unback_gives_pages_back),
                cmocka_unit_test(arrays_of_every_size),
                cmocka_unit_test(array_gives_all_but_its_head_back),
                cmocka_unit_test(unset_memory_is_counted_and_can_fail),
                cmocka_unit_test(faults_make_alloc_and_map_fail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
