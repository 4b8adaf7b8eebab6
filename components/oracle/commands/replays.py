"""hash, replay, state: what follows from the commands, and whether the journal agrees."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path

import click
from click.core import ParameterSource

from components.oracle.commands.group import (
    command,
    echo_json,
    end_of,
    fail,
    json_option,
    reading,
)
from components.oracle.moment import command_at, time_to_text
from components.oracle.store import Journal

_at_option = click.option(
    "--at",
    metavar="SEQUENCE|TIME",
    help="After this command, or after the last one at this time, both inclusive "
    "(2026-01-02T03:04:05.678Z; default: the last one).",
)


@command("hash")
@_at_option
def hash_command(path: Path, at: str | None) -> None:
    """The platform's state hash, derived from the commands alone."""
    from components.oracle.platform_state import state_at

    with reading(path) as journal:
        click.echo(state_at(journal, command_at(journal, at)).hashes().platform)


@command("replay")
@click.option(
    "--from",
    "first",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Compare what this command and later ones give; those before are only applied.",
)
@click.option("--to", type=click.IntRange(min=0), help="Up to this command (default: the last).")
@click.option("--all-differences", is_flag=True, help="Go on to the first one of each stream.")
@click.option(
    "--metrics",
    type=click.IntRange(0, 65_535),
    metavar="PORT",
    help="Do not compare, but serve the platform's metrics on this port of 127.0.0.1 meanwhile.",
)
@click.option(
    "--speed", default="1", metavar="NUMBER|max", help="With --metrics: how many times as fast."
)
@click.option(
    "--raw", is_flag=True, help="The venue's frames, through the feed's parser; --speed holds."
)
@click.option("--hold", is_flag=True, help="With --metrics: go on serving until Ctrl+C.")
@json_option
def replay_command(
    path: Path,
    first: int,
    to: int | None,
    all_differences: bool,
    metrics: int | None,
    speed: str,
    raw: bool,
    hold: bool,
    as_json: bool,
) -> None:
    """Derive everything again from the commands and compare it with the journal.

    The first difference is told as stream, sequence and field; as JSON with both whole records.
    """
    is_live = click.get_current_context().get_parameter_source("speed") != ParameterSource.DEFAULT
    if raw:
        if metrics is not None or hold or first != 1 or to is not None or all_differences:
            raise click.BadParameter("--raw goes with --speed and --json alone")
        _replay_raw(path, _speed(speed) if is_live else math.inf, as_json)
        return
    if metrics is None and (is_live or hold):
        raise click.BadParameter("--speed and --hold need --metrics PORT")
    with reading(path) as journal:
        last = end_of(journal, "commands", to)
        if first > last + 1:
            raise click.BadParameter(f"--from {first} lies after the last command, {last}")
        if metrics is None:
            _compare(journal, first, to, all_differences, as_json)
        else:
            _perform(journal, first, last, _speed(speed), hold, metrics)


def _replay_raw(path: Path, speed: float, as_json: bool) -> None:
    from components.feed.raw_replay import replay_raw

    report = replay_raw(path, 0.0 if math.isinf(speed) else speed)
    if as_json:
        echo_json({"ok": report.ok, **asdict(report)})
    else:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(report.frames.items()))
        dropped = ", ".join(f"{why} {count:,}" for why, count in sorted(report.malformed.items()))
        click.echo(f"messages: {kinds or 'none'}\ndropped: {dropped or 'none'}")
        click.echo(f"gaps: {report.gaps:,}, repeated: {report.duplicates:,}")
        click.echo(
            f"prices: {report.prices:,} given by the frames; of {report.journaled:,} journaled, "
            f"{report.matched:,} are among them, in order"
        )
    if not report.ok:
        fail(
            f"price {report.matched + 1:,} of the venue's in the journal does not follow from the "
            "raw frames"
        )


def _speed(text: str) -> float:
    try:
        speed = math.inf if text == "max" else float(text)
    except ValueError:
        speed = math.nan
    if not speed > 0:
        raise click.BadParameter(f"--speed {text}: write a number above 0, or max")
    return speed


def _perform(journal: Journal, first: int, last: int, speed: float, hold: bool, port: int) -> None:
    from components.oracle.live_replay import Pace, play

    reached = play(journal, Pace(first, last, speed, hold), port, click.echo)
    click.echo(f"commands up to {reached:,} were replayed")


def _compare(
    journal: Journal, first: int, to: int | None, all_differences: bool, as_json: bool
) -> None:
    from components.oracle.replay import replay

    started = time.perf_counter()
    report = replay(journal, first=first, to=to, first_difference=not all_differences)
    seconds = time.perf_counter() - started
    derived = {
        "events": (report.events_derived, report.events_journaled),
        "risk": (report.risk_derived, report.risk_journaled),
        "orders": (report.orders_derived, report.orders_journaled),
    }
    if as_json:
        echo_json(
            {
                "ok": report.ok,
                "first": report.first,
                "commands": report.commands,
                "derived": {name: pair[0] for name, pair in derived.items()},
                "journaled": {name: pair[1] for name, pair in derived.items()},
                "differences": [asdict(each) for each in report.differences],
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
        fail(*map(str, report.differences))


@command("state")
@_at_option
@click.option("--account", type=int, help="Only this account.")
@click.option("--symbol", help="Only this symbol.")
@click.option("--levels", type=click.IntRange(min=0), default=5, show_default=True)
@click.option("--orders", is_flag=True, help="Each order that rests or waits, too.")
@json_option
def state_command(
    path: Path,
    at: str | None,
    account: int | None,
    symbol: str | None,
    levels: int,
    orders: bool,
    as_json: bool,
) -> None:
    """Books, positions and balances as they were at a command or a time, and their hash."""
    from components.oracle.platform_state import state_at
    from components.oracle.state_text import describe, tables

    with reading(path) as journal:
        state = state_at(journal, command_at(journal, at))
    if symbol is not None and symbol not in state.instruments:
        known = ", ".join(state.instruments) or "none"
        raise click.BadParameter(f"there is no symbol {symbol} at that point; there are: {known}")
    content = describe(state, account=account, symbol=symbol, levels=levels, with_orders=orders)
    if as_json:
        echo_json(content)
        return
    click.echo(
        f"after command {state.sequence:,}, {time_to_text(state.ts)}, platform {content['hash']}"
    )
    for table in tables(content):
        click.echo(table)
