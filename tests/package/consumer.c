/* consumer.c - what a user's first program looks like; exit status 0: it ran, one task awaiting another. */
#include <executor/executor.h>

static int answer(void *arg, void **value)
{
        *value = arg;
        return 0;
}

static int ask(void *arg, void **value)
{
        exec_future *f = exec_create_task(answer, arg);
        int err = exec_await(f, value);

        exec_future_unref(f);
        return err;
}

int main(void)
{
        int here = 0;
        void *value = NULL;

        return exec_run(ask, &here, &value) || value != &here;
}
