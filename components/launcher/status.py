"""What the operator reads on the terminal while the platform runs.

Everything comes from shared memory; two looks make a rate.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import click
import numpy as np

from components.instruments import InstrumentTable
from components.messages.code import BUY, RISK_LIQUIDATION
from components.monitor.platform_view import SharedMemoryView
from components.oracle.store import watermark
from components.units import MONEY_SCALE, money_to_text
from disruptor.memory.counters import Reading
from disruptor.ring.ring_buffer import RingBuffer


@dataclass(frozen=True)
class Look:
    """The figures of one moment."""

    at: float
    orders: float
    trades: float
    accounts: float
    positions: float
    collateral: float
    last_prices: dict[str, float]
    journaled: int


class StatusBoard:
    """Prints status lines, liquidations and journal checkpoints of one platform."""

    def __init__(
        self, platform: str, instruments: InstrumentTable, journal: Path, risk: RingBuffer
    ) -> None:
        self._view = SharedMemoryView(platform)
        self._instruments = instruments
        self._journal = journal
        self._risk = risk
        self._risk_seen = risk.cursor
        self._before: Look | None = None

    def begin(self) -> None:
        """Take the first look, from which the first status line's rates are counted."""
        self._before = self._look()

    def print_status(self) -> None:
        """One line of what happens now."""
        look = self._look()
        before, self._before = self._before or look, look
        seconds = max(look.at - before.at, 0.001)
        orders = (look.orders - before.orders) / seconds
        trades = (look.trades - before.trades) / seconds
        prices = "  ".join(f"{name} {price:,.2f}" for name, price in look.last_prices.items())
        click.echo(
            f"{clock()}  accounts {look.accounts:.0f}  positions {look.positions:.0f}  "
            f"collateral {look.collateral:,.2f}  orders {orders:,.0f}/s  trades {trades:,.0f}/s  "
            f"{prices or 'no trade yet'}  journal #{look.journaled:,}"
        )

    def print_liquidations(self) -> None:
        """Each liquidation that was not printed yet, in order.

        Looks at the risk ring without being its consumer, so it never holds anybody up; what was
        overwritten meanwhile is told as a number.
        """
        high = self._risk.cursor
        low = max(self._risk_seen + 1, high - self._risk.capacity // 2)
        skipped = low - self._risk_seen - 1
        self._risk_seen = high
        if skipped:
            click.echo(
                f"{clock()}  {skipped} risk records went by unseen; bin/oracle tail has them"
            )
        records = self._risk.events(low, high)
        for row in records[records["kind"] == RISK_LIQUIDATION]:
            click.echo(f"{clock()}  {click.style(self._liquidation(row), fg='red', bold=True)}")

    def print_checkpoint(self) -> None:
        """How far the journal is on disk, and the digests that prove it."""
        mark = watermark.read(self._journal)
        if mark is None:
            return
        streams = "  ".join(
            f"{name} #{each.durable_sequence:,} {each.digest.hex()[:12]}"
            for name, each in sorted(mark.streams.items())
        )
        click.echo(f"{clock()}  {click.style('checkpoint', fg='green')}  {streams}")

    def close(self) -> None:
        """Drop the mappings."""
        self._view.close()

    def _look(self) -> Look:
        counters = self._view.counters()
        last_prices = {
            dict(reading.spec.labels)["symbol"]: reading.value
            for reading in counters.get("titan", [])
            if reading.spec.name == "titan_last_price" and not reading.is_absent
        }
        return Look(
            at=time.monotonic(),
            orders=_sum(counters.get("titan", []), "titan_commands_processed", op="place"),
            trades=_sum(counters.get("titan", []), "titan_executions"),
            accounts=_sum(counters.get("sentinel", []), "sentinel_accounts_total"),
            positions=_sum(counters.get("sentinel", []), "sentinel_open_positions"),
            collateral=_sum(counters.get("sentinel", []), "sentinel_collateral_usd"),
            last_prices=last_prices,
            journaled=int(
                _sum(counters.get("oracle", []), "oracle_durable_sequence", kind="commands")
            ),
        )

    def _liquidation(self, row: np.void) -> str:
        instrument = self._instruments.at(int(row["symbol"]))
        side = "short" if row["side"] == BUY else "long"
        loss = (Decimal(int(row["amount"])) / MONEY_SCALE).quantize(Decimal("0.01"))
        return (
            f"LIQUIDATION  account {int(row['account'])}  {side} "
            f"{instrument.qty_text(row['qty'])} {instrument.name} at "
            f"{instrument.price_text(row['price'])}  loss {loss:,}  "
            f"equity {money_to_text(row['equity'])} < maintenance {money_to_text(row['maintenance'])}"
        )


def clock() -> str:
    """The time of day, as every line begins."""
    return time.strftime("%H:%M:%S")


def _matching(readings: list[Reading], metric: str, labels: dict[str, str]) -> Iterator[Reading]:
    for reading in readings:
        if reading.spec.name == metric and labels.items() <= dict(reading.spec.labels).items():
            yield reading


def _sum(readings: list[Reading], metric: str, **labels: str) -> float:
    return sum(each.value for each in _matching(readings, metric, labels) if not each.is_absent)
