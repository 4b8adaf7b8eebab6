"""What an account is told, as JSON lines: the events of its own orders, and its risk.

An event is written as everywhere, but a trade, which has two sides: each is told its own.

    {"seq":2,"event":"trade","symbol":"BTCUSDT","id":2,"account":8,"side":"sell","price":"100.5",
     "qty":"2","fee":"0.2","liquidity":"taker"}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from components.configuration.model import RISK
from components.instruments import InstrumentTable
from components.messages.code import BUY, EVENT_TRADE, SELL, SIDE_NAMES
from components.messages.command_fields import lots_text, symbol_text, ticks_text
from components.messages.event_text import format_event
from components.messages.risk_text import format_risk
from components.units import money_to_text

Line = tuple[int, bytes]
"""An account, and what it is told, newline included."""

_OTHER_SIDE: Final = {BUY: SELL, SELL: BUY}


def lines_for(
    stream: str, records: NDArray[np.void], accounts: NDArray[np.int64], table: InstrumentTable
) -> Iterator[Line]:
    """What these records of a stream tell those accounts, in order."""
    mine = np.isin(records["account"], accounts)
    if stream == RISK:
        for record in records[mine]:
            yield int(record["account"]), format_risk(record, table) + b"\n"
        return
    is_trade = records["kind"] == EVENT_TRADE
    made = is_trade & np.isin(records["maker_account"], accounts)
    for place in np.flatnonzero(mine | made):
        event = records[place]
        if not is_trade[place]:
            yield int(event["account"]), format_event(event, table) + b"\n"
            continue
        if made[place]:
            yield int(event["maker_account"]), _trade(event, table, is_maker=True)
        if mine[place]:
            yield int(event["account"]), _trade(event, table, is_maker=False)


def _trade(event: np.void, table: InstrumentTable, *, is_maker: bool) -> bytes:
    side, symbol = int(event["side"]), int(event["symbol"])
    order, account, fee = ("order_id", "account", "taker_fee")
    if is_maker:
        order, account, fee = ("maker_order_id", "maker_account", "maker_fee")
        side = _OTHER_SIDE[side]
    line = {
        "seq": int(event["seq"]),
        "event": "trade",
        "symbol": symbol_text(symbol, table),
        "id": int(event[order]),
        "account": int(event[account]),
        "side": SIDE_NAMES[side],
        "price": ticks_text(int(event["price"]), symbol, table),
        "qty": lots_text(int(event["qty"]), symbol, table),
        "fee": money_to_text(int(event[fee])),
        "liquidity": "maker" if is_maker else "taker",
    }
    return orjson.dumps(line) + b"\n"
