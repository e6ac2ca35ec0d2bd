"""cancel: sleepers cancelled one by one and then awaited: tasks in asyncio.sleep (task), and futures that a timer
would set (future), whose timers are cancelled too, as asyncio.sleep does."""
import asyncio
import time

from support import Bench

LONG_S = 600


def expect_cancelled(results):
    if not all(isinstance(result, asyncio.CancelledError) for result in results):
        raise RuntimeError("a sleeper was not cancelled")


async def cancel_tasks(n):
    tasks = [asyncio.create_task(asyncio.sleep(LONG_S)) for _ in range(n)]
    await asyncio.sleep(0)  # now each has begun
    start = time.monotonic_ns()
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    took = time.monotonic_ns() - start
    expect_cancelled(results)
    return took


async def cancel_futures(n):
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(n)]
    timers = [loop.call_later(LONG_S, future.set_result, None) for future in futures]
    start = time.monotonic_ns()
    for future, timer in zip(futures, timers):
        future.cancel()
        timer.cancel()
    results = await asyncio.gather(*futures, return_exceptions=True)
    took = time.monotonic_ns() - start
    expect_cancelled(results)
    return took


def main():
    bench = Bench("cancel", rounds=3)
    n = 5000 if bench.quick else 100000
    bench.time_per_unit("task", n, "time per cancel", lambda n: asyncio.run(cancel_tasks(n)))
    bench.time_per_unit("future", n, "time per cancel", lambda n: asyncio.run(cancel_futures(n)))


main()
