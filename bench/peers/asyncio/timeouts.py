"""timeouts: asyncio.timeout() entered and left in time, alone (scope) and among many armed timers (crowded)."""
import asyncio

from support import Bench, timed

SECONDS = 30


async def scopes(n):
    for _ in range(n):
        async with asyncio.timeout(SECONDS):
            pass


def run_scopes(n, n_timers):
    async def program():
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(10 + SECONDS * 2 / n_timers * (i + 1), int) for i in range(n_timers)]
        took = await timed(scopes)(n)
        for timer in timers:
            timer.cancel()
        return took
    return asyncio.run(program())


def main():
    bench = Bench("timeouts", rounds=5)
    n = 20000 if bench.quick else 500000
    n_timers = 10000 if bench.quick else 100000
    bench.time_per_unit("scope", n, "time per scope", lambda n: run_scopes(n, 0))
    bench.time_per_unit("crowded", n, "time per scope", lambda n: run_scopes(n, n_timers))


main()
