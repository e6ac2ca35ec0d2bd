// consumer.cc - the headers serve C++ too.
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
        void *value = nullptr;

        return exec_run(ask, &here, &value) || value != &here;
}
