"""sleepers: tasks in asyncio.sleep (task), and futures that a timer sets, without a task (future)."""
import asyncio
import gc
import time

from support import Bench, resident_bytes, timed


async def sleep_tasks(n, seconds):
    await asyncio.gather(*[asyncio.create_task(asyncio.sleep(seconds)) for _ in range(n)])


async def sleep_futures(n, seconds):
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(n)]
    for future in futures:
        loop.call_later(seconds, future.set_result, None)
    await asyncio.gather(*futures)


async def with_peak(coroutine_function, n, seconds):
    """The nanoseconds it took, and the most resident memory seen half way through the sleep and at the end."""
    peak = 0

    def look():
        nonlocal peak
        peak = max(peak, resident_bytes())

    asyncio.get_running_loop().call_later(seconds * 0.9, look)
    took = await timed(coroutine_function)(n, seconds)
    look()
    return took, peak


def run(bench, variant, coroutine_function):
    n = 5000 if bench.quick else 100000
    seconds = 0.2 if bench.quick else 3.0
    total, beyond, each, left = [], [], [], []
    gc.collect()
    before = resident_bytes()
    for _ in range(bench.rounds):
        took, peak = asyncio.run(with_peak(coroutine_function, n, seconds))
        time.sleep(0.3 if bench.quick else 2)
        total.append(took / 1e9)
        beyond.append((took - seconds * 1e9) / n)
        each.append((peak - before) / n)
        left.append((resident_bytes() - before) / 2**20)
    bench.report(variant, n, "total", "s", total)
    bench.report(variant, n, "beyond the sleep, each", "ns", beyond)
    bench.report(variant, n, "resident memory, each", "B", each)
    bench.report(variant, n, "memory left after 0.3 s" if bench.quick else "memory left after 2 s", "MiB", left)


def main():
    bench = Bench("sleepers", rounds=3)
    if bench.wants("task"):
        run(bench, "task", sleep_tasks)
    if bench.wants("future"):
        run(bench, "future", sleep_futures)


main()
