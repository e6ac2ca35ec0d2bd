/* How many CPUs: the affinity mask, and the quota files of both cgroup versions, laid out in a folder of our own. */
#include "port/cpu.h"

#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static int make_root(void **state)
{
        (void)state;
        strcpy(root, "/tmp/port_cpu_test.XXXXXX");
        return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
        char command[128];

        (void)state;
        snprintf(command, sizeof command, "rm -rf '%s'", root);
        return system(command);
}

/* Write a file below the root, with its folders. */
static void put(const char *path, const char *text)
{
        char full[512];

        snprintf(full, sizeof full, "%s%s", root, path);
        for (char *at = strchr(full + strlen(root) + 1, '/'); at; at = strchr(at + 1, '/')) {
                *at = '\0';
                mkdir(full, 0755);
                *at = '/';
        }
        FILE *f = fopen(full, "w");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

static const char v2_mount[] = "22 1 0:20 / /proc rw - proc proc rw\n"
                               "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

static void quota_is_none_without_files(void **state)
{
        (void)state;
        assert_int_equal(execi_cpu_quota(root), 0);
        put("/proc/self/cgroup", "0::/a\n");
        assert_int_equal(execi_cpu_quota(root), 0); /* no mountinfo */
        put("/proc/self/mountinfo", v2_mount);
        assert_int_equal(execi_cpu_quota(root), 0); /* no cpu.max */
}

static void quota_v2_is_rounded_up(void **state)
{
        static const struct {
                const char *text;
                unsigned cpus;
        } cases[] = {
                {"max 100000\n", 0},    {"200000 100000\n", 2}, {"200001 100000\n", 3}, {"1000 100000\n", 1},
                {"150000 100000\n", 2}, {"50000 25000\n", 2},   {"nonsense\n", 0},      {"", 0},
                {"300000\n", 3},        {"-5 100000\n", 0},     {"100000 0\n", 0},
        };

        (void)state;
        put("/proc/self/cgroup", "0::/a\n");
        put("/proc/self/mountinfo", v2_mount);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                put("/sys/fs/cgroup/a/cpu.max", cases[i].text);
                assert_int_equal(execi_cpu_quota(root), cases[i].cpus);
        }
}

static void quota_v2_of_every_level_counts(void **state)
{
        (void)state;
        put("/proc/self/cgroup", "0::/a/b/c\n");
        put("/proc/self/mountinfo", v2_mount);
        put("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
        put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
        put("/sys/fs/cgroup/a/cpu.max", "500000 100000\n");
        assert_int_equal(execi_cpu_quota(root), 5);
        put("/sys/fs/cgroup/cpu.max", "400000 100000\n");
        assert_int_equal(execi_cpu_quota(root), 4);
        put("/sys/fs/cgroup/a/b/c/cpu.max", "300000 100000\n");
        assert_int_equal(execi_cpu_quota(root), 3);
}

static void quota_is_found_in_a_namespace(void **state)
{
        (void)state;
        put("/proc/self/cgroup", "0::/\n");
        put("/proc/self/mountinfo", v2_mount);
        put("/sys/fs/cgroup/cpu.max", "700000 100000\n");
        assert_int_equal(execi_cpu_quota(root), 7);
        put("/proc/self/cgroup", "0::/../outside\n"); /* seen from another namespace: only the mount's own is visible */
        assert_int_equal(execi_cpu_quota(root), 7);
}

static void quota_sees_through_a_mounted_folder(void **state)
{
        (void)state;
        put("/proc/self/cgroup", "0::/pods/one/deep\n");
        put("/proc/self/mountinfo", "30 22 0:26 /pods/one /mnt/my\\040groups rw - cgroup2 cgroup2 rw\n");
        put("/mnt/my groups/deep/cpu.max", "600000 100000\n");
        assert_int_equal(execi_cpu_quota(root), 6);
        put("/mnt/my groups/cpu.max", "200000 100000\n");
        assert_int_equal(execi_cpu_quota(root), 2);
}

static void quota_v1_is_read(void **state)
{
        (void)state;
        put("/proc/self/cgroup", "12:cpuset:/x\n4:cpu,cpuacct:/docker/f00\n1:name=systemd:/y\n0::/\n");
        put("/proc/self/mountinfo",
            "31 30 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
            "32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n");
        put("/sys/fs/cgroup/cpuset/x/cpu.cfs_quota_us", "100000\n");
        put("/sys/fs/cgroup/cpuset/x/cpu.cfs_period_us", "100000\n");
        assert_int_equal(execi_cpu_quota(root), 0);
        put("/sys/fs/cgroup/cpu,cpuacct/docker/f00/cpu.cfs_quota_us", "-1\n");
        put("/sys/fs/cgroup/cpu,cpuacct/docker/f00/cpu.cfs_period_us", "100000\n");
        assert_int_equal(execi_cpu_quota(root), 0);
        put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "250000\n");
        put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n");
        assert_int_equal(execi_cpu_quota(root), 3);
}

static void quota_of_both_versions_takes_the_less(void **state)
{
        (void)state;
        put("/proc/self/cgroup", "4:cpu:/\n0::/a\n");
        put("/proc/self/mountinfo", "32 30 0:28 / /cpu rw - cgroup cgroup rw,cpu\n"
                                    "33 30 0:29 / /unified rw - cgroup2 cgroup2 rw\n");
        put("/cpu/cpu.cfs_quota_us", "500000\n");
        put("/cpu/cpu.cfs_period_us", "100000\n");
        put("/unified/a/cpu.max", "900000 100000\n");
        assert_int_equal(execi_cpu_quota(root), 5);
        put("/unified/a/cpu.max", "200000 100000\n");
        assert_int_equal(execi_cpu_quota(root), 2);
}

static void count_obeys_the_affinity_mask(void **state)
{
        cpu_set_t all, one;
        unsigned before = execi_cpu_count();
        int first = 0;

        (void)state;
        assert_true(before >= 1);
        assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
        assert_true(before <= (unsigned)CPU_COUNT(&all));
        while (!CPU_ISSET(first, &all))
                first++;
        CPU_ZERO(&one);
        CPU_SET(first, &one);
        assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
        unsigned pinned = execi_cpu_count();
        assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
        assert_int_equal(pinned, 1);
        assert_int_equal(execi_cpu_count(), before);
}

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
        const struct CMUnitTest tests[] = {
                WITH_ROOT(quota_is_none_without_files),           WITH_ROOT(quota_v2_is_rounded_up),
                WITH_ROOT(quota_v2_of_every_level_counts),        WITH_ROOT(quota_is_found_in_a_namespace),
                WITH_ROOT(quota_sees_through_a_mounted_folder),   WITH_ROOT(quota_v1_is_read),
                WITH_ROOT(quota_of_both_versions_takes_the_less), cmocka_unit_test(count_obeys_the_affinity_mask),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
