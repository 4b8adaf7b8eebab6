"""A what-if's report: what would have differed, as plain values and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from components.messages.code import POSITION_SIDE_NAMES
from components.messages.command_text import lots_text, symbol_text, ticks_text
from components.oracle.what_if import Outcome, Trades, WhatIf
from components.units import money_to_text

_WORLDS: Final = ("journaled", "changed")
_SHOWN: Final = 20
"""Accounts and liquidations that the words name; the object has all."""


def content_of(found: WhatIf) -> dict[str, Any]:
    """All that differs, and the totals of both worlds; decimals are strings."""
    worlds = dict(zip(_WORLDS, (found.journaled, found.changed), strict=True))
    only = _liquidations_only(found)
    return {
        "commands": found.commands,
        "same_until": found.same_until,
        "differs": found.journaled.hashes != found.changed.hashes,
        "first_different_trade": found.first_different_trade,
        **{name: _totals(world, found) for name, world in worlds.items()},
        "liquidations_only_in": dict(zip(_WORLDS, only, strict=True)),
        "balances": _balances(found),
    }


def words_of(content: dict[str, Any]) -> Iterator[str]:
    """The report for people, line by line."""
    yield f"{content['commands']:,} commands, in the journal and changed"
    if content["same_until"]:
        yield f"the same up to command {content['same_until']:,}, a snapshot: there the journal begins"
    if not content["differs"]:
        yield "nothing would have been different"
        return
    first = content["first_different_trade"]
    yield "all trades are the same" if first is None else f"trades differ from command {first:,} on"
    pairs = [content[name] for name in _WORLDS]
    for name in ("trades", "rejected", "liquidations", "insurance_fund", "bad_debt"):
        yield f"{name.replace('_', ' '):<15} {pairs[0][name]} → {pairs[1][name]}"
    for symbol in sorted({*pairs[0]["symbols"], *pairs[1]["symbols"]}):
        for name in ("volume", "notional", "fees"):
            both = [pair["symbols"].get(symbol, {}).get(name, "0") for pair in pairs]
            if both[0] != both[1]:
                yield f"{symbol} {name}: {both[0]} → {both[1]}"
    yield from _liquidation_words(content["liquidations_only_in"])
    balances = content["balances"]
    yield f"balances of {len(balances)} accounts differ"
    for each in balances[:_SHOWN]:
        yield (
            f"  account {each['account']}: equity {each['journaled'] or '–'} → "
            f"{each['changed'] or '–'} "
            f"({each['difference']})"
        )
    if len(balances) > _SHOWN:
        yield f"  … and {len(balances) - _SHOWN} more, see --json"


def _liquidation_words(only: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    for world, fate in (("journaled", "would not have been"), ("changed", "would have been")):
        rows = only[world]
        yield f"{len(rows)} liquidations {fate}"
        for each in rows[:_SHOWN]:
            yield (
                f"  command {each['command']:,}: account {each['account']} {each['side']} "
                f"{each['qty']} {each['symbol']} at {each['price']}, loss {each['loss']}"
            )
        if len(rows) > _SHOWN:
            yield f"  … and {len(rows) - _SHOWN} more, see --json"


def _totals(world: Outcome, found: WhatIf) -> dict[str, Any]:
    return {
        "trades": sum(each.number for each in world.trades.values()),
        "rejected": world.rejected,
        "liquidations": len(world.liquidations),
        "insurance_fund": money_to_text(world.totals.insurance_fund),
        "bad_debt": money_to_text(world.totals.bad_debt),
        "hash": world.hashes.platform,
        "symbols": {
            symbol_text(symbol, found.instruments): _symbol(symbol, each, found)
            for symbol, each in world.trades.items()
        },
    }


def _symbol(symbol: int, trades: Trades, found: WhatIf) -> dict[str, Any]:
    return {
        "trades": trades.number,
        "volume": lots_text(trades.lots, symbol, found.instruments),
        "notional": money_to_text(trades.notional),
        "fees": money_to_text(trades.fees),
    }


def _liquidations_only(found: WhatIf) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The liquidations that one world has and the other has not, by cause, account, symbol, size."""
    ours, theirs = (
        [_liquidation(row, found) for row in world.liquidations]
        for world in (found.journaled, found.changed)
    )
    return _without(ours, theirs), _without(theirs, ours)


def _without(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = ("command", "account", "symbol", "side", "qty")
    there = Counter(tuple(row[name] for name in names) for row in others)
    left = []
    for row in rows:
        key = tuple(row[name] for name in names)
        if there[key]:
            there[key] -= 1
        else:
            left.append(row)
    return left


def _liquidation(row: Any, found: WhatIf) -> dict[str, Any]:
    symbol = int(row["symbol"])
    return {
        "command": int(row["seq"]),
        "account": int(row["account"]),
        "symbol": symbol_text(symbol, found.instruments),
        "side": POSITION_SIDE_NAMES[1 - int(row["side"])],
        "qty": lots_text(int(row["qty"]), symbol, found.instruments),
        "price": ticks_text(int(row["price"]), symbol, found.instruments),
        "loss": money_to_text(int(row["amount"])),
    }


def _balances(found: WhatIf) -> list[dict[str, Any]]:
    """Accounts whose equity differs, the largest difference first."""
    ours, theirs = (
        {int(row["account"]): int(row["equity"]) for row in world.balances}
        for world in (found.journaled, found.changed)
    )
    changed = {account: theirs.get(account, 0) - ours.get(account, 0) for account in ours | theirs}
    ranked = sorted(
        (account for account, change in changed.items() if change),
        key=lambda account: (-abs(changed[account]), account),
    )
    return [
        {
            "account": account,
            "journaled": money_to_text(ours[account]) if account in ours else None,
            "changed": money_to_text(theirs[account]) if account in theirs else None,
            "difference": money_to_text(changed[account]),
        }
        for account in ranked
    ]
