"""The bench of tools/exsum, and of the commands that do the same: one round of each variant, as a process a figure.

    large     ten files of 512 MiB in the page cache
    usr       /usr, one file system
    million   a directory of a million files, empty: time and memory
    tree      a hundred directories of 10,000 files each, empty: time and memory

The files are made once and stay in build/bench-data. --impl executor runs exsum; openssl and sha256sum run the commands of
that name, on one worker as they are, on several by xargs -P."""
import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MIB = 1 << 20


def die(text):
    print(f"exsum: {text}", file=sys.stderr)
    sys.exit(1)


class Data:
    """What is summed. A folder with a file called complete in it is as it should be."""

    def __init__(self, folder, quick):
        self.folder, self.quick = folder, quick

    def make(self, name, fill):
        place = self.folder / (name + ("-quick" if self.quick else ""))
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            (place / "files").mkdir(parents=True)
            fill(place / "files")
            (place / "complete").touch()
        return place / "files"

    def large(self):
        n_mib = 8 if self.quick else 512

        def fill(place):
            for i in range(10):
                block = random.Random(i).randbytes(MIB)
                with open(place / f"file-{i}", "wb") as file:
                    for _ in range(n_mib):
                        file.write(block)
        return self.make("large", fill)

    def empty_files(self, name, n_folders, n_each):
        def fill(place):
            for i in range(n_folders):
                folder = place / f"folder-{i:03}"
                folder.mkdir()
                at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
                for j in range(n_each):
                    os.close(os.open(f"file-{j:07}", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=at))
                os.close(at)
        return self.make(name, fill)

    def million(self):
        return self.empty_files("million", 1, 10_000 if self.quick else 1_000_000)

    def tree(self):
        return self.empty_files("tree", 10 if self.quick else 100, 1_000 if self.quick else 10_000)

    def usr(self):
        return Path("/usr/share/doc") if self.quick else Path("/usr")


def regular_files(place):
    """Every regular file below @place, as exsum finds them."""
    for folder, _, names in os.walk(place):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def read_all(place):
    """Returns the number of files and bytes."""
    n_files = n_bytes = 0
    buffer = bytearray(MIB)
    for path in regular_files(place):
        n_files += 1
        try:
            with open(path, "rb", buffering=0) as file:
                while n := file.readinto(buffer):
                    n_bytes += n
        except OSError as error:
            die(f"{path}: {error.strerror}")
    return n_files, n_bytes


def warm(place):
    """Read all once: what is measured is hashing, not the disk. In a process of its own: a process begins with the most
    memory that its parent ever had, and that should be little."""
    command = [sys.executable, "-B", __file__, "--read", place]
    return map(int, subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.split())


class Timed:
    """A command that has run: how long, and how much memory it had at most. The memory is never less than this
    program's own, from which the command was started."""

    def __init__(self, command, files):
        start = time.monotonic_ns()
        with subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                              stdin=subprocess.PIPE if files else subprocess.DEVNULL) as process:
            if files:
                process.stdin.write("".join(path + "\0" for path in files).encode(errors="surrogateescape"))
                process.stdin.close()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds = (time.monotonic_ns() - start) / 1e9
        self.mib = usage.ru_maxrss / 1024
        if process.returncode:
            die(f"{' '.join(str(word) for word in command)} ended with {process.returncode}")


class Bench:
    """One run: its options, and where its figures go."""

    def __init__(self):
        parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
        parser.add_argument("--impl", default="executor", choices=["executor", "openssl", "sha256sum"])
        parser.add_argument("--exsum", type=Path, default=ROOT / "build/release/tools/exsum", help="the program")
        parser.add_argument("--data", type=Path, default=ROOT / "build/bench-data", help="where the files lie")
        parser.add_argument("--quick", action="store_true", help="small files, and few")
        parser.add_argument("--rounds", type=int, default=5, help="measured rounds of each figure")
        parser.add_argument("--only", default="large,usr,million,tree", help="variants to run, separated by commas")
        parser.add_argument("--workers", default="1,2", help="numbers of workers")
        parser.add_argument("--seed", type=int, default=1, help="not used: nothing here is random from run to run")
        parser.add_argument("--json", default="", help="where the JSON lines go; - is stdout")
        self.options = parser.parse_args()
        self.workers = [int(word) for word in self.options.workers.split(",")]
        self.text = sys.stderr if self.options.json == "-" else sys.stdout
        self.json = None
        if self.options.json:
            self.json = sys.stdout if self.options.json == "-" else open(self.options.json, "w", encoding="ascii")
        self.say(f"# exsum, {self.options.impl}: {self.version()}, {platform.machine()}, {os.cpu_count()} CPUs")

    def say(self, text):
        print(text, file=self.text, flush=True)

    def version(self):
        program = {"executor": self.options.exsum}.get(self.options.impl, self.options.impl)
        flag = "version" if self.options.impl == "openssl" else "--version"
        return subprocess.run([program, flag], capture_output=True, text=True, check=True).stdout.splitlines()[0]

    def report(self, variant, workers, work, metric, unit, samples):
        low, median, high = min(samples), statistics.median(samples), max(samples)
        impl = self.options.impl
        self.say(f"exsum     {impl:12} {variant:14} {workers:3} workers  {metric:34} {median:12.5g} {unit:4} "
                 f"({low:.5g} - {high:.5g})")
        if self.json:
            figure = {"bench": "exsum", "impl": impl, "variant": variant, "workers": workers, "work": work,
                      "metric": metric, "unit": unit, "min": low, "median": median, "max": high}
            print(json.dumps(figure), file=self.json, flush=True)

    def command(self, place, workers):
        """The command line, and the names it reads from standard input."""
        impl = self.options.impl
        if impl == "executor":
            return [self.options.exsum, "-j", workers, place], None
        files = sorted(regular_files(place))
        plain = ["openssl", "dgst", "-sha256"] if impl == "openssl" else ["sha256sum", "--"]
        if workers == 1 and len(files) <= 10:
            return plain + files, None
        return ["xargs", "-0", "-P", workers, "-n", "1" if len(files) <= 10 else "256", *plain], files

    def measure(self, variant, place):
        """Returns what was run, by the number of workers."""
        n_files, n_bytes = warm(place)
        commands = {workers: self.command(place, workers) for workers in self.workers}
        runs = {workers: [] for workers in self.workers}
        for _ in range(self.options.rounds):
            for workers in self.workers:
                runs[workers].append(Timed(*commands[workers]))
        for workers, timed in runs.items():
            if n_bytes:
                self.report(variant, workers, n_bytes, "throughput", "MB/s",
                            [n_bytes / 1e6 / run.seconds for run in timed])
            else:
                self.report(variant, workers, n_files, "time", "s", [run.seconds for run in timed])
        return runs

    def report_speedup(self, variant, runs):
        if 1 not in runs:
            return
        for workers in (workers for workers in runs if workers > 1):
            ratios = [one.seconds / run.seconds for one, run in zip(runs[1], runs[workers])]
            self.report(variant, workers, 0, "speed-up over 1 worker", "x", ratios)

    def report_memory(self, variant, runs):
        for workers, timed in runs.items():
            self.report(variant, workers, 0, "memory at most", "MiB", [run.mib for run in timed])


def main():
    if sys.argv[1:2] == ["--read"]:
        print(*read_all(sys.argv[2]))
        return
    bench = Bench()
    data = Data(bench.options.data, bench.options.quick)
    for variant in bench.options.only.split(","):
        runs = bench.measure(variant, getattr(data, variant)())
        bench.report_speedup(variant, runs)
        if variant in ("million", "tree") and bench.options.impl == "executor":
            bench.report_memory(variant, runs)


if __name__ == "__main__":
    main()
