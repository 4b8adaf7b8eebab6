"""Charts as SVG text: throughput beside the peers, latency by percentile, cost by size."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from perf.harness.measurement import Measurement

_OURS: Final = "#1f77b4"
_THEIRS: Final = "#9a9a9a"
_BAR_INCHES: Final = 0.32
_MARGIN_INCHES: Final = 1.1
_WIDTH_INCHES: Final = 9.0
_PERCENTILES: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9, "p99.99": 99.99}


def throughput_bars(figures: Sequence[Measurement]) -> str:
    """One bar a variant, its lowest and highest run marked; logarithmic, for peers differ much."""
    plot = _plot(len(figures) * _BAR_INCHES + _MARGIN_INCHES)
    figure, axes = plot
    places = range(len(figures))
    axes.barh(
        places,
        [each.value for each in figures],
        xerr=[
            [each.value - min(each.runs) for each in figures],
            [max(each.runs) - each.value for each in figures],
        ],
        color=[_THEIRS if each.peer else _OURS for each in figures],
    )
    axes.set_yticks(places, [label(each) for each in figures])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel(figures[0].unit)
    return _svg(figure)


def has_curve(figure: Measurement) -> bool:
    """Whether it is a percentile that ``latency_curves`` draws."""
    return bool(figure.runs) and figure.metric.split()[-1] in _PERCENTILES


def latency_curves(figures: Sequence[Measurement]) -> str:
    """One curve a variant, over the percentiles spread as one over what is above them."""
    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    peers = {label(each): each.peer for each in figures}
    for each in figures:
        percentile = _PERCENTILES[each.metric.split()[-1]]
        curves[label(each)].append((100 / (100 - percentile), each.value))
    figure, axes = _plot(5.5)
    for name, points in curves.items():
        points.sort()
        style = "--" if peers[name] else "-"
        axes.plot(*zip(*points, strict=True), style, marker="o", markersize=3, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([100 / (100 - each) for each in _PERCENTILES.values()], list(_PERCENTILES))
    axes.minorticks_off()
    axes.set_ylabel(figures[0].unit)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
    return _svg(figure)


def is_course(figure: Measurement) -> bool:
    """Whether its details tell a value for each step, which ``course_panels`` draws."""
    return figure.metric.endswith(" by step")


def course_panels(figures: Sequence[Measurement]) -> str:
    """One panel a figure, below each other over the same steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.8 * len(figures)), layout="constrained")
    panels = figure.subplots(len(figures), 1, sharex=True, squeeze=False)[:, 0]
    for panel, each in zip(panels, figures, strict=True):
        steps = sorted((int(step), float(value)) for step, value in each.details.items())
        panel.plot(*zip(*steps, strict=True))
        panel.set_title(each.metric.removesuffix(" by step"), fontsize="small")
        panel.set_ylabel(each.unit)
        panel.grid(visible=True, alpha=0.3)
    panels[-1].set_xlabel("step")
    return _svg(figure)


def grows(figure: Measurement) -> bool:
    """Whether it is a point of a curve over some size, which ``growth_panels`` draws."""
    return "axis" in figure.details and bool(figure.runs)


def growth_panels(figures: Sequence[Measurement]) -> str:
    """One panel for each size that grows and each unit, a curve a metric; both scales logarithmic."""
    from matplotlib.figure import Figure

    panels: dict[tuple[str, str], dict[str, list[tuple[int, float]]]] = {}
    for each in figures:
        curves = panels.setdefault((str(each.details["axis"]), each.unit), defaultdict(list))
        curves[each.metric].append((int(each.details["size"]), each.value))
    rows = -(-len(panels) // 2)
    figure = Figure(figsize=(_WIDTH_INCHES, 3 * rows), layout="constrained")
    places = figure.subplots(rows, 2, squeeze=False).ravel()
    for place, ((axis, unit), curves) in zip(places, panels.items(), strict=False):
        for metric, points in curves.items():
            place.plot(*zip(*sorted(points), strict=True), marker="o", markersize=3, label=metric)
        place.set(xscale="log", yscale="log", xlabel=axis, ylabel=unit)
        place.grid(visible=True, alpha=0.3)
        place.legend(fontsize="x-small")
    for place in places[len(panels) :]:
        place.set_visible(False)
    return _svg(figure)


def label(figure: Measurement) -> str:
    """Whose figure it is and how it came about."""
    return f"{figure.peer}: {figure.variant}" if figure.peer else figure.variant


def _plot(height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # only who wants a chart waits for it

    figure = Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Any) -> str:
    from matplotlib import rc_context

    text = io.StringIO()
    # Text stays text, and equal figures give equal files.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "perf"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
