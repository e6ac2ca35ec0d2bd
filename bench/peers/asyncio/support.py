"""The peers on asyncio: options, figures and meters, of the same form as those of the benches in C (../../support)."""
import argparse
import gc
import json
import os
import platform
import statistics
import sys
import time


class Bench:
    """One run of a bench: what to do, and where its figures go."""

    def __init__(self, name, rounds):
        parser = argparse.ArgumentParser()
        parser.add_argument("--quick", action="store_true", help="small amounts of work")
        parser.add_argument("--rounds", type=int, default=rounds, help="measured rounds of each figure")
        parser.add_argument("--only", default="", help="variants to run, separated by commas")
        parser.add_argument("--workers", default="1", help="not used: asyncio has one thread")
        parser.add_argument("--seed", type=int, default=1, help="not used: nothing here is random")
        parser.add_argument("--json", default="", help="where the JSON lines go; - is stdout")
        options = parser.parse_args()
        self.name = name
        self.quick = options.quick
        self.rounds = options.rounds
        self.only = options.only.split(",") if options.only else None
        self.text = sys.stderr if options.json == "-" else sys.stdout
        self.json = None
        if options.json:
            self.json = sys.stdout if options.json == "-" else open(options.json, "w", encoding="ascii")
        print(f"# {name}, asyncio: Python {platform.python_version()}, {os.cpu_count()} CPUs; seed {options.seed}",
              file=self.text, flush=True)

    def wants(self, variant):
        return self.only is None or variant in self.only

    def report(self, variant, work, metric, unit, samples):
        """Print one figure: minimum, median and maximum over the rounds."""
        low, median, high = min(samples), statistics.median(samples), max(samples)
        print(f"{self.name:9} {'asyncio':12} {variant:14} {1:3} worker   {metric:34} {median:12.5g} {unit:4} "
              f"({low:.5g} - {high:.5g})", file=self.text, flush=True)
        if self.json:
            figure = {"bench": self.name, "impl": "asyncio", "variant": variant, "workers": 1, "work": work,
                      "metric": metric, "unit": unit, "min": low, "median": median, "max": high}
            print(json.dumps(figure), file=self.json, flush=True)

    def time_per_unit(self, variant, n, metric, round_ns):
        """round_ns(n) does n units and returns the nanoseconds. A warm-up round goes first."""
        if not self.wants(variant):
            return
        round_ns(n)
        samples = []
        for _ in range(self.rounds):
            gc.collect()
            samples.append(round_ns(n) / n)
        self.report(variant, n, metric, "ns", samples)


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def timed(coroutine_function):
    """Make the body a coroutine that returns the nanoseconds it took."""
    async def wrapper(*args):
        start = time.monotonic_ns()
        await coroutine_function(*args)
        return time.monotonic_ns() - start
    return wrapper
