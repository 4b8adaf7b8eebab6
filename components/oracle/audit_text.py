"""Records, lives and trails in words, and as plain values for JSON; decimals are strings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from components.instruments import InstrumentTable
from components.messages.code import SOURCE_NAMES
from components.messages.command_fields import lots_text
from components.oracle.history import FORMATTERS, Line
from components.oracle.moment import time_to_text
from components.oracle.query import Found
from components.oracle.trace import Life, Trail

_KINDS: Final = {"commands": "op", "events": "event", "risk": "risk"}
_LABELS: Final = {"commands": "command", "events": "event", "risk": "risk"}
_SHOWN_ELSEWHERE: Final = ("seq", "ts", "source", *_KINDS.values())


def content_of(line: Line, table: InstrumentTable) -> dict[str, Any]:
    """One record: where it stands, when, and its JSON line."""
    return {
        "stream": line.stream,
        "sequence": line.sequence,
        "command": line.command,
        "time": time_to_text(int(line.record["ts"])),
        "record": orjson.loads(FORMATTERS[line.stream](line.record, table)),
    }


def words_of(line: Line, table: InstrumentTable) -> str:
    """One record in a line of words."""
    content = content_of(line, table)
    record = content["record"]
    told = [
        f"{key.replace('_', ' ')} {_word(value)}"
        for key, value in record.items()
        if key not in _SHOWN_ELSEWHERE
    ]
    kind = str(record[_KINDS[line.stream]]).replace("_", " ")
    if line.stream == "commands":
        kind += f" (from {SOURCE_NAMES[int(line.record['source'])].replace('_', ' ')})"
    place = f"{_LABELS[line.stream]} {line.sequence:,}"
    return f"{content['time']}  {place:<16} {kind}: {', '.join(told)}"


def found_content(found: Found, table: InstrumentTable) -> dict[str, Any]:
    """One system event as an object."""
    return {"type": found.type, **content_of(found.line, table)}


def found_words(found: Found, table: InstrumentTable) -> str:
    """One system event in a line of words."""
    return f"{found.type:<18} {words_of(found.line, table)}"


def life_content(life: Life, table: InstrumentTable) -> dict[str, Any]:
    """An order's life as an object."""
    symbol = _symbol_of(life)
    return {
        "account": life.account,
        "id": life.order_id,
        "outcome": life.outcome,
        "filled": lots_text(life.filled, symbol, table),
        "cancelled": lots_text(life.cancelled, symbol, table),
        "open": lots_text(life.open, symbol, table),
        "records": [content_of(line, table) for line in life.lines],
    }


def life_words(life: Life, table: InstrumentTable) -> Iterator[str]:
    """An order's life: a headline, then a line for each record."""
    symbol = _symbol_of(life)
    counts = [
        f"{lots_text(lots, symbol, table)} {what}"
        for what, lots in (
            ("filled", life.filled),
            ("cancelled", life.cancelled),
            ("open", life.open),
        )
        if lots
    ]
    rest = f" ({', '.join(counts)})" if counts else ""
    yield f"order {life.order_id} of account {life.account}: {life.outcome}{rest}"
    yield from (f"  {words_of(line, table)}" for line in life.lines)


def trail_content(trail: Trail, table: InstrumentTable) -> dict[str, Any]:
    """A liquidation's trail as an object."""
    return {
        "cause": content_of(trail.cause, table),
        "liquidation": content_of(trail.liquidation, table),
        "order": None if trail.order is None else life_content(trail.order, table),
    }


def trail_words(trail: Trail, table: InstrumentTable) -> Iterator[str]:
    """A liquidation's trail: what made Sentinel act, why, and what became of its order."""
    record = content_of(trail.liquidation, table)["record"]
    yield (
        f"account {record['account']} was liquidated in {record['symbol']}: at a mark of "
        f"{record['price']} its equity {record['equity']} was below its maintenance margin "
        f"{record['maintenance']}{_rules_words(trail, table)}"
    )
    if trail.order is None:
        yield f"  {words_of(trail.cause, table)}"
        yield f"  {words_of(trail.liquidation, table)}"
        yield "  its order had not come back into the commands when the journal ended"
        return
    yield from life_words(trail.order, table)


def _rules_words(trail: Trail, table: InstrumentTable) -> str:
    """By which margin tier and which rules, where the record says it; tiers as they are now."""
    record = trail.liquidation.record
    if not record["entry_value"]:
        return ""
    number = int(record["flags"])
    tiers = table.at(int(record["symbol"])).margin_tiers
    rate = f" ({tiers[number].maintenance_ppm} ppm)" if number < len(tiers) else ""
    return f", by margin tier {number}{rate} and version {int(record['entry_value'])} of the rules"


def _symbol_of(life: Life) -> int:
    """The symbol of the order, by the first record of its own."""
    own = (x for x in life.lines if x.stream != "risk" and x.record["order_id"] == life.order_id)
    return int(next(own, life.lines[0]).record["symbol"])


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)
