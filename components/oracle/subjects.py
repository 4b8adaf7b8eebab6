"""What a record speaks of: an account, a symbol, an order; per stream and kind.

Records are fixed tables whose fields mean different things in different kinds.  Which of them
names an account is written down once, in the text form of ``components.messages``; so it is read
off there, by telling one empty record of each kind, and follows whatever kinds come to be.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from components.instruments import Instrument, InstrumentTable
from components.messages.code import EVENT_NAMES, OP_BRACKET, OP_NAMES, RISK_NAMES
from components.messages.command import ALL_SYMBOLS
from components.oracle.history import FORMATTERS
from components.oracle.streams import STREAM_DTYPES

KIND_FIELDS: Final = {"commands": "op", "events": "kind", "risk": "kind"}
KIND_NAMES: Final = {"commands": OP_NAMES, "events": EVENT_NAMES, "risk": RISK_NAMES}
_CODES: Final = 256
_ANY: Final = InstrumentTable([Instrument("ANY", 0, Decimal("0.01"), Decimal("0.01"))])


class Subjects(NamedTuple):
    """One flag for each code of a stream's kinds, shape (256,)."""

    account: NDArray[np.bool_]
    symbol: NDArray[np.bool_]
    order: NDArray[np.bool_]  # account and order_id name an order
    maker: NDArray[np.bool_]  # maker_account and maker_order_id name another one


@cache
def subjects_of(stream: str) -> Subjects:
    """What each kind of the stream's records speaks of."""
    found = Subjects(*(np.zeros(_CODES, bool) for _ in Subjects._fields))
    for code in KIND_NAMES[stream]:
        record = np.zeros(1, STREAM_DTYPES[stream])[0]
        record[KIND_FIELDS[stream]] = code
        told = orjson.loads(FORMATTERS[stream](record, _ANY)).keys()
        found.maker[code] = {"maker", "maker_account"} <= told
        found.order[code] = {"id", "account"} <= told or found.maker[code]
        found.account[code] = "account" in told or found.maker[code]
        found.symbol[code] = "symbol" in told
    return found


def of_kinds(stream: str, records: NDArray[np.void], kinds: Iterable[int]) -> NDArray[np.bool_]:
    """Which records are of these kinds."""
    return _flags(kinds)[records[KIND_FIELDS[stream]]]


def of_account(stream: str, records: NDArray[np.void], account: int) -> NDArray[np.bool_]:
    """Which records speak of this account, on either side of a trade."""
    subjects, codes = subjects_of(stream), records[KIND_FIELDS[stream]]
    found = subjects.account[codes] & (records["account"] == account)
    if subjects.maker.any():
        found |= subjects.maker[codes] & (records["maker_account"] == account)
    return found


def of_symbol(stream: str, records: NDArray[np.void], symbol: int) -> NDArray[np.bool_]:
    """Which records speak of this symbol, or of all of them."""
    named = (records["symbol"] == symbol) | (records["symbol"] == ALL_SYMBOLS)
    return subjects_of(stream).symbol[records[KIND_FIELDS[stream]]] & named


def of_order(
    stream: str, records: NDArray[np.void], order: int, account: int | None = None
) -> NDArray[np.bool_]:
    """Which records speak of an order with this id, of this account or of any."""
    if stream == "risk":
        return np.zeros(len(records), bool)
    subjects, codes = subjects_of(stream), records[KIND_FIELDS[stream]]
    found = subjects.order[codes] & (records["order_id"] == order)
    if stream == "commands":  # a bracket's exits have ids of their own, see messages/command.py
        exits = (records["origin_ts"] == order) | (records["cause"] == order)
        found |= (codes == OP_BRACKET) & exits
    if account is not None:
        found &= records["account"] == account
    if subjects.maker.any():
        maker = subjects.maker[codes] & (records["maker_order_id"] == order)
        if account is not None:
            maker &= records["maker_account"] == account
        found |= maker
    return found


def _flags(codes: Iterable[int]) -> NDArray[np.bool_]:
    flags = np.zeros(_CODES, bool)
    flags[list(codes)] = True
    return flags
