"""The state as canonical bytes, its hash, and back.

Only what history decided is written; links, hash places and bands are rebuilt: a restored wallet is
looked at at the next price of its symbols, which decides nothing.  Wallets stand in order of opening,
positions symbol by symbol in scan order, so that a restored state behaves and hashes exactly like
the one that it was taken from.

    magic, counts | limits | summary | ledger | accounts | symbols | tiers | positions    little-endian

Limits are written where they are not the defaults, which has a magic of its own.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.accounts import open_wallet
from components.sentinel.engine.bands import arm_at_once
from components.sentinel.engine.capacity import allow
from components.sentinel.engine.fills import set_position
from components.sentinel.engine.positions import add_position
from components.sentinel.engine.state import (
    ACCOUNTS_ALLOWED,
    ACCOUNTS_ROOM,
    BLOCK_SLOTS,
    LEDGER_FLOWS,
    LEVELS,
    NONE,
    POSITIONS_ALLOWED,
    POSITIONS_ROOM,
    SYMBOLS_ALLOWED,
    SYMBOLS_ROOM,
    TIER,
    TIERS_MAX,
    SentinelState,
    new_state,
)
from disruptor.compiled import compiled

MAGIC: Final = int.from_bytes(b"SENTINL2", "little")
MAGIC_WITH_LIMITS: Final = int.from_bytes(b"SENTINL3", "little")

SAVED_HEAD: Final = np.dtype(
    [(name, "<i8") for name in ("magic", "account_count", "symbol_count", "slot_count")]
)
SAVED_SUMMARY: Final = np.dtype(
    [
        *(
            (name, "<i8")
            for name in (
                "next_order_id",
                "rule_version",
                "liquidation_fee_ppm",
                "jump_ppm",
                "fund",
                "fund_seeded",
            )
        ),
        ("at_risk_ppm", "<i8", (LEVELS,)),
    ]
)
SAVED_ACCOUNT: Final = np.dtype(
    [(name, "<i8") for name in ("account", "scope", "collateral", "at_risk", "is_liquidated")]
)
SAVED_SYMBOL: Final = np.dtype(
    [
        (name, "<i8")
        for name in (
            "money_unit",
            "mark",
            "qty_high",
            "tier_count",
            "max_leverage",
            "funding",
            "funding_low",
            "funding_high",
            "is_suspect",
        )
    ]
)
SAVED_POSITION: Final = np.dtype(
    [
        (name, "<i8")
        for name in (
            "row",
            "symbol",
            "qty",
            "entry_value",
            "funding",
            "leverage",
            "order_id",
            "order_open",
        )
    ]
)
SAVED_LIMITS: Final = np.dtype(
    [(name, "<i8") for name in ("accounts_allowed", "symbols_allowed", "positions_allowed")]
)
_WHATS: Final = ("accounts", "symbols", "positions")
_ROOMS: Final = (ACCOUNTS_ROOM, SYMBOLS_ROOM, POSITIONS_ROOM)
DEFAULT_LIMITS: Final = (ACCOUNTS_ALLOWED, SYMBOLS_ALLOWED, POSITIONS_ALLOWED)


class SnapshotError(ValueError):
    """Bytes that are no snapshot of this version, are cut short, or do not fit the limits."""


def canonical_bytes(state: SentinelState) -> bytes:
    """Everything that decides Sentinel's future; equal histories give equal bytes."""
    summary = state.summary[0]
    symbol_count = _symbol_count(state)
    head = np.zeros(1, SAVED_HEAD)
    limits = _picked(state.summary, SAVED_LIMITS)
    is_usual = limits[0].item() == DEFAULT_LIMITS
    head["magic"] = MAGIC if is_usual else MAGIC_WITH_LIMITS
    head["account_count"] = summary["account_count"]
    head["symbol_count"] = symbol_count
    head["slot_count"] = summary["slot_count"]
    symbols = state.symbols[:symbol_count]
    tiers = state.tiers[:symbol_count].copy()
    tiers[np.arange(TIERS_MAX)[None, :] >= symbols["tier_count"][:, None]] = np.zeros((), TIER)
    parts = [
        head,
        limits[int(is_usual) :],
        _picked(state.summary, SAVED_SUMMARY),
        state.ledger.astype("<i8"),
        _picked(state.accounts[: summary["account_count"]], SAVED_ACCOUNT),
        _picked(symbols, SAVED_SYMBOL),
        tiers,
        _picked(state.positions[scan_order(state)], SAVED_POSITION),
    ]
    return b"".join(part.tobytes() for part in parts)


def state_hash(state: SentinelState) -> bytes:
    """SHA-256 of the canonical bytes, 32 bytes."""
    return hashlib.sha256(canonical_bytes(state)).digest()


def restore(data: bytes) -> SentinelState:
    """The state that ``canonical_bytes`` wrote; SnapshotError if it cannot be."""
    if len(data) < SAVED_HEAD.itemsize:
        raise SnapshotError(f"a snapshot of Sentinel has at least 32 bytes, found {len(data)}")
    head = np.frombuffer(data, SAVED_HEAD, 1)[0]
    if head["magic"] not in (MAGIC, MAGIC_WITH_LIMITS):
        raise SnapshotError("the bytes are no snapshot of Sentinel, or of another version")
    counts = int(head["account_count"]), int(head["symbol_count"]), int(head["slot_count"])
    reader, limits = _Reader(data, SAVED_HEAD.itemsize), DEFAULT_LIMITS
    if head["magic"] == MAGIC_WITH_LIMITS:
        limits = reader.take(SAVED_LIMITS, 1)[0].item()
    for what, count, limit, room in zip(_WHATS, counts, limits, _ROOMS, strict=True):
        if not (0 <= count <= room and 1 <= limit <= room):
            raise SnapshotError(
                f"the snapshot holds {count} {what} and allows {limit}; there is room for {room}"
            )
    state = new_state(*map(max, limits, counts))
    _fill_state(state, reader, *counts)
    _set_limits(state, *limits)
    return state


@compiled
def _set_limits(state: SentinelState, accounts: int, symbols: int, positions: int) -> None:
    allow(state, accounts, symbols, positions)


def scan_order(state: SentinelState) -> NDArray[np.int64]:
    """Every used slot, symbol by symbol, in the order in which a price visits them."""
    parts = [np.zeros(0, np.int64)]
    for symbol in state.symbols[state.symbols["slot_count"] > 0]:
        left, block = int(symbol["slot_count"]), int(symbol["first_block"])
        while block != NONE:
            first = block * BLOCK_SLOTS
            parts.append(np.arange(first, first + min(left, BLOCK_SLOTS)))
            left -= BLOCK_SLOTS
            block = int(state.block_next[block])
    return np.concatenate(parts)


class _Reader:
    """Takes arrays off the front of the bytes."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._data = data
        self._offset = offset

    def take(self, dtype: np.dtype | str, count: int) -> NDArray:
        """``count`` records of ``dtype``; SnapshotError if the bytes end before."""
        wanted = np.dtype(dtype).itemsize * count
        if self._offset + wanted > len(self._data):
            raise SnapshotError(f"the snapshot is cut short at {len(self._data)} bytes")
        taken = np.frombuffer(self._data, dtype, count, self._offset)
        self._offset += wanted
        return taken

    def finish(self) -> None:
        """SnapshotError if bytes are left."""
        if self._offset != len(self._data):
            raise SnapshotError(
                f"the snapshot has {len(self._data)} bytes where {self._offset} were expected"
            )


def _symbol_count(state: SentinelState) -> int:
    defined = np.flatnonzero(state.symbols["money_unit"])
    return int(defined[-1]) + 1 if defined.size else 0


def _picked(records: NDArray[np.void], dtype: np.dtype) -> NDArray[np.void]:
    picked = np.zeros(records.shape, dtype)
    for name in dtype.names or ():
        picked[name] = records[name]
    return picked


def _fill_state(
    state: SentinelState, reader: _Reader, accounts: int, symbols: int, slots: int
) -> None:
    summary = reader.take(SAVED_SUMMARY, 1)[0]
    for name in SAVED_SUMMARY.names or ():
        state.summary[name] = summary[name]
    state.ledger[:] = reader.take("<i8", LEDGER_FLOWS * 2).reshape(LEDGER_FLOWS, 2)
    saved_accounts = reader.take(SAVED_ACCOUNT, accounts)
    saved_symbols = reader.take(SAVED_SYMBOL, symbols)
    for name in SAVED_SYMBOL.names or ():
        state.symbols[name][:symbols] = saved_symbols[name]
    state.tiers[:symbols] = reader.take(TIER, symbols * TIERS_MAX).reshape(symbols, TIERS_MAX)
    saved_positions = reader.take(SAVED_POSITION, slots)
    reader.finish()
    _insert_accounts(state, saved_accounts)
    _insert_positions(state, saved_positions)


@compiled
def _insert_accounts(state: SentinelState, saved: NDArray[np.void]) -> None:
    for place in range(saved.size):
        row = open_wallet(state, saved[place]["account"], saved[place]["scope"])
        state.accounts[row]["collateral"] = saved[place]["collateral"]
        state.accounts[row]["at_risk"] = saved[place]["at_risk"]
        state.accounts[row]["is_liquidated"] = saved[place]["is_liquidated"]
        state.summary[0]["at_risk_count"] += 1 if saved[place]["at_risk"] > 0 else 0


@compiled
def _insert_positions(state: SentinelState, saved: NDArray[np.void]) -> None:
    for place in range(saved.size):
        each = saved[place]
        slot = add_position(state, each["row"], each["symbol"], each["leverage"])
        state.positions[slot]["funding"] = each["funding"]
        account = state.accounts[each["row"]]
        set_position(state, slot, each["qty"], each["entry_value"])
        state.positions[slot]["order_id"] = each["order_id"]
        state.positions[slot]["order_open"] = each["order_open"]
        is_open = 1 if each["qty"] != 0 else 0
        in_flight = 1 if each["order_id"] != 0 else 0
        account["position_count"] += is_open
        account["orders_in_flight"] += in_flight
        state.summary[0]["position_count"] += is_open
        state.summary[0]["orders_in_flight"] += in_flight
    for row in range(state.summary[0]["account_count"]):
        arm_at_once(state, row)
