"""Figures as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from perf.harness.measurement import Measurement
from perf.report.ratios import ratios


def number(value: float) -> str:
    """Three digits, or whole thousands."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def figures_table(name: str, figures: Sequence[Measurement]) -> Table:
    """Every figure of a scenario; peers are dim, and a missing one tells its reason."""
    table = Table(title=name, title_justify="left")
    for heading in ("variant", "metric"):
        table.add_column(heading)
    for heading in ("median", "lowest", "highest"):
        table.add_column(heading, justify="right")
    table.add_column("unit")
    table.add_column("target")
    for figure in figures:
        if figure.absence:
            table.add_row(figure.peer, f"not measured: {figure.absence}", style="dim")
            continue
        table.add_row(
            f"{figure.peer}: {figure.variant}" if figure.peer else figure.variant,
            figure.metric,
            number(figure.value),
            number(min(figure.runs)),
            number(max(figure.runs)),
            figure.unit,
            figure.target,
            style="dim" if figure.peer else None,
        )
    return table


def ratios_table(figures: Sequence[Measurement]) -> Table | None:
    """How often our figure is that of each peer; None when there is no peer."""
    found = ratios(figures)
    if not found:
        return None
    table = Table(title="beside the peers, in this run", title_justify="left")
    for heading in ("scenario", "ours", "metric", "peer"):
        table.add_column(heading)
    table.add_column("ratio", justify="right")
    for ratio in found:
        ours, theirs = ratio.ours, ratio.theirs
        told = f"{number(ratio.value)} ×"
        peer = f"{theirs.peer}: {theirs.variant}"
        table.add_row(ours.scenario, ours.variant, ours.metric, peer, told)
    return table
