"""The command group, and what its commands have in common: the path, JSON, errors in one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from components.oracle.moment import MomentError, time_from_text
from components.oracle.store import Journal
from disruptor.errors import DisruptorError

DEFAULT_PATH: Final = "./platform_events"
STREAM_NAMES: Final = ("commands", "events", "risk")


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


def command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """A subcommand that takes --path too, and tells errors in one line."""

    def register(function: Callable[..., None]) -> click.Command:
        @wraps(function)
        def call(path: Path | None, **values: Any) -> None:
            chosen = path or click.get_current_context().obj
            try:
                function(chosen, **values)
            except MomentError as error:
                raise click.BadParameter(str(error)) from None
            except DisruptorError as error:
                raise click.ClickException(str(error)) from None

        return main.command(name)(_path_option(default=None)(call))

    return register


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


class Time(click.ParamType):
    """A time as ISO 8601, given on as nanoseconds since the epoch."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse; click tells what is wrong with it."""
        if isinstance(value, int):
            return value
        try:
            return time_from_text(value)
        except MomentError as error:
            self.fail(str(error), param, ctx)


@contextmanager
def reading(path: Path) -> Iterator[Journal]:
    """The journal, opened for reading."""
    with Journal.open_reader(path) as journal:
        yield journal


def echo_json(content: dict[str, Any]) -> None:
    """Print one JSON object."""
    click.echo(json.dumps(content, indent=2))


def fail(*sentences: str) -> None:
    """Say what is wrong, and leave with status 1."""
    for sentence in sentences:
        click.echo(f"Error: {sentence}", err=True)
    click.get_current_context().exit(1)


def end_of(journal: Journal, stream: str, last: int | None) -> int:
    """The last sequence that was asked for, by default the stream's; wrong usage beyond its end."""
    end = journal.last_sequence(stream)
    if last is not None and last > end:
        raise click.BadParameter(f"stream {stream} ends at {end}; asked for {last}")
    return end if last is None else last
