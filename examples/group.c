/* group.c - a task group: one of three downloads fails; the others are cancelled, and every error can be read. */
#include <executor/executor.h>
#include <stdio.h>

struct page {
        const char *url;
        int64_t takes_ns;
        int err;
};

static int fetch(void *arg, void **value)
{
        struct page *page = arg;
        int err = exec_sleep(page->takes_ns);

        *value = page;
        if (err == -ECANCELED)
                printf("%s: cancelled\n", page->url);
        else if (page->err)
                return exec_fail(page->err, "cannot read %s", page->url);
        return err;
}

static int fetch_all(void *arg, void **value)
{
        static struct page pages[] = {
                {"/index", EXEC_MS(1), 0}, {"/missing", EXEC_MS(50), -ENOENT}, {"/film", EXEC_SEC(1000), 0}};
        exec_group *g;
        int err = exec_group_begin(&g, NULL);

        (void)arg, (void)value;
        if (err)
                return err;
        for (size_t i = 0; !err && i < sizeof pages / sizeof *pages; i++)
                err = exec_group_start(g, fetch, &pages[i]);
        err = exec_group_end(g, err); /* waits for all of them, in any case */
        for (size_t i = 0; i < exec_group_n_errors(g); i++) {
                const struct exec_group_error *e = exec_group_error(g, i);

                printf("error %zu: %s\n", i + 1, e->message ? e->message : "of the body");
        }
        exec_group_free(g);
        return err;
}

int main(void)
{
        return exec_run(fetch_all, NULL, NULL) == -ENOENT ? 0 : 1;
}
