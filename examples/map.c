/* map.c - one function over an array, at most four calls ahead; results come in the array's order while later calls run. */
#include <executor/executor.h>
#include <stdio.h>

struct file {
        const char *name;
        int64_t takes_ns;
        int err;
};

static int size_of(void *arg, void **value)
{
        struct file *file = arg;
        int err = exec_sleep(file->takes_ns);

        *value = file;
        return err ? err : file->err;
}

static int sizes(void *arg, void **value)
{
        static struct file files[] = {
                {"a", EXEC_MS(30), 0}, {"b", EXEC_MS(1), 0}, {"lost", 0, -ENOENT}, {"d", EXEC_MS(5), 0}};
        size_t n = sizeof files / sizeof *files;
        struct exec_map_options options;
        struct exec_outcome out;
        exec_map *map;
        int r, n_failed = 0;

        (void)arg, (void)value;
        exec_map_options_init(&options, sizeof options);
        options.limit = 4;
        r = exec_map_new(&map, size_of, files, n, sizeof files[0], &options);
        if (r)
                return r;
        for (size_t i = 0; (r = exec_map_next(map, exec_now() + EXEC_SEC(60), &out)) == 1; i++) {
                printf("%s: %s\n", files[i].name, out.state == EXEC_DONE ? "read" : "failed");
                n_failed += out.state == EXEC_FAILED;
                if (out.state == EXEC_DONE && out.value != &files[i])
                        n_failed += 100;
        }
        exec_map_free(map);
        return r ? r : n_failed == 1 ? 0 : -EPROTO;
}

int main(void)
{
        return exec_run(sizes, NULL, NULL) == 0 ? 0 : 1;
}
