"""Small platform journals: an instrument, two accounts, some orders, made by the engines."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np

from components.instruments import Instrument, InstrumentTable, MarginTier
from components.messages.code import (
    BUY,
    EVENT_ACCEPTED,
    EVENT_TOUCH,
    OP_PLACE,
    OP_PRICE,
    RISK_ACCOUNT,
    SOURCE_GATEWAY,
)
from components.messages.command import COMMAND, Commands, new_commands
from components.messages.event import EVENT
from components.messages.risk import RISK
from components.oracle.store import Journal

STREAMS = {"commands": COMMAND, "events": EVENT, "risk": RISK}
TABLE = InstrumentTable(
    [
        Instrument(
            name="BTCUSDT",
            index=0,
            tick_size=Decimal("0.1"),
            lot_size=Decimal("0.001"),
            margin_tiers=(MarginTier(0, 5_000),),
        )
    ]
)
START_NS = 1_767_323_045_000_000_000


def set_up() -> Commands:
    """The instrument's commands, stamped."""
    commands = TABLE.to_commands()
    commands["ts"] = START_NS
    return commands


def price(ticks: int, ts: int) -> Commands:
    commands = new_commands(1)
    commands["op"] = OP_PRICE
    commands["price"] = ticks
    commands["ts"] = ts
    return commands


def place(order_id: int, account: int, ticks: int, lots: int, ts: int, side: int = BUY) -> Commands:
    commands = new_commands(1)
    commands["op"] = OP_PLACE
    commands["source"] = SOURCE_GATEWAY
    commands["order_id"] = order_id
    commands["account"] = account
    commands["price"] = ticks
    commands["qty"] = lots
    commands["side"] = side
    commands["ts"] = ts
    return commands


def write_by_hand(path: Path) -> None:
    """A journal of four commands, two events and one risk record that no engine made."""
    commands = np.concatenate(
        [set_up(), price(500_000, START_NS + 1), place(7, 42, 499_999, 1500, START_NS + 2)]
    )
    events = np.zeros(2, EVENT)
    events["seq"] = 4
    events["kind"] = EVENT_ACCEPTED, EVENT_TOUCH
    events["account"], events["order_id"] = (42, 0), (7, 0)
    events["price"], events["qty"] = 499_999, 1500
    events["index"] = 0, 1
    risk = np.zeros(1, RISK)
    risk["seq"] = 3
    risk["kind"] = RISK_ACCOUNT
    risk["account"] = 42
    with Journal.open_writer(path, STREAMS) as journal:
        journal.append([("commands", 1, [commands]), ("events", 1, [events]), ("risk", 1, [risk])])
