"""bin/perf: run scenarios, print their figures, write them as JSON, HTML or Markdown."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click
from rich.console import Console

from disruptor.ring.wait_strategy import STRATEGIES
from perf.check.cli import check
from perf.harness.crew import ACROSS, Across
from perf.harness.machine import describe_machine, warnings
from perf.harness.measurement import Measurement, Options
from perf.report.compare import compare
from perf.report.content import Report, to_json
from perf.report.growth_plot import draw_growth
from perf.report.html import to_html
from perf.report.markdown import to_markdown
from perf.report.table import figures_table, ratios_table
from perf.selection import narrowed_to_league, scenario_names, select


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="bin/perf compare BEFORE.json AFTER.json tells what changed between two runs; bin/perf check "
    "judges a few ratios, for CI.",
)
@click.argument("chosen", nargs=-1, metavar="[SCENARIO]...")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures.")
@click.option(
    "--plots", type=click.Path(file_okay=False, path_type=Path), help="Draw the curves there."
)
@click.option(
    "--html", "html_file", type=click.Path(path_type=Path), help="Write one page, with charts."
)
@click.option(
    "--markdown", "markdown_file", type=click.Path(path_type=Path), help="Write Markdown tables."
)
@click.option("--peers", is_flag=True, help="Measure rivals beside us, in the same run.")
@click.option(
    "--wait",
    "waits",
    multiple=True,
    type=click.Choice([*STRATEGIES, "all"]),
    help="Wait strategies of the ring's scenarios instead of their own; may be repeated.",
)
@click.option(
    "--across",
    multiple=True,
    type=click.Choice(ACROSS),
    help="Where the ring's workers live instead of in both, one after the other.",
)
@click.option("--runs", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option("--quick", is_flag=True, help="A fraction of the work: shows that it runs.")
@click.option(
    "--soak",
    "soak_minutes",
    type=click.FloatRange(0, 10_000),
    default=0.0,
    help="Run platform.soak, for so many MINUTES.",
)
@click.option("--league", is_flag=True, help="The public league's scenarios: titan.league.")
@click.option("--list", "only_list", is_flag=True, help="Name the scenarios and stop.")
def main(
    chosen: tuple[str, ...],
    json_file: Path | None,
    plots: Path | None,
    html_file: Path | None,
    markdown_file: Path | None,
    peers: bool,
    waits: tuple[str, ...],
    across: tuple[Across, ...],
    runs: int,
    quick: bool,
    soak_minutes: float,
    league: bool,
    only_list: bool,
) -> None:
    """Run the SCENARIOs, or all of them (also by the word all), and print the median of several runs of each.

    A SCENARIO is a name of --list, or the first word of several: ring, titan.
    """
    known = scenario_names()
    if only_list:
        click.echo("\n".join(known))
        return
    try:
        names = select(narrowed_to_league(chosen) if league else chosen, known)
    except KeyError as error:
        raise click.BadParameter(f"{error} is no scenario; there are {', '.join(known)}") from None
    options = Options(
        runs=runs,
        quick=quick,
        peers=peers,
        waits=tuple(STRATEGIES) if "all" in waits else waits,
        across=across or ACROSS,
        soak_minutes=soak_minutes,
    )
    console = Console(width=None if sys.stdout.isatty() else 120)
    machine, doubts = describe_machine(), warnings()
    console.print("  ".join(f"{key}: {value}" for key, value in machine.items()), style="dim")
    for doubt in doubts:
        console.print(f"warning: {doubt}", style="yellow")
    measured: list[Measurement] = []
    for name in names:
        module = importlib.import_module(f"perf.scenarios.{name}")
        figures = module.run(options)
        measured.extend(figures)
        console.print(figures_table(name, figures))
    beside = ratios_table(measured)
    if beside is not None:
        console.print(beside)
    report = Report(machine, tuple(doubts), tuple(measured))
    drawn = draw_growth(measured, plots) if plots is not None else None
    if drawn is not None:
        console.print(f"wrote {drawn}")
    if json_file is not None:
        json_file.write_bytes(to_json(report))
    if html_file is not None:
        html_file.write_text(to_html(report), "utf-8")
    if markdown_file is not None:
        markdown_file.write_text(to_markdown(report), "utf-8")
    for file in filter(None, (json_file, html_file, markdown_file)):
        console.print(f"wrote {file}")


def run_program(arguments: list[str]) -> None:
    """``check`` and ``compare`` are programs of their own; everything else chooses scenarios."""
    if arguments[:1] == ["compare"]:
        compare(arguments[1:], prog_name="bin/perf compare")
    elif arguments[:1] == ["check"]:
        check(arguments[1:], prog_name="bin/perf check")
    else:
        main(arguments, prog_name="bin/perf")


if __name__ == "__main__":
    run_program(sys.argv[1:])
