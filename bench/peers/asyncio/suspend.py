"""suspend: two tasks that take turns, over futures made afresh each turn (promise), or by sleep(0) (yield)."""
import asyncio

from support import Bench, timed


async def pong(table, n):
    loop = asyncio.get_running_loop()
    for _ in range(n):
        await table["ping"]
        table["ping"] = loop.create_future()
        table["pong"].set_result(None)


async def ping_pong(n):
    loop = asyncio.get_running_loop()
    table = {"ping": loop.create_future(), "pong": None}
    other = asyncio.create_task(pong(table, n))
    for _ in range(n):
        table["pong"] = theirs = loop.create_future()
        table["ping"].set_result(None)
        await theirs
    await other


async def give_way(n):
    for _ in range(n):
        await asyncio.sleep(0)


async def yield_pair(n):
    await asyncio.gather(give_way(n), give_way(n))


def main():
    bench = Bench("suspend", rounds=5)
    n = 10000 if bench.quick else 100000
    bench.time_per_unit("promise", n, "time per round trip", lambda n: asyncio.run(timed(ping_pong)(n)))
    bench.time_per_unit("yield", n, "time per round trip", lambda n: asyncio.run(timed(yield_pair)(n)))


main()
