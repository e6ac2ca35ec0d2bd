"""bench_about.py - what a run of tools/bench was measured with: machine, compilers, versions of the peers."""
import datetime
import os
import platform
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def first_line(*command):
    """The first line that a command prints, or "" where it cannot be run."""
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=False)
    except OSError:
        return ""
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout.strip() else ""


def processor():
    for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine():
    gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{processor()}, {os.cpu_count()} CPUs, {gib:.1f} GiB, {platform.system()} {platform.release()}"


def debian_version(package):
    return first_line("dpkg-query", "-W", "-f", "${Version}", package).split(":")[-1].split("-")[0].split("+")[0]


def library_version():
    text = (ROOT / "include/executor/types.h").read_text(encoding="utf-8")
    numbers = re.findall(r"#define EXEC_VERSION_(?:MAJOR|MINOR|PATCH) +(\d+)", text)
    commit = first_line("git", "describe", "--always", "--dirty")
    return ".".join(numbers) + (f" ({commit})" if commit else "")


def versions():
    """Of the library, the compilers, and the peers; those that are not there are left out."""
    clang = re.search(r"version ([\d.]+)", first_line("clang", "--version"))
    go = re.search(r"go([\d.]+)", first_line("go", "version"))
    found = {
        "executor": library_version(),
        "gcc and libgomp": first_line("gcc", "-dumpfullversion"),
        "clang": clang.group(1) if clang else "",
        "libomp": debian_version("libomp-14-dev"),
        "oneTBB": debian_version("libtbb-dev"),
        "rustc": first_line("/usr/bin/rustc", "--version").split(" (")[0].removeprefix("rustc "),
        "rayon": debian_version("librust-rayon-dev"),
        "tokio": debian_version("librust-tokio-dev"),
        "Go": go.group(1) if go else "",
        "openssl": first_line("openssl", "version").removeprefix("OpenSSL ").split(" ")[0],
        "Python": first_line("/usr/bin/python3", "--version").removeprefix("Python "),
    }
    return {name: version for name, version in found.items() if version}


def about_run(options):
    return {
        "machine": machine(),
        "versions": versions(),
        "date": datetime.date.today().isoformat(),
        "load": round(os.getloadavg()[0], 1),
        "seed": options.seed,
        "rounds": options.rounds,
        "quick": options.quick,
    }
