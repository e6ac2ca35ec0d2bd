"""fanout: one task fans out to 100,000 coroutines that do nothing, and collects their results."""
import asyncio
import time

from support import Bench, timed


async def empty(value):
    return value


async def gather_all(n):
    tasks = [asyncio.create_task(empty(n)) for _ in range(n)]
    results = await asyncio.gather(*tasks)
    if len(results) != n or results[-1] != n:
        raise RuntimeError("results are missing")


async def as_completed_all(n):
    tasks = [asyncio.create_task(empty(n)) for _ in range(n)]
    n_seen = 0
    for future in asyncio.as_completed(tasks):
        n_seen += await future == n
    if n_seen != n:
        raise RuntimeError("results are missing")


def program_ns(n):
    start = time.monotonic_ns()
    asyncio.run(gather_all(n))
    return time.monotonic_ns() - start


def main():
    bench = Bench("fanout", rounds=5)
    n = 20000 if bench.quick else 100000
    bench.time_per_unit("gather", n, "time per task", lambda n: asyncio.run(timed(gather_all)(n)))
    bench.time_per_unit("as_completed", n, "time per task", lambda n: asyncio.run(timed(as_completed_all)(n)))
    bench.time_per_unit("program", n, "time per task", program_ns)


main()
