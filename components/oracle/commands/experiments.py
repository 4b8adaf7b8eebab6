"""what-if: the journal's commands under other rules."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import click

from components.instruments import InstrumentTable, MarginTier
from components.oracle.commands.group import command, echo_json, end_of, json_option, reading
from components.units import UnitError, money_from_text, ppm_from_text


@command("what-if")
@click.option(
    "--without", type=int, multiple=True, metavar="ACCOUNT", help="Had it not been there."
)
@click.option("--liquidation-fee", metavar="RATIO", help="Another liquidation fee, e.g. 0.01.")
@click.option(
    "--at-risk", metavar="RATIO", help="Another margin ratio that puts at risk, e.g. 0.8."
)
@click.option("--insurance-fund", metavar="MONEY", help="Another start of the insurance fund.")
@click.option(
    "--fees", multiple=True, metavar="SYMBOL=MAKER/TAKER", help="Other fees, e.g. BTCUSDT=0/0.0005."
)
@click.option(
    "--tiers",
    multiple=True,
    metavar="SYMBOL=FLOOR:RATE,…",
    help="Other margin tiers: the maintenance rate above each notional, e.g. BTCUSDT=0:0.01,50000:0.02.",
)
@click.option("--to", type=click.IntRange(min=0), help="Up to this command (default: the last).")
@json_option
def what_if_command(
    path: Path,
    without: tuple[int, ...],
    liquidation_fee: str | None,
    at_risk: str | None,
    insurance_fund: str | None,
    fees: tuple[str, ...],
    tiers: tuple[str, ...],
    to: int | None,
    as_json: bool,
) -> None:
    """What would have been different under other rules, or without an account.

    Everybody else is assumed to have acted as they did; Sentinel acts by the rules given.
    """
    from components.oracle.changes import Changes
    from components.oracle.history import Instruments
    from components.oracle.what_if import what_if
    from components.oracle.what_if_text import content_of, words_of

    with reading(path) as journal:
        end_of(journal, "commands", to)
        table = Instruments(journal).table()
        try:
            changes = Changes(
                liquidation_fee_ppm=_ppm(liquidation_fee, "--liquidation-fee"),
                at_risk_ppm=_ppm(at_risk, "--at-risk"),
                insurance_fund=None
                if insurance_fund is None
                else money_from_text(insurance_fund, "--insurance-fund"),
                fees={
                    symbol: _fees(text)
                    for symbol, text in _by_symbol(fees, table, "--fees").items()
                },
                tiers={
                    symbol: _tiers(text)
                    for symbol, text in _by_symbol(tiers, table, "--tiers").items()
                },
                without=frozenset(without),
            )
        except UnitError as error:
            raise click.BadParameter(str(error)) from None
        content = content_of(what_if(journal, changes, to=to))
    if as_json:
        echo_json(content)
        return
    for line in words_of(content):
        click.echo(line)


def _ppm(text: str | None, what: str) -> int | None:
    return None if text is None else ppm_from_text(text, what)


def _by_symbol(texts: tuple[str, ...], table: InstrumentTable, option: str) -> Mapping[int, str]:
    found = {}
    for text in texts:
        symbol, equals, rest = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{option} {text!r}: write SYMBOL=…")
        if symbol not in table:
            raise click.BadParameter(f"there is no symbol {symbol}; there are {', '.join(table)}")
        found[table[symbol].index] = rest
    return found


def _fees(text: str) -> tuple[int, int]:
    maker, slash, taker = text.partition("/")
    if not slash:
        raise UnitError(
            f"--fees: found {text!r}; write the maker's and the taker's as 0.0002/0.0005"
        )
    return ppm_from_text(maker, "maker's fee"), ppm_from_text(taker, "taker's fee")


def _tiers(text: str) -> tuple[MarginTier, ...]:
    tiers = []
    for part in text.split(","):
        floor, colon, rate = part.partition(":")
        if not colon:
            raise UnitError(f"--tiers: found {part!r}; write each tier as FLOOR:RATE, e.g. 0:0.01")
        tiers.append(MarginTier(money_from_text(floor, "floor"), ppm_from_text(rate, "rate")))
    if tiers[0].notional_floor:
        raise UnitError(f"--tiers: the first tier begins at {text.split(':')[0]}; it must be 0")
    for low, high in pairwise(tiers):
        if not (
            low.notional_floor < high.notional_floor and low.maintenance_ppm <= high.maintenance_ppm
        ):
            raise UnitError(f"--tiers: {text}: floors must rise and rates must not fall")
    return tuple(tiers)
