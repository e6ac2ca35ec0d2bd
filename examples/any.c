/* any.c - three mirrors are asked, the first good answer counts, the others are cancelled. */
#include <executor/executor.h>
#include <stdio.h>

struct mirror {
        const char *name;
        int64_t ns;
        int err;
};

static int ask(void *arg, void **value)
{
        const struct mirror *m = arg;
        int err = exec_sleep(m->ns);

        *value = arg;
        if (err == -ECANCELED)
                printf("%s: not needed any more\n", m->name);
        return err ? err : m->err;
}

static int first_answer(void *arg, void **value)
{
        static const struct mirror mirrors[3] = {
                {"broken", EXEC_MS(5), -EIO}, {"near", EXEC_MS(50), 0}, {"far", EXEC_SEC(100), 0}};
        exec_future *f[3];
        size_t index;

        (void)arg;
        for (int i = 0; i < 3; i++)
                f[i] = exec_create_task(ask, (void *)&mirrors[i]);
        int err = exec_any(f, 3, &index, value, EXEC_CANCEL_REST);
        if (!err)
                printf("%s was first\n", mirrors[index].name);
        exec_gather(f, 3, NULL, EXEC_COLLECT); /* the others have ended too */
        exec_future_unref_all(f, 3);
        return err || index != 1 ? -EPROTO : 0;
}

int main(void)
{
        return exec_run(first_answer, NULL, NULL) == 0 ? 0 : 1;
}
