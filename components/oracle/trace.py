"""The life of one order, and the trail of one liquidation, told from the journal.

An order is (account, id).  An id may be used again once its order is closed, so there may be
several lives; each begins with the command that placed it.  A liquidation's trail begins with
what made Sentinel act and ends with what became of its order:

    cause ──► liquidation record ──► order, as a command ──► answers and trades ──► risk
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from components.messages.code import (
    EVENT_ACCEPTED,
    EVENT_AMENDED,
    EVENT_ARMED,
    EVENT_CANCELLED,
    EVENT_DELEVERAGE,
    EVENT_REJECTED,
    EVENT_TRADE,
    FLAG_BY_AMOUNT,
    OP_AMEND,
    OP_CANCEL,
    RISK_DELEVERAGE,
    RISK_INSURANCE_FUND,
    RISK_LIQUIDATION,
    SOURCE_SENTINEL,
)
from components.oracle.history import FORMATTERS, Line
from components.oracle.moment import last_after
from components.oracle.query import select
from components.oracle.store import Journal, JournalError

_STREAMS: Final = tuple(FORMATTERS)

OPEN: Final = "open"
FILLED: Final = "filled"
CANCELLED: Final = "cancelled"
REJECTED: Final = "rejected"
TAKEN_OVER: Final = "taken over"  # by a counterparty, outside of the book
UNANSWERED: Final = "unanswered"


class TraceError(JournalError):
    """What was asked for is not in the journal."""


@dataclass(frozen=True)
class Life:
    """One order from its placing to its end: its records in order, and how it stands.

    ``open`` counts lots that may still trade; an order that came to nothing has none.
    """

    account: int
    order_id: int
    lines: tuple[Line, ...]
    outcome: str
    filled: int
    cancelled: int
    open: int

    @property
    def is_over(self) -> bool:
        """Whether nothing can become of it any more."""
        return self.outcome in (FILLED, CANCELLED, REJECTED, TAKEN_OVER)


@dataclass(frozen=True)
class Trail:
    """One liquidation: the command behind it, Sentinel's record, and the life of its order."""

    cause: Line
    liquidation: Line
    order: Life | None  # None if it had not come back into the commands when the journal ended


def trace(journal: Journal, order_id: int, account: int | None = None) -> list[Life]:
    """All lives of the orders with this id, of one account or of each that used it.

    TraceError if there is none.  Reads commands and events once.
    """
    lines = [
        *_lines(journal, "commands", order_id, account),
        *_lines(journal, "events", order_id, account),
    ]
    lines.sort(key=lambda line: line[:3])
    owners = sorted({owner for line in lines for owner in _owners(line, order_id)})
    if account is not None:
        owners = [owner for owner in owners if owner == account]
    if not owners:
        whose = "" if account is None else f" of account {account}"
        raise TraceError(f"the journal {journal.path} has no order {order_id}{whose}")
    lives = [
        life
        for owner in owners
        for life in _lives(owner, order_id, [x for x in lines if owner in _owners(x, order_id)])
    ]
    return [_with_risk(journal, life) for life in lives]


def liquidations(
    journal: Journal,
    account: int | None = None,
    symbol: int | None = None,
    first: int | None = None,
    last: int | None = None,
) -> Iterator[Line]:
    """Sentinel's liquidation records between two sequences of the risk stream."""
    kinds = (RISK_LIQUIDATION,)
    for sequences, records in select(
        journal, "risk", kinds=kinds, account=account, symbol=symbol, first=first, last=last
    ):
        yield from _as_lines("risk", sequences.tolist(), records)


def trail(journal: Journal, sequence: int) -> Trail:
    """The trail of the liquidation that has this sequence in the risk stream."""
    found: list[Line] = []
    if 1 <= sequence <= journal.last_sequence("risk"):
        found = list(liquidations(journal, first=sequence, last=sequence))
    if not found:
        raise TraceError(f"risk record {sequence} of the journal {journal.path} is no liquidation")
    record = found[0].record
    seq = int(record["seq"])
    cause = next(_between(journal, "commands", seq, seq))
    order = _order_of(journal, record)
    lives = [] if order is None else trace(journal, order, int(record["account"]))
    return Trail(cause, found[0], lives[0] if lives else None)


def _order_of(journal: Journal, liquidation: np.void) -> int | None:
    """The id of the order that came back into the commands for a liquidation."""
    for _, commands in journal.read("commands", int(liquidation["seq"]) + 1):
        ours = (commands["source"] == SOURCE_SENTINEL) & (commands["cause"] == liquidation["seq"])
        ours &= commands["order_id"] != 0  # a mass cancel goes before it
        for name in ("account", "symbol"):
            ours &= commands[name] == liquidation[name]
        if ours.any():
            return int(commands["order_id"][ours.argmax()])
    return None


def _lines(journal: Journal, stream: str, order: int, account: int | None) -> Iterator[Line]:
    for sequences, records in select(journal, stream, order=order, account=account):
        yield from _as_lines(stream, sequences.tolist(), records)


def _between(journal: Journal, stream: str, first: int, last: int) -> Iterator[Line]:
    for start, records in journal.read(stream, first, last):
        yield from _as_lines(stream, range(start, start + len(records)), records)


def _as_lines(stream: str, sequences: Iterable[int], records: np.ndarray) -> Iterator[Line]:
    rank = _STREAMS.index(stream)
    for sequence, record in zip(sequences, records, strict=True):
        cause = sequence if stream == "commands" else int(record["seq"])
        yield Line(cause, rank, sequence, stream, record)


def _owners(line: Line, order_id: int) -> set[int]:
    """The accounts whose order a record speaks of; a trade may be between two of one id."""
    record = line.record
    owners = set()
    if line.stream == "commands" or record["order_id"] == order_id:
        owners.add(int(record["account"]))
    is_trade = line.stream == "events" and record["kind"] == EVENT_TRADE
    if is_trade and record["maker_order_id"] == order_id:
        owners.add(int(record["maker_account"]))
    return owners


def _lives(account: int, order_id: int, lines: list[Line]) -> Iterator[Life]:
    part: list[Line] = []
    for line in lines:
        if part and _may_place(line) and _judged(account, order_id, part).is_over:
            yield _judged(account, order_id, part)
            part = []
        part.append(line)
    if part:
        yield _judged(account, order_id, part)


def _may_place(line: Line) -> bool:
    return line.stream == "commands" and line.record["op"] not in (OP_CANCEL, OP_AMEND)


def _judged(account: int, order_id: int, lines: list[Line]) -> Life:
    filled = cancelled = left = 0
    seen: set[int] = set()
    for line in lines:
        if line.stream != "events":
            continue
        kind, qty = int(line.record["kind"]), int(line.record["qty"])
        if line.record["flags"] & FLAG_BY_AMOUNT and kind != EVENT_TRADE:
            qty = 0  # money; such an order ends with the command that placed it
        seen.add(kind)
        if kind in (EVENT_ACCEPTED, EVENT_AMENDED, EVENT_ARMED):
            left = qty
        elif kind == EVENT_TRADE:
            filled, left = filled + qty, left - qty
        elif kind == EVENT_CANCELLED:
            cancelled, left = cancelled + qty, left - qty
        elif kind == EVENT_DELEVERAGE:
            filled = qty
    if EVENT_DELEVERAGE in seen:
        outcome = TAKEN_OVER
    elif EVENT_ACCEPTED not in seen:
        outcome = REJECTED if EVENT_REJECTED in seen else UNANSWERED
    elif left > 0:
        outcome = OPEN
    else:
        outcome = CANCELLED if EVENT_CANCELLED in seen else FILLED
    return Life(account, order_id, tuple(lines), outcome, filled, cancelled, max(left, 0))


def _with_risk(journal: Journal, life: Life) -> Life:
    """With what the order's trades, or its takeover, did to its account, what made Sentinel place
    it, and what the fund paid."""
    trades = {
        line.command
        for line in life.lines
        if line.stream == "events" and line.record["kind"] in (EVENT_TRADE, EVENT_DELEVERAGE)
    }
    extra: list[Line] = []
    if trades:
        extra += [
            line
            for line in _risk_of(journal, min(trades), max(trades))
            if line.command in trades and _concerns(line.record, life.account)
        ]
    placed = life.lines[0]
    if placed.stream == "commands" and placed.record["source"] == SOURCE_SENTINEL:
        cause = int(placed.record["cause"])
        extra += _between(journal, "commands", cause, cause)
        extra += [
            line
            for line in _risk_of(journal, cause, cause)
            if line.record["account"] == life.account
            and (
                line.record["kind"] == RISK_INSURANCE_FUND
                or (
                    line.record["kind"] == RISK_LIQUIDATION
                    and line.record["symbol"] == placed.record["symbol"]
                )
            )
        ]
    known = {line[:3] for line in life.lines}
    lines = [*life.lines, *(line for line in extra if line[:3] not in known)]
    return replace(life, lines=tuple(sorted(lines, key=lambda line: line[:3])))


def _concerns(risk: np.void, account: int) -> bool:
    return bool(risk["account"] == account or risk["kind"] == RISK_DELEVERAGE)


def _risk_of(journal: Journal, first: int, last: int) -> Iterator[Line]:
    """The risk records that commands from ``first`` to ``last`` caused."""
    begin = last_after(journal, "risk", first - 1) + 1
    return _between(journal, "risk", begin, last_after(journal, "risk", last))
