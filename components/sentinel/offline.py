"""Sentinel over JSON lines: the live engine, without rings, for research and checks.

A line is an event as Titan writes it (key ``event``), or one of the commands that Titan would
pass through (key ``op``: account, deposit, withdraw, position, price).  A command takes its own
``seq`` or, without one, the number after the last; nothing else is assumed about sequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson

from components.instruments import InstrumentTable
from components.messages.code import (
    EVENT_OF_OP,
    EVENT_RISK_RULE,
)
from components.messages.command_text import format_command
from components.messages.event import EVENT, Events
from components.messages.event_text import CARRIED, command_behind, is_carried, parse_event
from components.messages.json_lines import INT64_MAX, TextError, did_you_mean, read_object
from components.messages.risk_text import format_risk
from components.sentinel.engine import (
    SentinelOutbox,
    SentinelState,
    apply,
    new_outbox,
    new_state,
    outbox_bound,
)
from components.sentinel.engine.state import DEFAULT_AT_RISK_PPM
from components.sentinel.explanation import explain

MAX_ACCOUNTS: Final = 1 << 20
MAX_POSITIONS: Final = 1 << 20
OPERATIONS: Final = ("account", "deposit", "withdraw", "position", "price")


@dataclass(frozen=True)
class RiskRule:
    """The settings that are no instrument's; ratios in ppm, the fund in money."""

    liquidation_fee_ppm: int = 0
    at_risk_ppm: int = DEFAULT_AT_RISK_PPM
    insurance_fund: int = 0


class OfflineSentinel:
    """A fresh engine with its instruments and rule set, fed line by line."""

    def __init__(self, instruments: InstrumentTable, rule: RiskRule) -> None:
        self._instruments = instruments
        max_symbols = max(len(instruments), 1)
        self.state: SentinelState = new_state(MAX_ACCOUNTS, max_symbols, MAX_POSITIONS)
        self._outbox = new_outbox()
        self._seq = 0
        for event in _set_up_events(instruments, rule):
            self._apply(event)

    def feed(self, line: bytes, place: str, *, with_orders: bool = False) -> Iterator[bytes]:
        """The lines that one input line causes; TextError if it is malformed."""
        event = np.zeros(1, EVENT)[0]
        parse_event(self._as_event(line, place), self._instruments, event, place)
        self._seq = int(event["seq"])
        if is_carried(int(event["kind"])):
            self._instruments = self._instruments.after(command_behind(event))
        outbox = self._apply(event)
        for risk in outbox.risks[: outbox.risk_count[0]]:
            yield format_risk(risk, self._instruments)
        if with_orders:
            for order in outbox.orders[: outbox.order_count[0]]:
                yield format_command(order, self._instruments)

    def explain(self, account: int) -> Iterator[str]:
        """The account's margin calculation as it is now, line by line."""
        return explain(self.state, account, self._instruments)

    def _as_event(self, line: bytes, place: str) -> bytes:
        """A command's line as the line of the event that passes it through."""
        values = read_object(line, place)
        if "op" not in values:
            return line
        operation = values.pop("op")
        if operation not in OPERATIONS:
            hint = did_you_mean(operation, OPERATIONS)
            raise TextError(
                f"{place}: op: found {orjson.dumps(operation).decode()}; Sentinel reads "
                f"{', '.join(OPERATIONS)}{hint}, and events, which bin/titan makes of orders"
            )
        if "event" in values:
            raise TextError(f"{place}: found both op and event; write one of them")
        seq = values.pop("seq", self._seq + 1)
        if isinstance(seq, int) and seq > INT64_MAX:
            raise TextError(f"{place}: seq: found {seq}; write the sequence of a command")
        return orjson.dumps({"seq": seq, "event": operation, **values})

    def _apply(self, event: np.void) -> SentinelOutbox:
        bound = outbox_bound(self.state)
        if bound > self._outbox.risks.size:
            self._outbox = new_outbox(2 * bound, 2 * bound)
        self._outbox.risk_count[0] = 0
        self._outbox.order_count[0] = 0
        apply(self.state, event, self._outbox)
        return self._outbox


def run(
    sentinel: OfflineSentinel,
    lines: Iterable[bytes],
    source: str,
    *,
    with_orders: bool = False,
) -> Iterator[bytes]:
    """All output lines of all input lines, in order; empty lines are skipped.

    Raises TextError at the first malformed line, which names ``source`` and the line's number.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield from sentinel.feed(line, f"{source}:{number}", with_orders=with_orders)


def _set_up_events(instruments: InstrumentTable, rule: RiskRule) -> Events:
    commands = instruments.to_commands()
    events = np.zeros(len(commands) + 1, EVENT)
    for event, command in zip(events, commands, strict=False):
        event["kind"] = int(command["op"]) + EVENT_OF_OP
        for name, kept in CARRIED:
            event[kept] = command[name]
    last = events[-1]
    last["kind"] = EVENT_RISK_RULE
    last["order_id"] = 1
    last["price"] = rule.liquidation_fee_ppm
    last["qty"] = rule.at_risk_ppm
    last["maker_account"] = rule.insurance_fund
    return events
