"""events and trace: what happened, found by what an auditor asks."""

from __future__ import annotations

import json
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import click

from components.oracle.commands.group import Time, command, end_of, json_option, reading
from components.oracle.history import Instruments
from components.oracle.store import Journal


def symbol_index(instruments: Instruments, symbol: str | None) -> int | None:
    """The index of a symbol by name; wrong usage if no instrument has it."""
    if symbol is None:
        return None
    table = instruments.table()
    if symbol not in table:
        raise click.BadParameter(f"there is no symbol {symbol}; there are {', '.join(table)}")
    return table[symbol].index


@command("events")
@click.option(
    "--type",
    "types",
    multiple=True,
    help="OrderPlaced, OrderExecuted, PositionOpened, "
    "PositionChanged, PositionClosed, PositionLiquidated, PriceUpdate, AccountUpdated, "
    "or a kind as events.NAME or risk.NAME; may be repeated (default: all of the first).",
)
@click.option("--account", type=int, help="Of this account, on either side of a trade.")
@click.option("--symbol", help="Of this symbol.")
@click.option("--order", type=int, help="Of orders with this id (with --account: of its order).")
@click.option("--since", type=Time(), help="Not before this time.")
@click.option("--until", type=Time(), help="Not after this time.")
@click.option(
    "--from",
    "first",
    type=click.IntRange(min=1),
    default=1,
    help="Caused by this command or a later one.",
)
@click.option(
    "--to", "last", type=click.IntRange(min=0), help="Caused by this command or an earlier one."
)
@click.option("--limit", type=click.IntRange(min=0), help="The first so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def events_command(
    path: Path,
    types: tuple[str, ...],
    symbol: str | None,
    limit: int | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """System events by type, account, symbol, order and time, in the order of happening."""
    from components.oracle import audit_text, query

    with reading(path) as journal:
        instruments = Instruments(journal)
        try:
            question = query.Question(
                types=types or tuple(query.SYSTEM_EVENTS),
                symbol=symbol_index(instruments, symbol),
                **asked,
            )
            for each in question.types:
                query.kind_of(each)
        except query.UnknownTypeError as error:
            raise click.BadParameter(str(error)) from None
        table = instruments.table()
        with closing(query.find(journal, question)) as answers:
            for found in islice(answers, limit):
                if as_json:
                    click.echo(json.dumps(audit_text.found_content(found, table)))
                else:
                    click.echo(audit_text.found_words(found, table))


@command("trace")
@click.argument("order", metavar="[ACCOUNT:]ID")
@click.option("--account", type=int, help="Whose order; an id alone means everybody's.")
@click.option(
    "--liquidation", is_flag=True, help="The number is a liquidation's in the risk stream."
)
@json_option
def trace_command(
    path: Path, order: str, account: int | None, liquidation: bool, as_json: bool
) -> None:
    """The life of an order, from its command to its fills and its end; or a liquidation's trail."""
    owner, number = _order_of(order, account)
    with reading(path) as journal:
        lines = (
            _trail(journal, number, as_json)
            if liquidation
            else _lives(journal, number, owner, as_json)
        )
    for line in lines:
        click.echo(line)


def _order_of(text: str, account: int | None) -> tuple[int | None, int]:
    owner, colon, number = text.rpartition(":")
    if not number.isdecimal() or (colon and not owner.isdecimal()):
        raise click.BadParameter(f"{text!r} is no order; write ID or ACCOUNT:ID, such as 7:42")
    if colon and account is not None and account != int(owner):
        raise click.BadParameter(f"{text} is no order of account {account}")
    return (int(owner) if colon else account), int(number)


def _lives(journal: Journal, order: int, account: int | None, as_json: bool) -> list[str]:
    from components.oracle import audit_text
    from components.oracle.trace import trace

    lives = trace(journal, order, account)
    table = Instruments(journal).table()
    if as_json:
        return [json.dumps([audit_text.life_content(life, table) for life in lives], indent=2)]
    return [line for life in lives for line in audit_text.life_words(life, table)]


def _trail(journal: Journal, sequence: int, as_json: bool) -> list[str]:
    from components.oracle import audit_text
    from components.oracle.trace import trail

    end_of(journal, "risk", sequence)
    found = trail(journal, sequence)
    table = Instruments(journal).table()
    if as_json:
        return [json.dumps(audit_text.trail_content(found, table), indent=2)]
    return list(audit_text.trail_words(found, table))
