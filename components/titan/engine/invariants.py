"""What must hold between any two commands; walks the whole state in plain Python, so it is slow.

I1  no book that trades is crossed              I5  each live order is found by its id
I2  a level shows the sum of its orders         I6  the expiry heap is a heap of the right orders
I3  queues, blocks and best prices agree        I7  each position is not zero, and found
I4  live orders are those in levels and lists   I8  hidden slices are what icebergs hide
I9  links are mutual, and nothing is left     I10 no instrument is listed behind the last one
    in the queue
"""

from __future__ import annotations

import numpy as np

from components.messages.code import BUY, PHASE_CONTINUOUS, SELL
from components.titan.engine.order_index import find_order
from components.titan.engine.positions import POSITION_LOTS_MAX, find_position
from components.titan.engine.state import (
    EXPIRY_COUNT,
    FATE_NONE,
    HIDDEN_SLICES,
    HUGE_POSITIONS,
    KEY_MASK,
    LAYER_EXPIRES,
    LAYER_HIDDEN,
    LAYER_ICEBERG,
    LAYER_LINKED,
    LAYER_WAITING,
    LIVE,
    NO_KEY,
    ORDER_TABLE,
    ORDER_TOP,
    POSITION_COUNT,
    POSITION_TABLE,
    POSITION_TOP,
    QUEUE_TAIL,
    SYMBOL_TOP,
    TABLE_CURSOR,
    TABLE_SIZE,
    TitanState,
    int64,
)
from disruptor.compiled import entry


def check_invariants(state: TitanState) -> None:
    """Raise AssertionError naming the first invariant that does not hold."""
    found: list[int] = []
    top = int(state.totals[SYMBOL_TOP])
    assert not state.books["money_unit"][top:].any(), (
        f"I10: an instrument is listed at {top} or above"
    )
    for symbol in range(top):
        for side in (BUY, SELL):
            found += _check_side(state, symbol, side)
        found += _check_stops(state, symbol)
        bid, ask = (int(state.sides[2 * symbol + side]["best_key"]) for side in (BUY, SELL))
        trades = state.books[symbol]["phase"] == PHASE_CONTINUOUS
        if trades and bid != NO_KEY and ask != NO_KEY:
            assert bid ^ KEY_MASK < ask, f"I1: symbol {symbol} is crossed"
    _check_live(state, found)
    _check_expiries(state, found)
    _check_positions(state)
    _check_links(state, found)
    hidden = sum(
        -(-int(state.terms[slot]["hidden"]) // int(state.terms[slot]["display_qty"]))
        for slot in found
        if state.orders[slot]["layers"] & (LAYER_ICEBERG | LAYER_HIDDEN) == LAYER_ICEBERG
    )
    assert hidden == state.totals[HIDDEN_SLICES], f"I8: {hidden} slices are hidden"


def _check_side(state: TitanState, symbol: int, side: int) -> list[int]:
    book_side = state.sides[2 * symbol + side]
    found: list[int] = []
    keys: list[int] = []
    block, before = int(book_side["first"]), 0
    while block:
        record = state.blocks[block]
        assert int(record["prev"]) == before, f"I3: block {block} has a wrong predecessor"
        assert int(record["occupied"]), f"I3: block {block} is empty"
        for bit in range(64):
            level = block * 64 + bit
            if int(record["occupied"]) >> bit & 1:
                keys.append(int(record["number"]) * 64 + bit)
                found += _check_level(state, symbol, side, level, keys[-1])
            else:
                assert not state.levels[level]["head"], f"I3: level {level} has no bit"
        block, before = int(record["next"]), block
    assert keys == sorted(set(keys)), f"I3: symbol {symbol} side {side} is out of order"
    best = keys[0] if keys else NO_KEY
    assert int(book_side["best_key"]) == best, f"I3: best key is {best}, not what is stored"
    return found


def _check_level(state: TitanState, symbol: int, side: int, level: int, key: int) -> list[int]:
    record = state.levels[level]
    price = key ^ KEY_MASK if side == BUY else key
    found: list[int] = []
    slot, before, total = int(record["head"]), 0, 0
    hidden_before = False
    while slot:
        order = state.orders[slot]
        place = (int(order["symbol"]), int(order["side"]), int(order["price"]))
        assert place == (symbol, side, price), f"I3: order {slot} stands in the wrong level"
        assert int(order["level"]) == level, f"I3: order {slot} points to another level"
        assert int(order["prev"]) == before, f"I3: order {slot} has a wrong predecessor"
        hides = bool(order["layers"] & LAYER_HIDDEN)
        open_qty = int(state.terms[slot]["hidden"] if hides else order["qty"])
        assert open_qty > 0, f"I2: order {slot} has nothing open"
        assert not hides or order["qty"] == 0, f"I2: order {slot} shows what is hidden"
        assert hides >= hidden_before, f"I3: order {slot} stands behind a hidden one"
        hidden_before = hides
        total += int(order["qty"])
        found.append(slot)
        slot, before = int(order["next"]), slot
    assert int(record["tail"]) == before, f"I3: level {level} has a wrong end"
    assert int(record["qty"]) == total, f"I2: level {level} shows {record['qty']}, not {total}"
    return found


def _check_stops(state: TitanState, symbol: int) -> list[int]:
    book = state.books[symbol]
    found: list[int] = []
    slot, placement = int(book["stops_first"]), 0
    while slot:
        order, stop_price = state.orders[slot], int(state.terms[slot]["stop_price"])
        assert order["layers"] & LAYER_WAITING, f"I4: order {slot} waits without its mark"
        assert int(order["placement"]) > placement, f"I4: stop {slot} is out of order"
        if order["side"] == BUY:
            assert stop_price >= book["buy_stop_low"], f"I4: stop {slot} is below the bound"
        else:
            assert stop_price <= book["sell_stop_high"], f"I4: stop {slot} is above the bound"
        found.append(slot)
        slot, placement = int(order["next"]), int(order["placement"])
    return found


def _check_live(state: TitanState, found: list[int]) -> None:
    live = np.flatnonzero(state.orders["order_id"][: int(state.totals[ORDER_TOP]) + 1]).tolist()
    assert sorted(found) == live, "I4: some live order is in no level or list, or in two"
    assert len(live) == state.totals[LIVE], f"I4: {len(live)} orders live"
    assert _indexed(state, state.ids, ORDER_TABLE) == live, (
        "I5: not each live order is indexed once"
    )
    for slot in live:
        order = state.orders[slot]
        found_at = _find_order(state, int(order["account"]), int(order["order_id"]))
        assert found_at == slot, f"I5: order {slot} is not found by its id"
    names = {(int(each["account"]), int(each["order_id"])) for each in state.orders[live]}
    assert len(names) == len(live), "I5: two live orders have one name"


def _check_expiries(state: TitanState, found: list[int]) -> None:
    heap = state.expiries[: int(state.totals[EXPIRY_COUNT])].tolist()
    expected = [slot for slot in found if state.orders[slot]["layers"] & LAYER_EXPIRES]
    assert sorted(heap) == sorted(expected), "I6: the expiry heap holds other orders"
    for place, slot in enumerate(heap):
        parent = heap[(place - 1) // 2] if place else slot
        one, other = (
            (int(state.terms[each]["expires"]), int(state.orders[each]["placement"]))
            for each in (parent, slot)
        )
        assert one <= other, f"I6: order {slot} is above one that expires before it"
        assert int(state.terms[slot]["heap_place"]) == place, f"I6: order {slot} is elsewhere"


def _check_links(state: TitanState, found: list[int]) -> None:
    assert state.totals[QUEUE_TAIL] == 0, "I9: some order never had its turn"
    for slot in found:
        if not state.orders[slot]["layers"] & LAYER_LINKED:
            continue
        terms = state.terms[slot]
        link, entry = int(terms["link"]), int(terms["entry"])
        assert terms["fate"] == FATE_NONE, f"I9: order {slot} still waits for its turn"
        assert link or entry, f"I9: order {slot} is linked with nothing"
        for other in filter(None, (link, entry)):
            assert other in found, f"I9: order {slot} is linked with {other}, which is not live"
        if entry:
            assert state.orders[slot]["layers"] & LAYER_WAITING, f"I9: exit {slot} does not wait"
            first = int(state.terms[entry]["link"])
            exits = (first, int(state.terms[first]["link"]))
            assert slot in exits, f"I9: exit {slot} is none of its entry's"
        elif int(state.terms[link]["entry"]) != slot:
            assert int(state.terms[link]["link"]) == slot, f"I9: the pair of {slot} is one-sided"


def _check_positions(state: TitanState) -> None:
    stored = np.flatnonzero(
        state.positions["account"][: int(state.totals[POSITION_TOP]) + 1]
    ).tolist()
    assert len(stored) == state.totals[POSITION_COUNT], "I7: the positions are miscounted"
    assert _indexed(state, state.position_ids, POSITION_TABLE) == stored, (
        "I7: not each position is indexed once"
    )
    huge = 0
    for slot in stored:
        position = state.positions[slot]
        held = _find_position(state, int(position["account"]), int(position["symbol"]))
        assert held == slot, f"I7: position {slot} is not found"
        assert position["qty"], f"I7: position {slot} is not needed"
        huge += abs(int(position["qty"])) > POSITION_LOTS_MAX
    assert huge == state.totals[HUGE_POSITIONS], "I7: the huge positions are miscounted"


@entry
def _find_order(state: TitanState, account: int, order_id: int) -> int:
    return int64(find_order(state, account, order_id))


@entry
def _find_position(state: TitanState, account: int, symbol: int) -> int:
    return int64(find_position(state, account, symbol))


def _indexed(state: TitanState, entries: np.ndarray, table: int) -> list[int]:
    """The slots in a hash table, sorted, those that have not moved to the new one too."""
    size = int(state.totals[table + TABLE_SIZE])
    assert not entries[: size // 2].any(), "I5: a table that was left is not empty"
    assert state.totals[table + TABLE_CURSOR] or not entries[size // 2 : size].any(), (
        "I5: the old table is not empty"
    )
    held = entries[size // 2 : 2 * size]
    return sorted((held[held != 0] & 0xFFFF_FFFF).tolist())
