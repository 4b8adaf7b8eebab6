"""Risk records as JSON lines: what Sentinel decided, in the shape that every tool agrees on.

    {"seq":9,"risk":"account","account":7,"collateral":"100","equity":"90","maintenance":"4.5",
     "amount":"100"}
    {"seq":9,"risk":"position","account":7,"symbol":"BTCUSDT","qty":"0.5","entry_value":"25000",
     "price":"50000","amount":"0","collateral":"100"}
    {"seq":9,"risk":"at_risk","account":7,"state":"entered","level":1,"equity":"5",
     "maintenance":"4.5","collateral":"100"}
    {"seq":9,"risk":"liquidation","account":7,"symbol":"BTCUSDT","side":"sell","qty":"0.5",
     "price":"45226.13","loss":"2386.935","bankruptcy_price":"45000","equity":"113.065",
     "maintenance":"113.065325","collateral":"2500","tier":0,"rules":3}
    {"seq":9,"risk":"insurance_fund","account":7,"amount":"-10","fund":"990","bad_debt":"0"}
    {"seq":9,"risk":"deleverage","account":7,"symbol":"BTCUSDT","side":"sell","qty":"1",
     "price":"45000","amount":"3"}
    {"seq":9,"risk":"rejected","account":7,"amount":"5","reason":"insufficient_margin"}
    {"seq":9,"risk":"leverage","account":7,"symbol":"BTCUSDT","margin":"isolated","leverage":10}
    {"seq":9,"risk":"funding","account":7,"symbol":"BTCUSDT","amount":"-0.5","collateral":"99.5"}

What concerns the wallet of an isolated position has ``"margin":"isolated"`` and its symbol.
``qty`` of a position is signed, negative is short; ``side`` is the closing order's.  ``rules`` is the
version of the rules that decided; before version 3 a liquidation says neither that nor its tier.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import orjson

from components.instruments import InstrumentTable
from components.messages.code import (
    MARGIN_ISOLATED,
    MARGIN_NAMES,
    REASON_NAMES,
    RISK_ACCOUNT,
    RISK_AT_RISK,
    RISK_DELEVERAGE,
    RISK_FUNDING,
    RISK_INSURANCE_FUND,
    RISK_LEVERAGE,
    RISK_LIQUIDATION,
    RISK_NAMES,
    RISK_POSITION,
    RISK_REJECTED,
    SIDE_NAMES,
)
from components.messages.command_fields import lots_text, symbol_text, ticks_text
from components.units import money_to_text


def format_risk(risk: np.void, instruments: InstrumentTable) -> bytes:
    """One line, without its newline, of one RISK record."""
    kind = int(risk["kind"])
    line: dict[str, Any] = {
        "seq": int(risk["seq"]),
        "risk": RISK_NAMES.get(kind, f"kind_{kind}"),
        "account": int(risk["account"]),
    }
    _FORMATTERS.get(kind, _format_nothing)(risk, instruments, line)
    return orjson.dumps(line)


def _money(risk: np.void, field: str) -> str:
    return money_to_text(int(risk[field]))


def _format_nothing(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    """A void record has no fields."""


def _format_balances(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    for field in ("collateral", "equity", "maintenance"):
        line[field] = _money(risk, field)


def _format_margin(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    if risk["side"] == MARGIN_ISOLATED:
        line["margin"] = MARGIN_NAMES[MARGIN_ISOLATED]
        line["symbol"] = symbol_text(int(risk["symbol"]), instruments)


def _format_account(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    _format_margin(risk, instruments, line)
    _format_balances(risk, instruments, line)
    line["amount"] = _money(risk, "amount")


def _format_position(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(risk["symbol"])
    line["symbol"] = symbol_text(symbol, instruments)
    line["qty"] = lots_text(int(risk["qty"]), symbol, instruments)
    line["entry_value"] = _money(risk, "entry_value")
    line["price"] = ticks_text(int(risk["price"]), symbol, instruments)
    line["amount"] = _money(risk, "amount")
    line["collateral"] = _money(risk, "collateral")


def _format_at_risk(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["state"] = "entered" if risk["flags"] else "left"
    line["level"] = int(risk["flags"])
    _format_balances(risk, instruments, line)


def _format_order(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    symbol = int(risk["symbol"])
    line["symbol"] = symbol_text(symbol, instruments)
    line["side"] = SIDE_NAMES[int(risk["side"])]
    line["qty"] = lots_text(int(risk["qty"]), symbol, instruments)
    line["price"] = ticks_text(int(risk["price"]), symbol, instruments)


def _format_liquidation(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    _format_order(risk, instruments, line)
    line["loss"] = _money(risk, "amount")
    bankruptcy_price = int(risk["bankruptcy_price"])
    line["bankruptcy_price"] = ticks_text(bankruptcy_price, int(risk["symbol"]), instruments)
    _format_balances(risk, instruments, line)
    if risk["entry_value"]:
        line["tier"] = int(risk["flags"])
        line["rules"] = int(risk["entry_value"])


def _format_fund(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["amount"] = _money(risk, "amount")
    line["fund"] = _money(risk, "collateral")
    line["bad_debt"] = _money(risk, "entry_value")


def _format_deleverage(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    _format_order(risk, instruments, line)
    line["amount"] = _money(risk, "amount")


def _format_rejected(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["amount"] = _money(risk, "amount")
    line["reason"] = REASON_NAMES[int(risk["reason"])]


def _format_leverage(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["symbol"] = symbol_text(int(risk["symbol"]), instruments)
    line["margin"] = MARGIN_NAMES[int(risk["side"])]
    line["leverage"] = int(risk["qty"])


def _format_funding(risk: np.void, instruments: InstrumentTable, line: dict[str, Any]) -> None:
    line["symbol"] = symbol_text(int(risk["symbol"]), instruments)
    _format_margin(risk, instruments, line)
    line["amount"] = _money(risk, "amount")
    line["collateral"] = _money(risk, "collateral")


_Formatter = Callable[[np.void, InstrumentTable, dict[str, Any]], None]
_FORMATTERS: Final[dict[int, _Formatter]] = {
    RISK_ACCOUNT: _format_account,
    RISK_POSITION: _format_position,
    RISK_AT_RISK: _format_at_risk,
    RISK_LIQUIDATION: _format_liquidation,
    RISK_INSURANCE_FUND: _format_fund,
    RISK_DELEVERAGE: _format_deleverage,
    RISK_REJECTED: _format_rejected,
    RISK_LEVERAGE: _format_leverage,
    RISK_FUNDING: _format_funding,
}
