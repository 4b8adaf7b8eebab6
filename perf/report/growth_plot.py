"""Titan's cost against the size of its books, drawn."""

from __future__ import annotations

from pathlib import Path

from perf.harness.measurement import Measurement
from perf.scenarios.titan.growth import curve

_AXES = (("resting orders", "resting orders, one symbol"), ("symbols", "symbols"))
_METRICS = ("cost", "latency p50", "latency p99", "latency p99.9")


def draw_growth(figures: list[Measurement], folder: Path) -> Path | None:
    """Write titan_growth.svg; None when the figures have no growth in them."""
    if not any(each.details.get("axis") in dict(_AXES) for each in figures):
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, (axis, label) in zip(panels, _AXES, strict=True):
        for metric in _METRICS:
            sizes, values = curve(figures, axis, metric)
            if len(sizes):
                panel.plot(sizes, values, marker="o", label=metric)
        panel.set(xscale="log", yscale="log", xlabel=label)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("ns a command")
    panels[0].legend()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "titan_growth.svg"
    figure.savefig(path)
    return path
