"""bench_report.py - tables and plots of what tools/bench measured: BENCHMARKS-RESULTS.md, beside it bench/NAME.svg."""
import json
import math
import shutil
import subprocess

from bench_figures import comparison, is_ours, number, order, spread, workers_of
from bench_peers import need_packages

COLUMNS = 3  # panels side by side
PANEL = (400, 330)
LOGARITHMIC = 12  # from this ratio of the largest to the smallest on
COLOURS = {1: "#4477aa", 2: "#ee7733"}
NOT_PLOTTED = {"x", "%"}


class Kept:
    """The JSON lines of the last run of each bench: first what it was measured with, then the figures."""

    def __init__(self, build):
        self.folder = build / "bench-figures"

    def path(self, name):
        return self.folder / f"{name}.json"

    def keep(self, name, about, figures):
        if figures:
            self.folder.mkdir(parents=True, exist_ok=True)
            lines = [json.dumps({"about": about}), *(json.dumps(figure) for figure in figures)]
            self.path(name).write_text("\n".join(lines) + "\n", encoding="ascii")

    @staticmethod
    def read(paths):
        """Returns runs: pairs of what it was measured with, and the figures."""
        runs = []
        for path in paths:
            for line in path.read_text(encoding="ascii").splitlines():
                words = json.loads(line)
                if "about" in words:
                    if not runs or runs[-1][0] != words["about"]:
                        runs.append((words["about"], []))
                else:
                    runs[-1][1].append(words)
        return runs


# Text


def describe(about, names):
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    notes = [f"measured {about['date']}", f"{about['rounds']} rounds", f"seed {about['seed']}"]
    if about["quick"]:
        notes.append("**quick: the figures are rough**")
    if about["load"] > 0.5:
        notes.append(f"**something else ran on the machine (load {about['load']})**")
    return f"{', '.join(names)}: {about['machine']}; {versions}; {', '.join(notes)}."


def table(figures):
    rows = ["| variant | metric | workers | | median | spread | |", "|---|---|--:|---|--:|--:|---|"]
    for figure in sorted(figures, key=order):
        ours = is_ours(figure)
        cells = [figure["variant"], f"{figure['metric']}, {figure['unit']}", str(figure["workers"]),
                 f"**{figure['impl']}**" if ours else figure["impl"],
                 f"**{number(figure['median'])}**" if ours else number(figure["median"]), spread(figure),
                 comparison(figure, figures)]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


# Plots


def panels(figures):
    """The figures that one panel shows together, by variant and metric."""
    groups = {}
    for figure in sorted(figures, key=order):
        if figure["unit"] not in NOT_PLOTTED and figure["max"] > 0:
            groups.setdefault((figure["variant"], figure["metric"], figure["unit"]), []).append(figure)
    return groups


def panel_script(title, figures, at):
    """gnuplot's commands for one panel: a group of bars for each implementation, one bar for each number of workers."""
    variant, metric, unit = title
    best = {}
    for figure in figures:
        best[figure["impl"]] = min(figure["median"], best.get(figure["impl"], math.inf))
    impls = sorted(best, key=lambda impl: (impl.split(":")[0] != "executor", best[impl]))
    workers = sorted({figure["workers"] for figure in figures})
    cells = {(figure["impl"], figure["workers"]): figure for figure in figures}
    lines = [f"$data{at} << EOD"]
    for impl in impls:
        row = [f'"{impl}"']
        for count in workers:
            figure = cells.get((impl, count))
            row += [f"{figure[key]:.6g}" for key in ("median", "min", "max")] if figure else ["?"] * 3
        lines.append(" ".join(row))
    low = min(figure["min"] for figure in figures if figure["min"] > 0)
    high = max(figure["max"] for figure in figures)
    lines += ["EOD", f'set title "{variant}: {metric}"', f'set ylabel "{unit}"']
    if high / low > LOGARITHMIC:
        lines += ["set logscale y", f"set yrange [{low / 3:g}:{high * 1.5:g}]"]
    else:
        lines += ["unset logscale y", f"set yrange [0:{high * 1.15:g}]"]
    plots = [f'$data{at} using {2 + 3 * i}:{3 + 3 * i}:{4 + 3 * i}:xtic(1) title "{workers_of({"workers": count})}" '
             f'linecolor rgb "{COLOURS.get(count, "#999999")}"' for i, count in enumerate(workers)]
    return lines + ["plot " + ", ".join(plots)]


def plot_script(figures, path):
    groups = panels(figures)
    columns = min(COLUMNS, len(groups))
    rows = math.ceil(len(groups) / columns)
    lines = [f'set terminal svg size {PANEL[0] * columns},{PANEL[1] * rows} font "sans-serif,12" background "white"',
             f'set output "{path}"', "set datafile missing '?'", "set style data histograms",
             "set style histogram errorbars gap 1 linewidth 1", "set style fill solid border -1", "set boxwidth 0.9",
             "set grid ytics", "set xtics rotate by -35 nomirror noenhanced", "set format y '%g'",
             "set key above horizontal samplen 1", "set title noenhanced",
             f"set multiplot layout {rows},{columns}"]
    for at, (title, members) in enumerate(groups.items()):
        lines += panel_script(title, members, at)
    return "\n".join([*lines, "unset multiplot", ""])


def plot(figures, path):
    """Returns whether there is a plot now."""
    if not panels(figures) or not (shutil.which("gnuplot") or need_packages("packages_report")):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gnuplot"], input=plot_script(figures, path), text=True, check=True)
    return True


# The report


def by_bench(runs):
    """The newest figures of each bench, and what they were measured with."""
    benches = {}
    for about, figures in runs:
        for name in dict.fromkeys(figure["bench"] for figure in figures):
            benches[name] = about, [figure for figure in figures if figure["bench"] == name]
    return benches


def write_report(runs, titles, folder):
    """Write it; returns the paths."""
    benches = by_bench(runs)
    abouts = {}
    for name in benches:
        abouts.setdefault(json.dumps(benches[name][0]), []).append(name)
    parts = ["# Benchmark results",
             "Written by `tools/bench --report`; BENCHMARKS.md tells what each figure means and how the peers are made "
             "comparable. A figure is the median over the rounds, each a process of its own; the spread is from the "
             "smallest to the largest, as are the lines on the bars. Some axes are logarithmic.",
             *(describe(json.loads(about), names) for about, names in abouts.items())]
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "BENCHMARKS-RESULTS.md"]
    for name in [name for name in titles if name in benches]:
        figures = benches[name][1]
        parts += [f"## {name}", titles[name].capitalize() + "."]
        if plot(figures, folder / "bench" / f"{name}.svg"):
            parts.append(f"![{name}](bench/{name}.svg)")
            paths.append(folder / "bench" / f"{name}.svg")
        parts.append(table(figures))
    paths[0].write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return paths
