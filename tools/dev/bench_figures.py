"""bench_figures.py - figures, as the benches' JSON lines have them: how they are ordered, worded and compared."""


def number(value):
    """Three digits that matter."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 0.01:
        return f"{value:.2g}"
    decimals = sum(abs(value) < limit for limit in (1, 10, 100))
    return f"{value:.{decimals}f}"


def is_ours(figure):
    return figure["impl"].split(":")[0] == "executor"


def counterpart(figure, figures):
    """Our figure for a peer's: same bench, variant and metric, and workers where both have that number. Totals compare
    only for the same amount of work."""
    must_agree = ["bench", "variant", "metric", "unit"] + (["work"] if figure["unit"] == "s" else [])
    same = [other for other in figures if is_ours(other) and all(other[name] == figure[name] for name in must_agree)]
    exact = [other for other in same if other["workers"] == figure["workers"]]
    return exact[0] if exact else (same[0] if len(same) == 1 else None)


def comparison(figure, figures):
    """How many times better or worse the executor's figure is than this peer's."""
    ours = counterpart(figure, figures)
    if is_ours(figure) or not ours or figure["unit"] in ("%", "x", "MiB"):
        return ""
    if ours["median"] <= 0 or figure["median"] <= 0:
        return ""
    times = figure["median"] / ours["median"]
    if figure["unit"].endswith("/s"):
        times = 1 / times
    return f"executor {number(times)} times better" if times >= 1 else f"executor {number(1 / times)} times worse"


def spread(figure):
    return f"{number(figure['min'])} - {number(figure['max'])}"


def workers_of(figure):
    return f"{figure['workers']} worker{'' if figure['workers'] == 1 else 's'}"


def order(figure):
    """Those that compare stand together, ours first."""
    return (figure["variant"], figure["metric"], figure["workers"], not is_ours(figure), figure["impl"])
