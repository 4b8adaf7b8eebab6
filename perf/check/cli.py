"""``bin/perf check``: the ratios of ``pairs``, a table of them, and exit code 1 for a broken one."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click
from rich.console import Console
from rich.table import Table

from perf.check.pairs import Pair, pairs
from perf.report.table import number

_TURNS = 5


@dataclass(frozen=True)
class Verdict:
    """What a pair came to: the shortest time of either side, in as many turns."""

    pair: Pair
    ratio: float

    @property
    def holds(self) -> bool:
        """Whether it is not broken."""
        return self.ratio >= self.pair.least


def judge(pair: Pair, turns: int = _TURNS) -> Verdict:
    """Both sides in turns, each by its shortest time: what disturbs only ever adds to one."""
    ours, theirs = zip(*((pair.ours(), pair.theirs()) for _ in range(turns)), strict=True)
    return Verdict(pair, min(theirs) / min(ours))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
def check() -> None:
    """Measure a few ratios against baselines in the same run; exit with 1 when one is broken."""
    with pairs() as found:
        verdicts = [judge(each) for each in found]
    table = Table()
    for heading, side in (("what", "left"), ("beside", "left"), ("×", "right"), ("least", "right")):
        table.add_column(heading, justify="right" if side == "right" else "left")
    for each in verdicts:
        told = each.pair.name, each.pair.baseline, number(each.ratio), number(each.pair.least)
        table.add_row(*told, style="" if each.holds else "bold red")
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    broken = [each for each in verdicts if not each.holds]
    for each in broken:
        click.echo(
            f"{each.pair.name}: {each.ratio:.3g} times as fast as {each.pair.baseline}; "
            f"it must be at least {each.pair.least:g} times",
            err=True,
        )
    if broken:
        sys.exit(1)
