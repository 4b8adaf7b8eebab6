"""A platform's state in decimals: as plain values for JSON, and as tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    FLAG_LIQUIDATION,
    FLAG_POST_ONLY,
    FLAG_REDUCE_ONLY,
    SIDE_NAMES,
    TIF_GTD,
    TIF_NAMES,
    TYPE_NAMES,
)
from components.messages.command_fields import lots_text, symbol_text, ticks_text
from components.oracle.platform_state import PlatformState
from components.sentinel.account_view import totals
from components.titan.engine.state import LAYER_ICEBERG, LAYER_WAITING
from components.units import PPM, from_grid, money_to_text

_FLAGS: Final = (
    (FLAG_POST_ONLY, "post_only"),
    (FLAG_REDUCE_ONLY, "reduce_only"),
    (FLAG_LIQUIDATION, "liquidation"),
)
_BALANCES: Final = ("collateral", "equity", "unrealised", "maintenance")


def describe(
    state: PlatformState,
    *,
    account: int | None = None,
    symbol: str | None = None,
    levels: int = 5,
    with_orders: bool = False,
) -> dict[str, Any]:
    """What is known at that point, of all or of one account or symbol; decimals are strings."""
    table = state.instruments
    chosen = None if symbol is None else table[symbol].index
    hashes = state.hashes()
    sums = totals(state.sentinel)
    content: dict[str, Any] = {
        "sequence": state.sequence,
        "ts": state.ts,
        "hash": hashes.platform,
        "titan_hash": hashes.titan,
        "sentinel_hash": hashes.sentinel,
        "insurance_fund": money_to_text(sums.insurance_fund),
        "bad_debt": money_to_text(sums.bad_debt),
        "books": [
            _book(state, each.index, levels)
            for each in table.values()
            if chosen in (None, each.index)
        ],
        "accounts": [
            _account(row) for row in _chosen(state.balances(), account=account, symbol=None)
        ],
        "positions": [
            _position(row, state)
            for row in _chosen(state.positions(), account=account, symbol=chosen)
        ],
    }
    if with_orders:
        rows = _chosen(state.orders(), account=account, symbol=chosen)
        content["orders"] = [_order(row, state) for row in rows]
    return content


def tables(content: dict[str, Any]) -> Iterator[str]:
    """What ``describe`` gave, as texts of one table each."""
    for book in content["books"]:
        sides = [
            [f"{level['qty']:>16} @ {level['price']:<14}" for level in book[side]]
            for side in ("bids", "asks")
        ]
        depth = max(map(len, sides))
        padded = [side + [" " * 33] * (depth - len(side)) for side in sides]
        head = f"{book['symbol']}: mark {book['mark'] or '–'}, last {book['last'] or '–'}"
        yield "\n".join(
            [head, *(f"  {bid} | {ask}".rstrip() for bid, ask in zip(*padded, strict=True))]
        )
    for name in ("accounts", "positions", "orders"):
        if content.get(name):
            yield _columns(name, content[name])


def _columns(name: str, rows: list[dict[str, Any]]) -> str:
    headings = list(rows[0])
    cells = [headings, *([_cell(row.get(key)) for key in headings] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(headings))]
    lines = [
        "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
        for line in cells
    ]
    return f"{name}:\n" + "\n".join(f"  {line}" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _chosen(rows: NDArray[np.void], *, account: int | None, symbol: int | None) -> NDArray[np.void]:
    keep = np.ones(len(rows), bool)
    if account is not None:
        keep &= rows["account"] == account
    if symbol is not None:
        keep &= rows["symbol"] == symbol
    return rows[keep]


def _book(state: PlatformState, index: int, levels: int) -> dict[str, Any]:
    table = state.instruments
    bids, asks = state.depth(index, levels)
    book = state.book(index)
    return {
        "symbol": symbol_text(index, table),
        "last": ticks_text(int(book["last"]), index, table) if book["last"] else None,
        "mark": ticks_text(int(book["mark"]), index, table) if book["mark"] else None,
        **{
            name: [
                {"price": ticks_text(ticks, index, table), "qty": lots_text(lots, index, table)}
                for ticks, lots in side.tolist()
            ]
            for name, side in (("bids", bids), ("asks", asks))
        },
    }


def _account(row: np.void) -> dict[str, Any]:
    return {
        "account": int(row["account"]),
        **{name: money_to_text(int(row[name])) for name in _BALANCES},
        "margin_ratio": from_grid(int(row["margin_ratio_ppm"]), Decimal(1) / PPM),
        "positions": int(row["positions"]),
        "at_risk": bool(row["at_risk"]),
        "in_liquidation": bool(row["in_liquidation"]),
    }


def _position(row: np.void, state: PlatformState) -> dict[str, Any]:
    symbol = int(row["symbol"])
    return {
        "account": int(row["account"]),
        "symbol": symbol_text(symbol, state.instruments),
        "qty": lots_text(int(row["qty"]), symbol, state.instruments),
        **{
            name: money_to_text(int(row[name]))
            for name in ("entry_value", "unrealised", "maintenance")
        },
        "leverage": int(row["leverage"]),
    }


def _order(row: np.void, state: PlatformState) -> dict[str, Any]:
    table, symbol, layers = state.instruments, int(row["symbol"]), int(row["layers"])
    is_waiting = bool(layers & LAYER_WAITING)
    return {
        "account": int(row["account"]),
        "id": int(row["order_id"]),
        "symbol": symbol_text(symbol, table),
        "side": SIDE_NAMES[int(row["side"])],
        "type": TYPE_NAMES[int(row["order_type"])],
        "tif": TIF_NAMES[int(row["tif"])],
        "price": ticks_text(int(row["price"]), symbol, table) if row["price"] else None,
        "qty": lots_text(int(row["qty"]), symbol, table),
        "hidden": lots_text(int(row["hidden"]), symbol, table) if layers & LAYER_ICEBERG else None,
        "stop_price": ticks_text(int(row["stop_price"]), symbol, table) if is_waiting else None,
        "expires": int(row["expires"]) if row["tif"] == TIF_GTD else None,
        "state": "waiting" if is_waiting else "resting",
        "flags": [name for flag, name in _FLAGS if int(row["flags"]) & flag],
    }
