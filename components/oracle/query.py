"""Finding system events: by type, account, symbol, order and time.

A system event is a record of the events or the risk stream under the name that an auditor knows:

    OrderPlaced         events  accepted        PositionOpened      risk  position, from flat
    OrderExecuted       events  trade           PositionChanged     risk  position, open before
    PriceUpdate         events  price           PositionClosed      risk  position, flat now
    AccountUpdated      risk    account         PositionLiquidated  risk  liquidation

Any other kind is asked for by its stream and name, such as ``events.cancelled``.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    EVENT_ACCEPTED,
    EVENT_PRICE,
    EVENT_TRADE,
    RISK_ACCOUNT,
    RISK_LIQUIDATION,
    RISK_POSITION,
    by_name,
)
from components.oracle import moment
from components.oracle.history import FORMATTERS, Line
from components.oracle.read_ahead import ReadAhead
from components.oracle.store import Journal
from components.oracle.subjects import (
    KIND_FIELDS,
    KIND_NAMES,
    of_account,
    of_kinds,
    of_order,
    of_symbol,
)

OPENED: Final = "PositionOpened"
CHANGED: Final = "PositionChanged"
CLOSED: Final = "PositionClosed"
SYSTEM_EVENTS: Final[Mapping[str, tuple[str, int]]] = {
    "OrderPlaced": ("events", EVENT_ACCEPTED),
    "OrderExecuted": ("events", EVENT_TRADE),
    "PriceUpdate": ("events", EVENT_PRICE),
    OPENED: ("risk", RISK_POSITION),
    CHANGED: ("risk", RISK_POSITION),
    CLOSED: ("risk", RISK_POSITION),
    "PositionLiquidated": ("risk", RISK_LIQUIDATION),
    "AccountUpdated": ("risk", RISK_ACCOUNT),
}
_POSITION_TYPES: Final = (OPENED, CHANGED, CLOSED)
_TYPE_OF: Final = {
    each: name for name, each in SYSTEM_EVENTS.items() if name not in _POSITION_TYPES
}


class UnknownTypeError(ValueError):
    """A type of event that there is not; the text says which there are."""


class Found(NamedTuple):
    """One system event: its name, and the record as a line of history."""

    type: str
    line: Line


@dataclass(frozen=True)
class Question:
    """What is asked for; None means any.  Ranges are of command sequences, all inclusive."""

    types: tuple[str, ...] = tuple(SYSTEM_EVENTS)
    account: int | None = None
    symbol: int | None = None
    order: int | None = None
    first: int = 1
    last: int | None = None
    since: int | None = None
    until: int | None = None


def kind_of(type_name: str) -> tuple[str, int]:
    """Stream and kind behind a type's name; UnknownTypeError if there is none."""
    if type_name in SYSTEM_EVENTS:
        return SYSTEM_EVENTS[type_name]
    stream, _, kind = type_name.partition(".")
    if stream in ("events", "risk") and kind in KIND_NAMES[stream].values():
        return stream, by_name(dict(KIND_NAMES[stream]))[kind]
    raise UnknownTypeError(
        f"there is no type {type_name}; there are {', '.join(SYSTEM_EVENTS)}, "
        "and each kind as events.NAME or risk.NAME"
    )


def names_of(type_name: str) -> tuple[str, ...]:
    """The names under which events of this type are found; a kind may have several."""
    if type_name in SYSTEM_EVENTS:
        return (type_name,)
    wanted = kind_of(type_name)
    return tuple(name for name, kind in SYSTEM_EVENTS.items() if kind == wanted) or (type_name,)


def find(journal: Journal, question: Question) -> Generator[Found]:
    """The events that answer the question, in the order in which they happened.

    Reads ahead: close it before the journal, if it is not exhausted.
    """
    found = [_of_stream(journal, stream, question) for stream in ("events", "risk")]
    try:
        yield from heapq.merge(*found, key=lambda each: each.line[:3])
    finally:
        for each in found:
            each.close()


def select(
    journal: Journal,
    stream: str,
    *,
    kinds: Iterable[int] | None = None,
    account: int | None = None,
    symbol: int | None = None,
    order: int | None = None,
    first: int | None = None,
    last: int | None = None,
) -> Generator[tuple[NDArray[np.int64], NDArray[np.void]]]:
    """Records of one stream between two of its sequences: their sequences, and copies of them."""
    chosen = None if kinds is None else tuple(kinds)
    begin = journal.first_sequence(stream) if first is None else first
    end = journal.last_sequence(stream) if last is None else last
    with ReadAhead(journal, stream, begin, end) as chunks:
        for start, records in chunks:
            keep = np.ones(len(records), bool)
            if chosen is not None:
                keep &= of_kinds(stream, records, chosen)
            if account is not None and order is None:
                keep &= of_account(stream, records, account)
            if symbol is not None:
                keep &= of_symbol(stream, records, symbol)
            if order is not None:
                keep &= of_order(stream, records, order, account)
            places = np.flatnonzero(keep)
            if len(places):
                yield places + start, records[places]


def _of_stream(journal: Journal, stream: str, question: Question) -> Generator[Found]:
    asked = {
        name for each in question.types if kind_of(each)[0] == stream for name in names_of(each)
    }
    if not asked:
        return
    kinds = {kind_of(name)[1] for name in asked}
    first, last = range_of(journal, stream, question)
    rank = tuple(FORMATTERS).index(stream)
    needs_past = not asked.isdisjoint(_POSITION_TYPES)
    tracker = _Positions()
    with closing(
        select(
            journal,
            stream,
            kinds=kinds,
            account=question.account,
            symbol=question.symbol,
            order=question.order,
            first=None if needs_past else first,
            last=last,
        )
    ) as selected:
        for sequences, records in selected:
            names = _names(stream, records, tracker)
            for sequence, record, name in zip(sequences.tolist(), records, names, strict=True):
                if sequence >= first and name in asked:
                    yield Found(name, Line(int(record["seq"]), rank, sequence, stream, record))


def range_of(journal: Journal, stream: str, question: Question) -> tuple[int, int]:
    """The stream's sequences between the question's commands and times."""
    first, last = moment.range_of_times(journal, stream, question.since, question.until)
    if question.first > 1:
        first = max(first, moment.last_after(journal, stream, question.first - 1) + 1)
    if question.last is not None:
        last = min(last, moment.last_after(journal, stream, question.last))
    return first, last


def _names(stream: str, records: NDArray[np.void], positions: _Positions) -> list[str]:
    codes = records[KIND_FIELDS[stream]].tolist()
    names = [
        _TYPE_OF.get((stream, code)) or f"{stream}.{KIND_NAMES[stream].get(code, code)}"
        for code in codes
    ]
    if stream == "risk":
        changed = np.flatnonzero(records["kind"] == RISK_POSITION)
        for place, name in zip(changed.tolist(), positions.follow(records[changed]), strict=True):
            names[place] = name
    return names


class _Positions:
    """What each account held in each symbol, followed through the position records."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, int], int] = {}

    def follow(self, records: NDArray[np.void]) -> Iterator[str]:
        """What each record did to its position; a change of side opens the other one."""
        keys = zip(records["account"].tolist(), records["symbol"].tolist(), strict=True)
        for key, qty in zip(keys, records["qty"].tolist(), strict=True):
            before = self._held.get(key, 0)
            self._held[key] = qty
            if qty == 0:
                yield CLOSED
            elif before == 0 or (before > 0) != (qty > 0):
                yield OPENED
            else:
                yield CHANGED
