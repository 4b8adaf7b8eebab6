"""Titan's whole state: a tuple of preallocated arrays, and the layout of each record in them.

    books[symbol]      an instrument's rules, last and mark price, its waiting stops
    sides[2·symbol+side]  best price and first block of the bids (side 0) or asks (side 1)
    blocks[b]          64 neighbouring prices: which of them have orders, and the next block
    levels[64·b+i]     one price: quantity shown, first and last order of its queue
    orders[slot]       one order, one cache line; terms[slot] what only some orders have
    ids                (account, id) -> slot          positions   (account, symbol) -> net lots that are not zero

A *key* makes both sides alike: asks use the price, bids the price with its 41 bits flipped, so
that a smaller key is always the better price.  Slot, block and branch 0 mean "none".  Every pool
hands out the slot that was returned last, which is still in the cache.

Links are unsigned 32-bit because numba tests signed indices for wraparound; everything that is
added or compared is int64, because uint64 with int64 would become a float.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from components.messages.event import EVENT
from disruptor.aligned import CACHE_LINE, zeros
from disruptor.by_address import by_address
from disruptor.compiled import inlined

int64 = cast("Callable[[Any], int]", np.int64)
"""``np.int64`` under a type that lets it meet plain integers, which it becomes when compiled."""

KEY_BITS: Final = 41
KEY_MASK: Final = (1 << KEY_BITS) - 1
NO_KEY: Final = 1 << 42
"""The best key of an empty side: worse than every limit."""

BLOCK_LEVELS: Final = 64
NEAR_BLOCKS: Final = 512
"""Blocks a side that are found without a search: 32,768 prices around wherever trading is."""

ICEBERG_SLICES_MAX: Final = 1000
ORDERS_MAX: Final = 1 << 24
POSITIONS_MAX: Final = 1 << 24
_ORDERS_ROOM: Final = 1 << 21
_POSITIONS_ROOM: Final = 1 << 22
SYMBOLS_MAX: Final = 1 << 15
SYMBOLS_ROOM: Final = 1 << 12
SYMBOLS_ALLOWED_AT_FIRST: Final = 64
SOURCES_MAX: Final = 8
"""Sources of prices that a median can be of."""

# Bits of an order's ``layers``: what the plain limit order does not have.
LAYER_ICEBERG: Final = 1
LAYER_REDUCE_ONLY: Final = 2
LAYER_EXPIRES: Final = 4
LAYER_WAITING: Final = 8  # a stop that has not triggered; it is in no level
LAYER_HIDDEN: Final = 16  # with LAYER_ICEBERG: one that shows nothing
LAYER_LINKED: Final = 32  # its trades or its end concern other orders
LAYERS_MET: Final = LAYER_REDUCE_ONLY | LAYER_HIDDEN | LAYER_LINKED  # before it trades as maker
LAYERS_ENDED: Final = LAYER_EXPIRES | LAYER_LINKED  # when it has ended

# What is to become of an order that stands in the queue, ``fate`` of its terms.
FATE_NONE: Final = 0
FATE_TRIGGERED: Final = 1
FATE_ARMING: Final = 2
FATE_DOOMED: Final = 3

BOOK_GUARDED: Final = 1 << 16
"""In ``flags`` of a book: it has limits, does not trade continuously, or the risk gate is on."""

ORDER: Final = np.dtype(
    [
        ("account", np.int64),  # these four stand as in a command and an event
        ("order_id", np.int64),  # 0: the slot is free
        ("price", np.int64),
        ("qty", np.int64),  # shown in the level; all of it while taking or waiting
        ("placement", np.int64),  # rises with every order placed; kept for its life
        ("next", np.uint32),  # in its level's queue, its symbol's stops, or the free slots
        ("prev", np.uint32),
        ("level", np.uint32),
        ("tag", np.uint32),  # the hash of its name
        ("symbol", np.uint16),
        ("side", np.uint8),  # these five, too, stand as in a command
        ("order_type", np.uint8),
        ("tif", np.uint8),
        ("flags", np.uint8),
        ("stp", np.uint8),
        ("layers", np.uint8),
    ],
    align=True,
)
assert ORDER.itemsize == 64

TERMS: Final = np.dtype(
    [
        ("hidden", np.int64),  # an iceberg's quantity that is not shown
        ("display_qty", np.int64),
        ("expires", np.int64),
        ("stop_price", np.int64),
        ("heap_place", np.int64),  # where the order stands in ``expiries``
        ("trail", np.int64),  # a trailing stop's distance
        ("peak", np.int64),  # the best price that it has seen, 0 before the first
        ("armed_stop", np.int64),  # an exit's stop price, once it is armed
        ("traded", np.int64),  # lots that a bracket's entry has traded, its exits' when it is done
        ("money", np.int64),  # what a market order by amount has yet to spend
        ("link", np.uint32),  # one cancels the other; an entry: its first exit
        ("entry", np.uint32),  # an exit's, until that is done
        ("fate", np.uint32),
    ],
    align=True,
)

LEVEL: Final = np.dtype([("qty", np.int64), ("head", np.uint32), ("tail", np.uint32)], align=True)
assert LEVEL.itemsize == 16

BLOCK: Final = np.dtype(
    [
        ("occupied", np.uint64),  # bit i: level i has orders
        ("number", np.int64),  # its levels' keys, without their last six bits
        ("next", np.uint32),  # the block with the next worse prices; also links free blocks
        ("prev", np.uint32),
        ("reserved", np.int64),  # so that no block lies in two cache lines
    ],
    align=True,
)
assert BLOCK.itemsize == 32

BRANCH: Final = np.dtype(
    [("bit", np.int64), ("zero", np.uint32), ("one", np.uint32)],  # children by that bit
    align=True,
)

SIDE: Final = np.dtype(
    [("best_key", np.int64), ("first", np.uint32), ("root", np.uint32)], align=True
)

BOOK: Final = np.dtype(
    [
        ("money_unit", np.int64),  # 0: no such instrument, negative: removed
        ("touch_bid", np.int64),  # the best bid and ask that were told last
        ("touch_bid_qty", np.int64),
        ("touch_ask", np.int64),
        ("touch_ask_qty", np.int64),
        ("last", np.int64),  # price of the last trade, 0 before the first
        ("mark", np.int64),  # see mark.py; 0 before the first price command
        ("stops_first", np.uint32),
        ("flags", np.uint32),
        # Above is what every command looks at: one cache line.
        ("buy_stop_low", np.int64),  # no waiting buy stop is lower, no sell stop higher
        ("sell_stop_high", np.int64),
        ("maker_fee_ppm", np.int64),
        ("taker_fee_ppm", np.int64),
        ("tick_size", np.int64),
        ("lot_size", np.int64),
        ("stops_last", np.uint32),
        ("leverage", np.uint32),
        ("name", np.int64, (2,)),
        ("phase", np.int64),
        ("min_qty", np.int64),  # 0: no limit, here and below
        ("max_qty", np.int64),
        ("min_notional", np.int64),
        ("max_notional", np.int64),
        ("collar_ppm", np.int64),
        ("depth_sequence", np.int64),  # of the last depth event
        ("sources", np.int64, (SOURCES_MAX,)),  # newest prices for the median; 0: none that counts
    ],
    align=True,
)
assert BOOK.itemsize % CACHE_LINE == 0

POSITION: Final = np.dtype(
    [
        ("account", np.int64),  # 0: the slot is free, ``symbol`` then links to the next one
        ("qty", np.int64),  # lots, negative is short
        ("symbol", np.int64),
    ],
    align=True,
)

# Places in ``totals``.
NOW: Final = 0  # the largest timestamp seen
SEQUENCE: Final = 1  # of the command being applied
FIRST_EVENT: Final = 2  # where its events begin in the outbox
PLACEMENTS: Final = 4
ORDER_FREE: Final = 5
ORDER_TOP: Final = 6  # slots above it were never used
BLOCK_FREE: Final = 7
BLOCK_TOP: Final = 8
BRANCH_FREE: Final = 9
BRANCH_TOP: Final = 10
POSITION_FREE: Final = 11
POSITION_TOP: Final = 12
EXPIRY_COUNT: Final = 16
HIDDEN_SLICES: Final = 17  # slices that live icebergs have yet to show
QUEUE_HEAD: Final = 18  # orders whose fate is sealed and has not come yet
QUEUE_TAIL: Final = 19
EVERY_TOUCH: Final = 20  # this command may have changed several symbols
HUGE_POSITIONS: Final = 21  # positions beyond POSITION_LOTS_MAX
REHEARSED: Final = 22  # lots that a rehearsed fill-or-kill has bought so far
ORDER_TABLE: Final = 24  # five words each, as TABLE_…
POSITION_TABLE: Final = 32
NOTE_COUNT: Final = 37  # levels that this command has changed, in ``notes``
ORDERS_ALLOWED: Final = 38  # how many there may be
POSITIONS_ALLOWED: Final = 39
SHARD: Final = 40  # which of several Titans this is, see shards.py
SHARDS: Final = 41  # how many there are
RISK_GATE: Final = 42  # 1: each order must bear the risk gate's verdict
TOUCH_DUE: Final = 43  # what a side shows at its best price, as told, or at a better one, changed
SYMBOLS_ALLOWED: Final = 44  # no instrument is listed at this index or above
SYMBOL_TOP: Final = 45  # nor was one ever at this
TOTAL_COUNT: Final = 46

# Words of a hash table, see hash_table.py.
TABLE_SIZE: Final = 0
TABLE_SHIFT: Final = 1
TABLE_COUNT: Final = 2
TABLE_EASY: Final = 3
TABLE_CURSOR: Final = 4
LIVE: Final = ORDER_TABLE + TABLE_COUNT  # orders that rest or wait
POSITION_COUNT: Final = POSITION_TABLE + TABLE_COUNT
_TAG_BITS: Final = 31
_TABLE_BITS: Final = 12


@by_address
class TitanState(NamedTuple):
    """All of Titan; only ``apply`` and the functions it calls change it."""

    orders: NDArray[Any]
    terms: NDArray[Any]
    levels: NDArray[Any]
    blocks: NDArray[Any]
    branches: NDArray[Any]
    near: NDArray[np.uint32]
    sides: NDArray[Any]
    books: NDArray[Any]
    ids: NDArray[np.int64]
    positions: NDArray[Any]
    position_ids: NDArray[np.int64]
    expiries: NDArray[np.uint32]
    queue: NDArray[np.uint32]
    rehearsal: NDArray[np.int64]
    pending: NDArray[np.int64]
    notes: NDArray[np.int64]
    totals: NDArray[np.int64]


@by_address
class Outbox(NamedTuple):
    """Where events are appended: ``slots[:count[0]]`` are written."""

    slots: NDArray[Any]
    count: NDArray[np.int64]  # type: ignore[assignment]


def new_state(
    max_orders: int = 1 << 17,
    max_symbols: int = SYMBOLS_ALLOWED_AT_FIRST,
    max_positions: int = 1 << 18,
    shard: int = 0,
    shards: int = 1,
) -> TitanState:
    """An empty exchange, whose arrays are many times larger than what it allows at first.

    The operating system gives memory to what is touched, page by page: room that is never used
    costs nothing, and a book that grows is never moved.  What is beyond the limits is refused with
    ``pool_full``, until a capacity command sets others.  Whatever is journaled, and whatever replays
    it, uses the defaults: what is refused is an outcome, which nothing outside of the journal may
    decide.

    With ``shards`` it is one of several exchanges, and answers for its own symbols only.
    """
    if not 0 <= shard < shards:
        raise ValueError(f"shard={shard} of {shards}; it must be from 0 to {shards - 1}")
    _check_limit("max_orders", max_orders, ORDERS_MAX)
    _check_limit("max_symbols", max_symbols, SYMBOLS_MAX)
    _check_limit("max_positions", max_positions, POSITIONS_MAX)
    order_room = max(max_orders, _ORDERS_ROOM)
    position_room = max(max_positions, _POSITIONS_ROOM)
    symbol_room = max(max_symbols, SYMBOLS_ROOM)
    slots = order_room + 2  # slot 0 is none; one more for an order that takes while all rest
    state = TitanState(
        orders=zeros(slots, ORDER),
        terms=zeros(slots, TERMS),
        levels=zeros(slots * BLOCK_LEVELS, LEVEL),
        blocks=zeros(slots, BLOCK),
        branches=zeros(slots, BRANCH),
        near=zeros(symbol_room * 2 * NEAR_BLOCKS, np.uint32),
        sides=zeros(symbol_room * 2, SIDE),
        books=zeros(symbol_room, BOOK),
        ids=zeros(table_room(order_room), np.int64),
        positions=zeros(position_room + 1, POSITION),
        position_ids=zeros(table_room(position_room), np.int64),
        expiries=zeros(slots, np.uint32),
        queue=zeros(3 * slots, np.uint32),  # an exit can be armed, doomed and triggered at once
        rehearsal=np.zeros((3, slots), np.int64),
        pending=zeros(position_room + 1, np.int64),
        notes=np.zeros(4 * slots, np.int64),
        totals=zeros(TOTAL_COUNT, np.int64),
    )
    state.sides["best_key"] = NO_KEY
    state.books["buy_stop_low"] = NO_KEY
    state.books["touch_bid"] = state.books["touch_ask"] = NO_KEY
    state.totals[ORDERS_ALLOWED] = max_orders
    state.totals[POSITIONS_ALLOWED] = max_positions
    state.totals[SYMBOLS_ALLOWED] = max_symbols
    state.totals[SHARD] = shard
    state.totals[SHARDS] = shards
    for table in (ORDER_TABLE, POSITION_TABLE):
        state.totals[table + TABLE_SIZE] = 1 << _TABLE_BITS
        state.totals[table + TABLE_SHIFT] = _TAG_BITS - _TABLE_BITS
        state.totals[table + TABLE_EASY] = 1 << (_TABLE_BITS - 2)
    return state


def new_outbox(capacity: int) -> Outbox:
    """Room for ``capacity`` events; before a command, ``outbox_bound`` says how many it needs."""
    return Outbox(np.zeros(capacity, EVENT), np.zeros(1, np.int64))


def _check_limit(name: str, value: int, highest: int) -> None:
    if not 1 <= value <= highest:
        raise ValueError(f"{name}={value}; it must be from 1 to {highest}")


def table_room(entries: int) -> int:
    """Room for tables of every size up to the one that so many entries fill to a quarter."""
    return 2 << max(_TABLE_BITS, (4 * entries - 1).bit_length())


@inlined
def flip_of(side: int) -> int:
    """What turns a price on that side into its key, and back."""
    return (1 - side) * KEY_MASK


@inlined
def has_room(state: TitanState) -> bool:
    """Whether one more order may rest or wait."""
    return state.totals[LIVE] < state.totals[ORDERS_ALLOWED]
