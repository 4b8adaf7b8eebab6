"""``bin/oracle``: look into a journal, prove it, replay it, take its content elsewhere.

Every command only reads, and works beside a running platform too.  Exit status: 0 all is well,
1 the journal is missing, corrupt, or not what its commands give, 2 wrong usage.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from components.oracle.store import Journal, JournalInfo, Report, verify
from disruptor.errors import DisruptorError

DEFAULT_PATH: Final = "./platform_events"
STREAM_NAMES: Final = ("commands", "events", "risk")
_POLL_SECONDS: Final = 0.2


def _path_option(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--path",
        type=click.Path(file_okay=False, path_type=Path),
        help=f"Directory of the journal (default: $ORACLE_PATH, else {DEFAULT_PATH}).",
        **options,
    )


@click.group()
@_path_option(envvar="ORACLE_PATH", default=DEFAULT_PATH)
@click.pass_context
def main(context: click.Context, path: Path) -> None:
    """Look into the platform's journal, prove it, replay it, export it."""
    context.obj = path


def _command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """A subcommand that takes --path too, and tells errors in one line."""

    def register(function: Callable[..., None]) -> click.Command:
        @wraps(function)
        def call(path: Path | None, **values: Any) -> None:
            chosen = path or click.get_current_context().obj
            try:
                function(chosen, **values)
            except DisruptorError as error:
                raise click.ClickException(str(error)) from None

        return main.command(name)(_path_option(default=None)(call))

    return register


_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@contextmanager
def _reading(path: Path) -> Iterator[Journal]:
    with Journal.open_reader(path) as journal:
        yield journal


def _echo_json(content: dict[str, Any]) -> None:
    click.echo(json.dumps(content, indent=2))


def _fail(*sentences: str) -> None:
    for sentence in sentences:
        click.echo(f"Error: {sentence}", err=True)
    click.get_current_context().exit(1)


def _time_text(nanoseconds: int) -> str:
    if nanoseconds == 0:
        return "–"
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return str(nanoseconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03d}"


@_command("info")
@_json_option
def info(path: Path, as_json: bool) -> None:
    """What the journal holds: streams, sequences, times, sizes, heads of the chains."""
    with _reading(path) as journal:
        found = journal.info()
        durable = {each.name: journal.durable_sequence(each.name) for each in found.streams}
    if as_json:
        _echo_json(_info_content(found, durable))
        return
    table = Table(title=f"{found.path}: format {found.format_version}, {found.size_bytes:,} bytes")
    for heading in ("stream", "records", "batches", "durable", "first time", "last time", "head"):
        table.add_column(heading, justify="right" if heading in ("records", "batches") else "left")
    for each in found.streams:
        table.add_row(
            each.name,
            f"{each.count:,}",
            f"{each.records:,}",
            f"{durable[each.name]:,}",
            _time_text(each.first_ts),
            _time_text(each.last_ts),
            each.head.hex()[:16],
        )
    Console().print(table)


def _info_content(found: JournalInfo, durable: dict[str, int]) -> dict[str, Any]:
    streams = {
        each.name: {
            "count": each.count,
            "batches": each.records,
            "first_sequence": each.first_sequence,
            "last_sequence": each.last_sequence,
            "durable_sequence": durable[each.name],
            "first_ts": each.first_ts,
            "last_ts": each.last_ts,
            "bytes": each.size_bytes,
            "head": each.head.hex(),
            "fields": list(each.dtype.names or ()),
        }
        for each in found.streams
    }
    return {
        "path": found.path,
        "format_version": found.format_version,
        "created_ns": found.created_ns,
        "commit": found.commit,
        "size_bytes": found.size_bytes,
        "streams": streams,
    }


@_command("verify")
@click.option("--deep", is_flag=True, help="Walk LMDB's pages too, of a copy if need be.")
@_json_option
def verify_command(path: Path, deep: bool, as_json: bool) -> None:
    """Prove every record of every stream by its digest and its place in the chain."""
    started = time.perf_counter()
    report = verify(path, deep=deep)
    seconds = time.perf_counter() - started
    if as_json:
        _echo_json(_report_content(report))
    else:
        for each in report.streams:
            state = "whole" if each.problem is None else "damaged after this"
            click.echo(
                f"{each.name}: {each.last_sequence:,} events in {each.records:,} batches, "
                f"{each.size_bytes:,} bytes, head {each.head.hex()}: {state}"
            )
        click.echo(f"pages: {report.pages}")
        for note in report.notes:
            click.echo(f"note: {note}")
        if report.ok:
            click.echo(f"the journal {report.path} is whole (checked in {seconds:.2f} s)")
    if not report.ok:
        _fail(*report.problems)


def _report_content(report: Report) -> dict[str, Any]:
    return {
        "path": report.path,
        "ok": report.ok,
        "pages": report.pages,
        "problems": list(report.problems),
        "notes": list(report.notes),
        "streams": {
            each.name: {
                "last_sequence": each.last_sequence,
                "batches": each.records,
                "bytes": each.size_bytes,
                "head": each.head.hex(),
                "problem": each.problem,
            }
            for each in report.streams
        },
    }


@_command("hash")
@click.option("--at", type=click.IntRange(min=0), help="After this command (default: the last).")
def hash_command(path: Path, at: int | None) -> None:
    """The platform's state hash, derived from the commands alone."""
    with _reading(path) as journal:
        click.echo(_replayed(journal, at).platform_hash)


@_command("replay")
@click.option("--to", type=click.IntRange(min=0), help="Up to this command (default: the last).")
@_json_option
def replay_command(path: Path, to: int | None, as_json: bool) -> None:
    """Derive everything again from the commands and compare it with the journal."""
    with _reading(path) as journal:
        started = time.perf_counter()
        report = _replayed(journal, to)
        seconds = time.perf_counter() - started
    derived = {
        "events": (report.events_derived, report.events_journaled),
        "risk": (report.risk_derived, report.risk_journaled),
        "orders": (report.orders_derived, report.orders_journaled),
    }
    if as_json:
        _echo_json(
            {
                "ok": report.ok,
                "commands": report.commands,
                "derived": {name: pair[0] for name, pair in derived.items()},
                "journaled": {name: pair[1] for name, pair in derived.items()},
                "differences": [vars(each) for each in report.differences],
                "titan_hash": report.titan_hash,
                "sentinel_hash": report.sentinel_hash,
                "platform_hash": report.platform_hash,
            }
        )
    else:
        click.echo(f"commands: {report.commands:,} replayed in {seconds:.2f} s")
        for name, (count, journaled) in derived.items():
            click.echo(f"{name}: {count:,} derived, {journaled:,} journaled")
        click.echo(f"titan {report.titan_hash}\nsentinel {report.sentinel_hash}")
        click.echo(f"platform {report.platform_hash}")
        if report.ok:
            click.echo("what was journaled is what the commands give")
    if not report.ok:
        _fail(*map(str, report.differences))


def _replayed(journal: Journal, to: int | None) -> Any:
    last = journal.last_sequence("commands")
    if to is not None and to > last:
        raise click.BadParameter(f"the journal ends at command {last}; asked for {to}")
    from components.oracle.replay import replay

    return replay(journal, to=to)


@_command("tail")
@click.option("-n", "count", type=click.IntRange(min=0), default=10, show_default=True)
@click.option("--stream", type=click.Choice((*STREAM_NAMES, "all")), default="all")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written; Ctrl+C ends.")
def tail(path: Path, count: int, stream: str, follow: bool) -> None:
    """The last records as JSON lines, each after its stream and sequence."""
    from components.oracle import history

    streams = STREAM_NAMES if stream == "all" else (stream,)
    with _reading(path) as journal:
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


@_command("export")
@click.option("--stream", type=click.Choice(STREAM_NAMES), required=True)
@click.option("--format", "form", type=click.Choice(("jsonl", "csv")), default="jsonl")
@click.option("--from", "first", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--to", "last", type=click.IntRange(min=0), help="Default: the last one.")
def export(path: Path, stream: str, form: str, first: int, last: int | None) -> None:
    """All records of a stream: as JSON lines in decimals, or as CSV in the integers stored."""
    from components.oracle import history

    with _reading(path) as journal:
        end = journal.last_sequence(stream)
        last = end if last is None else last
        if last > end:
            raise click.BadParameter(f"stream {stream} ends at {end}; asked for {last}")
        writers: dict[str, Callable[[Journal, str, int, int], Iterator[bytes]]] = {
            "jsonl": history.text_lines,
            "csv": history.csv_lines,
        }
        with click.open_file("-", "wb") as out:
            for line in writers[form](journal, stream, first, last):
                out.write(line + b"\n")


if __name__ == "__main__":
    main(prog_name="bin/oracle")
