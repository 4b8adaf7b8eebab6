"""``python -m disruptor``: list, inspect and reclaim shared memory.

    list [PREFIX]       every segment of ours, its kind, size and owner
    inspect RING        one ring, live and read-only
    reclaim NAME …      remove what dead owners left; --all for everything that they left

Exit codes: 0, 1 on failure, 2 on wrong usage.  A living owner's segment is never touched.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict

import click

from disruptor.errors import DisruptorError
from disruptor.inspector import as_json, as_text, inspect
from disruptor.memory.segment import reclaim
from disruptor.memory.segment_view import SegmentInfo, SegmentView, segments


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Look at the shared memory of running or dead processes."""


@main.command("inspect")
@click.argument("ring")
@click.option("--json", "is_json", is_flag=True, help="One JSON object.")
@click.option(
    "--interval",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Seconds between the two looks that rates come from.",
)
def inspect_command(ring: str, is_json: bool, interval: float) -> None:
    """Show RING: header, event, cursor, each consumer and producer."""
    with _errors():
        seen = inspect(ring, interval)
    click.echo(json.dumps(as_json(seen)) if is_json else as_text(seen))


@main.command("list")
@click.argument("prefix", default="")
@click.option("--json", "is_json", is_flag=True, help="One JSON array.")
def list_command(prefix: str, is_json: bool) -> None:
    """List the segments whose names start with PREFIX."""
    found = segments(prefix)
    if is_json:
        rows = [{**asdict(each), "owner_is_alive": each.owner_is_alive} for each in found]
        click.echo(json.dumps(rows))
        return
    for each in found:
        owner = f"pid {each.owner.pid}" + ("" if each.owner_is_alive else " (DEAD)")
        click.echo(f"{each.name:<32} {each.kind:<16} {each.size:>12} bytes  {owner}")


@main.command("reclaim")
@click.argument("names", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Everything whose owner is proven dead.")
def reclaim_command(names: tuple[str, ...], is_all: bool) -> None:
    """Remove the segments NAMES, which their dead owners left."""
    if bool(names) == is_all:
        raise click.UsageError("name segments, or say --all")
    with _errors():
        found = [SegmentView(name).info for name in names] if names else _left_by_the_dead()
        for info in found:
            if reclaim(info.name):
                click.echo(f"removed {info.name}, {info.size} bytes")


def _left_by_the_dead() -> list[SegmentInfo]:
    return [info for info in segments() if not info.owner_is_alive]


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """One line and exit code 1 for what the framework refuses."""
    try:
        yield
    except DisruptorError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main(prog_name="python -m disruptor")
