"""Every kind of risk record has a line."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import orjson
import pytest

from components.instruments import Instrument, InstrumentTable
from components.messages import code
from components.messages.risk import RISK
from components.messages.risk_text import format_risk

INSTRUMENTS = InstrumentTable([Instrument("BTCUSDT", 0, Decimal("0.01"), Decimal("0.001"))])


def line(**fields: int) -> dict[str, object]:
    risk = np.zeros(1, RISK)[0]
    risk["seq"], risk["account"] = 9, 7
    for name, value in fields.items():
        risk[name] = value
    told: dict[str, object] = orjson.loads(format_risk(risk, INSTRUMENTS))
    return told


@pytest.mark.parametrize("kind", sorted(code.RISK_NAMES))
def test_a_line_says_its_sequence_kind_and_account(kind: int) -> None:
    told = line(kind=kind)

    assert list(told)[:3] == ["seq", "risk", "account"]
    assert (told["seq"], told["risk"], told["account"]) == (9, code.RISK_NAMES[kind], 7)


def test_a_deleveraging_says_what_was_closed_and_what_it_realised() -> None:
    fields = {"side": code.BUY, "qty": 1_500, "price": 4_500_001, "amount": -5}
    told = line(kind=code.RISK_DELEVERAGE, **fields)

    assert told == {
        "seq": 9,
        "risk": "deleverage",
        "account": 7,
        "symbol": "BTCUSDT",
        "side": "buy",
        "qty": "1.5",
        "price": "45000.01",
        "amount": "-0.00000005",
    }


def test_a_short_position_has_a_negative_quantity_and_entry_value() -> None:
    told = line(kind=code.RISK_POSITION, qty=-500, entry_value=-25_000 * 10**8, price=5_000_000)

    assert (told["qty"], told["entry_value"], told["price"]) == ("-0.5", "-25000", "50000")
