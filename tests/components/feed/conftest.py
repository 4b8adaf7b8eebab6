"""What the feed's tests share: instruments, a collecting publisher, a clock of their own."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import numpy as np
import pytest

from components.instruments import Instrument, InstrumentTable
from components.messages.command import Commands, new_commands


class Collected:
    """A publisher that keeps a copy of everything, and can stop the feed after enough."""

    def __init__(self) -> None:
        self.batches: list[Commands] = []
        self.stop: asyncio.Event | None = None
        self.stop_after = 0
        self.count = 0

    def __call__(self, commands: Commands) -> None:
        self.batches.append(commands.copy())
        self.count += len(commands)
        if self.stop is not None and self.count >= self.stop_after:
            self.stop.set()

    @property
    def commands(self) -> Commands:
        """All commands so far, in order."""
        return np.concatenate(self.batches) if self.batches else new_commands(0)


class FakeClock:
    """Time that passes only when the feed sleeps."""

    def __init__(self) -> None:
        self.now_ns = 1_700_000_000_000_000_000

    def wall_ns(self) -> int:
        return self.now_ns

    def monotonic_ns(self) -> int:
        return self.now_ns

    async def sleep(self, seconds: float) -> None:
        self.now_ns += max(round(seconds * 1e9), 1_000)
        await asyncio.sleep(0)


@pytest.fixture(scope="session")
def instruments() -> InstrumentTable:
    return InstrumentTable(
        [
            Instrument("BTCUSDT", 0, Decimal("0.01"), Decimal("0.00001")),
            Instrument("ETHUSDT", 1, Decimal("0.01"), Decimal("0.0001")),
        ]
    )


@pytest.fixture
def collected() -> Collected:
    return Collected()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
