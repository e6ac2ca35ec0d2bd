/* consumer.c - what a user's first program looks like; exit status 0: it ran, one task awaiting another. It uses what the
 * headers define in their macros and structs too, for the compiler to warn about. */
#include <executor/executor.h>

#if EXEC_VERSION_MAJOR != 0 || EXEC_VERSION_MINOR < 1
#error "another version than was asked for"
#endif

struct number {
        int value;
};

static int answer(void *arg, void **value)
{
        const struct number *number = arg;

        if (number->value < 0)
                return exec_fail(-EINVAL, "%d is negative", number->value);
        *value = arg;
        errno = 0;
        return exec_sleep(EXEC_US(number->value));
}

static int ask(void *arg, void **value)
{
        struct number number = {.value = 100};
        struct exec_task_options options;
        struct exec_timeout scope;

        exec_task_options_init(&options, sizeof options);
        options.name = "answer";
        options.arg_size = sizeof number;
        exec_future *f = exec_create_task_with(answer, &number, &options);
        int err = exec_timeout_begin(&scope, exec_now() + EXEC_SEC(60));
        if (!err)
                err = exec_timeout_end(&scope, exec_await(f, NULL));

        exec_future_unref(f);
        *value = arg;
        return err;
}

int main(void)
{
        int here = 0;
        void *value = NULL;

        return exec_run(ask, &here, &value) || value != &here;
}
