"""``pipeline.serve`` with the risk gate around the engine: the same rings, counters and outcomes."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.risk_gate import RiskGate
from components.risk_gate.gate import apply_gated
from components.risk_gate.open_orders import OpenOrders
from components.sentinel.engine.outbox import SentinelOutbox, largest_bound
from components.sentinel.engine.state import SentinelState
from components.titan.engine.state import LIVE, Outbox, TitanState
from components.titan.instrumentation import TitanCounters, count_batch
from components.titan.pipeline import (
    APPLIED,
    BLOCKED,
    HOUSEKEEPING,
    IDLE,
    OUTBOX_TOO_SMALL,
    Wiring,
    commands_ahead,
    publish,
)
from disruptor.compiled import entry
from disruptor.memory.libc import monotonic_ns, wall_clock_ns
from disruptor.ring.barrier import advance

GATE_TOO_SMALL: Final = 4
"""Sentinel's limits were raised: let the gate make room, and call again."""


class Gate(NamedTuple):
    """What a gate consists of, as kernels take it."""

    titan: TitanState
    sentinel: SentinelState
    orders: OpenOrders
    answers: SentinelOutbox
    prepared: NDArray[Any]


def parts_of(gate: RiskGate) -> Gate:
    """The gate as it is now; ask again once it has made room."""
    return Gate(gate.titan, gate.sentinel, gate.orders, gate.answers, gate.prepared)


@entry
def serve_gated(
    wiring: Wiring,
    gate: Gate,
    outbox: Outbox,
    counters: TitanCounters,
    progress: NDArray[np.int64],
    timeout_ns: int,
) -> int:
    """Serve commands through the gate; outcomes and ``progress`` as of ``pipeline.serve``."""
    ended = monotonic_ns()
    deadline = ended + timeout_ns
    while True:
        if not publish(wiring, outbox, counters, progress, timeout_ns):
            return BLOCKED
        if progress[APPLIED] > wiring.commands.words[wiring.sequence_word]:
            advance(wiring.commands, wiring.sequence_word, progress[APPLIED])
        if ended >= deadline:
            return HOUSEKEEPING
        count = commands_ahead(wiring, progress, timeout_ns)
        if count == 0:
            return IDLE
        wanted = progress[APPLIED] + 1
        start = np.int64(np.uint64(wanted) & np.uint64(wiring.commands.slots.size - 1))
        batch = wiring.commands.slots[start : start + count]
        started = monotonic_ns()
        applied = apply_gated(
            gate.titan,
            gate.sentinel,
            gate.orders,
            gate.answers,
            gate.prepared,
            batch,
            wanted,
            outbox,
        )
        if applied == 0:
            is_gate = largest_bound(gate.sentinel) > gate.answers.risks.size
            return GATE_TOO_SMALL if is_gate else OUTBOX_TOO_SMALL
        ended = monotonic_ns()
        progress[APPLIED] += applied
        wiring.heartbeat[0] = ended
        live = gate.titan.totals[LIVE]
        count_batch(counters, batch, applied, live, started, ended, wall_clock_ns())
