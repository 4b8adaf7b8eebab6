"""The command line of Titan offline: commands in, events out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from components.configuration import load_instruments
from components.messages.json_lines import TextError
from components.titan.command_journal import READERS
from components.titan.engine.snapshot import state_hash as hash_of_state
from components.titan.event_output import WRITERS
from components.titan.exchange_data.comparison import Comparison
from components.titan.exchange_data.venue import Venue
from components.titan.offline import OfflineTitan
from disruptor.errors import ConfigurationError

_DEFAULT = Path(__file__).resolve().parents[2] / "config" / "instruments.yaml"


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--instruments",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=_DEFAULT,
    show_default="config/instruments.yaml",
    help="What can be traded: symbols, tick and lot sizes, fees.",
)
@click.option(
    "--all",
    "every_event",
    is_flag=True,
    help="Also write best bid/ask changes, what is passed through, fees, flags and times.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(READERS)),
    default="jsonl",
    show_default=True,
    help="How commands are written: JSON lines in decimals; CSV or binary records in integers.",
)
@click.option(
    "--events-format",
    "events_form",
    type=click.Choice(list(WRITERS)),
    help="How events are written; like the commands by default.",
)
@click.option("--state-hash", is_flag=True, help="Print the SHA-256 of the final state to stderr.")
@click.option("--risk-gate", is_flag=True, help="Refuse orders that lack initial margin.")
@click.pass_context
def main(
    context: click.Context,
    instruments: Path,
    every_event: bool,
    form: str,
    events_form: str | None,
    state_hash: bool,
    risk_gate: bool,
) -> None:
    """Match orders: commands on stdin, events on stdout, both as JSON lines by default.

    Command n of the input is answered by events with "seq" n.  A number off the grid, zero or too
    large is answered "rejected".  A line that is malformed (no JSON, a missing or unknown key, a
    wrong type) ends the run with status 1, after everything before it has been answered.

    The commands below run recorded exchange data instead, and say where the engine's fills and
    book differ from what was recorded: status 0 if nowhere, 1 otherwise.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        table = load_instruments(instruments)
        titan = OfflineTitan(table, every_event=every_event, risk_gate=risk_gate)
        titan.run(READERS[form](sys.stdin.buffer, table), sys.stdout.buffer, events_form or form)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (TextError, ConfigurationError) as error:
        click.echo(f"titan: {error}", err=True)
        sys.exit(1)
    if state_hash:
        click.echo(titan.state_hash().hex(), err=True)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--state-hash", is_flag=True, help="Also print the SHA-256 of the final state.")
def lobster(folder: Path, state_hash: bool) -> None:
    """LOBSTER's message and orderbook files of one stock, in FOLDER; gzipped or not."""
    from components.titan.exchange_data.lobster import compare

    _tell_comparison(lambda: compare(folder), state_hash)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--state-hash", is_flag=True, help="Also print the SHA-256 of the final state.")
def sse(file: Path, state_hash: bool) -> None:
    """The Shanghai exchange's order-by-order log of one stock; gzipped or not."""
    from components.titan.exchange_data.shanghai import compare

    _tell_comparison(lambda: compare(file), state_hash)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--symbol", "symbols", multiple=True, help="Only this stock; may be repeated.")
@click.option("--state-hash", is_flag=True, help="Also print the SHA-256 of the final state.")
def itch(file: Path, symbols: tuple[str, ...], state_hash: bool) -> None:
    """NASDAQ TotalView-ITCH 5.0, messages behind their lengths; gzipped or not."""
    from components.titan.exchange_data.itch_flow import compare

    _tell_comparison(lambda: compare(file, frozenset(symbols)), state_hash)


def _tell_comparison(compare: Callable[[], tuple[Comparison, Venue]], state_hash: bool) -> None:
    try:
        told, venue = compare()
    except (TextError, OSError, EOFError, UnicodeDecodeError) as error:
        raise click.ClickException(str(error)) from None
    click.echo("\n".join(told.lines()))
    if state_hash:
        click.echo(f"state             {hash_of_state(venue.state).hex()}")
    if not told.is_identical:
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="bin/titan")
