"""Two reports, figure by figure: what became better, what became worse."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from perf.harness.measurement import Measurement
from perf.report.charts import label
from perf.report.content import Report, read_json
from perf.report.table import number

Key = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Change:
    """One figure in both reports; ``gain`` above 1 is better, whichever way its unit counts."""

    before: Measurement
    after: Measurement
    gain: float


def changes(before: Report, after: Report) -> list[Change]:
    """Every figure that both have, in the second's order."""
    known = {_key(each): each for each in before.figures if each.runs}
    found = []
    for each in after.figures:
        earlier = known.get(_key(each))
        if earlier is None or not each.runs or not each.value or not earlier.value:
            continue
        ratio = each.value / earlier.value
        found.append(Change(earlier, each, ratio if more_is_better(each.unit) else 1 / ratio))
    return found


def more_is_better(unit: str) -> bool:
    """Rates count upwards, whatever they cost and how long they take downwards."""
    return unit.endswith("/s") and not unit.startswith("CPU")


def _key(figure: Measurement) -> Key:
    return figure.scenario, figure.variant, figure.metric, figure.unit, figure.peer


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("before", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1000),
    help="Exit with 1 when a figure of ours is worse by more than so many percent.",
)
def compare(before: Path, after: Path, tolerance: float | None) -> None:
    """Compare two reports that --json wrote: BEFORE and AFTER, figure by figure."""
    try:
        found = changes(read_json(before), read_json(after))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if not found:
        raise click.UsageError(f"{before} and {after} have no figure in common")
    table = Table(title=f"{before} → {after}", title_justify="left")
    for heading in ("scenario", "variant", "metric"):
        table.add_column(heading)
    for heading in ("before", "after"):
        table.add_column(heading, justify="right")
    table.add_column("unit")
    table.add_column("gain", justify="right")
    for each in found:
        table.add_row(
            each.after.scenario,
            label(each.after),
            each.after.metric,
            number(each.before.value),
            number(each.after.value),
            each.after.unit,
            f"{each.gain:.2f} ×",
            style="dim" if each.after.peer else None,
        )
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    if tolerance is not None:
        floor = 1 / (1 + tolerance / 100)
        worse = [each for each in found if not each.after.peer and each.gain < floor]
        for each in worse:
            click.echo(
                f"worse by more than {tolerance:g} %: {each.after.scenario}, "
                f"{each.after.variant}, {each.after.metric}: {each.gain:.2f} ×",
                err=True,
            )
        sys.exit(1 if worse else 0)
