"""group: one TaskGroup with 100,000 children that do nothing; and groups in groups, five children each, six levels."""
import asyncio

from support import Bench, timed

FAN = 5
LEVELS = 6
N_TREE = 19531


async def empty():
    pass


async def children(n):
    async with asyncio.TaskGroup() as group:
        for _ in range(n):
            group.create_task(empty())


async def branch(level):
    if level:
        async with asyncio.TaskGroup() as group:
            for _ in range(FAN):
                group.create_task(branch(level - 1))


async def tree(_):
    await branch(LEVELS)


def main():
    bench = Bench("group", rounds=5)
    n = 20000 if bench.quick else 100000
    bench.time_per_unit("children", n, "time per task", lambda n: asyncio.run(timed(children)(n)))
    bench.time_per_unit("tree", N_TREE, "time per task", lambda n: asyncio.run(timed(tree)(n)))


main()
