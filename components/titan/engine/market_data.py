"""Best bid, best ask and depth: told when they changed, and readable at any time.

After each command: the quantity now shown at each level that it changed, each level once, if the
instrument wants that, numbered in its book without gaps; then best bid and ask, if they changed.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import BUY, SELL
from components.titan.engine.answers import tell_depth, tell_touch
from components.titan.engine.ladder import find_block, key_after, level_of
from components.titan.engine.level_notes import key_of, side_index_of, sort_notes
from components.titan.engine.state import (
    KEY_MASK,
    NO_KEY,
    NOTE_COUNT,
    SYMBOL_TOP,
    Outbox,
    TitanState,
    flip_of,
)
from disruptor.compiled import entry, inlined, internal


@inlined
def _best_qty(state: TitanState, side: np.void) -> int:
    """An empty side has block 0, whose first level is empty for ever."""
    qty: int = state.levels[level_of(side["first"], side["best_key"])]["qty"]
    return qty


@internal
def _best_shown(state: TitanState, side_index: int) -> tuple[int, int]:
    """The best key that shows a quantity, behind those that only hide some; NO_KEY if none does."""
    key = state.sides[np.uint64(side_index)]["best_key"]
    qty = 0
    while key != NO_KEY:
        block = find_block(state, side_index, key)
        qty = state.levels[level_of(block, key)]["qty"]
        if qty != 0:
            break
        key = key_after(state, block, key)
    return key, qty


@internal
def publish_touch(state: TitanState, outbox: Outbox, symbol: int) -> None:
    """Tell best bid and ask of one symbol if price or quantity changed since they were told."""
    book = state.books[np.uint64(symbol)]
    bids = state.sides[np.uint64(symbol * 2)]
    asks = state.sides[np.uint64(symbol * 2 + 1)]
    bid = bids["best_key"]
    ask = asks["best_key"]
    bid_qty = _best_qty(state, bids)
    ask_qty = _best_qty(state, asks)
    if bid_qty == 0:
        bid, bid_qty = _best_shown(state, symbol * 2)
    if ask_qty == 0:
        ask, ask_qty = _best_shown(state, symbol * 2 + 1)
    changed = (bid ^ book["touch_bid"]) | (ask ^ book["touch_ask"])
    changed |= (bid_qty ^ book["touch_bid_qty"]) | (ask_qty ^ book["touch_ask_qty"])
    if changed != 0:
        book["touch_bid"] = bid
        book["touch_ask"] = ask
        book["touch_bid_qty"] = bid_qty
        book["touch_ask_qty"] = ask_qty
        bid_price = (bid ^ KEY_MASK) if bid_qty else 0
        ask_price = ask if ask_qty else 0
        tell_touch(state, outbox, symbol, bid_price, bid_qty, ask_price, ask_qty)


@inlined
def publish_depth(state: TitanState, outbox: Outbox) -> None:
    """Tell the quantity shown at each level that the command noted, by symbol, side, best first."""
    if state.totals[NOTE_COUNT] != 0:
        _publish_depth(state, outbox)


@internal
def _publish_depth(state: TitanState, outbox: Outbox) -> None:
    for number in range(sort_notes(state)):
        note = state.notes[number]
        side_index = side_index_of(note)
        key = key_of(note)
        block = find_block(state, side_index, key)
        qty = state.levels[level_of(block, key)]["qty"] if block != 0 else 0
        book = state.books[side_index >> 1]
        book["depth_sequence"] += 1
        side = side_index & 1
        tell_depth(state, outbox, side_index >> 1, side, key ^ flip_of(side), qty)
    state.totals[NOTE_COUNT] = 0


@internal
def publish_every_touch(state: TitanState, outbox: Outbox) -> None:
    """Tell what changed in any symbol, in order of their index."""
    for symbol in range(state.totals[SYMBOL_TOP]):
        publish_touch(state, outbox, symbol)


@entry
def best(state: TitanState, symbol: int) -> tuple[int, int, int, int]:
    """Bid, its quantity, ask, its quantity: ticks and lots shown; a quantity of 0 is no bid."""
    bid, bid_qty = _best_shown(state, symbol * 2)
    ask, ask_qty = _best_shown(state, symbol * 2 + 1)
    bid = bid ^ KEY_MASK if bid_qty else 0
    ask = ask if ask_qty else 0
    return bid, bid_qty, ask, ask_qty


@entry
def _side_depth(state: TitanState, symbol: int, side: int, into: np.ndarray) -> int:
    book_side = state.sides[symbol * 2 + side]
    key = book_side["best_key"]
    count = 0
    while key != NO_KEY and count < len(into):
        block = find_block(state, symbol * 2 + side, key)
        shown = state.levels[level_of(block, key)]["qty"]
        if shown != 0:
            into[count, 0] = key ^ flip_of(side)
            into[count, 1] = shown
            count += 1
        key = key_after(state, block, key)
    return count


def depth(state: TitanState, symbol: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """The best levels of bids and of asks, each of shape (n, 2): price in ticks, lots shown.

    Reads the near cache and may refresh it, so only the state's owner may call.
    """
    sides = []
    for side in (BUY, SELL):
        into = np.zeros((levels, 2), np.int64)
        sides.append(into[: _side_depth(state, symbol, side, into)])
    return sides[0], sides[1]
