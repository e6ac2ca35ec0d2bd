"""first: a thousand tasks end one after the other, each when it is told; each time one task waits for the first of
those that are left: by asyncio.wait (wait), or by one as_completed for all (queue)."""
import asyncio

from support import Bench, timed

N = 1000
STRIDE = 619


async def follow(go):
    await go


class Round:
    async def begin(self):
        loop = asyncio.get_running_loop()
        self.go = [loop.create_future() for _ in range(N)]
        self.tasks = [asyncio.create_task(follow(go)) for go in self.go]
        await asyncio.sleep(0)  # now each has begun

    def tell(self, turn):
        i = turn * STRIDE % N
        self.go[i].set_result(None)
        return self.tasks[i]

    async def wait(self):
        pending = set(self.tasks)
        for turn in range(N):
            told = self.tell(turn)
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if done != {told}:
                raise RuntimeError("another one ended")

    async def queue(self):
        turn = 0
        self.tell(turn)
        for ended in asyncio.as_completed(self.tasks):
            await ended
            turn += 1
            if turn < N:
                self.tell(turn)
        if turn != N:
            raise RuntimeError("some did not end")


async def rounds(n, how):
    took = 0
    for _ in range(n // N):
        one = Round()
        await one.begin()
        took += await timed(how)(one)
    return took


def main():
    bench = Bench("first", rounds=5)
    n = N if bench.quick else 2 * N
    bench.time_per_unit("wait", n, "time per wait", lambda n: asyncio.run(rounds(n, Round.wait)))
    bench.time_per_unit("queue", n, "time per wait", lambda n: asyncio.run(rounds(n, Round.queue)))


main()
