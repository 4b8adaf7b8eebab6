"""The state as canonical bytes: the same orders, positions and prices always give the same bytes.

    header      magic, now, number of symbols, positions, orders; how many orders and
                positions there may be
    symbol limit  how many instruments there may be; left out at the number that holds at first
    symbols     listed ones by index: rules, last and mark price
    positions   those that are not zero, by account and symbol
    sources     newest prices of symbols whose mark is a median
    orders      by symbol: bids best first in queue order, asks likewise, waiting stops in order

Slots, pools and the order of past events leave no trace; an order's ``placement`` is its rank
among the live ones.  ``restore`` is the inverse.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.messages.code import FLAG_MARK_MEDIAN
from components.titan.engine.expiry import schedule_expiry
from components.titan.engine.hash_table import hash_of
from components.titan.engine.ladder import enter_level, find_block, key_after, level_of
from components.titan.engine.market_data import best
from components.titan.engine.order_index import index_order
from components.titan.engine.order_pool import take_slot
from components.titan.engine.orders.iceberg import hidden_slices
from components.titan.engine.orders.linked import is_entry
from components.titan.engine.orders.stop_list import join_stops
from components.titan.engine.positions import set_position
from components.titan.engine.state import (
    HIDDEN_SLICES,
    KEY_MASK,
    LAYER_EXPIRES,
    LAYER_ICEBERG,
    LAYER_LINKED,
    LAYER_WAITING,
    LIVE,
    NO_KEY,
    NOTE_COUNT,
    NOW,
    ORDER_TOP,
    ORDERS_ALLOWED,
    PLACEMENTS,
    POSITION_TOP,
    POSITIONS_ALLOWED,
    RISK_GATE,
    SOURCES_MAX,
    SYMBOL_TOP,
    SYMBOLS_ALLOWED,
    SYMBOLS_ALLOWED_AT_FIRST,
    TOUCH_DUE,
    TitanState,
    new_state,
)
from disruptor.compiled import entry, internal

_MAGIC: Final = 0x324E41544954  # "TITAN2"
_GATED: Final = 0x47 << 48  # "TITAN2G": the risk gate is on
_LIMITED: Final = 0x53 << 56  # an S behind that: the symbol limit follows

HEADER: Final = np.dtype(
    [
        ("magic", np.int64),
        ("now", np.int64),
        ("symbols", np.int64),
        ("positions", np.int64),
        ("orders", np.int64),
        ("orders_allowed", np.int64),
        ("positions_allowed", np.int64),
    ]
)
_SYMBOL_FIELDS: Final = (
    "money_unit",
    "maker_fee_ppm",
    "taker_fee_ppm",
    "last",
    "mark",
    "tick_size",
    "lot_size",
    "leverage",
    "flags",
    "phase",
    "min_qty",
    "max_qty",
    "min_notional",
    "max_notional",
    "collar_ppm",
    "depth_sequence",
)
SYMBOL: Final = np.dtype(
    [("index", np.int64), ("name", np.int64, (2,)), *((name, np.int64) for name in _SYMBOL_FIELDS)]
)
HOLDING: Final = np.dtype([("account", np.int64), ("symbol", np.int64), ("qty", np.int64)])
SOURCES: Final = np.dtype([("price", np.int64, (SOURCES_MAX,))])
SAVED_ORDER: Final = np.dtype(
    [
        (name, np.int64)
        for name in (
            "order_id",
            "account",
            "price",
            "qty",
            "hidden",
            "display_qty",
            "expires",
            "stop_price",
            "placement",
            "trail",
            "peak",
            "armed_stop",
            "traded",
            "link",  # placements of those that it is linked with, 0 for none
            "entry",
            "symbol",
            "side",
            "layers",
            "flags",
            "stp",
            "order_type",
            "tif",
        )
    ]
)


def canonical_bytes(state: TitanState) -> bytes:
    """The whole state; call between commands."""
    books = state.books
    listed = np.flatnonzero(books["money_unit"])
    symbols = np.zeros(len(listed), SYMBOL)
    symbols["index"] = listed
    symbols["name"] = books["name"][listed]
    for name in _SYMBOL_FIELDS:
        symbols[name] = books[name][listed]
    held = state.positions[: int(state.totals[POSITION_TOP]) + 1]
    held = held[held["account"] != 0]
    held = held[np.lexsort((held["symbol"], held["account"]))]
    holdings = np.zeros(len(held), HOLDING)
    for name in ("account", "symbol", "qty"):
        holdings[name] = held[name]
    sources = books["sources"][_of_median(symbols)]
    orders = live_orders(state)
    _rank(orders)
    header = np.zeros(1, HEADER)
    allowed = (state.totals[ORDERS_ALLOWED], state.totals[POSITIONS_ALLOWED])
    limit = state.totals[SYMBOLS_ALLOWED:][:1]
    limit = limit[limit != SYMBOLS_ALLOWED_AT_FIRST]
    magic = _MAGIC | (_GATED if state.totals[RISK_GATE] else 0) | (_LIMITED if len(limit) else 0)
    header[0] = (magic, state.totals[NOW], len(symbols), len(holdings), len(orders), *allowed)
    return b"".join(part.tobytes() for part in (header, limit, symbols, holdings, sources, orders))


def _of_median(symbols: NDArray[Any]) -> NDArray[np.int64]:
    """Indices of the symbols whose mark is a median."""
    chosen: NDArray[np.int64] = symbols["index"][symbols["flags"] & FLAG_MARK_MEDIAN != 0]
    return chosen


def live_orders(state: TitanState) -> NDArray[Any]:
    """Every order that rests or waits, in the snapshot's order; ``placement`` as it counts."""
    orders = np.zeros(int(state.totals[LIVE]), SAVED_ORDER)
    _save_orders(state, orders)
    return orders


def _rank(orders: NDArray[Any]) -> None:
    """Placements by their rank among the live orders, which all that refer to them follow."""
    placed = np.concatenate(([0], np.sort(orders["placement"])))
    for name in ("placement", "link", "entry"):
        orders[name] = np.searchsorted(placed, orders[name])


def state_hash(state: TitanState) -> bytes:
    """SHA-256 of the canonical bytes; 32 bytes."""
    return hashlib.sha256(canonical_bytes(state)).digest()


@entry
def _save_orders(state: TitanState, into: NDArray[Any]) -> None:
    count = 0
    for side_index in range(2 * state.totals[SYMBOL_TOP]):
        key = state.sides[side_index]["best_key"]
        while key != NO_KEY:
            block = find_block(state, side_index, key)
            slot = state.levels[level_of(block, key)]["head"]
            while slot != 0:
                _save_order(state, slot, into[count])
                count += 1
                slot = state.orders[slot]["next"]
            key = key_after(state, block, key)
        if side_index & 1:
            slot = state.books[side_index >> 1]["stops_first"]
            while slot != 0:
                _save_order(state, slot, into[count])
                count += 1
                slot = state.orders[slot]["next"]


@internal
def _save_order(state: TitanState, slot: np.uint32, into: np.void) -> None:
    order = state.orders[slot]
    into["order_id"] = order["order_id"]
    into["account"] = order["account"]
    into["price"] = order["price"]
    into["qty"] = order["qty"]
    into["placement"] = order["placement"]
    into["symbol"] = order["symbol"]
    into["side"] = order["side"]
    into["layers"] = order["layers"]
    into["flags"] = order["flags"]
    into["stp"] = order["stp"]
    into["order_type"] = order["order_type"]
    into["tif"] = order["tif"]
    terms = state.terms[slot]
    layers = order["layers"]
    if layers & LAYER_ICEBERG:
        into["hidden"] = terms["hidden"]
        into["display_qty"] = terms["display_qty"]
    if layers & LAYER_EXPIRES:
        into["expires"] = terms["expires"]
    if layers & LAYER_WAITING:
        into["stop_price"] = terms["stop_price"]
        into["trail"] = terms["trail"]
        into["peak"] = terms["peak"]
        into["armed_stop"] = terms["armed_stop"]
    if layers & LAYER_LINKED:
        into["link"] = state.orders[terms["link"]]["placement"] if terms["link"] else 0
        into["entry"] = state.orders[terms["entry"]]["placement"] if terms["entry"] else 0
        if is_entry(state, slot):
            into["traded"] = terms["traded"]


def restore(data: bytes, **limits: int) -> TitanState:
    """A state that goes on as the saved one would; ``limits`` as for ``new_state``.

    Raises ValueError when the bytes are no snapshot of Titan or do not fit the limits.
    """
    header, limit, symbols, holdings, sources, orders = parts(data)
    state = new_state(**limits)
    if len(symbols) and int(symbols["index"].max()) >= len(state.books):
        raise ValueError(f"the snapshot has symbol {symbols['index'].max()}; raise max_symbols")
    if len(orders) > len(state.orders) - 2:
        raise ValueError(f"the snapshot has {len(orders)} orders; raise max_orders")
    if len(holdings) > len(state.positions) - 1:
        raise ValueError(f"the snapshot has {len(holdings)} positions; raise max_positions")
    index = symbols["index"]
    state.books["name"][index] = symbols["name"]
    for name in _SYMBOL_FIELDS:
        state.books[name][index] = symbols[name]
    state.books["sources"][_of_median(symbols)] = sources["price"]
    state.totals[NOW] = header["now"]
    state.totals[RISK_GATE] = header["magic"] & _GATED != 0
    state.totals[ORDERS_ALLOWED] = header["orders_allowed"]
    state.totals[POSITIONS_ALLOWED] = header["positions_allowed"]
    state.totals[SYMBOLS_ALLOWED] = limit[0] if len(limit) else SYMBOLS_ALLOWED_AT_FIRST
    state.totals[SYMBOL_TOP] = index.max(initial=-1) + 1
    _load(state, holdings, orders)
    state.totals[NOTE_COUNT] = 0
    state.totals[TOUCH_DUE] = 0
    state.totals[PLACEMENTS] = len(orders)
    for symbol in index.tolist():
        bid, bid_qty, ask, ask_qty = best(state, symbol)
        book = state.books[symbol]
        book["touch_bid"] = (bid ^ KEY_MASK) if bid_qty else NO_KEY
        book["touch_ask"] = ask if ask_qty else NO_KEY
        book["touch_bid_qty"], book["touch_ask_qty"] = bid_qty, ask_qty
    return state


def parts(data: bytes) -> tuple[Any, ...]:
    """Header, symbol limit, symbols, positions, sources and orders of canonical bytes."""
    if len(data) < HEADER.itemsize:
        raise ValueError(f"a snapshot of Titan has at least {HEADER.itemsize} bytes")
    header = np.frombuffer(data, HEADER, 1)[0]
    if int(header["magic"]) & ~(_GATED | _LIMITED) != _MAGIC:
        raise ValueError("these bytes are no snapshot of Titan")
    found: list[NDArray[Any]] = []
    offset = HEADER.itemsize
    is_limited = bool(header["magic"] & _LIMITED)
    sections = (
        ("symbol limit", np.dtype(np.int64)),
        ("symbols", SYMBOL),
        ("positions", HOLDING),
        ("sources", SOURCES),
        ("orders", SAVED_ORDER),
    )
    for name, dtype in sections:
        if name == "symbol limit":
            count = int(is_limited)
        elif name == "sources":
            count = len(_of_median(found[1]))
        else:
            count = int(header[name])
        if count < 0 or offset + count * dtype.itemsize > len(data):
            raise ValueError(f"the snapshot is cut short: it ends within its {name}")
        found.append(np.frombuffer(data, dtype, count, offset))
        offset += count * dtype.itemsize
    if offset != len(data):
        raise ValueError(f"the snapshot has {len(data) - offset} bytes too many")
    return (header, *found)


@entry
def _load(state: TitanState, holdings: NDArray[Any], orders: NDArray[Any]) -> None:
    for number in range(len(holdings)):
        holding = holdings[number]
        set_position(state, holding["account"], holding["symbol"], holding["qty"])
    first = state.totals[ORDER_TOP]
    for number in range(len(orders)):
        _load_order(state, orders[number])
        state.queue[orders[number]["placement"]] = first + number + 1
    for number in range(len(orders)):
        terms = state.terms[np.uint64(first + number + 1)]
        terms["link"] = state.queue[orders[number]["link"]]
        terms["entry"] = state.queue[orders[number]["entry"]]


@internal
def _load_order(state: TitanState, saved: np.void) -> None:
    slot = take_slot(state)
    order = state.orders[slot]
    order["order_id"] = saved["order_id"]
    order["account"] = saved["account"]
    order["price"] = saved["price"]
    order["qty"] = saved["qty"]
    order["placement"] = saved["placement"]
    order["tag"] = hash_of(saved["account"], saved["order_id"])
    order["symbol"] = saved["symbol"]
    order["side"] = saved["side"]
    order["layers"] = saved["layers"]
    order["flags"] = saved["flags"]
    order["stp"] = saved["stp"]
    order["order_type"] = saved["order_type"]
    order["tif"] = saved["tif"]
    terms = state.terms[slot]
    terms["hidden"] = saved["hidden"]
    terms["display_qty"] = saved["display_qty"]
    terms["expires"] = saved["expires"]
    terms["stop_price"] = saved["stop_price"]
    terms["trail"] = saved["trail"]
    terms["peak"] = saved["peak"]
    terms["armed_stop"] = saved["armed_stop"]
    terms["traded"] = saved["traded"]
    index_order(state, slot)
    if order["layers"] & LAYER_ICEBERG:
        state.totals[HIDDEN_SLICES] += hidden_slices(state, slot)
    if order["layers"] & LAYER_EXPIRES:
        schedule_expiry(state, slot)
    if order["layers"] & LAYER_WAITING:
        join_stops(state, slot)
    else:
        enter_level(state, slot)
