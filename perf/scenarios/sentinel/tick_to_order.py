"""From a price in the events ring to the liquidation order in the commands ring, through the live loop.

::

    one thread: price ──► events ring ──► Sentinel's loop (a second thread) ──► commands ring ──► seen

Each price is one tick lower and lets exactly one more account fall; the next one is written when the order
of the last one was seen.  Writing and watching are Python, so what is told is an upper bound; the
journal's gate is not in the way.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.instruments import Instrument, InstrumentTable
from components.messages.code import (
    EVENT_DEPOSIT,
    EVENT_INSTRUMENT,
    EVENT_POSITION,
    EVENT_PRICE,
    EVENT_RISK_RULE,
)
from components.messages.command import COMMAND
from components.messages.event import EVENT, Events
from components.messages.risk import RISK
from components.monitor.catalogue import SENTINEL, specs_for
from components.sentinel.engine import apply_batch, new_outbox, new_state, outbox_bound
from components.sentinel.instrumentation import sentinel_counters
from components.sentinel.pipeline import Wiring, serve
from components.units import PPM
from disruptor import RingBuffer
from disruptor.memory.counters import CounterBlock
from disruptor.ring.wait_strategy import wait_strategy
from perf.harness.histogram import latency_figures
from perf.harness.measurement import Measurement, Options

SCENARIO: Final = "sentinel.tick_to_order"
ENTRY: Final = 5_000_000
MONEY_UNIT: Final = 1_000
LOTS: Final = 1_000
WARM: Final = 200
_SLOTS: Final = 1 << 12
_TIMEOUT_NS: Final = 50_000_000
_PATIENCE_S: Final = 60.0


def run(options: Options) -> list[Measurement]:
    """Latency percentiles, of a few thousand accounts among ten thousand that stand."""
    falls = 1_000 if options.quick else 5_000
    runs = [_fall_one_by_one(falls) for _ in range(min(options.runs, 3))]
    variant = f"{falls:,} accounts fall one by one"
    return latency_figures(SCENARIO, variant, "latency", runs, 0, target="p99 ≤ 100,000 ns")


def setup_events(falls: int, standing: int) -> Events:
    """Account n falls at ENTRY - n ticks and not one before; those behind them stand."""
    count = falls + standing
    numbers = np.arange(1, count + 1)
    events = np.zeros(2 + 2 * count, EVENT)
    events[0]["kind"], events[0]["maker_account"] = EVENT_INSTRUMENT, MONEY_UNIT
    events[0]["leverage"] = 1_000
    events[1]["kind"], events[1]["qty"] = EVENT_RISK_RULE, PPM
    deposits, positions = events[2 : 2 + count], events[2 + count :]
    deposits["kind"], deposits["account"] = EVENT_DEPOSIT, numbers
    at = (2 * (ENTRY - numbers) + 1) * MONEY_UNIT * LOTS // 2  # half a tick above where it falls
    deposits["price"] = np.where(
        numbers <= falls, ENTRY * MONEY_UNIT * LOTS - at + at * 5_000 // PPM, 10**15
    )
    positions["kind"], positions["account"] = EVENT_POSITION, numbers
    positions["qty"], positions["price"], positions["leverage"] = LOTS, ENTRY, 1_000
    return events


def _fall_one_by_one(falls: int) -> NDArray[np.int64]:
    name = f"perf-tick-{os.getpid()}"
    rings = [
        RingBuffer.create(f"{name}.commands", COMMAND, _SLOTS, multi_producer=True),
        RingBuffer.create(f"{name}.events", EVENT, _SLOTS),
        RingBuffer.create(f"{name}.risk", RISK, _SLOTS),
    ]
    table = InstrumentTable([Instrument("PERF", 0, *_grid())])
    block = CounterBlock.create(f"{name}.counters", specs_for(SENTINEL, table))
    try:
        return _measured(falls, rings, sentinel_counters(block, table))
    finally:
        block.unlink()
        for ring in rings:
            ring.unlink()
            ring.close()


def _measured(falls: int, rings: list[RingBuffer], counters: Any) -> NDArray[np.int64]:
    commands, events, risk = rings
    state = new_state()
    told = setup_events(falls + WARM, 10_000)
    room = int(outbox_bound(state)) + 8 * len(told)
    box = new_outbox(room, room)
    assert apply_batch(state, told, 0, box) == len(told)
    consumer = events.consumer("sentinel", start=0)
    wiring = Wiring(
        events=events.view,
        sequence_word=consumer.sequence_word,
        dependents=consumer.dependents,
        risk=risk.view,
        risk_line=risk.producer().line,
        commands=commands.view,
        commands_line=commands.producer().line,
        strategy=wait_strategy("yielding"),
        order=np.zeros(1, np.int64),
        heartbeat=np.zeros(1, np.int64),
        pending=np.zeros(1, np.int64),
        never=np.zeros(1, np.int64),
    )
    bound = 2 * int(outbox_bound(state))
    outbox, progress = new_outbox(bound, bound), np.zeros(3, np.int64)
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            serve(wiring, state, outbox, counters, progress, _TIMEOUT_NS)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        return _times(falls, events.producer("feed"), commands)
    finally:
        stop.set()
        thread.join()


def _times(falls: int, feed: Any, commands: RingBuffer) -> NDArray[np.int64]:
    price = np.zeros(1, EVENT)
    price["kind"] = EVENT_PRICE
    times = np.zeros(falls + WARM, np.int64)
    for number in range(len(times)):
        price["price"] = ENTRY - number - 1
        wanted = 2 * (number + 1)  # a mass cancel and the closing order of each
        deadline = time.monotonic() + _PATIENCE_S
        began = time.perf_counter_ns()
        feed.write(price)
        while commands.cursor < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no order for price {number + 1} within {_PATIENCE_S:.0f} s")
        times[number] = time.perf_counter_ns() - began
    assert commands.cursor == wanted, "each price lets one account fall"
    return times[WARM:]


def _grid() -> tuple[Any, Any]:
    from decimal import Decimal

    return Decimal("0.01"), Decimal("0.001")
