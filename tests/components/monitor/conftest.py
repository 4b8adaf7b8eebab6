"""A platform in shared memory without its processes: counters, a ring, accounts, liquidations."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest

from components.instruments import Instrument, InstrumentTable
from components.messages.code import RISK_LIQUIDATION, SELL
from components.messages.event import EVENT
from components.messages.risk import RISK
from components.monitor.catalogue import WRITERS, specs_for
from components.monitor.platform_view import (
    ACCOUNTS,
    LIQUIDATIONS,
    SharedMemoryView,
    counters_name,
    table_name,
)
from components.sentinel.account_view import ACCOUNT_VIEW
from components.units import MONEY_SCALE
from disruptor.memory.counters import CounterBlock, add, observe_many, put
from disruptor.memory.libc import monotonic_ns
from disruptor.memory.process_identity import current_process
from disruptor.memory.segment import SHARED_MEMORY_DIRECTORY, existing
from disruptor.memory.snapshot_table import SnapshotTable
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.supervisor.control_block import RUNNING, ControlBlock

INSTRUMENTS = InstrumentTable(
    [
        Instrument("BTCUSDT", 0, Decimal("0.1"), Decimal("0.001")),
        Instrument("ETHUSDT", 1, Decimal("0.01"), Decimal("0.01")),
    ]
)
SYMBOLS = tuple(INSTRUMENTS)
PROCESSES = ("titan", "oracle")


@dataclass
class Platform:
    """What the launcher and the processes would have made."""

    name: str
    blocks: dict[str, CounterBlock]
    accounts: SnapshotTable
    liquidations: SnapshotTable
    ring: RingBuffer
    control: ControlBlock

    def view(self) -> SharedMemoryView:
        return SharedMemoryView(self.name)

    def count(self, process: str, metric: str, amount: int = 1, /, **labels: str) -> None:
        block = self.blocks[process]
        add(block.words, block.offset(metric, **labels), amount)

    def put(self, process: str, metric: str, value: int, /, **labels: str) -> None:
        block = self.blocks[process]
        put(block.words, block.offset(metric, **labels), value)

    def observe(
        self, process: str, metric: str, value: int, times: int = 1, /, **labels: str
    ) -> None:
        block = self.blocks[process]
        bounds = block.bounds(metric, **labels)
        observe_many(block.words, block.offset(metric, **labels), bounds, value, times)

    def publish_accounts(self, ratios_ppm: list[int]) -> None:
        rows = np.zeros(len(ratios_ppm), ACCOUNT_VIEW)
        rows["account"] = np.arange(1001, 1001 + len(ratios_ppm))
        rows["margin_ratio_ppm"] = ratios_ppm
        rows["collateral"] = rows["equity"] = 2_500 * MONEY_SCALE
        rows["positions"] = 1
        self.accounts.publish(rows)

    def trade(self) -> None:
        """Let every process have done a little, so that every promised query has an answer."""
        now = time.time_ns()
        for symbol in SYMBOLS:
            self.count("feed", "price_feed_updates", 3, symbol=symbol)
            self.put("feed", "price_feed_simulated_price", 500_005, symbol=symbol)
            self.put("feed", "price_feed_last_update_timestamp_seconds", now, symbol=symbol)
            self.put("sentinel", "sentinel_mark_price", 500_003, symbol=symbol)
            self.count("titan", "titan_executions", 2, symbol=symbol)
            self.count("titan", "titan_orders_processed", 5, symbol=symbol, result="accepted")
            self.observe("titan", "titan_execution_price", 500_000, 2, symbol=symbol)
            self.observe("titan", "titan_execution_quantity", 250, 2, symbol=symbol)
            self.put("titan", "titan_last_price", 500_000, symbol=symbol)
            self.put("titan", "titan_best_bid", 499_999, symbol=symbol)
            self.put("titan", "titan_best_ask", 500_001, symbol=symbol)
            self.put("titan", "titan_spread", 2, symbol=symbol)
            self.count("sentinel", "sentinel_liquidations", 1, symbol=symbol)
            self.observe(
                "sentinel", "sentinel_liquidation_loss_usd", 150 * MONEY_SCALE, symbol=symbol
            )
        self.observe("feed", "price_feed_latency_ms", 3_000_000, 7)
        self.observe("sentinel", "sentinel_process_time_micros", 1_700, 99)
        self.observe("titan", "titan_process_time_micros", 120, 10)
        for process in ("titan", "sentinel", "oracle"):
            self.observe(process, f"{process}_latency_seconds", 20_000, 10)
        self.observe("oracle", "oracle_commit_seconds", 3_000_000, 2)
        self.observe("oracle", "oracle_batch_size", 100, 2)
        self.put("feed", "price_feed_clock_offset_seconds", 2_000_000)
        self.put("feed", "price_feed_stream_state", 2, stream="trade", symbol="BTCUSDT")
        self.put("snapshots", "oracle_snapshot_timestamp_seconds", now)
        self.put("snapshots", "oracle_snapshot_bytes", 4_096)
        self.put("snapshots", "oracle_snapshot_command", 10)
        self.observe("snapshots", "oracle_snapshot_duration_seconds", 30_000_000, 2)
        self.observe("gateway", "gateway_latency_seconds", 2_000_000, 2)
        self.count("titan", "titan_commands_processed", 5, op="place")
        self.put("sentinel", "sentinel_accounts_total", 3)
        self.put("sentinel", "sentinel_accounts_at_risk", 1)
        for stream in ("commands", "events", "risk"):
            self.count("oracle", "oracle_events_written", 10, kind=stream)


@pytest.fixture
def platform_name() -> Iterator[str]:
    """A platform's name of the test's own; nothing of it stays."""
    chosen = f"test-monitor-{os.getpid()}"
    yield chosen
    for segment in existing(f"{chosen}."):
        os.unlink(f"{SHARED_MEMORY_DIRECTORY}/{segment}")


@pytest.fixture
def blocks(platform_name: str) -> dict[str, CounterBlock]:
    """The counters of all processes."""
    return {
        process: CounterBlock.create(
            counters_name(platform_name, process), specs_for(process, INSTRUMENTS)
        )
        for process in WRITERS
    }


@pytest.fixture
def platform(platform_name: str, blocks: dict[str, CounterBlock]) -> Platform:
    name = platform_name
    made = Platform(
        name=name,
        blocks=blocks,
        accounts=SnapshotTable.create(table_name(name, ACCOUNTS), ACCOUNT_VIEW, 10_000),
        liquidations=SnapshotTable.create(table_name(name, LIQUIDATIONS), RISK, 100),
        ring=RingBuffer.create(f"{name}.events", EVENT, 64),
        control=ControlBlock.create(name, PROCESSES),
    )
    for line in made.control.lines:
        line.take(current_process())
        line.state = RUNNING
        line.heartbeat[0] = monotonic_ns()
    made.control.lines[1].count_restart()
    return made


@pytest.fixture
def busy(platform: Platform) -> Platform:
    """The platform after some trading."""
    platform.trade()
    platform.publish_accounts([200_000, 900_000, 1_100_000])
    liquidation = np.zeros(1, RISK)
    liquidation["kind"], liquidation["side"], liquidation["account"] = RISK_LIQUIDATION, SELL, 1003
    liquidation["qty"], liquidation["price"], liquidation["amount"] = (
        500,
        450_000,
        150 * MONEY_SCALE,
    )
    platform.liquidations.publish(liquidation)
    platform.ring.register_consumer("sentinel", start=0)
    platform.ring.producer().write(np.zeros(40, EVENT))
    return platform
