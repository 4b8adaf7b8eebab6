"""info and verify: what a journal holds, and whether it is what was written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from components.oracle.commands.group import command, echo_json, fail, json_option, reading
from components.oracle.moment import time_to_text
from components.oracle.store import JournalInfo, Report, verify

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


@command("verify")
@click.option("--deep", is_flag=True, help="Walk LMDB's pages too, of a copy if need be.")
@json_option
def verify_command(path: Path, deep: bool, as_json: bool) -> None:
    """Prove every record of every stream by its digest and its place in the chain."""
    started = time.perf_counter()
    report = verify(path, deep=deep)
    seconds = time.perf_counter() - started
    if as_json:
        echo_json(_report_content(report))
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
        fail(*report.problems)


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
