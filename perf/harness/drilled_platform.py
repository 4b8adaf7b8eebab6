"""A running platform for measurements of recovery: filled with orders, struck, watched meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from components.messages.code import BUY, OP_CANCEL, OP_PLACE, OP_PRICE, SELL, SOURCE_GATEWAY
from components.messages.command import COMMAND, Commands, new_commands
from disruptor.memory.segment import existing
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.supervisor.control_block import ControlBlock, ProcessSnapshot

ROOT: Final = Path(__file__).resolve().parents[2]
START_S: Final = 300.0
BACK_S: Final = 120.0

_MAKER: Final = 1002
_TAKER: Final = 1003
_TOUCH: Final = 5_000_000  # ticks
_TRADE_EVERY: Final = 10
_PRICE_EVERY: Final = 500
_PIECE: Final = 4096
_TRICKLE_S: Final = 0.001
_LOOK_S: Final = 0.0005
_LAPS: Final = 3
"""Of a ring that is filled faster than it is read."""


class Outage(NamedTuple):
    """What a kill cost, in seconds."""

    back: float  # from the signal until the successor runs
    stall: float  # the longest time in which another process consumed nothing


class DrilledPlatform:
    """One bin/start without a feed of its own; orders come from here."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ring = RingBuffer.attach(f"{name}.commands", COMMAND)
        self._events = RingBuffer.attach(f"{name}.events")
        self._risk = RingBuffer.attach(f"{name}.risk")
        self._producer = self._ring.producer("drill")
        self._control = ControlBlock.attach(name)
        self._order_id = 10**9
        self._oldest = self._order_id + 1

    def fill(self, open_orders: int) -> None:
        """So many resting orders, far from the price."""
        for start in range(0, open_orders, _PIECE):
            self._publish(self._resting(min(_PIECE, open_orders - start)))

    def churn(self, count: int) -> None:
        """So many commands that leave as many orders open: cancelled and placed, some trades."""
        for start in range(0, count, _PIECE):
            self._publish(self._churning(min(_PIECE, count - start)))
        self.settle()

    def settle(self) -> None:
        """Wait until everything is consumed."""
        for ring in (self._ring, self._events, self._risk):
            while any(each.sequence < ring.cursor for each in ring.statistics().consumers):
                time.sleep(_LOOK_S)

    def kill(self, victim: str) -> Outage:
        """Kill a process under a trickle of orders, and watch until its successor runs."""
        over = threading.Event()
        trickle = threading.Thread(target=self._trickle, args=(over,))
        trickle.start()
        try:
            return self._watched_kill(victim)
        finally:
            over.set()
            trickle.join()

    def drain(self) -> float:
        """Fill the commands ring to the brim, then ask for the end; seconds until nothing is left."""
        self._publish(self._churning(_LAPS * self._ring.capacity))
        asked = time.perf_counter()
        self._process.send_signal(signal.SIGTERM)
        if self._process.wait(BACK_S):
            raise RuntimeError("the platform did not end cleanly; bin/start says why")
        return time.perf_counter() - asked

    def close(self) -> None:
        """Drop the mappings."""
        self._producer.close()
        for ring in (self._ring, self._events, self._risk):
            ring.close()
        self._control.close()

    def _watched_kill(self, victim: str) -> Outage:
        before = self._status(victim)
        moved = {key: (sequence, time.perf_counter()) for key, sequence in self._sequences(victim)}
        stall = 0.0
        struck = time.perf_counter()
        os.kill(before.owner.pid, signal.SIGKILL)
        back = 0.0
        while not back or time.perf_counter() < struck + back + 0.1:
            now = time.perf_counter()
            for key, sequence in self._sequences(victim):
                last, at = moved[key]
                stall = max(stall, now - at)
                if sequence != last:
                    moved[key] = sequence, now
            found = self._status(victim)
            if not back and found.restarts > before.restarts and found.state == "running":
                back = now - struck
            if now - struck > BACK_S:
                raise RuntimeError(f"{victim} did not come back: {found}")
            time.sleep(_LOOK_S)
        return Outage(back, stall)

    def _sequences(self, victim: str) -> Iterator[tuple[tuple[str, str], int]]:
        for each in self._ring.statistics().consumers:
            if each.name != victim:
                yield ("commands", each.name), each.sequence
        for each in self._events.statistics().consumers:
            if each.name not in (victim, "oracle"):
                yield ("events", each.name), each.sequence

    def _status(self, name: str) -> ProcessSnapshot:
        return next(each for each in self._control.snapshots() if each.name == name)

    def _trickle(self, over: threading.Event) -> None:
        while not over.wait(_TRICKLE_S):
            claim = self._producer.try_claim(2)
            if claim is not None:
                with claim:
                    claim.write(self._churning(2))

    def _publish(self, commands: Commands) -> None:
        self._producer.write(commands)

    def _resting(self, count: int) -> Commands:
        made = new_commands(count)
        ids = np.arange(self._order_id + 1, self._order_id + 1 + count)
        self._order_id += count
        made["op"], made["source"], made["account"] = OP_PLACE, SOURCE_GATEWAY, _MAKER
        made["order_id"], made["side"] = ids, np.where(ids % 2, BUY, SELL)
        away = 1_000 + ids % 20_000
        made["price"] = np.where(ids % 2, _TOUCH - away, _TOUCH + away)
        made["qty"] = 1
        made["ts"] = time.time_ns()
        return made

    def _churning(self, count: int) -> Commands:
        """Places and cancels by turns; now and then a pair that trades, or a price."""
        made = new_commands(count)
        places = self._resting(-(-count // 2))
        made[::2] = places
        cancels = made[1::2]
        cancels["op"], cancels["source"], cancels["account"] = OP_CANCEL, SOURCE_GATEWAY, _MAKER
        cancels["order_id"] = np.arange(self._oldest, self._oldest + len(cancels))
        self._oldest += len(cancels)
        made["ts"] = time.time_ns()
        numbers = np.arange(count)
        trades = numbers[:-1][numbers[:-1] % (2 * _TRADE_EVERY) == 0]
        made["price"][trades] = _TOUCH
        made["side"][trades] = BUY
        takers = trades + 1
        self._oldest -= len(takers)
        made["op"][takers], made["account"][takers] = OP_PLACE, _TAKER
        made["order_id"][takers] = 2 * 10**9 + made["order_id"][trades]
        made["side"][takers], made["price"][takers], made["qty"][takers] = SELL, _TOUCH, 1
        prices = made[_PRICE_EVERY - 1 :: _PRICE_EVERY]
        prices["op"], prices["price"] = OP_PRICE, _TOUCH
        return made


@contextmanager
def drilled_platform(directory: Path, sync: str = "off") -> Iterator[DrilledPlatform]:
    """A platform whose journal lies there, its snapshots only where it began; gone afterwards."""
    name = f"perf-recovery-{os.getpid()}"
    processes = ("titan", "sentinel", "oracle", "feed", "monitor", "snapshots")
    settings = [
        f"name={name}",
        "status_interval_s=0",
        "feed.order_flow.orders_per_second=0",
        "feed.simulation.interval_ms=1000",
        "oracle.snapshots.every_commands=0",
        "oracle.snapshots.every_s=0",
        "metrics.port=0",
        f"durability.sync={sync}",
        *(f"processes.{each}.max_restarts=1000" for each in processes),
        *(f"processes.{each}.restart_delay_s=0" for each in processes),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "components.launcher.cli"]
        + [word for each in settings for word in ("--set", each)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ORACLE_PATH": str(directory / "journal")},
    )
    try:
        _wait_until_it_runs(process, name)
        platform = DrilledPlatform(name, process)
        try:
            yield platform
        finally:
            platform.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_until_it_runs(process: subprocess.Popen[bytes], name: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        if existing(ControlBlock.segment_name(name)):
            block = ControlBlock.attach(name)
            states = {each.state for each in block.snapshots()}
            block.close()
            if states == {"running"}:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the platform did not start; bin/start says why")
        time.sleep(0.05)
