// consumer.cc - the headers serve C++ too: lambdas as bodies, options, outcomes, scopes.
#include <executor/executor.h>

static int ask(void *arg, void **value)
{
        exec_task_options options;
        exec_task_options_init(&options, sizeof options);
        options.name = "answer";
        options.flags = EXEC_TIED;

        auto answer = [](void *a, void **v) {
                *v = a;
                return exec_sleep(EXEC_MS(1));
        };
        exec_future *f = exec_create_task_with(answer, arg, &options);
        exec_future *wrong = exec_create_task([](void *, void **) { return exec_fail(-EIO, "no %s", "luck"); }, nullptr);

        exec_timeout scope{};
        int err = exec_timeout_begin(&scope, exec_now() + EXEC_SEC(60));
        if (!err)
                err = exec_timeout_end(&scope, exec_await(f, value));

        exec_outcome outcome{};
        exec_future *const both[] = {f, wrong};
        if (!err)
                err = exec_gather(both, 2, nullptr, EXEC_COLLECT);
        exec_future_outcome(wrong, &outcome);
        exec_future_unref_all(both, 2);
        return err ? err : outcome.state == EXEC_FAILED && outcome.err == -EIO ? 0 : -EINVAL;
}

int main()
{
        int here = 0;
        void *value = nullptr;
        exec_pool_options options;

        exec_pool_options_init(&options, sizeof options);
        options.n_workers = 2;
        return exec_run_with(&options, ask, &here, &value) || value != &here;
}
