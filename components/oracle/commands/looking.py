"""tail and export: a journal's records as lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click

from components.oracle.commands.group import STREAM_NAMES, command, end_of, reading
from components.oracle.store import Journal

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
@click.option("--format", "form", type=click.Choice(("jsonl", "csv")), default="jsonl")
@click.option("--from", "first", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--to", "last", type=click.IntRange(min=0), help="Default: the last one.")
def export(path: Path, stream: str, form: str, first: int, last: int | None) -> None:
    """All records of a stream: as JSON lines in decimals, or as CSV in the integers stored."""
    from components.oracle import history

    with reading(path) as journal:
        end = end_of(journal, stream, last)
        writers: dict[str, Callable[[Journal, str, int, int], Iterator[bytes]]] = {
            "jsonl": history.text_lines,
            "csv": history.csv_lines,
        }
        with click.open_file("-", "wb") as out:
            for line in writers[form](journal, stream, first, end):
                out.write(line + b"\n")
