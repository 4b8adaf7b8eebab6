"""info, head and verify: what a journal holds, and whether it is what was written."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from components.oracle.commands.group import command, echo_json, fail, json_option, reading
from components.oracle.moment import time_to_text
from components.oracle.raw import raw_path
from components.oracle.raw.reader import has_raw
from components.oracle.store import JournalInfo, Repaired, Report, repair, verify

_DIGEST: Final = re.compile(r"\b[0-9a-f]{64}\b")
_MILLISECONDS: Final = len("2026-01-02T03:04:05.678")
"""As much of a time as a table has room for."""


@command("info")
@json_option
def info(path: Path, as_json: bool) -> None:
    """What the journal holds: streams, sequences, times, sizes, heads of the chains."""
    with reading(path) as journal:
        found = journal.info()
        durable = {each.name: journal.durable_sequence(each.name) for each in found.streams}
    if as_json:
        echo_json(_info_content(found, durable))
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
            _short(each.first_ts),
            _short(each.last_ts),
            each.head.hex()[:16],
        )
    Console().print(table)


def _short(nanoseconds: int) -> str:
    """To the millisecond, in two words that a narrow table can break."""
    return time_to_text(nanoseconds)[:_MILLISECONDS].replace("T", " ")


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


@command("head")
@json_option
def head_command(path: Path, as_json: bool) -> None:
    """The digest at the end of each stream's chain, which stands for all of it up to here.

    Keep it where whoever writes the journal cannot: ``verify --expect-head`` later proves that
    nothing of what it stands for was changed, however much has been written since.
    """
    with reading(path) as journal:
        links = {name: journal.link(name) for name in journal.streams}
    if as_json:
        echo_json(
            {
                name: {"sequence": link.sequence, "digest": link.digest.hex()}
                for name, link in links.items()
            }
        )
        return
    for name, link in links.items():
        click.echo(f"{name} {link.sequence} {link.digest.hex()}")


@command("verify")
@click.option("--deep", is_flag=True, help="Walk LMDB's pages too, of a copy if need be.")
@click.option(
    "--expect-head",
    "heads",
    multiple=True,
    metavar="DIGEST|FILE",
    help="A digest that head told at any time, or a file of its output; may be repeated.",
)
@click.option(
    "--repair",
    "target",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Copy what is whole to a new journal in DIR; nothing is changed in place.",
)
@json_option
def verify_command(
    path: Path, deep: bool, heads: tuple[str, ...], target: Path | None, as_json: bool
) -> None:
    """Prove every record of every stream by its digest and its place in the chain."""
    if target is not None:
        _tell_repair(repair(path, target))
        return
    expected = [digest for text in heads for digest in _digests(text)]
    started = time.perf_counter()
    report = verify(path, deep=deep, expected=expected)
    raw = verify(raw_path(path), deep=deep) if has_raw(path) else None
    seconds = time.perf_counter() - started
    if as_json:
        content = _report_content(report)
        echo_json(content if raw is None else {**content, "raw": _report_content(raw)})
    else:
        if raw is not None:
            for each in raw.streams:
                state = "whole" if each.problem is None else "damaged after this"
                click.echo(
                    f"raw {each.name}: {each.last_sequence:,} in {each.records:,} batches, "
                    f"{each.size_bytes:,} bytes, head {each.head.hex()}: {state}"
                )
        for each in report.streams:
            state = "whole" if each.problem is None else "damaged after this"
            click.echo(
                f"{each.name}: {each.last_sequence:,} events in {each.records:,} batches, "
                f"{each.size_bytes:,} bytes, head {each.head.hex()}: {state}"
            )
        click.echo(f"pages: {report.pages}")
        for head in report.heads:
            click.echo(
                f"head {head.digest.hex()} is proven: stream {head.stream} up to {head.sequence:,} "
                "is what it was then"
            )
        for note in report.notes:
            click.echo(f"note: {note}")
        if report.ok:
            click.echo(f"the journal {report.path} is whole (checked in {seconds:.2f} s)")
    problems = (*report.problems, *(raw.problems if raw is not None else ()))
    if problems:
        fail(*problems)


def _digests(text: str) -> list[bytes]:
    """The digests that an option gives, itself or in the file that it names."""
    if _DIGEST.fullmatch(text):
        return [bytes.fromhex(text)]
    try:
        content = Path(text).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        content = ""
    found = [bytes.fromhex(each) for each in _DIGEST.findall(content)]
    if not found:
        raise click.BadParameter(
            f"--expect-head {text}: neither a digest of 64 hexadecimal digits nor a file of such"
        )
    return found


def _tell_repair(done: Repaired) -> None:
    for name, sequence in done.sequences.items():
        lost = done.known.get(name, sequence) - sequence
        click.echo(f"{name}: {sequence:,} events copied, {lost:,} known to be lost")
    click.echo(f"the journal {done.path} is whole")


def _report_content(report: Report) -> dict[str, Any]:
    return {
        "path": report.path,
        "ok": report.ok,
        "pages": report.pages,
        "problems": list(report.problems),
        "notes": list(report.notes),
        "heads": [
            {"stream": head.stream, "sequence": head.sequence, "digest": head.digest.hex()}
            for head in report.heads
        ],
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
