"""bench_peers.py - how tools/bench builds the peers, and how it starts them.

Everything lies in build/peers/NAME. A peer that cannot be had raises Missing, which says why."""
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ["bench", "figure", "meter", "body", "problem"]
# The loops of the kernels, and of these problems, begin with a cache line: bench/CMakeLists.txt says why. rustc has no such
# option.
ALIGNED = ["-falign-loops=64"]
LOOPS = {"for", "reduce"}
YARDSTICKS = {"sequential", "copy"}  # not peers: what the work of a bench alone takes


class Missing(Exception):
    """A peer cannot be had; the text says why."""


def run(command, **more):
    """Run a command quietly; on failure show what it said."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **more)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout)
    return done.stdout


def need_packages(group):
    """Install a group of tools/dev/packages.sh where something of it is missing. False: it could not be done."""
    script = f'. tools/dev/packages.sh && need_packages ${group}'
    try:
        done = subprocess.run(["bash", "-c", script], cwd=ROOT, stdout=sys.stderr, check=False)
    except OSError:
        return False
    return done.returncode == 0


def sources(*patterns):
    return sorted(path for pattern in patterns for path in (ROOT / "bench").glob(pattern))


def is_fresh(output, inputs, stamp, text):
    """Was @output made from these inputs, by the same commands?"""
    if not output.exists() or not stamp.exists() or stamp.read_text() != text:
        return False
    return output.stat().st_mtime > max(path.stat().st_mtime for path in inputs)


def make(output, inputs, commands, env=None):
    """Run the commands that make @output, unless that was done."""
    stamp = output.with_suffix(".command")
    text = "\n".join(" ".join(str(word) for word in command) for command in commands)
    if is_fresh(output, inputs, stamp, text):
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    for command in commands:
        run(command, cwd=ROOT, env=env)
    stamp.write_text(text)


def make_peer(package, output, inputs, commands, env=None):
    try:
        make(output, inputs, commands, env)
    except subprocess.CalledProcessError as error:
        raise Missing(f"it does not compile (Debian package {package}?):\n{error.output.strip()}") from error


def need_program(program, package):
    if not shutil.which(program):
        raise Missing(f"no {program} (Debian package {package})")


class Native:
    """A peer in C or C++: flat.* measures flat, solve.* the fork-join problems; it is built twice, the second time for
    LOOPS. It has the support code of the library's own benches, and the kernels compiled by gcc, whoever compiles the
    rest."""

    def __init__(self, folder, compile_c, compile_peer, package, libraries=(), programs=("flat", "solve")):
        self.folder, self.package, self.programs, self.libraries = folder, package, programs, libraries
        self.compile_c, self.compile_peer = compile_c, compile_peer

    def build_program(self, place, program, name, more_flags):
        level = "-O2" if program == "flat" else "-O3"
        flags = [level, *more_flags, "-g", "-D_GNU_SOURCE", f"-I{ROOT / 'bench/support'}",
                 f"-I{ROOT / 'bench/support/kernels'}"]
        source, = sources(f"{self.folder}/{program}.c", f"{self.folder}/{program}.cpp")
        parts = [([self.compile_c], path) for path in sources(*(f"support/{part}.c" for part in SUPPORT))]
        if program != "flat":
            parts += [(["gcc", *ALIGNED], path) for path in sources("support/kernels/*.c")]
        objects = [place / name / f"{path.stem}.o" for _, path in parts]
        commands = [[*compiler, "-std=c11", *flags, "-c", path, "-o", made]
                    for (compiler, path), made in zip(parts, objects)]
        output = place / f"{name}-peer"
        commands.append([*self.compile_peer, *flags, source, *objects, *self.libraries, "-lm", "-o", output])
        (place / name).mkdir(parents=True, exist_ok=True)
        inputs = [source, *sources("support/*.[ch]", "support/kernels/*.[ch]")]
        make_peer(self.package, output, inputs, commands)

    def build(self, place):
        for compiler in ("gcc", self.compile_c, self.compile_peer[0]):
            need_program(compiler, self.package)
        for program in self.programs:
            self.build_program(place, program, program, [])
        if "solve" in self.programs:
            self.build_program(place, "solve", "loops", ALIGNED)
        return place

    def command(self, place, program):
        if program in self.programs:
            return [place / f"{program}-peer"]
        return [place / f"{'loops' if program in LOOPS else self.programs[-1]}-peer", program]


class Copy(Native):
    """The one program that is not named by a problem."""

    def command(self, place, program):
        return [place / "copy-peer"]


class Go:
    def build(self, place):
        need_program("go", "golang-go")
        files = sources("peers/go/*.go")
        env = {**os.environ, "GO111MODULE": "off", "GOPROXY": "off", "GOTOOLCHAIN": "local",
               "GOCACHE": str(place / "cache")}
        output = place / "go-peer"
        make_peer("golang-go", output, files, [["go", "build", "-o", output, *files]], env)
        return output

    def command(self, output, program):
        return [output, program]


class Rust:
    """rayon and tokio, from Debian's crates and by Debian's cargo: nothing comes over the network. The library that
    both programs link holds the support code and the kernels, compiled by gcc as for the others."""
    REGISTRY = Path("/usr/share/cargo/registry")
    CARGO, RUSTC = "/usr/bin/cargo", "/usr/bin/rustc"

    def __init__(self, program, crate):
        self.program, self.crate = program, crate

    def build(self, place):
        package = f"cargo, rustc and librust-{self.crate}-dev"
        for program in ("gcc", self.CARGO, self.RUSTC):
            need_program(program, package)
        if not list(self.REGISTRY.glob(f"{self.crate}-[0-9]*")):
            raise Missing(f"no crate {self.crate} in {self.REGISTRY} (Debian package librust-{self.crate}-dev)")
        place = place.with_name("rust")
        version = run([self.RUSTC, "--version"]).split(" (")[0].strip()
        parts = sources(*(f"support/{part}.c" for part in SUPPORT), "support/kernels/*.c")
        flags = ["-std=c11", "-O3", "-g", "-D_GNU_SOURCE", f"-I{ROOT / 'bench/support'}",
                 f"-I{ROOT / 'bench/support/kernels'}", f'-DBENCH_COMPILER="{version}"']
        objects = [place / "support" / f"{path.stem}.o" for path in parts]
        aligned = {path: ALIGNED if path.parent.name == "kernels" else [] for path in parts}
        (place / "support").mkdir(parents=True, exist_ok=True)
        output = place / "target/release" / self.program
        inputs = sources("peers/rust/**/*.*", "support/*.[ch]", "support/kernels/*.[ch]")
        commands = [["gcc", *flags, *aligned[path], "-c", path, "-o", made] for path, made in zip(parts, objects)]
        commands += [["rm", "-rf", place / "package", place / "libsupport.a"],
                     ["ar", "rcs", place / "libsupport.a", *objects],
                     ["cp", "-r", ROOT / "bench/peers/rust", place / "package"],
                     [self.CARGO, "build", "--release", "--offline", "--bin", self.program,
                      "--manifest-path", place / "package/Cargo.toml", "--target-dir", place / "target",
                      "--config", 'source.crates-io.replace-with="debian"',
                      "--config", f'source.debian.directory="{self.REGISTRY}"']]
        env = {**os.environ, "RUSTC": self.RUSTC, "RUSTFLAGS": f"-L native={place} -l m"}
        make_peer(package, output, inputs, commands, env)
        return output

    def command(self, output, program):
        return [output, program]


class Asyncio:
    def build(self, place):
        """Debian's python3 where there is one, else the one that runs this."""
        debian = Path("/usr/bin/python3")
        return debian if debian.exists() else Path(sys.executable)

    def command(self, python, program):
        return [python, "-B", ROOT / "bench/peers/asyncio" / f"{program}.py"]


class Command:
    """A command of the system, which bench/PROGRAM.py runs."""

    def __init__(self, name, package):
        self.name, self.package = name, package

    def build(self, place):
        need_program(self.name, self.package)

    def command(self, built, program):
        return [sys.executable, "-B", ROOT / "bench" / f"{program}.py", "--impl", self.name]


PEERS = {
    "sequential": Native("peers/sequential", "gcc", ["gcc", "-std=c11"], "gcc", programs=["solve"]),
    "copy": Copy("peers/sequential", "gcc", ["gcc", "-std=c11"], "gcc", ["-pthread"], ["copy"]),
    "libgomp": Native("peers/openmp", "gcc", ["gcc", "-std=c11", "-fopenmp"], "gcc"),
    "libomp": Native("peers/openmp", "clang", ["clang", "-std=c11", "-fopenmp"], "clang and libomp-dev"),
    "oneTBB": Native("peers/tbb", "gcc", ["g++", "-std=c++17"], "g++ and libtbb-dev", ["-ltbb"]),
    "rayon": Rust("rayon-peer", "rayon"),
    "tokio": Rust("tokio-peer", "tokio"),
    "Go": Go(),
    "asyncio": Asyncio(),
    "openssl": Command("openssl", "openssl"),
    "sha256sum": Command("sha256sum", "coreutils"),
}


def build_in_turn(folder, names):
    """What each of these peers was built to, or the Missing that says why not."""
    built = {}
    for name in names:
        try:
            built[name] = PEERS[name].build(folder / name)
        except Missing as why:
            built[name] = why
    return built


def build_peers(folder, wanted):
    """Returns two dictionaries: for each peer a function from a program's name to how it is started, and why others are
    missing. Builds on all processors; those in Rust, which share a folder, in turn, and first, for they take longest."""
    names = [name for name in PEERS if name in wanted]
    rust = [name for name in names if isinstance(PEERS[name], Rust)]
    turns = [rust] + [[name] for name in names if name not in rust]
    built, commands, missing = {}, {}, {}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
        for some in workers.map(lambda turn: build_in_turn(folder, turn), turns):
            built.update(some)
    for name in names:
        if isinstance(built[name], Missing):
            missing[name] = str(built[name])
        else:
            commands[name] = lambda program, name=name: PEERS[name].command(built[name], program)
    return commands, missing
