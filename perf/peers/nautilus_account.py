"""The peer for Sentinel from PyPI: nautilus_trader's margin account, as its backtests value it.

It holds one account; each of many positions is valued at a price and given its maintenance margin by the
account's own methods, as its risk and portfolio do after a price.  Cython, one object a position.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any, Final

from perf.harness.measurement import Measurement, Options, absent

NAME: Final = "nautilus_trader"
POSITIONS: Final = 1_000


def nautilus_scan(scenario: str, options: Options) -> list[Measurement]:
    """Positions that are valued and margined a second, in millions."""
    try:
        account, instrument, positions, price = _populated()
    except ImportError as error:
        return [absent(scenario, NAME, str(error))]
    rates = []
    for _ in range(options.runs):
        began = time.perf_counter()
        for position in positions:
            position.unrealized_pnl(price)
            account.calculate_margin_maint(instrument, position.side, position.quantity, price)
        rates.append(len(positions) / (time.perf_counter() - began) / 1e6)
    variant = f"{len(positions):,} positions of one account, version {version(NAME)}"
    unit = "M positions/s"
    return [Measurement(scenario, variant, "full scan", unit, tuple(rates), peer=NAME)]


def _populated() -> tuple[Any, Any, list[Any], Any]:
    from nautilus_trader.model.enums import OrderSide
    from nautilus_trader.model.identifiers import PositionId
    from nautilus_trader.model.objects import Price
    from nautilus_trader.model.position import Position
    from nautilus_trader.test_kit.providers import TestInstrumentProvider
    from nautilus_trader.test_kit.stubs.events import TestEventStubs
    from nautilus_trader.test_kit.stubs.execution import TestExecStubs

    instrument = TestInstrumentProvider.btcusdt_perp_binance()
    account = TestExecStubs.margin_account()
    positions = []
    for number in range(POSITIONS):
        order = TestExecStubs.limit_order(
            instrument=instrument,
            order_side=OrderSide.BUY if number % 2 else OrderSide.SELL,
            quantity=instrument.make_qty(0.5 + 0.01 * (number % 50)),
            price=instrument.make_price(50_000),
        )
        fill = TestEventStubs.order_filled(
            order,
            instrument=instrument,
            position_id=PositionId(f"P-{number}"),
            last_px=instrument.make_price(50_000),
        )
        positions.append(Position(instrument=instrument, fill=fill))
    return account, instrument, positions, Price.from_str("50100.0")
