"""tail and export: a journal's records as lines."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import click

from components.oracle import export
from components.oracle.commands.group import STREAM_NAMES, Time, command, end_of, reading

_POLL_SECONDS: Final = 0.2


@command("tail")
@click.option("-n", "count", type=click.IntRange(min=0), default=10, show_default=True)
@click.option("--stream", type=click.Choice((*STREAM_NAMES, "all")), default="all")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written; Ctrl+C ends.")
def tail(path: Path, count: int, stream: str, follow: bool) -> None:
    """The last records as JSON lines, each after its stream and sequence."""
    from components.oracle import history

    streams = STREAM_NAMES if stream == "all" else (stream,)
    with reading(path) as journal:
        instruments = history.Instruments(journal)

        def show(lines: list[history.Line]) -> None:
            table = instruments.table()
            for line in lines:
                text = history.FORMATTERS[line.stream](line.record, table).decode()
                click.echo(f"{line.stream:<8} {line.sequence:>10} {text}")

        shown = history.ends(journal, streams)
        show(history.last_lines(journal, shown, count))
        try:
            while follow:
                now = history.ends(journal, streams)
                if now == shown:
                    time.sleep(_POLL_SECONDS)
                show(history.lines_between(journal, shown, now))
                shown = now
        except KeyboardInterrupt:
            return


@command("export")
@click.option("--stream", type=click.Choice(STREAM_NAMES), required=True)
@click.option("--format", "form", type=click.Choice(export.FORMATS), default="jsonl")
@click.option("--from", "first", type=click.IntRange(min=1), help="Default: the first one.")
@click.option("--to", "last", type=click.IntRange(min=0), help="Default: the last one.")
@click.option("--since", type=Time(), help="Not before this time.")
@click.option("--until", type=Time(), help="Not after this time.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write this file (default: standard output; Parquet needs a file).",
)
def export_command(
    path: Path, stream: str, form: str, output: Path | None, last: int | None, **asked: Any
) -> None:
    """Records of a stream: as JSON lines in decimals, as CSV or Parquet in the integers stored."""
    if form == export.PARQUET and output is None:
        raise click.BadParameter("--format parquet needs --output FILE")
    with reading(path) as journal:
        end = end_of(journal, stream, last)
        chosen = export.chosen(journal, stream, last=end, **asked)
        if output is None:
            with click.open_file("-", "wb") as out:
                for line in export.lines(journal, chosen, form):
                    out.write(line + b"\n")
            return
        count = export.to_file(journal, chosen, form, output)
    click.echo(f"{count:,} {stream} written to {output}")
